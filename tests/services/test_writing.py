"""One change under a claim: what is sent, when nothing is sent, and what an unclear answer leads to."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.operation import HOLD, MAX_CLAIMS, Operation, State, SubState
from bot.domain.record import Record
from bot.errors import BotError, OutcomeUnknown, Refused, Throttled, Unreachable
from bot.ports import Written
from tests.builders import PUBLIC_NAME
from tests.services.world import World, a_world

LINK = PUBLIC_NAME["hangzhou"]
UNCLEAR = OutcomeUnknown("No answer came to the write.", request_id="R-1")
SLOW_DOWN = Throttled("PrivateZone asks to slow down.")
FORBIDDEN = Refused("PrivateZone refuses: pvtz:UpdateZoneRecord is not granted.", code="Forbidden.RAM")


class _Zones:
    """Zones that act on each read and each write as a test says."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.before_read: Callable[[], None] = lambda: None
        self.after_write: Callable[[], None] = lambda: None
        self.shown: list[Record] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._world.zones, name)

    async def record(self, record_id: str) -> Record:
        """Read one record, or what an earlier moment showed."""
        self.before_read()
        return self.shown.pop(0) if self.shown else await self._world.zones.record(record_id)

    async def apply(self, change: Any, client_token: str) -> Written:
        """Write, and let time or others go on."""
        try:
            return await self._world.zones.apply(change, client_token)
        finally:
            self.after_write()


def _watched(world: World) -> _Zones:
    zones = _Zones(world)
    world.ports = replace(world.ports, zones=zones)
    return zones


async def _applying(world: World, *failures: BotError, after: bool = False) -> Operation:
    operation = await world.approve()
    for failure in failures:
        world.zones.fail_next(failure, after=after)
    return await world.step(operation)


async def test_the_vendors_request_id_is_kept() -> None:
    world = a_world()

    assert (await _applying(world)).progress[0].request_ids == ("request-1",)


@pytest.mark.covers("F47")
async def test_an_unclear_write_that_took_effect_is_found_by_reading_and_never_sent_again() -> None:
    world = a_world()

    applied = await _applying(world, UNCLEAR, after=True)

    assert (applied.state, len(world.zones.sent)) == (State.VERIFYING, 1)
    assert (applied.progress[0].is_unclean, applied.progress[0].request_ids) == (True, ("R-1",))


@pytest.mark.covers("F48")
async def test_an_unclear_write_that_was_lost_is_sent_again_after_a_read_with_the_same_token() -> None:
    world = a_world()

    applied = await _applying(world, UNCLEAR)

    assert applied.state is State.VERIFYING
    assert len(world.zones.applied) == 1
    assert len({token for _, token in world.zones.sent}) == 1


async def test_before_every_send_the_record_is_read() -> None:
    world = a_world()
    operation = await world.approve()
    zones, story = _watched(world), list[str]()
    zones.before_read, zones.after_write = lambda: story.append("read"), lambda: story.append("send")
    for failure in (UNCLEAR, SLOW_DOWN):
        world.zones.fail_next(failure)

    await world.step(operation)

    assert story == ["read", "send", "read", "send", "read", "send", "read"]


@pytest.mark.covers("F48")
async def test_after_three_sends_without_a_clear_answer_the_next_claimant_goes_on() -> None:
    world = a_world()

    waiting = await _applying(world, UNCLEAR, UNCLEAR, UNCLEAR)

    assert (waiting.state, len(world.zones.sent)) == (State.APPLYING, 3)
    assert waiting.progress[0].note == "The vendor gave no clear answer to the write."
    assert waiting.lease is not None
    assert (await world.carry_out(waiting)).state is State.DONE
    assert len(world.zones.applied) == 1


@pytest.mark.covers("F59")
async def test_a_vendor_that_never_answers_clearly_ends_within_180_seconds_with_a_person_asked() -> None:
    world = a_world()
    operation = await world.approve()
    for _ in range(20):
        world.zones.fail_next(UNCLEAR)
    began = world.clock.now()

    ended = await world.carry_out(operation)

    assert ended.state is State.NEEDS_HUMAN
    assert ended.ended_at is not None
    assert ended.ended_at - began <= timedelta(seconds=180)
    assert ended.outcome == "It was tried until its time was up. The vendor gave no clear answer to the write."
    assert ended.progress[0].claims == MAX_CLAIMS
    assert await world.operations.held_for("record-b") > 0


async def test_a_record_that_changed_under_an_unclear_write_asks_for_a_person() -> None:
    world = a_world()
    operation = await world.approve()
    zones = _watched(world)
    zones.after_write = lambda: world.zones.edit("record-b", value="10.2.0.99")
    world.zones.fail_next(UNCLEAR)

    ended = await world.step(operation)

    assert (ended.state, len(world.zones.sent)) == (State.NEEDS_HUMAN, 1)
    assert "held A 10.2.0.20, now it holds A 10.2.0.99. Nothing was overwritten." in ended.outcome


@pytest.mark.covers("F46")
async def test_a_throttled_write_is_sent_again_inside_the_deadline() -> None:
    world = a_world()

    applied = await _applying(world, SLOW_DOWN, SLOW_DOWN)

    assert (applied.state, len(world.zones.applied)) == (State.VERIFYING, 1)
    assert not applied.progress[0].is_unclean


