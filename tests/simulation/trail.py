"""The audit of a simulated store, which bots look through every second."""

from bot.domain.chain import AuditEntry, Standing
from tests.builders import WORKSPACE
from tests.fake_operations import FakeOperations
from tests.fake_trail import STORE, FakeTrail


class IndexedTrail(FakeTrail):
    """The audit in memory, whose entries are not made anew at every look."""

    def __init__(self, operations: FakeOperations) -> None:
        super().__init__(operations)
        self._made: list[AuditEntry] = []
        self._places: dict[str, int] = {}

    async def entries(self, after: str, limit: int, until: str = "+") -> tuple[AuditEntry, ...]:
        """Return entries behind a place in the trail; the usual question is not answered by looking through all."""
        made = self._entries()
        if after in self._places and until == "+":
            first = self._places[after] + 1
            return tuple(made[first : first + limit])
        return await super().entries(after, limit, until)

    async def standing(self, seq: int = 0) -> Standing:
        """Return how far the trail goes; seals are written in the order of their numbers."""
        entries = self._entries()
        last = self.sealed[next(reversed(self.sealed))] if self.sealed else None
        asked = self.sealed.get(seq)
        return Standing(STORE, WORKSPACE, entries[-1].seq if entries else 0, last, self.head, asked=asked)

    async def entry(self, entry_id: str) -> AuditEntry | None:
        """Return the entry at a place in the trail."""
        made = self._entries()
        place = self._places.get(entry_id)
        return None if place is None else made[place]

    def _entries(self) -> list[AuditEntry]:
        for fields in self._operations.audit[len(self._made) :]:
            entry = AuditEntry(f"{fields['at']}-{fields['seq']}", fields)
            self._places[entry.id] = len(self._made)
            self._made.append(entry)
        return self._made
