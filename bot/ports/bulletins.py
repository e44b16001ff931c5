"""The messages that are still to end with an answer."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class OpenBulletin:
    """A message that shows how a comparison goes; `question` is what to type to have it answered again."""

    channel: str
    ts: str
    source: str
    target: str
    question: str
    begun_at: datetime

    @property
    def name(self) -> str:
        """Return what tells it from every other message."""
        return f"{self.channel}/{self.ts}"

    @property
    def lease(self) -> str:
        """Return under which name whoever writes it claims that."""
        return f"bulletin/{self.name}"


class Bulletins(Protocol):
    """The store of such messages. Everything raises StoreUnavailable when Redis does not answer in time."""

    async def keep(self, bulletin: OpenBulletin) -> None:
        """Remember that it is open; again changes nothing."""
        ...

    async def forget(self, bulletin: OpenBulletin) -> bool:
        """Remember it no more; False where it was not remembered."""
        ...

    async def open(self) -> tuple[OpenBulletin, ...]:
        """Return all that are open, the oldest first."""
        ...