async def test_an_edit_by_hand_while_the_write_is_throttled_is_not_overwritten() -> None:
    world = a_world()
    operation = await world.approve()
    zones = _watched(world)
    zones.after_write = lambda: world.zones.edit("record-b", value="10.2.0.99")
    world.zones.fail_next(SLOW_DOWN)

    ended = await world.step(operation)

    assert (ended.state, world.zones.applied) == (State.STALE, [])
    assert "now it holds A 10.2.0.99" in ended.outcome


@pytest.mark.covers("F46")
async def test_a_write_that_is_throttled_until_the_deadline_has_failed_and_nothing_was_written() -> None:
    world = a_world()

    failed = await _applying(world, *[SLOW_DOWN] * 20)

    assert (failed.state, failed.progress[0].state) == (State.FAILED, SubState.FAILED)
    assert failed.outcome == "PrivateZone asks to slow down. Nothing was written."
    assert len(world.zones.sent) == 4
    assert len({token for _, token in world.zones.sent}) == 1


@pytest.mark.parametrize("failure", [SLOW_DOWN, FORBIDDEN])
async def test_an_unclear_write_is_never_called_failed_because_later_ones_were_refused(failure: BotError) -> None:
    world = a_world()

    waiting = await _applying(world, UNCLEAR, *[failure] * 40)
    ended = await world.carry_out(waiting)

    assert waiting.state is State.APPLYING
    assert ended.state is State.NEEDS_HUMAN
    assert await world.operations.held_for("record-b") > 0


async def test_a_refused_write_has_failed_and_says_what_the_record_holds() -> None:
    world = a_world()

    failed = await _applying(world, FORBIDDEN)

    assert failed.state is State.FAILED
    assert failed.outcome == f"{FORBIDDEN} The record still holds A 10.2.0.20."
    assert await world.operations.held_for("record-b") == 0


async def test_a_refusal_to_write_what_is_already_in_force_is_no_failure() -> None:
    world = a_world()

    applied = await _applying(world, Refused("The record exists already."), after=True)

    assert applied.state is State.VERIFYING
    assert applied.progress[0].note == "It was already in force when the vendor refused to write it again."


async def test_a_refused_write_whose_record_cannot_be_read_has_failed_in_the_vendors_words() -> None:
    world = a_world()
    operation = await world.approve()
    zones = _watched(world)
    zones.after_write = lambda: setattr(world.zones, "unreadable", Unreachable("No answer."))
    world.zones.fail_next(FORBIDDEN)

    assert (await world.step(operation)).outcome == str(FORBIDDEN)


async def test_with_no_time_left_the_claim_is_given_back_clean_and_tried_again() -> None:
    world = a_world()
    operation = await world.approve()
    zones = _watched(world)
    zones.before_read = lambda: world.clock.move(timedelta(seconds=10))

    released = await world.step(operation)
    zones.before_read = lambda: None

    assert (released.state, released.progress[0].state, world.zones.sent) == (State.APPLYING, SubState.WAITING, [])
    assert (await world.carry_out(released)).state is State.DONE
    assert await world.operations.held_for("record-b") == 0


@pytest.mark.covers("F58")
async def test_a_stale_read_back_is_repeated_until_the_write_shows() -> None:
    world = a_world()
    operation = await world.approve()
    before = world.zones.held["record-b"]
    _watched(world).shown = [before] * 6

    assert (await world.carry_out(operation)).state is State.DONE
    assert len(world.zones.sent) == 1


@pytest.mark.covers("F58")
async def test_a_write_that_does_not_show_in_time_is_left_to_the_next_claimant_as_unclear() -> None:
    world = a_world()
    operation = await world.approve()
    _watched(world).shown = [world.zones.held["record-b"]] * 25

    waiting = await world.step(operation)

    assert (waiting.state, waiting.progress[0].is_unclean) == (State.APPLYING, True)
    assert waiting.progress[0].note == "The write was accepted, but the record does not show it yet."
    assert waiting.lease is not None
    assert waiting.lease.until > world.clock.now()
    assert (await world.carry_out(waiting)).state is State.DONE


async def test_a_read_back_that_fails_says_so() -> None:
    world = a_world()
    operation = await world.approve()
    zones = _watched(world)
    zones.after_write = lambda: setattr(world.zones, "unreadable", Unreachable("No answer."))

    waiting = await world.step(operation)

    assert waiting.progress[0].note == "The write was accepted, but it cannot be read back: No answer."


async def test_a_read_back_that_shows_a_third_value_asks_for_a_person() -> None:
    world = a_world()
    operation = await world.approve()
    zones = _watched(world)
    zones.after_write = lambda: world.zones.edit("record-b", type="A", value="10.2.0.99")

    ended = await world.step(operation)

    assert ended.state is State.NEEDS_HUMAN
    assert ended.outcome == "After the write cross-region.registry.io in vpc-bbbbb holds A 10.2.0.99."


@pytest.mark.parametrize("field", ["ttl", "remark", "status", "line", "weight", "priority"])
async def test_a_read_back_with_another_field_changed_asks_for_a_person(field: str) -> None:
    world = a_world()
    world.zones.edit("record-b", weight=1, priority=1)
    operation = await world.approve()
    zones = _watched(world)
    changed: Any = 5 if field in ("ttl", "weight", "priority") else "changed"
    zones.after_write = lambda: world.zones.edit("record-b", **{field: changed})

    assert (await world.step(operation)).state is State.NEEDS_HUMAN


async def test_the_hold_after_an_unclear_write_begins_when_the_operation_ends() -> None:
    world = a_world()
    applied = await _applying(world, UNCLEAR, after=True)
    world.clock.move(timedelta(seconds=5))

    await world.step(applied)

    assert await world.operations.held_for("record-b") == HOLD.seconds
