"""What the store says about a request and its votes counts only under this bot's own mark."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.adapters.signer import HmacSigner
from bot.domain.operation import Operation, Requester, State, Verb
from bot.errors import NotPermitted
from bot.services.forgery import OUTLIVED
from bot.services.identity import IDENTITY_MAX_AGE
from bot.services.marks import (
    CLOCK_SET,
    is_forged,
    is_genuine_request,
    is_genuine_vote,
    is_postdated,
    mark_request,
    mark_vote,
)
from bot.services.recheck import recheck, recheck_authority
from bot.services.requests import cast_vote
from tests.builders import APPROVER, APPROVER_ELSEWHERE, NOW, ON_CALL
from tests.fakes import SIGNING_KEY
from tests.services.world import World, a_world

FORGED_VOTE = "0 of 1 approvals carry this bot's own mark (E_APPROVAL_FORGED). Somebody writes to Redis."
FORGED_REQUEST = "The request does not carry this bot's own mark (E_REQUEST_FORGED). Somebody writes to Redis."


async def _approved() -> tuple[World, Operation]:
    world = a_world()
    return world, await world.approve()


def _with_vote(operation: Operation, **fields: Any) -> Operation:
    return replace(operation, votes=(replace(operation.votes[0], **fields),))


def _with_requester(operation: Operation, **fields: Any) -> Operation:
    return replace(operation, requester=replace(operation.requester, **fields))


async def test_what_this_bot_stored_is_genuine() -> None:
    world, operation = await _approved()

    assert is_genuine_request(world.ports, operation)
    assert is_genuine_vote(world.ports, operation, operation.votes[0])


@pytest.mark.covers("A41")
@pytest.mark.parametrize(
    "forgery",
    [
        {"mac": ""},
        {"mac": "mac"},
        {"person": "somebody"},
        {"user_id": APPROVER_ELSEWHERE},
        {"identity_checked_at": NOW + timedelta(seconds=1)},
    ],
    ids=str,
)
async def test_a_vote_without_our_mark_does_not_count(forgery: dict[str, Any]) -> None:
    world, operation = await _approved()

    assert (await recheck(world.ports, _with_vote(operation, **forgery))).difference == FORGED_VOTE


async def test_a_rejection_turned_into_an_approval_does_not_count() -> None:
    world, operation = await _approved()
    rejection = mark_vote(world.ports, operation, replace(operation.votes[0], verb=Verb.REJECT))

    assert (await recheck(world.ports, _with_vote(operation, mac=rejection.mac))).difference == FORGED_VOTE


async def test_a_vote_marked_with_another_key_does_not_count() -> None:
    world, operation = await _approved()
    elsewhere = replace(world.ports, signer=HmacSigner("some other signing key"))
    foreign = mark_vote(elsewhere, operation, operation.votes[0])

    assert (await recheck(world.ports, replace(operation, votes=(foreign,)))).difference == OUTLIVED


@pytest.mark.covers("A42")
async def test_a_vote_copied_from_another_operation_does_not_count() -> None:
    world, operation = await _approved()
    other = mark_request(world.ports, replace(operation, id="fo-9999"))

    assert (await recheck(world.ports, other)).difference == FORGED_VOTE


async def test_a_vote_given_to_another_requesters_plan_does_not_count() -> None:
    world, operation = await _approved()
    other = mark_request(world.ports, _with_requester(operation, person="somebody"))

    assert (await recheck_authority(world.ports, other)).difference == FORGED_VOTE


async def test_marks_under_the_previous_key_still_count() -> None:
    world, operation = await _approved()
    world.ports = replace(world.ports, signer=HmacSigner("the next signing key", SIGNING_KEY))

    assert (await recheck(world.ports, operation)).difference == ""


async def test_marks_under_a_key_that_nobody_knows_any_more_do_not_count() -> None:
    world, operation = await _approved()
    world.ports = replace(world.ports, signer=HmacSigner("the next signing key"))

    assert (await recheck(world.ports, operation)).difference == OUTLIVED
    assert (await recheck(world.ports, _with_vote(operation, mac="key1:mac"))).difference == OUTLIVED


async def test_a_request_under_a_key_that_nobody_knows_any_more_asks_to_be_made_anew() -> None:
    world = a_world()
    operation = await world.ask()
    world.ports = replace(world.ports, signer=HmacSigner("the next signing key"))

    with pytest.raises(NotPermitted, match="Cancel it and ask again") as refused:
        await cast_vote(world.ports, operation.id, Verb.APPROVE, APPROVER)

    assert refused.value.code == "E_UNKNOWN_KEY"


@pytest.mark.covers("A41")
@pytest.mark.parametrize("forgery", [{"mac": ""}, {"person": "somebody"}, {"user_id": "U01OTHER"}], ids=str)
async def test_a_forged_requester_is_stale_at_the_claim_and_nothing_is_written(forgery: dict[str, str]) -> None:
    world, operation = await _approved()
    world.operations.put(_with_requester(operation, **forgery))

    ended = await world.step(operation)

    assert (ended.state, world.zones.sent) == (State.STALE, [])
    assert ended.outcome == f"Nothing was changed. {FORGED_REQUEST} Plan again."


async def test_a_request_copied_to_another_operation_is_not_genuine() -> None:
    world, operation = await _approved()

    assert (await recheck(world.ports, replace(operation, id="fo-9999"))).difference == FORGED_REQUEST


async def test_who_asked_cannot_approve_after_naming_somebody_else_as_requester_in_the_store() -> None:
    world = a_world()
    operation = await world.ask()
    forged = replace(operation, requester=Requester("approver", APPROVER, operation.requester.mac))
    world.operations.put(forged)

    with pytest.raises(NotPermitted, match=r"fo-0001 does not carry this bot's own mark") as refused:
        await cast_vote(world.ports, operation.id, Verb.APPROVE, ON_CALL)

    assert refused.value.code == "E_REQUEST_FORGED"
    assert await world.operations.get(operation.id) == forged


async def test_what_is_not_approved_yet_is_not_postdated() -> None:
    world, operation = await _approved()

    assert not is_postdated(world.ports, replace(operation, approved_at=None))


@pytest.mark.parametrize(("later", "is_old"), [(timedelta(0), False), (timedelta(seconds=1), True)])
async def test_an_approval_is_old_when_its_votes_could_not_have_rested_on_their_checks(
    later: timedelta, is_old: bool
) -> None:
    world, operation = await _approved()
    approved_at = NOW + IDENTITY_MAX_AGE + CLOCK_SET + later

    assert is_postdated(world.ports, replace(operation, approved_at=approved_at)) is is_old


async def test_an_approval_older_than_it_claims_ends_with_that_as_the_reason() -> None:
    world, operation = await _approved()
    late = replace(operation, approved_at=NOW + timedelta(minutes=10))

    assert (await recheck_authority(world.ports, late)).difference == (
        "The approval is older than it claims to be (E_APPROVAL_FORGED). Somebody writes to Redis."
    )


async def test_what_waits_for_votes_is_not_forged_and_what_moved_without_them_is() -> None:
    world = a_world()
    operation = await world.ask()

    assert not is_forged(world.ports, operation)
    assert is_forged(world.ports, replace(operation, state=State.APPROVED))


async def test_an_old_approval_is_not_made_young_by_a_vote_that_is_not_ours() -> None:
    world, operation = await _approved()
    later = NOW + timedelta(minutes=10)
    young = replace(operation.votes[0], person="somebody", identity_checked_at=later, mac="")

    assert not is_postdated(world.ports, operation)
    assert is_postdated(world.ports, replace(operation, approved_at=later, votes=(*operation.votes, young)))


async def test_an_old_approval_is_not_made_young_by_taking_its_moment_away() -> None:
    world, operation = await _approved()
    world.operations.put(replace(operation, approved_at=None))
    world.clock.move(timedelta(hours=1))

    ended = await world.step(operation)

    assert (ended.state, world.zones.sent) == (State.EXPIRED, [])


async def test_nor_is_it_by_dating_its_request_anew_as_well() -> None:
    world, operation = await _approved()
    later = NOW + timedelta(hours=1)

    assert is_postdated(world.ports, replace(operation, approved_at=None, created_at=later))


async def test_a_request_that_is_not_genuine_can_still_be_rejected() -> None:
    world = a_world()
    operation = await world.ask()
    world.operations.put(_with_requester(operation, mac=""))

    ended = await cast_vote(world.ports, operation.id, Verb.REJECT, APPROVER)

    assert ended.state is State.REJECTED
