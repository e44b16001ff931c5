"""Lifting a freeze: asked for, approved by somebody else, done in one commit; every other way it stays frozen."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.access import People
from bot.domain.freeze import SET_BY_HAND
from bot.domain.operation import START_WITHIN, Operation, Requester, State, Verb
from bot.errors import AlreadyOpen, Frozen, NotPermitted, OutOfTime, StoreUnavailable, Unconfirmed, UserError
from bot.services import freezing
from bot.services.execution import step
from bot.services.requests import cast_vote
from bot.services.unfreezing import ask_to_lift
from tests.builders import APPROVER, CHANNEL, NOW, ON_CALL, an_access
from tests.fakes import FakeClock
from tests.services.world import OWNER, World, a_world

SWITCHED = "The kill switch is on (REGISTRY_BOT_FREEZE)."
ASKER = Requester("on-call", ON_CALL)


async def _frozen() -> World:
    world = a_world()
    await freezing.freeze(world.ports, "all", "approver", APPROVER, reason="storage migration")
    return world


async def _ask(world: World, scope: str = "all", asker: Requester = ASKER) -> Operation:
    return await ask_to_lift(world.ports, scope, asker, CHANNEL, "the migration is over")


async def _approved(world: World, scope: str = "all") -> Operation:
    asked = await _ask(world, scope)
    return await cast_vote(world.ports, asked.id, Verb.APPROVE, APPROVER)


async def test_a_second_persons_approval_lifts_it_and_failovers_go_on() -> None:
    world = await _frozen()

    done = await world.step(await _approved(world))

    assert (done.id[:3], done.state, await world.operations.freezes()) == ("uf-", State.DONE, ())
    assert (await world.carry_out(await world.approve())).state is State.DONE


async def test_who_froze_what_and_who_lifted_it_is_in_the_audit() -> None:
    world = await _frozen()
    await world.step(await _approved(world))

    told = [(entry["event"], entry["person"]) for entry in world.operations.audit]
    assert told == [("frozen", "approver"), ("requested", "on-call"), ("approve", "approver"), ("unfrozen", "bot")]
    assert {world.operations.audit[0]["scope"], world.operations.audit[-1]["scope"]} == {"all"}


async def test_only_the_scope_that_was_asked_for_is_lifted() -> None:
    world = await _frozen()
    await freezing.freeze(world.ports, "hangzhou", "on-call", ON_CALL)

    await world.step(await _approved(world, "hangzhou"))

    assert [freeze.scope for freeze in await world.operations.freezes()] == ["all"]


async def test_the_end_tells_what_was_lifted() -> None:
    world = await _frozen()

    lifted = await world.step(await _approved(world))

    assert lifted.outcome.startswith(f"Lifted: All sites are frozen by <@{APPROVER}>")
    assert "storage migration" in lifted.outcome


async def test_the_end_tells_what_is_frozen_besides() -> None:
    world = await _frozen()
    await freezing.freeze(world.ports, "hangzhou", "on-call", ON_CALL, world.clock.now() + timedelta(hours=1))

    lifted = await world.step(await _approved(world))

    assert lifted.outcome == "Still frozen: hangzhou until 04:00 UTC."


@pytest.mark.covers("A46")
async def test_who_asked_for_it_does_not_lift_it_alone() -> None:
    world = await _frozen()
    asked = await _ask(world)

    with pytest.raises(NotPermitted) as refused:
        await cast_vote(world.ports, asked.id, Verb.APPROVE, ON_CALL)
    assert refused.value.code == "E_SECOND_PERSON_NEEDED"
    assert (await world.step(asked)).state is State.PENDING
    assert len(await world.operations.freezes()) == 1


async def test_who_froze_may_approve_that_somebody_else_lifts_it() -> None:
    assert (await _approved(await _frozen())).state is State.APPROVED


async def test_an_approver_without_the_right_to_request_may_ask_to_lift() -> None:
    world = await _frozen()
    asked = await _ask(world, asker=Requester("approver", APPROVER))

    await cast_vote(world.ports, asked.id, Verb.APPROVE, ON_CALL)

    assert (await world.step(asked)).state is State.DONE


async def test_a_second_request_for_the_same_scope_names_the_first() -> None:
    world = await _frozen()
    first = await _ask(world)

    with pytest.raises(AlreadyOpen, match=first.id):
        await _ask(world)


@pytest.mark.parametrize(
    ("scope", "told"),
    [("zhangjiakou", "zhangjiakou itself is not frozen, so there is nothing to lift. Frozen now: all."), ("all", "")],
)
async def test_what_is_not_frozen_cannot_be_lifted(scope: str, told: str) -> None:
    world = await _frozen() if told else a_world()

    with pytest.raises(
        UserError, match=told or "Not all sites are frozen, so there is nothing to lift. Nothing is frozen now."
    ):
        await _ask(world, scope)


async def test_what_was_frozen_past_the_bot_is_lifted_past_the_bot() -> None:
    world = a_world()
    world.operations.put_freeze(SET_BY_HAND)

    with pytest.raises(Frozen, match="whoever looks after Redis must remove it there"):
        await _ask(world)


async def test_past_the_bot_is_told_alone_of_whatever_is_frozen() -> None:
    world = a_world()
    await freezing.freeze(world.ports, "hangzhou", "approver", APPROVER, reason="storage migration")
    world.operations.put_freeze(SET_BY_HAND)

    with pytest.raises(Frozen) as refused:
        await _ask(world)
    assert "storage migration" not in str(refused.value)


async def test_what_only_this_bot_knows_cannot_be_lifted_before_the_store_has_it() -> None:
    world = a_world()
    world.operations.fail_freezing(StoreUnavailable("Redis does not answer."))
    await freezing.freeze(world.ports, "all", "approver", APPROVER)

    with pytest.raises(StoreUnavailable, match="does not have this freeze yet"):
        await _ask(world)


async def test_under_the_switch_of_this_process_nobody_can_ask_or_approve() -> None:
    world = await _frozen()
    asked = await _ask(world)
    world.ports = replace(world.ports, kill_switch=lambda: SWITCHED)

    with pytest.raises(Frozen, match="REGISTRY_BOT_FREEZE"):
        await _ask(world, "hangzhou")
    with pytest.raises(Frozen, match="REGISTRY_BOT_FREEZE"):
        await cast_vote(world.ports, asked.id, Verb.APPROVE, APPROVER)


def _switch(world: World) -> None:
    world.ports = replace(world.ports, kill_switch=lambda: SWITCHED)


def _revoke(world: World) -> None:
    on_call = world.ports.rules.access.people.persons[0]
    world.obey(access=an_access(people=People((on_call,))))


@pytest.mark.parametrize("happens", [_switch, _revoke])
async def test_what_changes_after_the_approval_leaves_it_frozen(happens: Callable[[World], None]) -> None:
    world = await _frozen()
    approved = await _approved(world)
    happens(world)

    ended = await world.step(approved)

    assert (ended.state, len(await world.operations.freezes())) == (State.STALE, 1)
    assert ended.outcome.startswith("Nothing was lifted.")


async def test_what_was_frozen_anew_after_the_request_stays_frozen() -> None:
    world = await _frozen()
    approved = await _approved(world)
    world.clock.move(timedelta(seconds=1))
    await freezing.freeze(world.ports, "all", "approver", APPROVER, reason="still busy")

    ended = await world.step(approved)

    assert (ended.state, [f.reason for f in await world.operations.freezes()]) == (State.STALE, ["still busy"])


async def test_an_approval_that_nobody_carried_out_lapses() -> None:
    world = await _frozen()
    approved = await _approved(world)
    world.clock.move(START_WITHIN)

    assert (await world.step(approved)).state is State.EXPIRED
    assert len(await world.operations.freezes()) == 1


async def test_an_old_approval_is_not_made_young_by_taking_its_moment_away() -> None:
    world = await _frozen()
    approved = await _approved(world)
    world.operations.put(replace(approved, approved_at=None))
    world.clock.move(timedelta(hours=1))

    assert (await world.step(approved)).state is State.EXPIRED
    assert len(await world.operations.freezes()) == 1


async def test_an_approval_lapses_by_the_stores_clock_although_ours_is_behind() -> None:
    world = await _frozen()
    approved = await _approved(world)
    world.ports = replace(world.ports, clock=FakeClock(NOW))
    world.clock.move(START_WITHIN + timedelta(seconds=1))

    with pytest.raises(OutOfTime):
        await world.step(approved)
    assert len(await world.operations.freezes()) == 1


async def test_a_lift_waits_for_the_replicas() -> None:
    world = await _frozen()
    approved = await _approved(world)
    world.operations.is_replica_behind = True

    with pytest.raises(Unconfirmed):
        await world.step(approved)


async def test_what_was_lifted_can_be_frozen_and_lifted_anew() -> None:
    world = await _frozen()
    await world.step(await _approved(world))
    await freezing.freeze(world.ports, "all", "approver", APPROVER)

    assert (await world.step(await _approved(world))).state is State.DONE


async def test_a_request_that_nobody_decides_expires() -> None:
    world = await _frozen()
    asked = await _ask(world)
    world.clock.move(timedelta(minutes=15))

    assert (await world.step(asked)).state is State.EXPIRED


@pytest.mark.parametrize("verb", [Verb.REJECT, Verb.CANCEL])
async def test_a_rejected_or_cancelled_request_leaves_it_frozen_and_the_way_free(verb: Verb) -> None:
    world = await _frozen()
    asked = await _ask(world)

    await cast_vote(world.ports, asked.id, verb, APPROVER)

    assert len(await world.operations.freezes()) == 1
    assert (await _ask(world)).state is State.PENDING


async def test_a_store_in_trouble_postpones_the_lift() -> None:
    world = await _frozen()
    approved = await _approved(world)
    world.ports = replace(world.ports, store_trouble=lambda: "Redis takes no writes.")

    with pytest.raises(StoreUnavailable, match="takes no writes"):
        await step(world.ports, approved.id, OWNER)
    assert len(await world.operations.freezes()) == 1
