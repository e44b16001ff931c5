"""Several people, or one person and a faltering store, at the same moment: one decision, and nobody's word is lost."""

import asyncio
from typing import Any

import pytest

from bot.domain.access import People, Role
from bot.domain.operation import Operation, State, Verb
from bot.errors import (
    BotError,
    Conflict,
    InvalidTransition,
    StoreUnavailable,
    VersionConflict,
)
from bot.services.requests import cast_vote
from tests.builders import (
    APPROVER,
    ON_CALL,
    a_person,
    an_access,
)
from tests.services.world import World, a_world, moves


async def _vote(
    world: World, operation: Operation, verb: Verb = Verb.APPROVE, user: str = APPROVER, **more: Any
) -> Any:
    return await cast_vote(world.ports, operation.id, verb, user, **more)


@pytest.mark.covers("F04")
async def test_a_lost_answer_of_the_store_does_not_lose_the_vote_and_saying_it_again_tells_so() -> None:
    world = a_world()
    operation = await world.ask()
    world.operations.fail_next(StoreUnavailable("Redis does not answer."), after=True)

    with pytest.raises(StoreUnavailable):
        await _vote(world, operation)

    with pytest.raises(InvalidTransition, match=rf"already APPROVED \(approve: <@{APPROVER}> at 03:00:00 UTC\)"):
        await _vote(world, operation)
    assert (await world.operations.get(operation.id)).state is State.APPROVED
    assert len(world.operations.audit) == 2


async def test_a_vote_that_meets_another_one_is_decided_again_on_what_it_finds() -> None:
    world = a_world()
    operation = await world.ask()
    world.operations.fail_next(VersionConflict("fo-0001 was changed."))

    assert (await _vote(world, operation)).state is State.APPROVED


async def test_a_vote_that_meets_another_one_three_times_gives_up_in_words() -> None:
    world = a_world()
    operation = await world.ask()
    for _ in range(3):
        world.operations.fail_next(VersionConflict("fo-0001 was changed."))

    with pytest.raises(Conflict, match="is being changed by several people at once"):
        await _vote(world, operation)


async def test_of_approve_and_cancel_at_the_same_moment_exactly_one_wins() -> None:
    world = a_world()
    operation = await world.ask()

    answers = await asyncio.gather(
        _vote(world, operation), _vote(world, operation, Verb.CANCEL, ON_CALL), return_exceptions=True
    )

    ended = await world.operations.get(operation.id)
    assert ended.state in (State.APPROVED, State.CANCELLED)
    assert all(isinstance(answer, (Operation, BotError)) for answer in answers)


async def test_of_a_hundred_approvers_one_vote_approves() -> None:
    many = tuple(a_person(f"p{n}", f"U{n:03}") for n in range(100))
    on_call = a_person("on-call", ON_CALL, roles=(Role.REQUESTER,))
    world = a_world(access=an_access(people=People((on_call, *many))))
    operation = await world.ask()

    await asyncio.gather(*(_vote(world, operation, user=f"U{n:03}") for n in range(100)), return_exceptions=True)

    assert moves(world).count((State.PENDING, State.APPROVED)) == 1
    assert len((await world.operations.get(operation.id)).votes) == 1
