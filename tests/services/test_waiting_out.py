"""A hold that an approval meets at its claim is waited out once, and the card says why and until when."""

from datetime import timedelta

import pytest

from bot import messages
from bot.domain.operation import START_WITHIN, Operation, State
from bot.services.buttons import button_value
from tests.services.world import World, a_world

HELD = timedelta(seconds=40)


async def _held(world: World, span: timedelta = HELD) -> Operation:
    """Have an approval meet a hold."""
    approved = await world.approve()
    world.operations.hold("record-b", span)
    return await world.step(approved)


def _first_line(world: World, operation: Operation) -> str:
    card = messages.operation_card(operation, lambda op, verb: button_value(world.ports, op, verb), world.clock.now())
    return card.text


async def test_it_is_taken_up_again_when_the_hold_is_over_and_not_before() -> None:
    world = a_world()
    held = await _held(world)

    due = [s for s in range(120) if await world.operations.due(world.clock.now() + timedelta(seconds=s))]

    assert (held.state, due[0], world.zones.sent) == (State.APPROVED, 40, [])


async def test_its_card_says_why_it_waits_and_until_when() -> None:
    world = a_world()
    held = await _held(world)

    assert "An earlier write may still be in flight, so this one waits until 03:00:40 UTC" in _first_line(world, held)
    assert held.id in await world.operations.news()
    assert "lapsed" not in _first_line(world, held)


async def test_after_the_hold_it_is_carried_out_and_the_reason_to_wait_is_gone() -> None:
    world = a_world()

    done = await world.carry_out(await _held(world))

    assert (done.state, len(world.zones.sent)) == (State.DONE, 1)
    assert "waits until" not in str(done.progress)


@pytest.mark.parametrize("span", [START_WITHIN, START_WITHIN + HELD])
async def test_a_hold_that_lasts_as_long_as_the_approval_or_longer_is_said_to_and_lets_it_lapse(
    span: timedelta,
) -> None:
    world = a_world()
    held = await _held(world, span)
    assert "by when the approval has lapsed (03:02:00 UTC): ask again after that" in _first_line(world, held)

    ended = await world.carry_out(held)

    assert (ended.state, world.zones.sent) == (State.EXPIRED, [])


async def test_an_approval_that_waits_can_still_be_cancelled_and_asks_the_store_once() -> None:
    world = a_world()
    held = await _held(world)
    entries = len(world.operations.audit)

    world.clock.move(HELD - timedelta(seconds=1))

    assert await world.operations.due(world.clock.now()) == ()
    assert (await world.operations.get(held.id), len(world.operations.audit)) == (held, entries)
