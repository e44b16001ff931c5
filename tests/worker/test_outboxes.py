"""Several processes draw the cards of one store: one at a time, and nobody waits long for one that died."""

import asyncio
from typing import Any

from bot.services.buttons import button_value
from bot.worker.outbox import POSTING_LASTS, Outbox
from tests.services.world import World, a_world


def an_outbox(world: World) -> Outbox:
    return Outbox(world.ports, lambda operation, verb: button_value(world.ports, operation, verb))


async def test_two_processes_that_look_at_the_same_moment_post_one_card() -> None:
    world = a_world()
    await world.carry_out(await world.approve())
    real = world.workspace.post

    async def post(*args: Any, **fields: Any) -> str:
        await asyncio.sleep(0.01)
        return await real(*args, **fields)

    world.workspace.post = post  # type: ignore[method-assign]
    await asyncio.gather(an_outbox(world).tick(), an_outbox(world).tick())

    assert len(world.workspace.cards()) == 1
    replies = [post.message.text for post in world.workspace.posts if post.thread_ts is not None]
    assert len(replies) == len(set(replies)) > 0


async def test_a_card_whose_drawer_died_is_drawn_by_another_within_seconds() -> None:
    world = a_world()
    operation = await world.ask()
    await world.operations.claim_news(operation.id, world.clock.now() + POSTING_LASTS)
    await an_outbox(world).tick()
    assert world.workspace.cards() == []

    world.clock.move(POSTING_LASTS)
    await an_outbox(world).tick()
    assert len(world.workspace.cards()) == 1
