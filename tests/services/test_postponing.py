"""What cannot be done just now is left for later, costs no approval and is never taken for done or for failed."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.operation import LEASE, START_WITHIN, Operation, State, SubState
from bot.errors import StoreUnavailable, Unconfirmed, Unreachable, Unreadable
from bot.ports import Written
from bot.services.execution import NOT_DURABLE, READ_AGAIN_FOR
from tests.builders import NOW
from tests.services.world import World, a_world, a_world_of_two_views

READ_ONLY = "Redis takes no writes."
TOO_FEW = Unconfirmed("Too few replicas have the claim.", code=NOT_DURABLE)


def _with_store_trouble(world: World, trouble: str = READ_ONLY) -> None:
    world.ports = replace(world.ports, store_trouble=lambda: trouble)


async def test_a_store_in_trouble_leaves_an_approval_unclaimed_until_it_is_over() -> None:
    world = a_world()
    operation = await world.approve()
    _with_store_trouble(world)

    with pytest.raises(StoreUnavailable, match="Redis takes no writes"):
        await world.step(operation)
    assert await world.operations.get(operation.id) == operation

    _with_store_trouble(world, "")
    assert (await world.carry_out(operation)).state is State.DONE


async def test_a_store_in_trouble_for_longer_than_an_approval_lasts_lets_it_lapse() -> None:
    world = a_world()
    operation = await world.approve()
    _with_store_trouble(world)

    ended = await world.carry_out(operation)

    assert (ended.state, world.zones.sent) == (State.EXPIRED, [])


async def test_a_store_in_trouble_between_two_changes_leaves_the_second_until_it_is_over() -> None:
    world, operation = await _interrupted_after_the_first_change(_with_store_trouble)

    with pytest.raises(StoreUnavailable, match="Redis takes no writes"):
        await world.step(operation)
    assert (await world.operations.get(operation.id)).state is State.APPLYING

    _with_store_trouble(world, "")
    done = await world.carry_out(operation, owner="bot-2")
    assert (done.state, done.has_unclean_write, len(world.zones.sent)) == (State.DONE, False, 2)


async def test_a_second_change_that_was_never_begun_is_given_up_in_its_own_time_and_the_first_stays() -> None:
    world, operation = await _interrupted_after_the_first_change(_with_store_trouble)
    world.clock.move(2 * START_WITHIN - timedelta(seconds=1))
    with pytest.raises(StoreUnavailable):
        await world.step(operation)
    _with_store_trouble(world, "")
    world.clock.move(timedelta(seconds=1))

    ended = await world.step(operation)

    assert (ended.state, ended.outcome) == (State.PARTIAL, "It was tried until its time was up.")
    assert [change.existing.record_id for change in world.zones.applied] == ["record-b"]


async def test_a_second_change_is_still_begun_when_only_the_first_ones_time_is_up() -> None:
    world, operation = await _interrupted_after_the_first_change(_with_store_trouble)
    _with_store_trouble(world, "")
    world.clock.move(2 * START_WITHIN - timedelta(seconds=1))

    assert (await world.carry_out(operation)).state is State.DONE


@pytest.mark.covers("F08")
async def test_a_claim_that_too_few_replicas_have_is_given_back_unused() -> None:
    world = a_world()
    operation = await world.approve()
    world.operations.fail_next(TOO_FEW, after=True)

    with pytest.raises(StoreUnavailable):
        await world.step(operation)

    released = await world.operations.get(operation.id)
    assert (released.state, released.lease, world.zones.sent) == (State.APPLYING, None, [])
    assert (released.progress[0].state, released.progress[0].claims) == (SubState.WAITING, 0)
    assert not released.has_unclean_write


@pytest.mark.covers("F08")
async def test_after_a_claim_without_replicas_the_record_is_written_once_and_rests_not_at_all() -> None:
    world = a_world()
    operation = await world.approve()
    for _ in range(6):
        world.operations.fail_next(TOO_FEW, after=True)

    done = await world.carry_out(operation)

    assert (done.state, done.has_unclean_write, len(world.zones.sent)) == (State.DONE, False, 1)
    assert await world.operations.held_for("record-b") == 0


async def test_a_claim_that_was_refused_for_want_of_replicas_and_never_made_leaves_the_approval() -> None:
    world = a_world()
    operation = await world.approve()
    world.operations.fail_next(TOO_FEW)

    with pytest.raises(StoreUnavailable):
        await world.step(operation)

    assert await world.operations.get(operation.id) == operation
    assert (await world.carry_out(operation)).state is State.DONE


async def test_a_claim_whose_answer_was_lost_may_have_been_used_and_is_taken_over_as_unclean() -> None:
    world = a_world()
    operation = await world.approve()
    world.operations.fail_next(StoreUnavailable("Redis does not answer."), after=True)

    with pytest.raises(StoreUnavailable):
        await world.step(operation)
    assert (await world.operations.get(operation.id)).progress[0].claims == 1

    world.clock.move(LEASE)
    done = await world.carry_out(operation, owner="bot-2")
    assert (done.state, done.has_unclean_write, len(world.zones.sent)) == (State.DONE, True, 1)


@pytest.mark.covers("F25")
async def test_a_stopping_process_begins_no_first_change() -> None:
    world = a_world()
    operation = await world.approve()
    world.ports = replace(world.ports, is_stopping=lambda: True)

    assert await world.step(operation) == operation
    assert await world.operations.due(world.clock.now()) == (operation.id,)


async def test_a_process_that_is_stopped_between_two_changes_leaves_the_second_to_another_at_once() -> None:
    world, operation = await _interrupted_after_the_first_change(_stop)

    assert (operation.state, operation.lease, operation.next_change()) == (State.APPLYING, None, 1)
    assert await world.operations.due(world.clock.now()) == (operation.id,)

    world.ports = replace(world.ports, is_stopping=lambda: False)
    done = await world.carry_out(operation, owner="bot-2")
    assert (done.state, done.has_unclean_write) == (State.DONE, False)
    assert [change.existing.record_id for change in world.zones.applied] == ["record-b", "record-c"]


def _stop(world: World) -> None:
    world.ports = replace(world.ports, is_stopping=lambda: True)


def _silence_the_zones(world: World) -> None:
    world.zones.unreadable = Unreachable("PrivateZone does not answer.")


def _silence_the_standbys_region(world: World) -> None:
    world.registries.down.add("hangzhou")


def _speak(world: World) -> None:
    world.zones.unreadable = None
    world.registries.down.clear()


SILENCES = pytest.mark.parametrize(
    ("silence", "words"),
    [
        (_silence_the_zones, "vpc-bbbbb could not be read: PrivateZone does not answer."),
        (_silence_the_standbys_region, "its region does not say: cn-hangzhou does not answer"),
    ],
)


@SILENCES
async def test_what_cannot_be_read_at_the_claim_is_read_again_and_then_carried_out(
    silence: Callable[[World], None], words: str
) -> None:
    world = a_world()
    operation = await world.approve()
    silence(world)
    world.clock.move(READ_AGAIN_FOR - timedelta(seconds=1))

    with pytest.raises(Unreadable) as unread:
        await world.step(operation)
    assert words in str(unread.value)
    assert await world.operations.get(operation.id) == operation

    _speak(world)
    assert (await world.carry_out(operation)).state is State.DONE


@pytest.mark.covers("F59")
@SILENCES
async def test_what_cannot_be_read_for_half_a_minute_ends_stale_in_the_vendors_words(
    silence: Callable[[World], None], words: str
) -> None:
    world = a_world()
    operation = await world.approve()
    silence(world)

    ended = await world.carry_out(operation)

    assert (ended.state, world.zones.sent) == (State.STALE, [])
    assert words in ended.outcome
    assert ended.ended_at is not None
    assert timedelta() <= ended.ended_at - NOW - READ_AGAIN_FOR < timedelta(seconds=4)


@pytest.mark.covers("F60")
async def test_a_zone_that_is_gone_ends_it_at_once() -> None:
    world = a_world()
    operation = await world.approve()
    world.zones.zones.pop()

    ended = await world.step(operation)

    assert (ended.state, world.zones.sent) == (State.STALE, [])
    assert "has 0 zones" in ended.outcome


async def _interrupted_after_the_first_change(interrupt: Callable[[World], None]) -> tuple[World, Operation]:
    """Have one of two changes written, and something in the way of the second from then on."""
    world = a_world_of_two_views()
    operation = await world.approve()
    flags: list[bool] = []
    before = world.ports
    world.ports = replace(
        before,
        zones=_Noticed(world, flags),
        is_stopping=lambda: bool(flags),
    )
    operation = await world.step(operation)
    world.ports = before
    interrupt(world)
    return world, operation


class _Noticed:
    """Zones that note each write."""

    def __init__(self, world: World, writes: list[bool]) -> None:
        self._world, self._writes = world, writes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._world.zones, name)

    async def apply(self, change: Any, client_token: str) -> Written:
        """Write, and note it."""
        self._writes.append(True)
        return await self._world.zones.apply(change, client_token)
