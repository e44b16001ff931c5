"""Compare the critical images of two sites, each as it answers now, else as it is kept."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.domain.comparing import Comparer, Critical
from bot.domain.differences import Side
from bot.domain.inventory import Coverage, Repository
from bot.domain.snapshot import Comparison, Inventory, Unknown
from bot.errors import StoreUnavailable
from bot.ports import Ports
from bot.ports.inventories import Inventories
from bot.services import stock

WITHIN = 4.0
"""Seconds for going through what is kept, as somebody waits for a plan."""


@dataclass(frozen=True, slots=True)
class End:
    """One end of a comparison; `live` is what its instance answered just now, None where what is kept must do."""

    side: Side
    live: Mapping[str, Repository] | None = None


def end(answer: Inventory | Unknown, known: Side, trouble: str) -> End | Unknown:
    """Return what there is of a site: its answer, else what is kept; `trouble` says why the store told nothing."""
    if isinstance(answer, Inventory):
        return End(Side.of(known.site, Coverage(answer.instance_id, as_of=answer.as_of)), answer.repositories)
    if known.is_started:
        return End(known)
    why = trouble.rstrip(".") or "what it holds was never read whole"
    return Unknown(f"{known.site.name}: {answer.reason}, and {why}")


async def compare(
    ports: Ports, critical: Critical, home: End | Unknown, standby: End | Unknown
) -> Comparison | Unknown:
    """Compare the critical images of both ends, as far as they are known."""
    if isinstance(home, Unknown):
        return home
    if isinstance(standby, Unknown):
        return standby
    comparer = Comparer(home.side, standby.side, critical)
    try:
        async with asyncio.timeout(WITHIN):
            await _go_through(ports, critical, (home, standby), comparer)
            await stock.require_kept(ports.inventories, [each.side for each in (home, standby) if each.live is None])
    except TimeoutError:
        return Unknown(f"what is kept could not be read within {WITHIN:g} s")
    except StoreUnavailable as error:
        return Unknown(str(error).rstrip("."))
    return Comparison(comparer.result(), home.side, standby.side, home.live is not None, standby.live is not None)


async def _go_through(ports: Ports, critical: Critical, ends: tuple[End, End], comparer: Comparer) -> None:
    seen = _Seen(ports.inventories, ends)
    known = await stock.paths(seen, (each.side for each in ends))
    chosen = [path for path in known if critical.touches(path)]
    instances = ends[0].side.site.instance, ends[1].side.site.instance
    async for _done in stock.compared(seen, instances, chosen, comparer, ports.clock):
        pass


class _Seen:
    """The kept inventories, with what an instance answered just now in place of what is kept of it."""

    def __init__(self, kept: Inventories, ends: tuple[End, End]) -> None:
        self._kept = kept
        self._live = {each.side.site.instance: each.live for each in ends if each.live is not None}

    async def paths(self, instance: str) -> tuple[str, ...]:
        live = self._live.get(instance)
        return tuple(live) if live is not None else await self._kept.paths(instance)

    async def repositories(self, instance: str, paths: Sequence[str]) -> tuple[Repository | None, ...]:
        live = self._live.get(instance)
        if live is not None:
            return tuple(live.get(path) for path in paths)
        return await self._kept.repositories(instance, paths)
