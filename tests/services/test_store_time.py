"""The store's clock jumps, as when a new primary has another time: a lease is over early, and one effect remains."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.operation import Operation, State
from bot.errors import BotError
from bot.ports import Written
from bot.services.execution import step
from tests.fakes import FakeClock, FakeOperations
from tests.services.world import World, a_world

JUMP = timedelta(minutes=3)


class _Interrupted:
    """Zones at whose named call something happens once, before or after it."""

    def __init__(self, world: World, call: str, act: Any) -> None:
        self._world, self._call, self._act = world, call, act

    def __getattr__(self, name: str) -> Any:
        return getattr(self._world.zones, name)

    async def record(self, record_id: str) -> Any:
        """Read, with the interruption before or after."""
        if self._call == "before the look":
            await self._interrupt()
        record = await self._world.zones.record(record_id)
        if self._call == "after the look":
            await self._interrupt()
        return record

    async def apply(self, change: Any, client_token: str) -> Written:
        """Write, with the interruption after it."""
        written = await self._world.zones.apply(change, client_token)
        if self._call == "after the write":
            await self._interrupt()
        return written

    async def _interrupt(self) -> None:
        act, self._act = self._act, None
        if act is not None:
            await act()


@pytest.mark.covers("F19")
@pytest.mark.parametrize("moment", ["before the look", "after the look", "after the write"])
async def test_a_lease_that_is_over_early_by_a_jump_of_the_stores_clock_makes_two_owners_and_one_effect(
    moment: str,
) -> None:
    world = a_world()
    operation = await world.approve()
    store_clock = FakeClock()
    store = FakeOperations(store_clock)
    store.put(operation, due_at=store_clock.now())
    world.operations = store
    other = replace(world.ports, operations=store, clock=store_clock)

    async def jump() -> None:
        store_clock.move(JUMP)
        await step(other, operation.id, "bot-2")

    first = replace(world.ports, operations=store, zones=_Interrupted(world, moment, jump))
    await _try(first, operation)
    for _ in range(3):
        await _try(other, operation)

    ended = await store.get(operation.id)
    assert ended.state is State.DONE
    assert len({change.desired for change, _ in world.zones.sent}) == 1
    assert len({token for _, token in world.zones.sent}) == 1
    assert len(world.zones.sent) <= 1 + (moment == "after the look")
    assert ended.has_unclean_write
    assert await store.held_for("record-b") > 0


async def _try(ports: Any, operation: Operation) -> None:
    try:
        await step(ports, operation.id, "bot-1")
    except BotError:
        return  # somebody else was first
