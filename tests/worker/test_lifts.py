"""The card of a lift says while a failover of Redis may bring the freeze back, and no longer once it may not."""

from datetime import timedelta

import pytest

from bot.domain.operation import Operation, Requester, State, Verb
from bot.errors import Unconfirmed
from bot.services import freezing
from bot.services.requests import cast_vote
from bot.services.unfreezing import ask_to_lift
from bot.worker.cards import SETTLED_AFTER
from tests.builders import APPROVER, CHANNEL, ON_CALL
from tests.services.world import World, a_world
from tests.worker.test_cards import outbox, tick

UNSAFE = "not safe yet: a failover of Redis may bring the freeze back"


async def _lifted(world: World) -> Operation:
    """Have a freeze lifted whose card stands."""
    await freezing.freeze(world.ports, "all", "approver", APPROVER)
    asked = await ask_to_lift(world.ports, "all", Requester("on-call", ON_CALL), CHANNEL, "")
    await tick(world)
    return await world.step(await cast_vote(world.ports, asked.id, Verb.APPROVE, APPROVER))


async def _lifted_on_the_primary_alone(world: World) -> None:
    await freezing.freeze(world.ports, "all", "approver", APPROVER)
    asked = await ask_to_lift(world.ports, "all", Requester("on-call", ON_CALL), CHANNEL, "")
    await tick(world)
    approved = await cast_vote(world.ports, asked.id, Verb.APPROVE, APPROVER)
    world.operations.is_replica_behind = True
    with pytest.raises(Unconfirmed):
        await world.step(approved)


def _card(world: World) -> str:
    (card,) = world.workspace.cards()
    return card.message.text


async def test_a_lift_that_the_replicas_have_is_told_without_a_doubt() -> None:
    world = a_world()
    assert (await _lifted(world)).state is State.DONE

    await tick(world)

    assert _card(world).startswith("UNFROZEN")
    assert all("safe" not in str(post.message) for post in world.workspace.posts)
    assert await world.operations.news() == ()


async def test_a_lift_that_they_may_not_have_says_so_on_the_card_and_where_its_end_is_told() -> None:
    world = a_world()
    await _lifted_on_the_primary_alone(world)

    await tick(world)

    (card,) = world.workspace.cards()
    (told,) = [post.message.text for post in world.workspace.posts if post.thread_ts == card.ts]
    assert (card.message.text[:8], UNSAFE in card.message.text, UNSAFE in told) == ("UNFROZEN", True, True)
    assert "E_STORE_NOT_DURABLE" in str(card.message.blocks)


async def test_the_doubt_goes_once_they_have_it_whichever_bot_looks() -> None:
    world = a_world()
    await _lifted_on_the_primary_alone(world)
    await tick(world)
    world.clock.move(SETTLED_AFTER)
    await tick(world)
    assert UNSAFE in _card(world)

    world.operations.is_replica_behind = False
    world.clock.move(SETTLED_AFTER)
    await outbox(world).tick()  # one that has drawn nothing so far

    assert _card(world).startswith("UNFROZEN")
    assert UNSAFE not in _card(world)
    world.clock.move(timedelta(minutes=1))
    assert await world.operations.news() == ()
