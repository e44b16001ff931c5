"""Words that a failover of Redis may lose: they count, their owner hears it, and a repeat tells when they are safe."""

from dataclasses import replace

import pytest

from bot.domain.operation import State, Verb
from bot.errors import InvalidTransition, Unconfirmed, VersionConflict
from bot.ports import WORD_DURABLE_WITHIN
from bot.services.requests import cast_vote
from tests.builders import APPROVER, a_policy, an_access
from tests.services.world import World, a_world

STATES = {Verb.APPROVE: State.APPROVED, Verb.REJECT: State.REJECTED, Verb.CANCEL: State.CANCELLED}
NAMES = {Verb.APPROVE: "approval", Verb.REJECT: "rejection", Verb.CANCEL: "cancellation"}


@pytest.mark.parametrize("verb", list(Verb))
async def test_a_vote_that_the_replica_does_not_have_counts_and_its_owner_hears_it(verb: Verb) -> None:
    world = a_world()
    operation = await world.ask()
    world.operations.is_replica_behind = True

    with pytest.raises(Unconfirmed) as heard:
        await cast_vote(world.ports, operation.id, verb, APPROVER)

    assert str(heard.value).startswith(f"Your {NAMES[verb]} of {operation.id} is recorded, but it is lost if Redis")
    assert f"`/registry {verb} {operation.id}`" in str(heard.value)
    assert heard.value.code == "E_STORE_NOT_DURABLE"
    assert (await world.operations.get(operation.id)).state is STATES[verb]


async def test_the_worker_is_woken_for_it_all_the_same() -> None:
    world = a_world()
    operation = await world.ask()
    woken = _count_wakes(world)
    world.operations.is_replica_behind = True

    with pytest.raises(Unconfirmed):
        await cast_vote(world.ports, operation.id, Verb.APPROVE, APPROVER)

    assert woken == [1]


@pytest.mark.parametrize("verb", [Verb.REJECT, Verb.CANCEL])
async def test_a_word_that_ended_it_is_told_as_decided_once_the_replica_has_it(verb: Verb) -> None:
    world = a_world()
    operation = await world.ask()
    world.operations.is_replica_behind = True
    for _ in range(2):
        with pytest.raises(Unconfirmed):
            await cast_vote(world.ports, operation.id, verb, APPROVER)
    world.operations.is_replica_behind = False

    with pytest.raises(InvalidTransition, match=f"already {STATES[verb]}"):
        await cast_vote(world.ports, operation.id, verb, APPROVER)


async def test_one_of_two_approvals_is_told_as_counted_once_the_replica_has_it() -> None:
    world = a_world()
    world.obey(access=an_access(policy=a_policy(approvals=2)))
    operation = await world.ask()
    world.operations.is_replica_behind = True
    for _ in range(2):
        with pytest.raises(Unconfirmed):
            await cast_vote(world.ports, operation.id, Verb.APPROVE, APPROVER)
    world.operations.is_replica_behind = False

    counted = await cast_vote(world.ports, operation.id, Verb.APPROVE, APPROVER)

    assert (counted.state, len(counted.votes)) == (State.PENDING, 1)


async def test_a_request_that_the_replica_does_not_have_is_there_and_its_owner_hears_it() -> None:
    world = a_world()
    woken = _count_wakes(world)
    world.operations.is_replica_behind = True

    with pytest.raises(Unconfirmed, match="Your request fo-0001 is recorded, but it is lost if Redis fails over now"):
        await world.ask()

    assert (await world.operations.get("fo-0001")).state is State.PENDING
    assert woken == [1]


async def test_what_the_store_no_longer_knows_is_not_confirmed() -> None:
    world = a_world()
    operation = await world.ask()

    with pytest.raises(VersionConflict):
        await world.operations.confirm(replace(operation, stamp="lost"), WORD_DURABLE_WITHIN)


def _count_wakes(world: World) -> list[int]:
    woken: list[int] = []
    world.ports = replace(world.ports, wake=lambda: woken.append(1))
    return woken
