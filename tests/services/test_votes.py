"""Deciding: one person's word in, one committed state out, or a refusal with its code; both sides of every rule."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.access import Access, Identity, People, Role
from bot.domain.operation import Operation, State, Verb
from bot.errors import (
    Frozen,
    InvalidTransition,
    NotPermitted,
    RecordHeld,
    StoreUnavailable,
    UnknownOperation,
    Unreachable,
)
from bot.services.requests import cast_vote
from tests.builders import (
    APPROVER,
    APPROVER_ELSEWHERE,
    NOW,
    ON_CALL,
    OUTSIDER,
    a_person,
    a_policy,
    an_access,
    an_identity,
)
from tests.fakes import FakeClock, FakeIdentities
from tests.services.world import World, a_world, moves

THIRD = a_person("third", "U01THIRD", roles=(Role.APPROVER,))


def _of_three(approvals: int) -> Access:
    on_call = a_person("on-call", ON_CALL, roles=(Role.REQUESTER,))
    return an_access(people=People((on_call, a_person(), THIRD)), policy=a_policy(approvals=approvals))


async def _vote(
    world: World, operation: Operation, verb: Verb = Verb.APPROVE, user: str = APPROVER, **more: Any
) -> Any:
    return await cast_vote(world.ports, operation.id, verb, user, **more)


async def _refused(world: World, operation: Operation, **fields: Any) -> str:
    """Return the code of the refusal of a vote that must change nothing."""
    before = await world.operations.get(operation.id)
    with pytest.raises(NotPermitted) as refused:
        await _vote(world, operation, **fields)
    assert await world.operations.get(operation.id) == before
    return refused.value.code


async def test_a_second_person_approves() -> None:
    world = a_world()

    approved = await _vote(world, await world.ask())

    assert (approved.state, approved.approved_at) == (State.APPROVED, NOW)
    assert [(vote.person, vote.user_id, vote.identity_checked_at) for vote in approved.votes] == [
        ("approver", APPROVER, NOW)
    ]
    assert await world.operations.due(NOW) == (approved.id,)


@pytest.mark.covers("A01", "A03")
@pytest.mark.parametrize(
    ("user", "code"),
    [(ON_CALL, "E_SELF_APPROVAL"), (OUTSIDER, "E_NOT_APPROVER"), ("", "E_NOT_APPROVER")],
)
async def test_the_requester_and_people_off_the_list_cannot_approve(user: str, code: str) -> None:
    world = a_world()

    assert await _refused(world, await world.ask(), user=user) == code


@pytest.mark.covers("A02")
async def test_the_requesters_second_account_cannot_approve() -> None:
    on_call = a_person("on-call", ON_CALL, "U09ONCALL", roles=(Role.REQUESTER, Role.APPROVER))
    world = a_world(access=an_access(people=People((on_call, a_person()))))

    assert await _refused(world, await world.ask(), user="U09ONCALL") == "E_SELF_APPROVAL"


@pytest.mark.covers("A04", "A05", "A06", "A07")
@pytest.mark.parametrize(
    ("account", "code"),
    [
        ({"is_deleted": True}, "E_INACTIVE_USER"),
        ({"is_bot": True}, "E_NOT_HUMAN"),
        ({"is_guest": True}, "E_EXTERNAL_USER"),
        ({"team_id": "T09"}, "E_EXTERNAL_USER"),
    ],
)
async def test_an_account_that_changed_cannot_decide(account: dict[str, Any], code: str) -> None:
    world = a_world()
    operation = await world.ask()
    world.identities.known[APPROVER] = an_identity(**account)

    assert await _refused(world, operation) == code


@pytest.mark.parametrize(
    ("account", "code"),
    [
        ({"is_deleted": True}, "E_INACTIVE_USER"),
        ({"is_guest": True}, "E_EXTERNAL_USER"),
        ({"is_bot": True}, "E_NOT_HUMAN"),
    ],
)
async def test_for_a_requester_whose_account_changed_nobody_approves_and_anybody_may_still_refuse(
    account: dict[str, Any], code: str
) -> None:
    world = a_world()
    operation = await world.ask()
    world.identities.known[ON_CALL] = an_identity(ON_CALL, **account)

    with pytest.raises(NotPermitted, match=f"<@{ON_CALL}>, who asked for {operation.id}, stands in the way") as refused:
        await _vote(world, operation, Verb.APPROVE)
    assert refused.value.code == code
    assert (await _vote(world, operation, Verb.REJECT)).state is State.REJECTED


@pytest.mark.covers("F41")
async def test_while_slack_confirms_nobody_nothing_is_counted() -> None:
    world = a_world()
    operation = await world.ask()
    world.identities.down = True

    assert await _refused(world, operation) == "E_IDENTITY_UNVERIFIED"


@pytest.mark.covers("A21")
async def test_a_button_of_another_plan_is_refused_and_one_of_this_plan_counts() -> None:
    world = a_world()
    operation = await world.ask()

    assert await _refused(world, operation, digest="0" * 64) == "E_PLAN_CHANGED"
    assert (await _vote(world, operation, digest=operation.plan.digest)).state is State.APPROVED


@pytest.mark.covers("A19")
@pytest.mark.parametrize("verb", Verb)
async def test_an_expired_request_can_no_longer_be_decided(verb: Verb) -> None:
    world = a_world()
    operation = await world.ask()
    world.clock.move(timedelta(minutes=15))

    assert await _refused(world, operation, verb=verb) == "E_EXPIRED"


@pytest.mark.covers("A47")
@pytest.mark.covers("F29")
async def test_a_clock_set_back_does_not_revive_an_expired_request() -> None:
    world = a_world()
    operation = await world.ask()
    late = type(world.clock)(NOW)
    world.ports = replace(world.ports, clock=late)
    world.clock.move(timedelta(minutes=16))

    assert await _refused(world, operation) == "E_EXPIRED"


async def test_while_others_are_waited_for_the_same_word_twice_counts_once_and_gives_the_same_answer() -> None:
    world = a_world(access=_of_three(approvals=2))
    operation = await world.ask()

    first, again = await _vote(world, operation), await _vote(world, operation, user=APPROVER_ELSEWHERE)

    assert again == first
    assert (first.state, first.approvals_needed) == (State.PENDING, 2)
    assert len(world.operations.audit) == 2


@pytest.mark.parametrize("user", [APPROVER, APPROVER_ELSEWHERE])
async def test_the_same_word_after_it_took_effect_tells_the_state_and_who_said_it(user: str) -> None:
    world = a_world()
    operation = await world.approve()

    with pytest.raises(InvalidTransition, match=rf"fo-0001 is already APPROVED \(approve: <@{APPROVER}> at 03:00:00"):
        await _vote(world, operation, user=user)

    assert await world.operations.get(operation.id) == operation


@pytest.mark.covers("A26")
async def test_two_approvals_take_two_people_and_one_person_with_two_accounts_is_one() -> None:
    world = a_world(access=_of_three(approvals=2))
    operation = await world.ask()

    states = [(await _vote(world, operation, user=u)).state for u in (APPROVER, APPROVER_ELSEWHERE, "U01THIRD")]

    assert states == [State.PENDING, State.PENDING, State.APPROVED]


@pytest.mark.parametrize(
    ("verb", "user", "state", "outcome"),
    [
        (Verb.REJECT, APPROVER, State.REJECTED, f"Rejected by <@{APPROVER}>: too risky. Nothing was changed."),
        (Verb.CANCEL, ON_CALL, State.CANCELLED, f"Cancelled by <@{ON_CALL}>: too risky. Nothing was changed."),
        (Verb.CANCEL, APPROVER, State.CANCELLED, f"Cancelled by <@{APPROVER}>: too risky. Nothing was changed."),
    ],
)
async def test_a_no_ends_it_with_who_and_why_and_frees_the_record(
    verb: Verb, user: str, state: State, outcome: str
) -> None:
    world = a_world()

    ended = await _vote(world, await world.ask(), verb, user, reason="too\nrisky")

    assert (ended.state, ended.outcome) == (state, outcome)
    assert await world.operations.open_on("record-b") is None
    assert await world.operations.due(NOW + timedelta(days=1)) == ()


async def test_a_no_without_a_reason_is_told_without_one() -> None:
    world = a_world()

    rejected = await _vote(world, await world.ask(), Verb.REJECT)

    assert rejected.outcome == f"Rejected by <@{APPROVER}>. Nothing was changed."


async def test_an_approved_request_can_be_cancelled_until_it_is_begun() -> None:
    world = a_world()
    operation = await world.approve()

    assert (await _vote(world, operation, Verb.CANCEL, ON_CALL)).state is State.CANCELLED
    assert moves(world)[-1] == (State.APPROVED, State.CANCELLED)


@pytest.mark.parametrize("verb", [Verb.REJECT, Verb.CANCEL])
async def test_what_has_begun_or_ended_cannot_be_decided_and_says_who_was_first(verb: Verb) -> None:
    world = a_world()
    done = await world.carry_out(await world.approve())

    with pytest.raises(InvalidTransition, match=rf"fo-0001 is already DONE \(approve: <@{APPROVER}> at 03:00:00 UTC\)"):
        await _vote(world, done, verb)


async def test_an_approval_in_the_last_minute_can_be_cancelled_after_the_request_would_have_expired() -> None:
    world = a_world()
    operation = await world.ask()
    world.clock.move(timedelta(minutes=14, seconds=30))
    await _vote(world, operation)
    world.clock.move(timedelta(minutes=1))

    assert (await _vote(world, operation, Verb.CANCEL, ON_CALL)).state is State.CANCELLED


async def test_approving_what_was_cancelled_tells_by_whom() -> None:
    world = a_world()
    operation = await world.ask()
    await _vote(world, operation, Verb.CANCEL, ON_CALL)

    with pytest.raises(InvalidTransition, match=rf"already CANCELLED \(cancel: <@{ON_CALL}> at .*Nothing was changed"):
        await _vote(world, operation)


async def test_an_unknown_operation_is_said_to_be_unknown() -> None:
    with pytest.raises(UnknownOperation):
        await cast_vote(a_world().ports, "fo-none", Verb.APPROVE, APPROVER)


@pytest.mark.covers("A22")
async def test_a_policy_that_changed_since_the_plan_is_not_approved_but_can_be_cancelled() -> None:
    world = a_world()
    operation = await world.ask()
    world.obey(access=an_access(policy=a_policy(pending_for=timedelta(minutes=20))))

    assert await _refused(world, operation) == "E_POLICY_CHANGED"
    assert (await _vote(world, operation, Verb.CANCEL, ON_CALL)).state is State.CANCELLED


async def test_for_a_requester_who_is_an_approver_only_now_nobody_approves() -> None:
    world = a_world()
    operation = await world.ask()
    on_call = a_person("on-call", ON_CALL, roles=(Role.APPROVER,))
    world.obey(access=an_access(people=People((on_call, a_person()))))

    assert await _refused(world, operation) == "E_NOT_REQUESTER"


async def test_while_the_store_cannot_be_trusted_nobody_approves() -> None:
    world = a_world()
    operation = await world.ask()
    world.ports = replace(world.ports, store_trouble=lambda: "Redis evicts keys.")

    with pytest.raises(StoreUnavailable, match=r"Redis evicts keys\. Until then nothing can be requested or decided"):
        await _vote(world, operation)

    assert (await world.operations.get(operation.id)).votes == ()


async def test_what_ended_without_a_word_is_told_without_one() -> None:
    world = a_world()
    operation = await world.ask()
    world.clock.move(timedelta(minutes=15))
    expired = await world.step(operation)

    with pytest.raises(InvalidTransition) as refused:
        await _vote(world, operation)

    assert str(refused.value) == f"{operation.id} is already {expired.state}. {expired.outcome}"


@pytest.mark.parametrize("switch", ["process", "store"])
async def test_under_the_kill_switch_nobody_approves_and_anybody_may_still_refuse(switch: str) -> None:
    world = a_world()
    operation = await world.ask()
    if switch == "store":
        await world.operations.freeze_by_hand()
    else:
        world.ports = replace(world.ports, kill_switch=lambda: "REGISTRY_BOT_FREEZE is set.")

    with pytest.raises(Frozen):
        await _vote(world, operation)

    assert (await _vote(world, operation, Verb.REJECT)).state is State.REJECTED


async def test_a_record_on_hold_is_not_approved_and_the_time_is_told() -> None:
    world = a_world()
    operation = await world.ask()
    world.operations.hold("record-b", timedelta(seconds=33))

    with pytest.raises(RecordHeld, match="on hold for 33 more seconds"):
        await _vote(world, operation)

    world.clock.move(timedelta(seconds=34))
    assert (await _vote(world, operation)).state is State.APPROVED


async def test_what_would_write_to_a_record_on_hold_may_still_be_refused() -> None:
    world = a_world()
    operation = await world.ask()
    world.operations.hold("record-b", timedelta(seconds=33))

    assert (await _vote(world, operation, Verb.REJECT)).state is State.REJECTED


async def test_who_was_the_first_of_two_to_approve_may_still_say_no() -> None:
    world = a_world(access=_of_three(2))
    operation = await _vote(world, await world.ask())

    assert (await _vote(world, operation, Verb.REJECT)).state is State.REJECTED


async def test_after_the_first_of_two_approvals_it_still_expires_in_time() -> None:
    world = a_world(access=_of_three(2))
    operation = await _vote(world, await world.ask())

    assert operation.state is State.PENDING
    assert await world.operations.due(operation.expires_at - timedelta(seconds=1)) == ()
    assert await world.operations.due(operation.expires_at) == (operation.id,)


async def test_while_slack_does_not_confirm_the_requester_nobody_approves() -> None:
    world = a_world()
    operation = await world.ask()
    world.ports = replace(world.ports, identities=_KnowsNot(ON_CALL, world.clock))

    assert await _refused(world, operation) == "E_IDENTITY_UNVERIFIED"
    assert (await _vote(world, operation, Verb.REJECT)).state is State.REJECTED


class _KnowsNot(FakeIdentities):
    """Slack that does not answer about one person."""

    def __init__(self, user_id: str, clock: FakeClock) -> None:
        super().__init__(clock)
        self._missing = user_id

    async def identity(self, user_id: str, max_age: timedelta) -> Identity:
        """Answer about everybody else."""
        if user_id == self._missing:
            raise Unreachable("Slack does not answer.")
        return await super().identity(user_id, max_age)
