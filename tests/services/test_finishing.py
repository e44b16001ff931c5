"""Ending a claim, a change or an operation: one commit each, that says what is due, held and free afterwards."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.operation import HOLD, LEASE, Event, Operation, State, SubState
from bot.errors import InvalidTransition, OutOfTime, Unreachable, VersionConflict
from bot.services.finishing import end, finish, give_up, save
from bot.services.writing import Result, Written
from tests.builders import NOW, ON_CALL, a_lease, a_plan, an_operation
from tests.services.world import World, a_world, a_world_of_two_views


async def _claimed(world: World, **progress: object) -> Operation:
    """Have an operation under a claim of ours."""
    operation = await world.approve()
    parts = [operation.progress[0], *operation.progress[1:]]
    parts[0] = replace(parts[0], state=SubState.CLAIMED, claims=1, **progress)  # type: ignore[arg-type]
    claimed = replace(operation, state=State.APPLYING, progress=tuple(parts), lease=a_lease())
    return world.operations.put(claimed, due_at=NOW + LEASE)


async def _finished(world: World, operation: Operation, result: Result, sentence: str = "Why.") -> Operation:
    await finish(world.ports, 0, Written(operation, result, sentence))
    return await world.operations.get(operation.id)


@pytest.mark.parametrize(
    ("result", "state", "progress"),
    [
        (Result.APPLIED, State.VERIFYING, SubState.APPLIED),
        (Result.RELEASED, State.APPLYING, SubState.WAITING),
        (Result.LATER, State.APPLYING, SubState.CLAIMED),
        (Result.FAILED, State.FAILED, SubState.FAILED),
        (Result.DIFFERS, State.STALE, SubState.WAITING),
        (Result.UNKNOWN, State.NEEDS_HUMAN, SubState.UNKNOWN),
    ],
)
async def test_each_result_of_a_claim_has_its_own_end(result: Result, state: State, progress: SubState) -> None:
    world = a_world()

    ended = await _finished(world, await _claimed(world), result)

    assert (ended.state, ended.progress[0].state, ended.progress[0].note) == (state, progress, "Why.")
    assert ended.is_terminal == (await world.operations.open_on("record-b") is None)
    assert (ended.outcome == "Why.") == ended.is_terminal


@pytest.mark.parametrize(
    ("result", "due_in"),
    [(Result.APPLIED, 5), (Result.RELEASED, 2), (Result.LATER, 30), (Result.FAILED, 0), (Result.DIFFERS, None)],
)
async def test_what_is_due_next_follows_from_the_result(result: Result, due_in: int | None) -> None:
    world = a_world()

    ended = await _finished(world, await _claimed(world), result)

    seconds = [s for s in range(120) if await world.operations.due(NOW + timedelta(seconds=s))]
    assert (seconds[0] if seconds else None) == due_in
    assert (ended.lease is None) == (result is not Result.LATER)


@pytest.mark.parametrize("result", [Result.FAILED, Result.UNKNOWN, Result.DIFFERS])
@pytest.mark.parametrize("is_unclean", [True, False])
async def test_an_end_after_any_unclear_write_puts_the_record_on_hold(result: Result, is_unclean: bool) -> None:
    world = a_world()

    await _finished(world, await _claimed(world, is_unclean=is_unclean), result)

    assert await world.operations.held_for("record-b") == (HOLD.seconds if is_unclean else 0)


@pytest.mark.parametrize(("result", "claims"), [(Result.RELEASED, 0), (Result.LATER, 1)])
async def test_only_a_claim_that_was_given_back_unused_does_not_count_as_an_attempt(
    result: Result, claims: int
) -> None:
    world = a_world()

    assert (await _finished(world, await _claimed(world), result)).progress[0].claims == claims


async def test_each_claim_that_is_given_back_unused_is_followed_by_a_longer_pause_up_to_half_a_minute() -> None:
    world = a_world()
    operation = await _claimed(world)
    pauses = []
    for _ in range(6):
        operation = await _finished(world, operation, Result.RELEASED)
        pauses += [s for s in range(60) if await world.operations.due(world.clock.now() + timedelta(seconds=s))][:1]
        waiting = operation.progress[0]
        operation = operation.with_progress(0, replace(waiting, state=SubState.CLAIMED, claims=1))

    assert pauses == [2, 4, 8, 16, 30, 30]


async def test_an_api_that_falls_silent_between_two_changes_leaves_a_trail_that_can_be_read() -> None:
    world = a_world_of_two_views()
    operation = await world.approve()
    world.ports = replace(world.ports, is_stopping=lambda: bool(world.zones.applied))
    await world.step(operation)
    world.ports = replace(world.ports, is_stopping=lambda: False)
    world.zones.unreadable = Unreachable("PrivateZone does not answer.")

    ended = await world.carry_out(operation)

    assert ended.state is State.PARTIAL
    assert 5 < len([entry for entry in world.operations.audit if entry["event"] == "released"]) < 12


async def test_a_result_of_a_claim_that_somebody_else_took_over_is_not_stored() -> None:
    world = a_world()
    operation = await _claimed(world)
    world.operations.put(replace(operation, version=operation.version + 1, lease=a_lease(token="b" * 32)))

    with pytest.raises(VersionConflict):
        await finish(world.ports, 0, Written(operation, Result.APPLIED))


async def test_the_next_change_follows_at_once() -> None:
    world = a_world_of_two_views()

    following = await finish(world.ports, 0, Written(await _claimed(world), Result.APPLIED))

    assert following is not None
    assert (following.state, following.lease, following.next_change()) == (State.APPLYING, None, 1)
    assert await world.operations.due(NOW) == (following.id,)


@pytest.mark.parametrize(
    ("result", "state"),
    [(Result.FAILED, State.PARTIAL), (Result.DIFFERS, State.PARTIAL), (Result.UNKNOWN, State.NEEDS_HUMAN)],
)
async def test_an_end_after_another_change_was_applied_says_partial_unless_something_is_unknown(
    result: Result, state: State
) -> None:
    world = a_world_of_two_views()
    following = await finish(world.ports, 0, Written(await _claimed(world), Result.APPLIED))
    assert following is not None

    await finish(world.ports, 1, Written(following, result, "Why."))

    assert (await world.operations.get(following.id)).state is state


@pytest.mark.parametrize(("is_unclean", "state"), [(True, State.NEEDS_HUMAN), (False, State.FAILED)])
async def test_giving_up_says_that_the_time_was_up_and_what_was_seen_last(is_unclean: bool, state: State) -> None:
    world = a_world()
    operation = await _claimed(world, is_unclean=is_unclean, note="It was silent.")

    await give_up(world.ports, operation, 0)

    ended = await world.operations.get(operation.id)
    assert (ended.state, ended.outcome) == (state, "It was tried until its time was up. It was silent.")


async def test_progress_is_stored_under_the_running_lease() -> None:
    world = a_world()
    operation = await _claimed(world)

    saved = await save(world.ports, operation)

    assert saved.version == operation.version + 1
    assert saved.lease == operation.lease
    assert await world.operations.due(NOW + timedelta(seconds=29)) == ()


@pytest.mark.parametrize("result", [Result.FAILED, Result.UNKNOWN, Result.DIFFERS])
async def test_an_end_leaves_standing_when_two_people_agreed(result: Result) -> None:
    world = a_world()
    operation = await _claimed(world)

    assert operation.approved_at is not None
    assert (await _finished(world, operation, result)).approved_at == operation.approved_at


@pytest.mark.parametrize("own", [{"person": "on-call"}, {"user_id": ON_CALL}])
async def test_an_end_takes_back_what_only_its_requester_approved(own: dict[str, Any]) -> None:
    world = a_world()
    operation = await _claimed(world)
    operation = world.operations.put(replace(operation, votes=(replace(operation.votes[0], **own),)))

    assert (await _finished(world, operation, Result.FAILED)).approved_at is None


async def test_an_end_before_its_moment_is_refused_by_the_store() -> None:
    world = a_world()
    operation = await world.ask()

    with pytest.raises(OutOfTime):
        await end(world.ports, operation, Event.EXPIRE, "Too late.", not_before=operation.expires_at)


@pytest.mark.parametrize("state", [state for state in State if state.is_terminal])
async def test_what_has_ended_does_not_end_again(state: State) -> None:
    world = a_world()
    operation = an_operation(state, plan=a_plan())

    with pytest.raises(InvalidTransition, match=rf"fo-7k2m is {state}: "):
        await end(world.ports, operation, Event.LOSE_TRACK, "Lost.")


async def test_every_end_is_told_in_the_audit_with_the_vendors_request_ids() -> None:
    world = a_world()
    operation = await _claimed(world, request_ids=("R-1", "R-2"))

    await _finished(world, operation, Result.FAILED)

    told = world.operations.audit[-1]
    assert (told["event"], told["before"], told["after"]) == ("known not applied", "APPLYING", "FAILED")
    assert (told["digest"], told["requests"]) == (operation.plan.digest, "R-1 R-2")
