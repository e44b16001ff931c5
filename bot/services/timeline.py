"""What the audit tells of one operation, in order."""

from dataclasses import dataclass
from datetime import timedelta

from bot.domain.chain import AuditEntry
from bot.domain.operation import Operation
from bot.ports import Ports
from bot.services.chain_check import pages

EARLIER = timedelta(minutes=2)
"""The store's clock times entries, this bot's clock operations."""
LATER = timedelta(hours=48)
"""After the end: by then the watch over its records has mostly nothing left to tell."""
MOST_PAGES = 20
"""A person waits for this; a busy trail is cut and that is said."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """The entries of one operation; the trail goes on behind them unless `is_read_to_end`."""

    operation: Operation
    entries: tuple[AuditEntry, ...]
    is_read_to_end: bool


async def timeline(ports: Ports, operation: Operation) -> Timeline:
    """Read the part of the trail that may tell of an operation. Raises StoreUnavailable."""
    after = int((operation.created_at - EARLIER).timestamp() * 1000)
    until = int(((operation.ended_at or ports.clock.now()) + LATER).timestamp() * 1000)
    found: list[AuditEntry] = []
    read = 0
    async for page in pages(ports.trail, f"{after}-0", str(until)):
        found += [entry for entry in page if entry.fields.get("operation") == operation.id]
        read += 1
        if read == MOST_PAGES:
            return Timeline(operation, tuple(found), False)
    return Timeline(operation, tuple(found), True)
