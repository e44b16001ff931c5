"""The audit of the store in memory, with its seals; the contract suite holds it to the same as the real one."""

from collections.abc import Sequence
from dataclasses import replace

from bot.domain.chain import AuditEntry, Head, Seal, Standing
from tests.builders import WORKSPACE
from tests.fake_operations import FakeOperations

STORE = "a store in memory"


class FakeTrail:
    """Reads the entries that a store in memory has appended; `sealed` is the chain, `head` its signed end."""

    def __init__(self, operations: FakeOperations) -> None:
        self._operations = operations
        self.sealed: dict[int, Seal] = {}
        self.head: Head | None = None

    async def standing(self, seq: int = 0) -> Standing:
        """Return how far the trail goes, and the seal under one number."""
        entries = self._entries()
        last = self.sealed[max(self.sealed)] if self.sealed else None
        standing = Standing(STORE, WORKSPACE, entries[-1].seq if entries else 0, last, self.head)
        return replace(standing, asked=self.sealed.get(seq))

    async def entries(self, after: str, limit: int, until: str = "+") -> tuple[AuditEntry, ...]:
        """Return entries behind a place in the trail, oldest first."""
        behind = [e for e in self._entries() if _place(after) < _place(e.id) <= _place(until)]
        return tuple(behind[:limit])

    async def entry(self, entry_id: str) -> AuditEntry | None:
        """Return the entry at a place in the trail."""
        return next((entry for entry in self._entries() if entry.id == entry_id), None)

    async def seals(self, first: int, last: int) -> dict[int, Seal]:
        """Return the seals under these numbers."""
        return {seq: seal for seq, seal in self.sealed.items() if first <= seq <= last}

    async def seal(self, store: str, before: Seal, seals: Sequence[Seal], head: Head) -> bool:
        """Write seals and head; False when the chain has other seals there."""
        known = [before, *seals] if before.seq else list(seals)
        if any(self.sealed.get(seal.seq, seal).hash != seal.hash for seal in known):
            return False
        self.sealed |= {seal.seq: seal for seal in seals}
        if self.head is None or head.seq >= self.head.seq:
            self.head = head
        return True

    def _entries(self) -> list[AuditEntry]:
        return [AuditEntry(f"{fields['at']}-{fields['seq']}", fields) for fields in self._operations.audit]


def _place(entry_id: str) -> tuple[float, float]:
    if entry_id == "+":
        return (float("inf"), 0.0)
    at, _, count = entry_id.partition("-")
    return (float(at), float(count or "inf"))
