"""What a record was seen to hold after an operation had ended, each time that this was news."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Sight(StrEnum):
    """What it means that a record holds what it holds."""

    FOREIGN = "EXTERNAL"
    LATE = "late write"
    RESTORED = "restored"


@dataclass(frozen=True, slots=True)
class Sighting:
    """One piece of news about one change's record; `holds` is empty when it is as the operation left it."""

    change: int
    sight: Sight
    holds: str
    sentence: str
    at: datetime
    person: str = ""
