"""Write down what a pass reads, some repositories at a time, and never something old over something new."""

import asyncio
from collections.abc import Iterable, Sequence

from bot.domain.inventory import Listed, Repository, Scan
from bot.domain.passes import contradicts
from bot.domain.topology import Site
from bot.ports import Ports

KEPT_AT_ONCE, KEPT_TAGS_AT_ONCE = 32, 1_000
"""Repositories, or tags, that make it worth to write them down."""


class Keeper:
    """Keeps what one pass reads of one instance.

    `suspects` are repositories, by id, whose tags changed while their listed time did not; somebody may have pushed
    meanwhile. A full pass looks for them.
    """

    def __init__(self, ports: Ports, site: Site, scan: Scan) -> None:
        self._inventories, self._clock = ports.inventories, ports.clock
        self._instance, self._is_full = site.instance, scan.is_full
        self._waiting: list[Repository] = []
        self._waiting_tags = 0
        self._writing = asyncio.Lock()
        self.suspects: dict[str, Listed] = {}

    async def add(self, repository: Repository) -> None:
        """Take in one more, and write down what waits where that is much."""
        self._waiting.append(repository)
        self._waiting_tags += len(repository.tags)
        if len(self._waiting) >= KEPT_AT_ONCE or self._waiting_tags >= KEPT_TAGS_AT_ONCE:
            await self.flush()

    async def flush(self) -> None:
        """Write down what waits for it; whoever comes while that is going on waits, so a slow store slows the pass."""
        async with self._writing:
            batch, self._waiting, self._waiting_tags = self._waiting, [], 0
            if batch:
                await self._keep(batch)

    async def _keep(self, batch: Sequence[Repository]) -> None:
        """Write down what was read, but not over what another bot has read since, should this one have slept."""
        before = await self._inventories.repositories(self._instance, [each.path for each in batch])
        pairs, now = tuple(zip(batch, before, strict=True)), self._clock.now()
        if self._is_full:
            self._suspect(pairs)
        fresh = [found for found, kept in pairs if kept is None or not found.read_at < kept.read_at <= now]
        await self._inventories.put(self._instance, fresh)

    def _suspect(self, pairs: Iterable[tuple[Repository, Repository | None]]) -> None:
        for found, kept in pairs:
            listed = Listed(found.path, found.id, found.modified_at, found.is_immutable)
            if contradicts(listed, kept, found):
                self.suspects[found.id] = listed
