"""After the end: what others make of a record is told with who it was, once, and never overwritten."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.operation import Operation, Progress, State, SubState
from bot.domain.plan import Change
from bot.domain.record import ChangeLogLine
from bot.domain.sighting import Sight
from bot.errors import Refused, Unreachable
from bot.ports import Written
from bot.services import memory
from tests.builders import HOME_ADDRESS, PUBLIC_NAME, an_operation, endpoints
from tests.services.world import SECOND_RECORD, World, a_world, a_world_of_two_views

STRANGE = "10.99.0.99"
MINUTE = timedelta(minutes=1)
CLOSE = timedelta(minutes=16)
"""For a TTL of a minute."""


async def _done(world: World, text: str = "zhangjiakou") -> Operation:
    """Have a failover done and looked at, a minute ago: what is read now is no old answer."""
    done = await world.carry_out(await world.approve(text))
    assert done.state is State.DONE
    return await world.watch(done, MINUTE)


async def _ended(world: World, state: State = State.NEEDS_HUMAN, **progress: Any) -> Operation:
    """Have an operation in store that ended badly just now."""
    sub = {State.FAILED: SubState.FAILED}.get(state, SubState.UNKNOWN)
    ended = an_operation(state, progress=(Progress(sub, **progress),), ended_at=world.clock.now())
    return world.operations.put(ended, due_at=world.clock.now())


def _edit(world: World, value: str = STRANGE, **line: Any) -> None:
    """Change the record of vpc-bbbbb as somebody at the console would, with their line in the change log."""
    world.zones.edit("record-b", type="A", value=value)
    said = ChangeLogLine(world.clock.now(), "wang", "198.51.100.9", "update", f"@ to A {value}")
    world.zones.log.append(replace(said, **line))


def _events(world: World) -> list[str]:
    return [entry["event"] for entry in world.operations.audit]


@pytest.mark.covers("A50")
async def test_an_edit_by_somebody_else_is_told_within_seconds_with_who_it_was_and_left_alone() -> None:
    world = a_world()
    done = await _done(world)
    _edit(world)

    told = await world.watch(done, timedelta(seconds=6))

    (seen,) = told.sightings
    assert (seen.sight, seen.holds, seen.person) == (Sight.FOREIGN, f"A {STRANGE}", "wang")
    assert "Change log: wang from 198.51.100.9 at" in seen.sentence
    assert told.state is State.DONE
    assert world.zones.held["record-b"].value == STRANGE
    assert len(world.zones.sent) == 1


async def test_it_is_an_entry_of_its_own_in_the_audit() -> None:
    world = a_world()
    done = await _done(world)
    _edit(world)

    await world.watch(done, timedelta(seconds=6))

    entry = world.operations.audit[-1]
    assert (entry["event"], entry["record"], entry["holds"], entry["by"]) == (
        "EXTERNAL",
        "record-b",
        f"A {STRANGE}",
        "wang",
    )


async def test_one_edit_is_told_once_and_looks_without_news_write_nothing() -> None:
    world = a_world()
    done = await _done(world)
    _edit(world)
    told = await world.watch(done, timedelta(seconds=6))
    entries = len(world.operations.audit)

    assert await world.watch(told, MINUTE) == told
    assert len(world.operations.audit) == entries


async def test_a_look_costs_one_read_of_the_record_and_the_change_log_is_asked_only_for_news() -> None:
    world = a_world()
    done = await _done(world)
    before = world.zones.reads

    await world.watch(done, MINUTE)

    assert 8 <= world.zones.reads - before <= 12
    assert world.zones.log_reads == 0


async def test_a_return_to_what_was_left_is_told_as_well() -> None:
    world = a_world()
    done = await _done(world)
    _edit(world)
    await world.watch(done, timedelta(seconds=6))
    world.zones.held["record-b"] = done.plan.changes[0].desired

    told = await world.watch(done, timedelta(seconds=6))

    assert [seen.sight for seen in told.sightings] == [Sight.FOREIGN, Sight.RESTORED]
    assert _events(world)[-1] == "restored"


@pytest.mark.parametrize("error", [Refused("No permission.", code="NoPermission"), Unreachable("No answer.")])
async def test_a_change_log_that_may_not_be_read_keeps_nobody_from_hearing_of_the_change(error: Any) -> None:
    world = a_world()
    done = await _done(world)
    _edit(world)
    world.zones.unlogged = error

    told = await world.watch(done, timedelta(seconds=6))

    assert told.sightings[0].sentence.endswith("The change log does not say who.")


async def test_a_removed_record_is_told() -> None:
    world = a_world()
    done = await _done(world)
    del world.zones.held["record-b"]

    told = await world.watch(done, timedelta(seconds=6))

    assert told.sightings[0].holds == "no record"


async def test_a_record_that_cannot_be_read_is_no_news_and_is_looked_at_again() -> None:
    world = a_world()
    done = await _done(world)
    world.zones.unreadable = Unreachable("PrivateZone does not answer.")
    silent = await world.watch(done, MINUTE)
    world.zones.unreadable = None
    _edit(world)

    told = await world.watch(done, timedelta(seconds=6))

    assert (silent.sightings, len(told.sightings)) == ((), 1)


@pytest.mark.covers("F23", "F49")
@pytest.mark.parametrize("state", [State.FAILED, State.NEEDS_HUMAN])
async def test_a_write_of_ours_that_lands_after_a_bad_end_raises_the_alarm_within_seconds(state: State) -> None:
    world = a_world()
    raised: list[str] = []
    world.ports = replace(world.ports, alarm=raised.append)
    ended = await _ended(world, state)
    await world.watch(ended, MINUTE)
    world.zones.held["record-b"] = ended.plan.changes[0].desired

    told = await world.watch(ended, timedelta(seconds=6))

    assert (told.state, told.sightings[0].sight, raised) == (state, Sight.LATE, ["late_write"])
    assert "took effect late" in told.sightings[0].sentence
    assert _events(world)[-1] == "late write"


@pytest.mark.covers("F57")
async def test_a_record_changed_between_write_and_second_read_back_needs_a_human_and_the_watch_says_who() -> None:
    world = a_world()
    verifying = await world.step(await world.approve())
    _edit(world)

    ended = await world.watch(verifying, MINUTE)

    assert ended.state is State.NEEDS_HUMAN
    assert [seen.person for seen in ended.sightings] == ["wang"]
    assert (world.zones.held["record-b"].value, len(world.zones.sent)) == (STRANGE, 1)


@pytest.mark.covers("F55")
async def test_of_a_partial_operation_both_tried_records_are_watched_each_for_what_was_left_there() -> None:
    world = a_world_of_two_views()
    operation = await world.approve()
    world.ports = replace(world.ports, zones=_RefusingTheSecond(world))
    partial = await world.watch(await world.carry_out(operation), MINUTE)
    assert (partial.state, partial.sightings) == (State.PARTIAL, ())
    _edit(world)
    world.zones.held["record-c"] = partial.plan.changes[1].desired

    told = await world.watch(partial, timedelta(seconds=6))

    assert {(seen.change, seen.sight) for seen in told.sightings} == {(0, Sight.FOREIGN), (1, Sight.LATE)}


async def test_each_record_of_an_operation_is_told_of_by_itself() -> None:
    world = a_world_of_two_views()
    done = await _done(world)
    _edit(world)
    world.zones.edit("record-c", ttl=5)

    told = await world.watch(done, timedelta(seconds=6))

    assert {(seen.change, seen.holds) for seen in told.sightings} == {(0, f"A {STRANGE}"), (1, "TTL 5")}


async def test_after_the_close_look_a_view_that_is_away_is_looked_at_every_minute_for_days() -> None:
    world = a_world()
    done = await _done(world)
    world.clock.move(timedelta(days=2))
    await world.watch(done, MINUTE)
    _edit(world)

    told = await world.watch(done, MINUTE)

    assert len(told.sightings) == 1


async def test_the_watch_ends_when_the_close_look_is_over_and_the_record_is_at_home() -> None:
    world = a_world()
    done = await _done(world)
    _edit(world, HOME_ADDRESS["zhangjiakou"])

    told = await world.watch(done, CLOSE + 2 * MINUTE)

    assert "its value from before this operation" in told.sightings[0].sentence
    assert await world.operations.due(world.clock.now() + timedelta(days=1)) == ()
    assert _events(world)[-1] == "watch ended"
    assert (await world.operations.claims("record-b")).watched_by is None


async def test_home_by_another_route_is_home_too() -> None:
    world = a_world()
    await memory.keep_endpoints(world.ports, "cri-bbbbb", endpoints("zhangjiakou"))
    done = await _done(world)
    world.zones.edit("record-b", value=PUBLIC_NAME["zhangjiakou"])

    await world.watch(done, CLOSE + 2 * MINUTE)

    assert await world.operations.due(world.clock.now() + timedelta(days=1)) == ()


async def test_where_home_is_unknown_the_watch_goes_on() -> None:
    world = a_world()
    ended = await _ended(world, State.FAILED)

    await world.watch(ended, CLOSE + 2 * MINUTE)

    assert await world.operations.due(world.clock.now() + MINUTE) == (ended.id,)


async def test_a_failed_operation_is_watched_until_no_write_of_it_can_come_any_more() -> None:
    world = a_world()
    await memory.keep_endpoints(world.ports, "cri-bbbbb", endpoints("zhangjiakou"))
    ended = await _ended(world, State.FAILED)
    await world.watch(ended, CLOSE - MINUTE)
    assert await world.operations.due(world.clock.now() + MINUTE) == (ended.id,)

    await world.watch(ended, 3 * MINUTE)

    assert await world.operations.due(world.clock.now() + timedelta(days=1)) == ()


async def test_a_newer_operation_takes_the_record_over_and_the_older_watch_ends() -> None:
    world = a_world()
    first = await _done(world)
    second = await _done(world, "zhangjiakou via internal")
    assert (await world.operations.claims("record-b")).watched_by == second.id

    older = await world.watch(first, MINUTE)

    assert older.sightings == ()
    assert await world.operations.due(world.clock.now() + timedelta(days=1)) == (second.id,)


async def test_what_a_newer_operation_is_writing_is_nobody_elses_doing() -> None:
    world = a_world()
    first = await _done(world)
    second = await world.step(await world.approve("zhangjiakou via internal"))
    assert second.state is State.VERIFYING

    looked = await world.step(first)

    assert (looked.sightings, world.zones.held["record-b"].value) == ((), HOME_ADDRESS["hangzhou"])


async def test_what_somebody_else_does_while_a_newer_one_only_waits_for_approval_is_told() -> None:
    world = a_world()
    first = await _done(world)
    await world.ask("zhangjiakou via internal")
    _edit(world)

    assert len((await world.watch(first, timedelta(seconds=6))).sightings) == 1


async def test_a_newer_operation_that_wrote_nothing_leaves_the_watch_where_it_was() -> None:
    world = a_world()
    first = await _done(world)
    second = await world.approve("zhangjiakou via internal")
    _edit(world)
    assert (await world.step(second)).state is State.STALE

    told = await world.watch(first, timedelta(seconds=6))

    assert (await world.operations.claims("record-b")).watched_by == first.id
    assert len(told.sightings) == 1


async def test_a_record_of_two_that_was_taken_over_is_left_to_the_newer_operation() -> None:
    world = a_world_of_two_views()
    first = await _done(world)
    await _done(world, "zhangjiakou via internal only vpc-ccccc")
    _edit(world)
    world.zones.edit(SECOND_RECORD.record_id, ttl=5)

    told = await world.watch(first, timedelta(seconds=6))

    assert [seen.change for seen in told.sightings] == [0]


@pytest.mark.covers("F58")
async def test_an_old_answer_right_after_the_write_is_not_taken_for_an_edit() -> None:
    world = a_world()
    done = await world.carry_out(await world.approve())
    fresh = world.zones.held["record-b"]
    world.zones.held["record-b"] = done.plan.changes[0].existing

    looked = await world.watch(done, timedelta(seconds=10))
    world.zones.held["record-b"] = fresh

    assert (await world.watch(looked, MINUTE)).sightings == ()


async def test_a_site_that_left_the_configuration_is_watched_no_longer_than_closely() -> None:
    world = a_world()
    done = await _done(world)
    sites = world.ports.rules.topology.sites
    kept = {name: site for name, site in sites.items() if name != "zhangjiakou"}
    world.obey(topology=replace(world.ports.rules.topology, sites=kept))

    await world.watch(done, CLOSE + 2 * MINUTE)

    assert await world.operations.due(world.clock.now() + timedelta(days=1)) == ()


class _RefusingTheSecond:
    """Zones that take the first write and refuse any other."""

    def __init__(self, world: World) -> None:
        self._world = world

    def __getattr__(self, name: str) -> Any:
        return getattr(self._world.zones, name)

    async def apply(self, change: Change, client_token: str) -> Written:
        """Write the record of the first view alone."""
        if change.existing.record_id == "record-c":
            raise Refused("You may not do this.", code="NoPermission")
        return await self._world.zones.apply(change, client_token)
