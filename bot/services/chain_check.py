"""Check the whole audit from its beginning, page by page, whatever its length."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from bot.domain.chain import (
    FIRST,
    AuditEntry,
    Damage,
    Seal,
    Standing,
    changed,
    misplaced,
    missing,
    next_seal,
    unsealed,
    unsigned,
)
from bot.ports import AuditTrail, Signer
from bot.services.audit import REWOUND
from bot.services.sealing import BASE, HEAD, PAGE, is_reported, is_signed

MOST_DAMAGES = 50
"""Told one by one; a trail with more is not read further for the sake of a longer list."""
Pause = Callable[[], Awaitable[bool]]
"""Waits between two pages; False ends the check there."""


@dataclass(slots=True)
class Report:
    """What a check found; `reported` are the names of the damages of which the trail itself tells."""

    standing: Standing
    entries: int = 0
    unsealed: int = 0
    oldest: AuditEntry | None = None
    newest: AuditEntry | None = None
    is_complete: bool = False
    damages: list[Damage] = field(default_factory=list)
    reported: dict[str, AuditEntry] = field(default_factory=dict)

    @property
    def news(self) -> list[Damage]:
        """Return the damages of which the trail does not tell yet."""
        return [damage for damage in self.damages if damage.name not in self.reported]


async def check(trail: AuditTrail, signer: Signer, pause: Pause | None = None) -> Report:
    """Compute every hash again, and look for gaps and for the signatures of both ends. Raises StoreUnavailable."""
    checked = _Check(trail, signer, Report(await trail.standing()))
    await checked.run(pause)
    return checked.report


async def pages(trail: AuditTrail, after: str = FIRST.entry, until: str = "+") -> AsyncIterator[tuple[AuditEntry, ...]]:
    """Return the entries behind a place, one page at a time."""
    while page := await trail.entries(after, PAGE, until):
        yield page
        if len(page) < PAGE:
            return
        after = page[-1].id


class _Check:
    """One walk along the trail, with the seal that the next entry must follow."""

    def __init__(self, trail: AuditTrail, signer: Signer, report: Report) -> None:
        self._trail = trail
        self._signer = signer
        self.report = report
        self._before = FIRST
        self._seals: dict[int, Seal] = {}
        self._given = report.standing.sequence

    async def run(self, pause: Pause | None) -> None:
        """Walk from the base to the end."""
        self._begin()
        async for page in pages(self._trail):
            for entry in page:
                await self._take(entry)
            if len(self.report.damages) >= MOST_DAMAGES:
                return
            if pause is not None and not await pause():
                return
        await self._finish()
        self.report.is_complete = True

    def _begin(self) -> None:
        standing = self.report.standing
        if standing.base is None:
            return
        self._before = Seal(standing.base.seq, standing.base.hash, "")
        if not is_signed(self._signer, standing, standing.base, BASE):
            said = "The audit begins after a trimming that this bot did not sign: older entries may have been cut off."
            self.report.damages.append(Damage(f"base {standing.base.seq}", said))

    async def _take(self, entry: AuditEntry) -> None:
        report, base = self.report, self.report.standing.base
        if base is not None and 0 < entry.seq <= base.seq:
            return  # archived, and a trimming that was stopped has left it here
        if entry.seq > self._given:  # written since, or numbered by somebody else than the store
            self._given = (await self._trail.standing()).sequence
        if not self._before.seq < entry.seq <= self._given:
            report.damages.append(misplaced(entry))
            return
        report.entries += 1
        report.oldest, report.newest = report.oldest or entry, entry
        self._learn(entry)
        gap = entry.seq > self._before.seq + 1
        if gap:
            report.damages.append(missing(self._before.seq + 1, entry.seq - 1))
        await self._compare(entry, (await self._seal(entry.seq - 1) if gap else None) or self._before)

    async def _compare(self, entry: AuditEntry, before: Seal) -> None:
        computed = next_seal(before, entry)
        found = await self._seal(entry.seq)
        last = self.report.standing.last
        if found is None and last is not None and entry.seq <= last.seq:
            self.report.damages.append(unsealed(entry.seq))
        elif found is None:
            self.report.unsealed += 1
        elif found != computed:
            self.report.damages.append(changed(entry.seq))
        self._before = found or computed

    async def _seal(self, seq: int) -> Seal | None:
        if seq not in self._seals:
            self._seals = await self._trail.seals(seq, seq + PAGE)
        return self._seals.get(seq)

    def _learn(self, entry: AuditEntry) -> None:
        """Note a damage that was reported in the trail, by this bot and by nobody else."""
        name = entry.fields.get("damage", "")
        is_ours = entry.event == REWOUND and is_reported(
            self._signer, self.report.standing, name, entry.fields.get("mac", "")
        )
        if is_ours:
            self.report.reported[name] = entry

    async def _finish(self) -> None:
        standing, report = self.report.standing, self.report
        ends = (standing.sequence, *(end.seq for end in (standing.last, standing.head) if end is not None))
        if self._before.seq < max(ends):
            report.damages.append(missing(self._before.seq + 1, max(ends)))
        head = standing.head
        if head is None and standing.last is None:
            return
        found = await self._seal(head.seq) if head else None
        is_whole = head is not None and found is not None and found.hash == head.hash
        if head is None or not is_whole or not is_signed(self._signer, standing, head, HEAD):
            report.damages.append(unsigned(head))
