"""Seals the audit every second, and looks through all of it at the start and every hour.

Why damage freezes everything: what Redis says then may be an earlier state, in which a rejected request is open again
and an approval still counts, or the work of somebody who writes to it at will. Marks on requests and votes still hold,
but nobody can tell any more what was decided after them. So nothing moves until two people have looked at the records
and the outside copies of the head, and lifted the freeze together. An honest accident (a replica took over without
the last second, an old backup was restored) looks the same from here and wants the same look.

What was lost may stand on cards: this process, which saw it, may have drawn it over what the others draw by now. So it
has every recent card drawn once more, the ended ones too, which nothing else would bring back.
"""

from collections.abc import Sequence
from datetime import timedelta

import structlog

from bot.domain.chain import Damage, Seal
from bot.ports import Ports
from bot.services import audit
from bot.services.chain_check import check
from bot.services.freezing import freeze_alone
from bot.services.sealing import mark_damage, seal
from bot.services.survey import RECENT_OPERATIONS

log = structlog.get_logger()
SEAL_EVERY = timedelta(seconds=1)
INSPECT_EVERY = timedelta(hours=1)
BREATH = 0.1
"""Seconds between two pages of an inspection: it is never urgent, and clicks are."""


class Sealer:
    """One process's part in keeping the audit whole, with what it has seen of it."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._seen: Seal | None = None
        self._told: set[str] = set()
        self._is_drawing_again = False

    async def tick(self) -> None:
        """Seal what is new, and compare the chain with what this process saw of it before."""
        while await self._seal() and not self._ports.is_stopping():
            pass  # a page at a time, until nothing is left
        if self._is_drawing_again:
            await self._draw_again()

    async def _seal(self) -> bool:
        sealing = await seal(self._ports.trail, self._ports.signer, self._seen)
        await self._alarm(sealing.damages)
        if sealing.has_moved:
            # the copy outside Redis: whoever rewrites the trail does not reach what collects our stdout
            log.info("audit.sealed", seq=sealing.reached.seq, head=sealing.reached.hash)
        self._seen = sealing.reached
        return sealing.is_behind

    async def inspect(self) -> None:
        """Look through the whole audit, without haste."""
        report = await check(self._ports.trail, self._ports.signer, self._breathe)
        await self._alarm(report.news)
        if report.is_complete:
            log.info("audit.inspected", count=report.entries, outcome="damaged" if report.damages else "whole")

    async def _alarm(self, damages: Sequence[Damage]) -> None:
        """Freeze all, once for each damage: after two people lifted that, the same damage is known."""
        for damage in damages:
            if damage.name in self._told:
                continue
            log.error("alarm.audit_damaged", why=damage.sentence)
            self._ports.alarm("audit_damaged")
            mac = mark_damage(self._ports.signer, await self._ports.trail.standing(), damage)
            await freeze_alone(self._ports, damage.sentence, audit.rewound(damage, mac))
            self._told.add(damage.name)
            self._is_drawing_again = True

    async def _draw_again(self) -> None:
        for operation in await self._ports.operations.recent(RECENT_OPERATIONS):
            await self._ports.operations.draw_again(operation.id)
        self._is_drawing_again = False

    async def _breathe(self) -> bool:
        await self._ports.clock.sleep(BREATH)
        return not self._ports.is_stopping()
