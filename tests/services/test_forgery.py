"""What somebody wrote into the store past this bot: an alarm, and a freeze when it is certain."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.adapters.signer import HmacSigner
from bot.domain.operation import Operation, Requester, State, Verb
from bot.errors import Frozen, VersionConflict
from bot.services.recheck import recheck_authority
from bot.services.requests import cast_vote
from bot.services.unfreezing import ask_to_lift
from tests.builders import APPROVER, CHANNEL, ON_CALL, a_lease
from tests.services.world import World, a_world


async def _told(world: World, operation: Operation) -> tuple[list[str], list[str]]:
    """Look at an operation once more; return the alarms and the scopes that are frozen then."""
    alarms: list[str] = []
    world.ports = replace(world.ports, alarm=alarms.append)
    with capture_logs() as logs:
        await recheck_authority(world.ports, operation)
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["alarm.unmarked"] * len(alarms)
    return alarms, [freeze.scope for freeze in await world.operations.freezes()]


async def _approved() -> tuple[World, Operation]:
    world = a_world()
    return world, await world.approve()


def _without_votes(operation: Operation) -> Operation:
    return replace(operation, votes=())


def _with_a_vote_nobody_signed(operation: Operation) -> Operation:
    return replace(operation, votes=(replace(operation.votes[0], mac=""),))


def _with_the_vote_of_another(operation: Operation) -> Operation:
    return replace(operation, votes=(replace(operation.votes[0], person="somebody"),))


def _asked_by_another(operation: Operation) -> Operation:
    return replace(operation, requester=replace(operation.requester, person="somebody"))


@pytest.mark.covers("A41")
@pytest.mark.parametrize(
    "forge", [_without_votes, _with_a_vote_nobody_signed, _with_the_vote_of_another, _asked_by_another]
)
async def test_a_forged_decision_freezes_everything_and_raises_the_alarm(forge: Any) -> None:
    world, operation = await _approved()

    assert await _told(world, forge(operation)) == (["unmarked"], ["all"])
    (entry,) = [entry for entry in world.operations.audit if entry["event"] == "frozen"]
    assert (entry["person"], entry["operation"], entry["code"].startswith("E_")) == ("bot", operation.id, True)


@pytest.mark.covers("A42")
async def test_a_decision_copied_to_another_operation_freezes_everything() -> None:
    world, operation = await _approved()

    assert await _told(world, replace(operation, id="fo-9999")) == (["unmarked"], ["all"])


async def test_a_key_that_was_changed_alarms_nobody_and_freezes_nothing() -> None:
    world, operation = await _approved()
    world.ports = replace(world.ports, signer=HmacSigner("the next signing key"))

    assert await _told(world, operation) == ([], [])


async def test_what_this_bot_stored_raises_nothing() -> None:
    world, operation = await _approved()

    assert await _told(world, operation) == ([], [])


@pytest.mark.covers("A41")
async def test_after_a_forgery_nothing_else_moves_either() -> None:
    world, operation = await _approved()
    world.operations.put(_with_a_vote_nobody_signed(operation))

    ended = await world.step(operation)

    assert (ended.state, world.zones.sent) == (State.STALE, [])
    with pytest.raises(Frozen, match="this bot itself"):
        await world.ask("hangzhou")


@pytest.mark.covers("A44")
async def test_an_operation_that_was_put_back_a_moment_after_its_end_moves_nothing() -> None:
    world, operation = await _approved()
    await cast_vote(world.ports, operation.id, Verb.CANCEL, ON_CALL)
    world.operations.put(operation)

    ended = await world.step(operation)

    assert (ended.state, world.zones.sent) == (State.STALE, [])
    assert "It had ended before, and was put back" in ended.outcome
    assert [freeze.scope for freeze in await world.operations.freezes()] == ["all"]


async def test_an_operation_that_another_bot_ends_while_this_one_looks_again_is_no_forgery() -> None:
    world, operation = await _approved()
    await cast_vote(world.ports, operation.id, Verb.CANCEL, ON_CALL)

    with pytest.raises(VersionConflict, match="has become CANCELLED since it was read"):
        await recheck_authority(world.ports, operation)

    assert await world.operations.freezes() == ()


async def test_an_audit_of_one_page_is_asked_for_once_before_a_write() -> None:
    world = a_world()
    operation = await world.approve()
    asked, entries = [], world.ports.trail.entries

    async def counted(*words: Any) -> Any:
        asked.append(words)
        return await entries(*words)

    world.ports.trail.entries = counted  # type: ignore[assignment, method-assign]
    await recheck_authority(world.ports, operation)

    assert len(asked) == 1


@pytest.mark.covers("A44")
@pytest.mark.parametrize("is_begun", [False, True], ids=["as approved", "as begun"])
async def test_an_approval_of_before_a_cancellation_that_is_written_again_moves_nothing(is_begun: bool) -> None:
    world, operation = await _approved()
    await cast_vote(world.ports, operation.id, Verb.CANCEL, ON_CALL)
    world.clock.move(timedelta(minutes=5))
    again = replace(operation, approved_at=world.clock.now(), expires_at=world.clock.now() + timedelta(minutes=5))
    if is_begun:
        again = replace(again, state=State.APPLYING, lease=a_lease(until=world.clock.now()))
    world.operations.put(again)

    await world.step(again)

    assert world.zones.sent == []
    assert [freeze.scope for freeze in await world.operations.freezes()] == ["all"]


async def test_the_same_forgery_seen_again_is_recorded_and_leaves_a_request_to_lift_alone() -> None:
    world, operation = await _approved()
    forged = _with_a_vote_nobody_signed(operation)
    await recheck_authority(world.ports, forged)
    asked = await ask_to_lift(world.ports, "all", Requester("on-call", ON_CALL), CHANNEL, "looked into")
    world.clock.move(timedelta(seconds=1))

    await recheck_authority(world.ports, forged)

    lifted = await world.step(await cast_vote(world.ports, asked.id, Verb.APPROVE, APPROVER))
    assert (lifted.state, await world.operations.freezes()) == (State.DONE, ())
    assert [entry["event"] for entry in world.operations.audit].count("frozen") == 2
