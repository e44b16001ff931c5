"""Read all that an instance holds, in one pass that can be broken off at any moment and taken up again.

Repositories go through a few at a time, so that hardly any are in memory with their tags. Whatever does not answer is
asked again twice, then noted, and the pass goes on; an instance that answers nothing any more ends it.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from math import ceil
from typing import TypeVar

import structlog

from bot.domain.inventory import Coverage, Listed, Repository, Scan, dated
from bot.domain.passes import (
    Yield,
    alive,
    borne_out,
    finished,
    must_read,
    next_scan,
    silent,
    urgent_first,
)
from bot.domain.topology import Site
from bot.errors import ProviderError, Refused, StoreUnavailable, Unreachable
from bot.ports import Ports
from bot.services.listing import gather_pages
from bot.services.patience import Patience, side_by_side
from bot.services.stock_keeping import Keeper

T = TypeVar("T")
log = structlog.get_logger()
LOOKED_UP = 200
"""Kept repositories looked at in one go, a few milliseconds."""
LISTINGS = 3
"""How often the list is read where it comes shorter than announced: repositories move to pages already read."""
PAGE = 100
"""Tags that one call brings; for the count of calls only."""
TELL_EVERY = 2.0
"""Seconds between two words about how far the pass has come."""


async def _no_news() -> None:
    """Tell nobody."""


async def take_stock(
    ports: Ports, site: Site, full_every: timedelta, tell: Callable[[], Awaitable[None]] = _no_news
) -> Coverage:
    """Make or resume one pass over a site's instance, and return how well it is known then.

    `tell` is called every few seconds. Raises StoreUnavailable; an instance that does not answer is an answer here.
    """
    coverage = await ports.inventories.coverage(site.instance)
    scan = next_scan(coverage, ports.clock.now(), full_every)
    stocktaking = Stocktaking(ports, site, replace(coverage, running=scan), scan, tell)
    await ports.inventories.save_coverage(stocktaking.coverage)  # so that a crash leaves word of its number
    try:
        await stocktaking.run()
    except StoreUnavailable:
        raise
    except ProviderError as error:
        known = stocktaking.coverage if stocktaking.has_begun else coverage
        known = borne_out(known, await ports.inventories.coverage(site.instance))
        now = dated(ports.clock.now(), ports.catalogue.ahead(site))
        stocktaking.coverage = silent(known, now, str(error))
    return await _saved(ports, stocktaking.coverage)


async def _saved(ports: Ports, coverage: Coverage) -> Coverage:
    """Save how a pass ended, and take it back where the store, emptied just before, has nothing that bears it out."""
    await ports.inventories.save_coverage(coverage)
    if not coverage.repositories or await ports.inventories.paths(coverage.instance):
        return coverage
    emptied = borne_out(coverage, Coverage(coverage.instance))
    await ports.inventories.save_coverage(emptied)
    return emptied


class Stocktaking:
    """One pass, with what it has come to so far; `coverage` is what is known by now."""

    def __init__(
        self, ports: Ports, site: Site, coverage: Coverage, scan: Scan, tell: Callable[[], Awaitable[None]]
    ) -> None:
        self.coverage = coverage
        self._ports = ports
        self._site = site
        self._scan = scan
        self._tell = tell
        self._told_at = ports.clock.monotonic()
        self._done = self._total = 0
        self._patience = Patience(ports.clock)
        self._unlisted = 0
        self._listed: dict[str, Listed] = {}
        self._counts: dict[str, int] = {}
        self._unread: dict[str, str] = {}
        self._troubles: list[str] = []
        self._earliest = scan.started_at  # or what was read before it was broken off, where that was by another clock
        self._keeper = Keeper(ports, site, scan)

    @property
    def has_begun(self) -> bool:
        """Tell whether anything has been read, so that there is something to resume."""
        return self._done > 0

    async def run(self) -> None:
        """Make the pass. Raises StoreUnavailable, or another ProviderError where the instance is silent."""
        await side_by_side((self._list, self._name_spaces), lambda part: part())
        there = alive(self._listed.values())
        wanted = await self._choose(there)
        await side_by_side(urgent_first(wanted, self._ports.rules.topology), self._read)
        came_to = await self._yield(await self._settle(there))
        begun_at = dated(self._scan.started_at, self._ports.catalogue.ahead(self._site))
        self.coverage = finished(self.coverage, self._scan, came_to, min(begun_at, self._earliest))

    async def _list(self) -> None:
        """List every repository, and note by how many that comes short of the vendor's own count."""
        for _ in range(LISTINGS):
            seen: dict[str, Listed] = {}
            short = await gather_pages(self._page, seen) - len(seen)
            before, self._listed = self._listed, self._listed | seen
            others = await self._left_of([before[each] for each in before.keys() - seen.keys()]) if short > 0 else 0
            self._unlisted = max(0, short - others)
            if not self._unlisted:
                return
        self._troubles.append(f"The list of repositories is {self._unlisted} short of the count that comes with it.")

    async def _left_of(self, listed: Sequence[Listed]) -> int:
        """Ask what an earlier list named and a short one does not, and return how many of it are still there.

        One that is gone would make up for another that stayed out of sight.
        """

        async def look(each: Listed) -> None:
            if not await self._is_there(each):
                del self._listed[each.id]

        await side_by_side(listed, look)
        await self._keeper.flush()
        return sum(each.id in self._listed for each in listed)

    async def _page(self, number: int) -> tuple[Sequence[Listed], int]:
        page = await self._patience.keep(lambda: self._ports.catalogue.repositories(self._site, number))
        self.coverage = replace(self.coverage, silent_since=None, trouble="")
        await self._count(1)
        return page

    async def _name_spaces(self) -> None:
        try:
            found = await self._patience.keep(lambda: self._ports.catalogue.namespaces(self._site))
        except (Unreachable, Refused) as error:
            self._troubles.append(f"The namespaces could not be read: {error}")
        else:
            self.coverage = replace(self.coverage, namespaces=dict(found))
            await self._count(_calls(len(found)))

    async def _choose(self, there: dict[str, Listed]) -> list[Listed]:
        """Return what this pass has to read, and count the calls that it takes."""
        wanted: list[Listed] = []
        for batch in _batches(sorted(there), LOOKED_UP):
            kept = await self._ports.inventories.repositories(self._site.instance, batch)
            for path, known in zip(batch, kept, strict=True):
                self._counts[path] = len(known.tags) if known else 0
                if must_read(there[path], known, self._scan):
                    wanted.append(there[path])
                elif known and known.scan == self._scan.number:
                    self._earliest = min(self._earliest, known.read_at)
                    self._done += _calls(len(known.tags))
        self._total = self._done + sum(_calls(self._counts[each.path]) for each in wanted)
        return wanted

    async def _read(self, listed: Listed) -> None:
        if not await self._is_there(listed):
            self._unread[listed.path] = "it was deleted meanwhile, and another may have its name"

    async def _is_there(self, listed: Listed) -> bool:
        """Read the tags of a repository; False where it is gone."""
        begun_at = self._ports.clock.now()
        expected = _calls(self._counts.get(listed.path, 0))
        try:
            tags = await self._patience.keep(lambda: self._ports.catalogue.tags(self._site, listed))
        except (Unreachable, Refused) as error:
            if self._patience.is_over:
                raise
            self._unread[listed.path] = str(error)
            await self._count(expected)
            return True
        if tags is None:
            await self._count(expected)
            return False
        read_at = dated(begun_at, self._ports.catalogue.ahead(self._site))
        self._total += _calls(len(tags)) - expected
        self._counts[listed.path] = len(tags)
        await self._keeper.add(
            Repository(
                listed.path, listed.id, tags, read_at, self._scan.number, listed.modified_at, listed.is_immutable
            )
        )
        await self._count(_calls(len(tags)))
        return True

    async def _settle(self, there: dict[str, Listed]) -> Sequence[str]:
        """Forget what is gone, read again what the store has lost meanwhile, and return what is left.

        Nothing is forgotten by a list that came short: what it does not name is unread then.
        """
        kept = await self._ports.inventories.paths(self._site.instance)
        gone = [path for path in kept if path not in there]
        self._unread |= dict.fromkeys(gone if self._unlisted else (), "it was not listed")
        await self._forget(() if self._unlisted else gone)
        for again in reversed(range(LISTINGS)):
            await self._keeper.flush()
            kept = await self._ports.inventories.paths(self._site.instance)
            lost = there.keys() - self._unread.keys() - set(kept)
            if not lost or not again:
                break
            await side_by_side([there[path] for path in sorted(lost)], self._read)
        self._unread |= dict.fromkeys(lost, "the store has lost it")
        return kept

    async def _forget(self, paths: Sequence[str]) -> None:
        """Forget repositories that the list did not name, once they say themselves that they are gone.

        Where one was deleted and one made while the list was read, the count is right and another was not seen.
        """
        going, gone = {each.id for each in self._listed.values() if each.is_going}, list[str]()

        async def look(path: str) -> None:
            (kept,) = await self._ports.inventories.repositories(self._site.instance, (path,))
            unnamed = Listed(path, kept.id, is_immutable=kept.is_immutable) if kept and kept.id not in going else None
            if unnamed is None or not await self._is_there(unnamed):
                gone.append(path)

        await side_by_side(paths, look)
        await self._ports.inventories.drop(self._site.instance, gone)

    async def _yield(self, paths: Sequence[str]) -> Yield:
        if self._unread:
            path, why = min(self._unread.items())
            self._troubles.append(f"{len(self._unread)} repositories could not be read, the first {path}: {why}")
        return Yield(
            repositories=len(paths),
            tags=sum(self._counts.get(path, 0) for path in paths),
            unread=tuple(sorted(self._unread)),
            unlisted=self._unlisted,
            trouble=" ".join(self._troubles),
            distrusts_modified=await self._is_caught(),
        )

    async def _is_caught(self) -> bool:
        """Tell whether a suspect's time stands still even now, after the change to its tags was seen."""
        if not self._keeper.suspects:
            return False
        again: dict[str, Listed] = {}
        await gather_pages(self._page, again)
        return any(
            repository_id in again and again[repository_id].modified_at == listed.modified_at
            for repository_id, listed in self._keeper.suspects.items()
        )

    async def _count(self, calls: int) -> None:
        self._done += calls
        now = self._ports.clock.monotonic()
        if now - self._told_at < TELL_EVERY:
            return
        self._told_at = now
        total = max(self._total, self._done) if self._total else None  # what was not expected costs calls as well
        scan = replace(self._scan, pages_done=self._done, pages_total=total)
        stored = await self._ports.inventories.coverage(self._site.instance)
        self.coverage = borne_out(replace(self.coverage, running=scan), stored)
        await self._ports.inventories.save_coverage(self.coverage)
        await self._tell()


def _batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _calls(tags: int) -> int:
    return max(1, ceil(tags / PAGE))
