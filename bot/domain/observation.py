"""What is seen after the write: it stands beside the state of an operation and never changes it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

CONVERGED = "CONVERGED"
"""The name of an observation: DNS in the view's VPCs gives the new value."""
CONFIRMED = "CONFIRMED"
"""The name of an observation: the planned instance answers under the custom name."""


class Observed(StrEnum):
    """How an observation came out; it never changes the state."""

    OK = "OK"
    FAILED = "FAILED"
    NOT_OBSERVED = "not observed"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Observation:
    """What was seen of one change after the write: CONVERGED by DNS, CONFIRMED by the answering instance."""

    name: str
    change: int
    outcome: Observed
    sentence: str
    at: datetime
