"""The claim itself: who may make one, what is stored with it, and what is asked of whom beforehand."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.operation import LEASE, MAX_CLAIMS, START_WITHIN, Operation, Progress, State, SubState
from bot.domain.record import Record
from bot.errors import Unreadable
from bot.services.execution import READ_AGAIN_FOR
from tests.builders import APPROVER, NOW, ON_CALL, PUBLIC_NAME, RESOLVER, a_lease
from tests.fakes import FakeClock
from tests.services.world import World, a_world, a_world_of_two_views

LINK = PUBLIC_NAME["hangzhou"]
HELD = timedelta(seconds=40)


class _Reads:
    """Zones that keep what the store held about the first change whenever its record was read."""

    def __init__(self, world: World, operation: Operation) -> None:
        self._world, self._id = world, operation.id
        self.seen: list[Progress] = []
        world.ports = replace(world.ports, zones=self)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._world.zones, name)

    async def record(self, record_id: str) -> Record:
        """Look, and read."""
        self.seen.append((await self._world.operations.get(self._id)).progress[0])
        return await self._world.zones.record(record_id)


class _Asked:
    """A part of the outside world that keeps how one question was put, and takes a while for each answer."""

    def __init__(self, world: World, part: Any, question: str, takes: timedelta = timedelta()) -> None:
        self._clock, self._part, self._question, self._takes = world.clock, part, question, takes
        self.words: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        return self._noted if name == self._question else getattr(self._part, name)

    async def _noted(self, *words: Any) -> Any:
        self.words.append(words)
        self._clock.move(self._takes)
        return await getattr(self._part, self._question)(*words)


async def _given_back(world: World, **progress: Any) -> Operation:
    """Have an operation whose claim was given back."""
    approved = await world.approve()
    waiting = replace(approved.progress[0], claims=1, **progress)
    return world.operations.put(replace(approved.with_progress(0, waiting), state=State.APPLYING), due_at=NOW)


async def _claimed_by_another(world: World, **progress: Any) -> Operation:
    """Have an operation under somebody else's claim, which ends in half a minute."""
    approved = await world.approve()
    claimed = replace(approved.progress[0], state=SubState.CLAIMED, **progress)
    under = replace(approved.with_progress(0, claimed), state=State.APPLYING, lease=a_lease(until=NOW + LEASE))
    return world.operations.put(under, due_at=NOW + LEASE)


async def test_the_last_claim_of_somebody_else_is_not_given_up_while_it_runs() -> None:
    world = a_world()
    theirs = await _claimed_by_another(world, claims=MAX_CLAIMS)

    assert await world.step(theirs, owner="bot-2") == theirs


async def test_before_a_first_claim_everybody_is_asked_once() -> None:
    world = a_world()
    operation = await world.approve()
    people = _Asked(world, world.identities, "identity")
    world.ports = replace(world.ports, identities=people)

    await world.step(operation)

    assert sorted(user_id for user_id, _ in people.words) == sorted([ON_CALL, APPROVER])


async def test_only_resolvers_are_asked_for_the_value_before_the_write() -> None:
    world = a_world_of_two_views()
    operation = await world.approve()
    resolver = _Asked(world, world.resolver, "resolve")
    world.ports = replace(world.ports, resolver=resolver)

    applied = await world.step(operation)

    assert [asked for _, asked in resolver.words] == [RESOLVER["zhangjiakou"]]
    assert [progress.is_vantage for progress in applied.progress] == [True, False]


async def test_a_first_claim_takes_the_reason_to_wait_away() -> None:
    world = a_world()
    operation = await world.approve()
    world.operations.hold("record-b", HELD)
    held = await world.step(operation)
    world.clock.move(HELD)
    zones = _Reads(world, held)

    await world.step(held)

    assert "waits until" in held.progress[0].note
    assert (zones.seen[-1].state, zones.seen[-1].note) == (SubState.CLAIMED, "")


async def test_a_takeover_keeps_what_was_seen_last() -> None:
    world = a_world()
    dead = await _claimed_by_another(world, claims=1, note="The vendor gave no clear answer.")
    world.clock.move(LEASE)
    zones = _Reads(world, dead)

    await world.step(dead)

    assert (zones.seen[0].claims, zones.seen[0].note) == (2, "The vendor gave no clear answer.")


async def test_an_approval_that_lapses_while_everything_is_checked_again_is_not_claimed() -> None:
    world = a_world()
    operation = await world.approve()
    world.clock.move(START_WITHIN - timedelta(seconds=1))
    slack = _Asked(world, world.identities, "identity", takes=timedelta(seconds=1))
    world.ports = replace(world.ports, identities=slack)

    assert await world.step(operation) == operation
    assert (await world.step(operation)).state is State.EXPIRED
    assert world.zones.sent == []


async def test_an_approval_lapses_by_the_stores_clock_although_ours_is_behind() -> None:
    world = a_world()
    operation = await world.approve()
    world.ports = replace(world.ports, clock=FakeClock(NOW))
    world.clock.move(START_WITHIN + timedelta(seconds=1))

    assert await world.step(operation) == operation
    assert world.zones.sent == []


@pytest.mark.parametrize("waited", [READ_AGAIN_FOR - timedelta(milliseconds=1), READ_AGAIN_FOR])
async def test_a_silent_control_plane_is_asked_again_for_fifteen_seconds(waited: timedelta) -> None:
    world = a_world()
    operation = await world.approve()
    world.registries.down.add("hangzhou")
    world.clock.move(waited)

    if waited < READ_AGAIN_FOR:
        with pytest.raises(Unreadable):
            await world.step(operation)
    else:
        assert (await world.step(operation)).state is State.STALE


async def test_what_may_have_been_written_is_looked_for_after_the_time_to_begin_and_stays_unclear() -> None:
    world = a_world()
    doubtful = await _given_back(world, is_unclean=True)
    world.zones.edit("record-b", type="CNAME", value=LINK)
    world.clock.move(START_WITHIN)

    applied = await world.step(doubtful)

    assert (applied.state, applied.has_unclean_write, world.zones.sent) == (State.VERIFYING, True, [])
