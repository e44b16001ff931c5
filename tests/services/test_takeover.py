"""After a crash under a claim: the next owner looks first, and sends only what it may."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.operation import HOLD, LEASE, MAX_CLAIMS, START_WITHIN, Operation, State, SubState, Verb
from bot.errors import RecordHeld, Unreachable
from bot.services.requests import cast_vote
from tests.builders import APPROVER, NOW, PUBLIC_NAME, a_lease, an_identity
from tests.fakes import FakeClock
from tests.services.world import World, a_world

LINK = PUBLIC_NAME["hangzhou"]


async def _crashed_after_claim(world: World, **progress: Any) -> Operation:
    """Have an operation whose owner died under its claim."""
    operation = await world.approve()
    claimed = replace(operation.progress[0], state=SubState.CLAIMED, claims=1, **progress)
    dead = replace(operation.with_progress(0, claimed), state=State.APPLYING, lease=a_lease(until=NOW + LEASE))
    world.operations.put(dead, due_at=NOW + LEASE)
    return dead


async def test_a_claim_that_somebody_else_holds_is_left_alone() -> None:
    world = a_world()
    dead = await _crashed_after_claim(world)

    assert await world.step(dead, owner="bot-2") == dead
    assert world.zones.sent == []


async def test_after_the_lease_the_next_owner_finishes_a_write_that_was_never_sent() -> None:
    world = a_world()
    dead = await _crashed_after_claim(world)
    world.clock.move(LEASE)

    done = await world.carry_out(dead, owner="bot-2")

    assert (done.state, len(world.zones.applied)) == (State.DONE, 1)
    assert done.progress[0].is_unclean
    assert done.progress[0].claims == 2


async def test_after_the_lease_the_next_owner_reads_and_does_not_write_again() -> None:
    world = a_world()
    dead = await _crashed_after_claim(world)
    world.zones.edit("record-b", type="CNAME", value=LINK)
    world.clock.move(LEASE)

    done = await world.carry_out(dead, owner="bot-2")

    assert (done.state, world.zones.sent) == (State.DONE, [])
    assert await world.operations.held_for("record-b") > 0


async def test_after_an_unclear_end_the_record_rests_and_an_approval_is_refused_with_the_time() -> None:
    world = a_world()
    dead = await _crashed_after_claim(world)
    world.clock.move(LEASE)
    await world.step(await world.step(dead))
    back = await world.ask("zhangjiakou via internal")

    with pytest.raises(RecordHeld, match=f"on hold for {HOLD.seconds} more seconds"):
        await cast_vote(world.ports, back.id, Verb.APPROVE, APPROVER)


async def test_a_takeover_that_finds_a_third_value_asks_for_a_person() -> None:
    world = a_world()
    dead = await _crashed_after_claim(world)
    world.zones.edit("record-b", value="10.2.0.99")
    world.clock.move(LEASE)

    ended = await world.step(dead)

    assert (ended.state, ended.progress[0].state) == (State.NEEDS_HUMAN, SubState.UNKNOWN)
    assert "now it holds A 10.2.0.99. Nothing was overwritten." in ended.outcome


@pytest.mark.parametrize("is_applied", [True, False])
async def test_a_takeover_under_the_kill_switch_only_looks(is_applied: bool) -> None:
    world = a_world()
    dead = await _crashed_after_claim(world)
    await world.operations.freeze_by_hand()
    if is_applied:
        world.zones.edit("record-b", type="CNAME", value=LINK)
    world.clock.move(LEASE)

    ended = await world.carry_out(dead)

    assert ended.state is (State.DONE if is_applied else State.NEEDS_HUMAN)
    assert world.zones.sent == []


async def test_a_takeover_by_a_process_that_must_not_write_and_cannot_read_asks_for_a_person() -> None:
    world = a_world()
    dead = await _crashed_after_claim(world)
    world.ports = replace(world.ports, kill_switch=lambda: "REGISTRY_BOT_FREEZE is set.")
    world.zones.unreadable = Unreachable("PrivateZone does not answer.")
    world.clock.move(LEASE)

    ended = await world.step(dead)

    assert ended.state is State.NEEDS_HUMAN
    assert ended.outcome == "REGISTRY_BOT_FREEZE is set. The record cannot be read: PrivateZone does not answer."


async def test_a_takeover_after_an_approver_was_deactivated_does_not_send() -> None:
    world = a_world()
    dead = await _crashed_after_claim(world)
    world.identities.known[APPROVER] = an_identity(APPROVER, is_deleted=True)
    world.clock.move(LEASE)

    ended = await world.step(dead)

    assert (ended.state, world.zones.sent) == (State.NEEDS_HUMAN, [])
    assert "E_INACTIVE_USER" in ended.outcome


async def test_claims_without_a_clear_result_end_with_a_person_being_asked() -> None:
    world = a_world()
    dead = await _crashed_after_claim(world, note="The vendor gave no clear answer to the write.", is_unclean=True)
    world.operations.put(replace(dead, progress=(replace(dead.progress[0], claims=4),)))
    world.clock.move(LEASE)

    ended = await world.step(dead)

    assert ended.state is State.NEEDS_HUMAN
    assert ended.outcome == "It was tried until its time was up. The vendor gave no clear answer to the write."


@pytest.mark.covers("F29")
async def test_a_lease_is_over_by_the_stores_clock_and_not_by_ours() -> None:
    world = a_world()
    dead = await _crashed_after_claim(world)
    ahead = FakeClock(NOW + LEASE)
    world.ports = replace(world.ports, clock=ahead)

    assert await world.step(dead, owner="bot-2") == dead
    assert world.zones.sent == []


async def test_a_takeover_that_cannot_read_the_record_keeps_the_doubt_and_comes_back() -> None:
    world = a_world()
    dead = await _crashed_after_claim(world)
    world.zones.unreadable = Unreachable("PrivateZone does not answer.")
    world.clock.move(LEASE)

    waiting = await world.step(dead, owner="bot-2")

    assert (waiting.state, waiting.progress[0].state) == (State.APPLYING, SubState.CLAIMED)
    assert (waiting.progress[0].is_unclean, waiting.lease is not None) == (True, True)


async def test_a_takeover_that_never_can_read_the_record_asks_for_a_person() -> None:
    world = a_world()
    dead = await _crashed_after_claim(world)
    world.zones.unreadable = Unreachable("PrivateZone does not answer.")

    ended = await world.carry_out(dead)

    assert (ended.state, world.zones.sent) == (State.NEEDS_HUMAN, [])
    assert ended.ended_at is not None
    assert ended.ended_at - NOW <= timedelta(seconds=180)


async def test_a_takeover_long_after_the_approval_only_looks() -> None:
    world = a_world()
    dead = await _crashed_after_claim(world)
    world.clock.move(START_WITHIN + LEASE * MAX_CLAIMS)

    ended = await world.step(dead)

    assert (ended.state, world.zones.sent) == (State.NEEDS_HUMAN, [])
    assert "too old to be acted upon" in ended.outcome
