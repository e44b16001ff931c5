"""Keep the inventories fresh: one of several bots at a time reads each instance, again and again."""

from datetime import timedelta

import structlog

from bot.domain.inventory import Coverage
from bot.domain.topology import Site
from bot.ports import Ports
from bot.services.stocktaking import take_stock

log = structlog.get_logger()
LEASE = timedelta(seconds=45)
"""How long a reading belongs to a bot that says nothing more, as after a crash; one that reads says so every 2 s."""
CLAIMED_EVERY = timedelta(seconds=10)
"""How soon an instance that another bot has claimed is looked at again."""
SILENT_EVERY = timedelta(seconds=30)
"""How soon an instance that does not answer is looked at again."""


class Scanner:
    """One bot's part in reading the instances."""

    def __init__(self, ports: Ports, owner: str) -> None:
        self._ports = ports
        self._owner = owner

    async def tick(self, site: Site) -> timedelta:
        """Read one instance, unless another bot is at it, and return when to come back."""
        every = self._ports.rules.inventory_every
        if not await self._lease(site, LEASE):
            return min(every, CLAIMED_EVERY)  # whoever has it may be dead, and leave the instance unread
        started = self._ports.clock.monotonic()
        try:
            known = await take_stock(
                self._ports, site, self._ports.rules.inventory_full_every, lambda: self._go_on(site)
            )
        finally:
            await self._lease(site, timedelta(0))
        _tell(site, known, self._ports.clock.monotonic() - started)
        return every if known.silent_since is None else min(every, SILENT_EVERY)

    async def _go_on(self, site: Site) -> None:
        await self._lease(site, LEASE)  # lost, it costs calls that another bot makes too, and nothing else

    async def _lease(self, site: Site, span: timedelta) -> bool:
        return await self._ports.inventories.lease(site.instance, self._owner, self._ports.clock.now() + span)


def _tell(site: Site, known: Coverage, seconds: float) -> None:
    if known.silent_since is not None:
        log.warning("inventory.silent", site=site.name, why=known.trouble)
    elif known.trouble:
        log.warning("inventory.incomplete", site=site.name, why=known.trouble, seconds=round(seconds, 1))
    else:
        log.info("inventory.read", site=site.name, count=known.repositories, seconds=round(seconds, 1))
