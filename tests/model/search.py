"""Walk through every reachable world, nearest first, and tell what broke on the way."""

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from tests.model.protocol import Protocol
from tests.model.rules import Bounds, Guards
from tests.model.surroundings import first_world, surroundings
from tests.model.worlds import FIRST, SECOND, Table, World, normal, product_table

MOST = 20_000_000
"""Worlds; beyond that the memory ends before the search does."""


@dataclass(frozen=True, slots=True)
class Found:
    """What an exploration came to; `way` leads from the first world to the one before the breach."""

    worlds: int
    seconds: float
    broken: frozenset[str]
    way: tuple[World, ...] = ()

    def __str__(self) -> str:
        """Tell it in one line."""
        return f"{self.worlds:10,d} worlds {self.seconds:7.1f} s  {'; '.join(sorted(self.broken)) or 'holds'}"


def explore(guards: Guards | None = None, bounds: Bounds | None = None, table: Table | None = None) -> Found:
    """Visit every world that can be reached, until something breaks."""
    protocol = Protocol(guards or Guards(), bounds or Bounds(), table or product_table())
    started = time.monotonic()
    world = normal(first_world(protocol))
    came_from: dict[World, World | None] = {world: None}
    waiting = deque([world])
    while waiting and not protocol.broken:
        if len(came_from) > MOST:
            raise RuntimeError(f"more than {MOST:,d} worlds, so nothing is shown; choose smaller bounds")
        world = waiting.popleft()
        for after in map(normal, _successors(protocol, world)):
            if after not in came_from:
                came_from[after] = world
                waiting.append(after)
    way = tuple(_way(came_from, world))[::-1] if protocol.broken else ()
    return Found(len(came_from), time.monotonic() - started, frozenset(protocol.broken), way)


def differences(way: tuple[World, ...]) -> Iterator[str]:
    """Tell a way step by step: what each changed."""
    for before, after in pairwise(way):
        fields = zip(World._fields, before, after, strict=True)
        yield "  ".join(f"{name}: {now}" for name, was, now in fields if was != now)


def _successors(protocol: Protocol, world: World) -> Iterator[World]:
    first, second = world.bots
    yield from protocol.bot_steps(world, FIRST)
    if first != second:
        yield from protocol.bot_steps(world, SECOND)
    yield from surroundings(protocol, world)


def _way(came_from: dict[World, World | None], world: World) -> Iterator[World]:
    at: World | None = world
    while at is not None:
        yield at
        at = came_from[at]
