"""The second read-back: only after it is an operation done."""

from datetime import timedelta

import pytest

from bot.domain.operation import READ_BACK_WITHIN, Operation, State, SubState, Verb
from bot.errors import OutcomeUnknown, Unreachable
from bot.services.requests import cast_vote
from tests.builders import APPROVER
from tests.services.world import World, a_world, a_world_of_two_views


async def _verifying(world: World) -> Operation:
    """Have a failover written, for which people took longer to decide than a read-back may take."""
    asked = await world.ask()
    world.clock.move(2 * READ_BACK_WITHIN)
    operation = await world.step(await cast_vote(world.ports, asked.id, Verb.APPROVE, APPROVER))
    assert operation.state is State.VERIFYING
    return operation


async def test_the_second_read_back_ends_the_operation_and_frees_its_record() -> None:
    world = a_world()

    done = await world.step(await _verifying(world))

    assert (done.state, done.outcome) == (State.DONE, "")
    assert done.watch_until is not None
    assert await world.operations.open_on("record-b") is None
    assert await world.operations.held_for("record-b") == 0


async def test_the_second_read_is_due_five_seconds_after_the_first() -> None:
    world = a_world()
    operation = await _verifying(world)

    assert await world.operations.due(world.clock.now() + timedelta(seconds=4.9)) == ()
    assert await world.operations.due(world.clock.now() + timedelta(seconds=5)) == (operation.id,)


async def test_a_clear_end_after_an_unclear_write_still_puts_the_record_on_hold() -> None:
    world = a_world()
    world.zones.fail_next(OutcomeUnknown("No answer came."), after=True)

    await world.step(await _verifying(world))

    assert await world.operations.held_for("record-b") == 120


@pytest.mark.covers("F57")
async def test_a_record_changed_by_hand_after_our_write_is_left_alone_and_a_person_is_asked() -> None:
    world = a_world()
    operation = await _verifying(world)
    world.zones.edit("record-b", value="10.2.0.99")

    ended = await world.carry_out(operation)

    assert (ended.state, len(world.zones.sent)) == (State.NEEDS_HUMAN, 1)
    assert "after the write, now it holds CNAME 10.2.0.99." in ended.outcome
    assert world.zones.held["record-b"].value == "10.2.0.99"
    assert ended.progress[0].state is SubState.APPLIED


async def test_a_second_view_changed_by_hand_is_named() -> None:
    world = a_world_of_two_views()
    operation = await _verifying(world)
    world.zones.edit("record-c", ttl=5)

    ended = await world.carry_out(operation)

    assert ended.state is State.NEEDS_HUMAN
    assert ended.outcome.startswith("cross-region.registry.io in vpc-ccccc held CNAME")


async def test_a_read_back_that_fails_for_a_while_is_repeated_without_news() -> None:
    world = a_world()
    operation = await _verifying(world)
    world.zones.unreadable = Unreachable("PrivateZone does not answer.")
    again = await world.step(operation)
    world.zones.unreadable = None

    assert again.state is State.VERIFYING
    assert (await world.carry_out(again)).state is State.DONE


@pytest.mark.covers("F59")
async def test_a_read_back_that_fails_for_thirty_seconds_asks_for_a_person() -> None:
    world = a_world()
    operation = await _verifying(world)
    world.zones.unreadable = Unreachable("PrivateZone does not answer.")
    began = world.clock.now()

    ended = await world.carry_out(operation)

    assert ended.state is State.NEEDS_HUMAN
    assert ended.outcome == (
        "The second read-back of cross-region.registry.io in vpc-bbbbb failed: PrivateZone does not answer."
    )
    assert ended.ended_at is not None
    assert timedelta() <= ended.ended_at - began - READ_BACK_WITHIN < timedelta(seconds=5)


@pytest.mark.parametrize(
    ("waited", "state"),
    [(READ_BACK_WITHIN - timedelta(seconds=1), State.VERIFYING), (READ_BACK_WITHIN, State.NEEDS_HUMAN)],
)
async def test_the_thirty_seconds_begin_with_the_write(waited: timedelta, state: State) -> None:
    world = a_world()
    operation = await _verifying(world)
    world.zones.unreadable = Unreachable("PrivateZone does not answer.")
    world.clock.move(waited)

    assert (await world.step(operation)).state is state
