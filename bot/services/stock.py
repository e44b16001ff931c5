"""Go through the kept inventories of two sites in batches, so that neither is ever in memory as a whole."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.domain.differences import Side
from bot.domain.inventory import Coverage, Repository
from bot.domain.topology import Site
from bot.errors import StoreUnavailable
from bot.ports import Clock
from bot.ports.inventories import Inventories

BATCH = 50
"""Repositories read at once."""
BREATH = 0.01
"""Seconds of comparing before others get their turn."""
ANSWERS_WITHIN = 2.0
"""Seconds for the first word of the store."""


class Emptied(StoreUnavailable):
    """The store lost what it kept while that was gone through, so what was missing there says nothing."""


class Taker(Protocol):
    """Whatever takes in one repository of two sides after the other."""

    def add(self, path: str, here: Repository | None, there: Repository | None) -> None:
        """Take in one repository; None stands for a side that keeps nothing of it."""
        ...


class Stock(Protocol):
    """What is known of instances, repository by repository; raises StoreUnavailable."""

    async def paths(self, instance: str) -> tuple[str, ...]:
        """Return the paths of all repositories, in any order."""
        ...

    async def repositories(self, instance: str, paths: Sequence[str]) -> tuple[Repository | None, ...]:
        """Return these repositories in this order, None for one that is not known."""
        ...


@dataclass(frozen=True, slots=True)
class Seen:
    """One repository of one site as it is kept, None where nothing is, and when that held, None where nobody knows.

    `silence` says why the site could not be asked what it holds now, where it was.
    """

    side: Side
    repository: Repository | None
    at: datetime | None
    silence: str = ""


async def seen(inventories: Inventories, site: Site, path: str) -> Seen:
    """Return what is known of one repository of a site. Raises StoreUnavailable."""
    known = Side.of(site, await inventories.coverage(site.instance))
    (kept,) = await inventories.repositories(site.instance, (path,))
    return Seen(known, kept, known.moment(path, kept))


async def side(inventories: Inventories, site: Site) -> Side:
    """Return how well a site is known; not at all where the store does not answer, with the reason."""
    ((known,), _trouble) = await sides(inventories, site)
    return known


async def sides(inventories: Inventories, *sites: Site) -> tuple[tuple[Side, ...], str]:
    """Return the same of several sites, and why the store did not answer; nothing when it did.

    Somebody waits for this, so the store gets less time than bulk traffic has otherwise.
    """
    try:
        async with asyncio.timeout(ANSWERS_WITHIN):
            known = [await inventories.coverage(site.instance) for site in sites]
    except TimeoutError:
        trouble = f"Redis did not answer within {ANSWERS_WITHIN:g} s."
    except StoreUnavailable as error:
        trouble = str(error)
    else:
        return tuple(Side.of(site, coverage) for site, coverage in zip(sites, known, strict=True)), ""
    return tuple(Side.of(site, Coverage(site.instance, trouble=trouble)) for site in sites), trouble


async def require_kept(inventories: Inventories, sides: Iterable[Side]) -> None:
    """Check that the store, emptied meanwhile, was not taken for empty sites. Raises Emptied."""
    for each in sides:
        if each.coverage.as_of and (await inventories.coverage(each.site.instance)).as_of is None:
            raise Emptied(f"Redis has lost what was kept of {each.site.name}. It is being read again.")


async def paths(known: Stock, sides: Iterable[Side]) -> tuple[str, ...]:
    """Return every repository that any side has or could not read, sorted. Raises StoreUnavailable."""
    found: set[str] = set()
    for each in sides:
        found.update(await known.paths(each.site.instance), each.unread)
    return tuple(sorted(found))


async def compared(
    known: Stock,
    instances: tuple[str, str],
    chosen: Sequence[str],
    taker: Taker,
    clock: Clock,
    turn: AbstractAsyncContextManager[object] | None = None,
) -> AsyncIterator[int]:
    """Feed these repositories of both instances to `taker`, and yield after each batch how many are done.

    Each batch waits for its `turn`, if there is one. Raises StoreUnavailable; what was fed until then stays good.
    """
    for start in range(0, len(chosen), BATCH):
        batch = chosen[start : start + BATCH]
        async with turn or nullcontext():
            here = await known.repositories(instances[0], batch)
            there = await known.repositories(instances[1], batch)
            await _feed(taker, zip(batch, here, there, strict=True), clock)
        yield start + len(batch)


async def _feed(taker: Taker, pairs: Iterable[tuple[str, Repository | None, Repository | None]], clock: Clock) -> None:
    since = clock.monotonic()
    for path, here, there in pairs:
        taker.add(path, here, there)
        if clock.monotonic() - since >= BREATH:
            await clock.sleep(0)
            since = clock.monotonic()
