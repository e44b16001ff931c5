"""Carrying an approved operation out: the usual way, and every way in which it must stop."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.observation import Observed
from bot.domain.operation import START_WITHIN, Operation, State, SubState
from bot.errors import OutcomeUnknown, StoreUnavailable, Unreachable
from bot.ports import CLAIM_DURABLE_WITHIN, Commit
from bot.services.execution import step
from tests.builders import HOME_ADDRESS, NOW, ON_CALL, PUBLIC_NAME, a_lease
from tests.fakes import FakeClock, FakeOperations
from tests.services.world import ALL_THE_WAY, OWNER, World, a_world, a_world_of_two_views, moves

LINK = PUBLIC_NAME["hangzhou"]


async def test_an_approved_failover_moves_the_record_and_ends_done() -> None:
    world = a_world()

    done = await world.carry_out(await world.approve())

    assert (done.state, world.zones.held["record-b"].target) == (State.DONE, f"CNAME {LINK}")
    assert [change.existing.record_id for change in world.zones.applied] == ["record-b"]
    assert moves(world) == ALL_THE_WAY
    assert {(o.name, o.outcome) for o in done.observations} == {("CONVERGED", Observed.OK), ("CONFIRMED", Observed.OK)}


async def test_only_type_and_value_of_the_record_change() -> None:
    world = a_world()
    before = world.zones.held["record-b"]

    await world.carry_out(await world.approve("zhangjiakou via internal"))

    assert world.zones.held["record-b"] == replace(before, type="A", value=HOME_ADDRESS["hangzhou"])


async def test_several_views_move_in_order_and_each_shows_its_own_progress() -> None:
    world = a_world_of_two_views()

    done = await world.carry_out(await world.approve())

    assert done.state is State.DONE
    assert [change.existing.record_id for change in world.zones.applied] == ["record-b", "record-c"]
    assert [progress.state for progress in done.progress] == [SubState.APPLIED, SubState.APPLIED]
    assert [step.text.split(" now holds")[0] for step in done.steps] == [
        "cross-region.registry.io in vpc-bbbbb",
        "cross-region.registry.io in vpc-ccccc",
    ]


async def test_each_send_of_a_change_carries_the_same_token() -> None:
    world = a_world_of_two_views()

    done = await world.carry_out(await world.approve())

    assert [token for _, token in world.zones.sent] == [f"{done.plan.digest[:40]}-0", f"{done.plan.digest[:40]}-1"]


async def test_a_change_that_was_made_by_hand_meanwhile_is_not_written_again() -> None:
    world = a_world()
    operation = await world.approve()
    world.zones.edit("record-b", type="CNAME", value=LINK)

    stale = await world.step(operation)

    assert (stale.state, world.zones.sent) == (State.STALE, [])
    assert f"vpc-bbbbb already pulls from hangzhou (CNAME {LINK})" in stale.outcome


async def test_a_request_that_nobody_decided_expires() -> None:
    world = a_world()
    operation = await world.ask()

    assert (await world.step(operation)).state is State.PENDING
    world.clock.move(timedelta(minutes=15))
    expired = await world.step(operation)

    assert expired.state is State.EXPIRED
    assert expired.outcome == "Nobody decided in time, so it expired. Nothing was changed. Start a new request."
    assert await world.operations.open_on("record-b") is None


async def test_an_approval_that_no_worker_started_lapses() -> None:
    world = a_world()
    operation = await world.approve()
    world.clock.move(START_WITHIN)

    lapsed = await world.step(operation)

    assert (lapsed.state, world.zones.sent) == (State.EXPIRED, [])
    assert "was not started within 120 s, so it lapsed. Nothing was changed." in lapsed.outcome


@pytest.mark.covers("F56")
async def test_a_value_that_moved_after_the_approval_makes_it_stale_with_both_values() -> None:
    world = a_world()
    operation = await world.approve()
    world.zones.edit("record-b", value="10.2.0.99")

    stale = await world.step(operation)

    assert (stale.state, world.zones.sent) == (State.STALE, [])
    assert "held A 10.2.0.20, now it holds A 10.2.0.99" in stale.outcome
    assert stale.outcome.endswith("Plan again.")


async def test_a_hold_between_approval_and_claim_keeps_the_record_until_it_ends() -> None:
    world = a_world()
    operation = await world.approve()
    world.operations.hold("record-b", timedelta(seconds=20))

    assert (await world.step(operation)).state is State.APPROVED
    assert (await world.carry_out(operation)).state is State.DONE
    assert world.zones.applied


@pytest.mark.covers("F59")
async def test_a_record_that_cannot_be_read_under_the_claim_fails_when_its_time_is_up_and_nothing_was_sent() -> None:
    world = a_world()
    operation = await world.approve()
    claimed = replace(operation, state=State.APPLYING)  # released: claimed before, given back
    world.operations.put(claimed, due_at=world.clock.now())
    world.zones.unreadable = Unreachable("PrivateZone does not answer. Ask again in a moment.")

    ended = await world.carry_out(claimed)

    assert (ended.state, ended.progress[0].is_unclean, world.zones.sent) == (State.FAILED, False, [])
    assert ended.outcome == (
        "It was tried until its time was up. The record cannot be read just now: PrivateZone does not answer."
    )
    assert ended.ended_at is not None
    assert timedelta() <= ended.ended_at - NOW - START_WITHIN < timedelta(seconds=3)
    assert await world.operations.held_for("record-b") == 0


async def test_a_second_change_whose_record_moved_leaves_the_first_and_says_partial() -> None:
    world = a_world_of_two_views()
    operation = await world.approve()
    third_party = _EditsAfter(world, "record-b", "record-c", value="10.2.0.99")
    world.ports = replace(world.ports, zones=third_party)

    ended = await world.step(operation)

    assert ended.state is State.PARTIAL
    assert [progress.state for progress in ended.progress] == [SubState.APPLIED, SubState.WAITING]
    assert "vpc-ccccc held A 10.2.0.30, now it holds A 10.2.0.99. Nothing was overwritten." in ended.outcome


async def test_a_stored_operation_without_a_vote_of_ours_is_never_carried_out() -> None:
    world = a_world()
    operation = await world.approve()
    world.operations.put(replace(operation, votes=(replace(operation.votes[0], mac="forged"),)))

    ended = await world.step(operation)

    assert (ended.state, world.zones.sent) == (State.STALE, [])
    assert "E_APPROVAL_FORGED" in ended.outcome


async def test_an_operation_that_names_its_requester_as_approver_is_never_carried_out() -> None:
    world = a_world()
    operation = await world.approve()
    own = replace(operation.votes[0], person="on-call", user_id=ON_CALL)
    own = replace(own, mac=world.ports.signer.sign(operation.id, own.digest, own.person, own.verb))
    world.operations.put(replace(operation, votes=(own,)))

    ended = await world.step(operation)

    assert (ended.state, world.zones.sent) == (State.STALE, [])
    assert "E_APPROVAL_FORGED" in ended.outcome


@pytest.mark.parametrize("late", [timedelta(), timedelta(minutes=3)])
async def test_an_approval_without_any_vote_ends_and_frees_its_record(late: timedelta) -> None:
    world = a_world()
    operation = await world.approve()
    world.operations.put(replace(operation, votes=()))
    world.clock.move(late)

    ended = await world.step(operation)

    assert (ended.is_terminal, ended.approved_at, world.zones.sent) == (True, None, [])
    assert (await world.operations.claims("record-b")).open_by is None


@pytest.mark.parametrize("state", [State.REJECTED, State.CANCELLED, State.EXPIRED, State.STALE])
async def test_an_operation_that_ended_without_a_write_has_no_further_step(state: State) -> None:
    world = a_world()
    operation = world.operations.put(replace(await world.approve(), state=state))

    assert await world.step(operation) == operation


async def test_a_store_that_fails_at_the_claim_leaves_the_operation_to_the_next_scan() -> None:
    world = a_world()
    operation = await world.approve()
    world.operations.fail_next(StoreUnavailable("Redis does not answer."))

    with pytest.raises(StoreUnavailable):
        await world.step(operation)

    assert (await world.carry_out(operation)).state is State.DONE
    assert len(world.zones.applied) == 1


async def test_a_claim_that_another_owner_overwrote_before_it_was_read_back_is_not_used() -> None:
    world = a_world()
    operation = await world.approve()
    thief = _StealsClaims(world.clock)
    thief.put(operation)
    world.ports = replace(world.ports, operations=thief)

    await world.step(operation)

    assert world.zones.sent == []


async def test_a_claim_is_waited_for_until_replicas_have_it() -> None:
    world = a_world()
    operation = await world.approve()
    store = _KeepsCommits(world.clock)
    store.put(operation)
    world.ports = replace(world.ports, operations=store)

    await step(world.ports, operation.id, OWNER)

    assert (store.commits[0].audit["event"], store.commits[0].durable_within) == ("claimed", CLAIM_DURABLE_WITHIN)


async def test_an_unclear_answer_is_stored_before_anything_else_is_done() -> None:
    world = a_world()
    operation = await world.approve()
    store = _KeepsCommits(world.clock)
    store.put(operation)
    world.ports = replace(world.ports, operations=store)
    world.zones.fail_next(OutcomeUnknown("No answer came to the write.", request_id="R-1"))

    await step(world.ports, operation.id, OWNER)

    progress = store.commits[1].operation.progress[0]
    assert (progress.state, progress.is_unclean, progress.request_ids) == (SubState.CLAIMED, True, ("R-1",))


async def test_a_clear_answer_takes_no_commit_of_its_own() -> None:
    world = a_world()
    operation = await world.approve()
    store = _KeepsCommits(world.clock)
    store.put(operation)
    world.ports = replace(world.ports, operations=store)

    await step(world.ports, operation.id, OWNER)

    assert [commit.audit["event"] for commit in store.commits] == ["claimed", "read back"]


class _KeepsCommits(FakeOperations):
    """A store that remembers what was asked of it."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.commits: list[Commit] = []

    async def commit(self, commit: Commit) -> Operation:
        """Remember, and do it."""
        self.commits.append(commit)
        return await super().commit(commit)


class _EditsAfter:
    """Zones in which somebody acts right after our write to one record: edits another."""

    def __init__(self, world: World, written: str, edited: str, **fields: Any) -> None:
        self._world, self._written, self._edited, self._fields = world, written, edited, fields

    def __getattr__(self, name: str) -> Any:
        return getattr(self._world.zones, name)

    async def apply(self, change: Any, client_token: str) -> Any:
        """Write, and let the other act."""
        written = await self._world.zones.apply(change, client_token)
        if change.existing.record_id == self._written:
            self._world.zones.edit(self._edited, **self._fields)
        return written


class _StealsClaims(FakeOperations):
    """A store that lost the claim and gave it to another owner, as after a failover of Redis."""

    async def commit(self, commit: Commit) -> Operation:
        """Answer as if the claim stood, and store another owner's."""
        written = await super().commit(commit)
        if written.lease is not None:
            self.put(replace(written, lease=a_lease(token="b" * 32, owner="bot-2")))
        return written
