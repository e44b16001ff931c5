"""Under the kill switch nothing is written, wherever on its way an operation is when somebody turns it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bot.domain.freeze import SET_BY_HAND
from bot.domain.operation import Operation, State, SubState
from bot.ports import Commit, Written
from tests.fakes import FakeClock, FakeOperations
from tests.services.world import World, a_world, a_world_of_two_views, moves

FROZEN = "All sites are frozen by hand in Redis, past this bot; whoever looks after Redis must remove it there."
SWITCHED_OFF = "The kill switch is on (REGISTRY_BOT_FREEZE)."


async def _turn(world: World, switch: str) -> None:
    if switch == "store":
        await world.operations.freeze_by_hand()
    else:
        world.ports = replace(world.ports, kill_switch=lambda: SWITCHED_OFF)


@pytest.mark.parametrize("switch", ["process", "store"])
async def test_between_approval_and_claim_it_ends_stale_with_the_reason_and_nothing_is_written(switch: str) -> None:
    world = a_world()
    operation = await world.approve()
    await _turn(world, switch)

    ended = await world.step(operation)

    assert (ended.state, ended.progress[0].state, world.zones.sent) == (State.STALE, SubState.WAITING, [])
    assert (SWITCHED_OFF if switch == "process" else FROZEN) in ended.outcome
    assert await world.operations.open_on("record-b") is None
    assert await world.operations.held_for("record-b") == 0


async def test_between_a_first_claim_and_its_write_it_ends_stale_and_nothing_is_written() -> None:
    world = a_world()
    operation = await world.approve()
    store = _TurnedAtTheClaim(world.clock)
    store.put(operation)
    world.operations = store
    world.ports = replace(world.ports, operations=store)

    ended = await world.step(operation)

    assert (ended.state, ended.outcome, world.zones.sent) == (State.STALE, FROZEN, [])


async def test_a_first_claim_that_may_not_be_used_and_finds_a_third_value_asks_for_a_person() -> None:
    world = a_world()
    operation = await world.approve()
    world.ports = replace(world.ports, kill_switch=lambda: _edited_and_off(world))

    ended = await world.step(operation)

    assert (ended.state, world.zones.sent) == (State.NEEDS_HUMAN, [])


async def test_between_the_last_check_and_the_claim_it_ends_stale_without_a_claim() -> None:
    world = a_world()
    operation = await world.approve()
    store = _TurnedBeforeTheClaim(world.clock)
    store.put(operation)
    world.operations = store
    world.ports = replace(world.ports, operations=store)

    ended = await world.step(operation)

    assert moves(world) == [(State.APPROVED, State.STALE)]
    assert ended.outcome.startswith(f"Nothing was changed. {FROZEN}")


def _edited_and_off(world: World) -> str:
    world.zones.edit("record-b", value="10.2.0.99")
    return SWITCHED_OFF


@pytest.mark.parametrize(("switch", "told"), [("process", SWITCHED_OFF), ("store", FROZEN)])
async def test_between_two_changes_it_leaves_the_second_and_says_partial(switch: str, told: str) -> None:
    world = a_world_of_two_views()
    operation = await world.approve()
    is_on: list[bool] = []
    world.ports = replace(world.ports, kill_switch=lambda: SWITCHED_OFF if is_on else "")
    turn = is_on.append if switch == "process" else lambda _: world.operations.put_freeze(SET_BY_HAND)
    world.ports = replace(world.ports, zones=_TurnedAfterWriting(world, turn))

    ended = await world.step(operation)

    assert (ended.state, ended.outcome) == (State.PARTIAL, told)
    assert [change.existing.record_id for change in world.zones.applied] == ["record-b"]


async def test_turned_off_again_a_new_request_is_carried_out() -> None:
    world = a_world()
    operation = await world.approve()
    await _turn(world, "store")
    await world.step(operation)
    await world.operations.thaw_by_hand()

    assert (await world.carry_out(await world.approve())).state is State.DONE


class _TurnedAtTheClaim(FakeOperations):
    """A store in which somebody turns the switch right after a claim."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)

    async def commit(self, commit: Commit) -> Operation:
        """Commit, and turn it."""
        written = await super().commit(commit)
        if commit.audit["event"] == "claimed":
            await self.freeze_by_hand()
        return written


class _TurnedBeforeTheClaim(FakeOperations):
    """A store in which somebody turns the switch right before a claim."""

    async def commit(self, commit: Commit) -> Operation:
        """Turn it, and commit."""
        if commit.audit["event"] == "claimed":
            await self.freeze_by_hand()
        return await super().commit(commit)


class _TurnedAfterWriting:
    """Zones during whose write somebody turns the switch."""

    def __init__(self, world: World, turn: Callable[[bool], None]) -> None:
        self._world, self._turn = world, turn

    def __getattr__(self, name: str) -> Any:
        return getattr(self._world.zones, name)

    async def apply(self, change: Any, client_token: str) -> Written:
        """Write, and turn it."""
        written = await self._world.zones.apply(change, client_token)
        self._turn(True)
        return written
