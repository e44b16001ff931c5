"""Several processes draw the cards of one store: one at a time, and nobody waits long for one that died."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bot.adapters.redis_link import NoReply
from bot.domain.operation import Operation, Verb
from bot.errors import Unanswered
from bot.ports import Card, Message
from bot.services.buttons import button_value
from bot.services.requests import cast_vote
from bot.worker.outbox import POSTING_LASTS, RETRY_AFTER, Outbox
from bot.worker.sealer import Sealer
from tests.builders import APPROVER
from tests.services.world import World, a_world


def an_outbox(world: World) -> Outbox:
    return Outbox(world.ports, lambda operation, verb: button_value(world.ports, operation, verb))


async def card_of(world: World, operation: Operation) -> Card:
    card = await world.operations.card(operation.id)
    assert card is not None
    return card


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
    await world.operations.claim_news(operation.id, "who died", world.clock.now() + POSTING_LASTS)
    await an_outbox(world).tick()
    assert world.workspace.cards() == []

    world.clock.move(POSTING_LASTS)
    await an_outbox(world).tick()
    assert len(world.workspace.cards()) == 1


@pytest.mark.parametrize("lost", ["claim_news", "release_news"])
async def test_a_claim_whose_end_or_whose_answer_was_lost_keeps_nobody_waiting(lost: str) -> None:
    world = a_world()
    operation = await world.ask()
    outbox = an_outbox(world)
    _lose_an_answer(world, lost)
    await outbox.tick()
    await cast_vote(world.ports, operation.id, Verb.REJECT, APPROVER)
    world.clock.move(RETRY_AFTER)

    await outbox.tick()

    assert operation.id not in await world.operations.news()
    (card,) = world.workspace.cards()
    assert "REJECTED" in card.message.text


def _lose_an_answer(world: World, name: str) -> None:
    real = getattr(world.operations, name)

    async def call(*args: Any) -> None:
        setattr(world.operations, name, real)
        if name == "claim_news":
            await real(*args)
        raise NoReply("Redis did not answer in time.")

    setattr(world.operations, name, call)


async def test_who_stood_still_over_a_post_does_not_forget_where_another_put_the_card_meanwhile() -> None:
    world = a_world()
    operation = await world.ask()
    real = world.workspace.post

    async def post(*_args: Any, **_fields: Any) -> str:
        world.workspace.post = real  # type: ignore[method-assign]
        world.clock.move(POSTING_LASTS)
        await an_outbox(world).tick()
        raise Unanswered("Slack did not answer.")

    world.workspace.post = post  # type: ignore[method-assign]
    await an_outbox(world).tick()

    card = await card_of(world, operation)
    assert card.is_doubtful
    assert card.ts == world.workspace.cards()[0].ts
    world.clock.move(RETRY_AFTER)
    assert operation.id in await world.operations.news()


async def test_who_stood_still_over_an_edit_has_the_card_drawn_again_though_another_drew_it_meanwhile() -> None:
    world = a_world()
    operation = await world.approve()
    await an_outbox(world).tick()
    done = await world.carry_out(operation)
    real = world.workspace.update

    async def update(channel: str, ts: str, message: Message) -> None:
        world.workspace.update = real  # type: ignore[method-assign]
        world.clock.move(POSTING_LASTS)
        await an_outbox(world).tick()
        raise Unanswered("Slack did not answer.")

    world.workspace.update = update  # type: ignore[method-assign]
    await an_outbox(world).tick()

    card = await card_of(world, operation)
    assert card.is_doubtful
    assert card.rendered == done.version
    world.clock.move(RETRY_AFTER)
    assert operation.id in await world.operations.news()


async def test_a_version_that_was_lost_while_it_was_drawn_is_not_taken_for_the_one_that_has_its_number_now() -> None:
    world = a_world()
    operation = await world.approve()
    real = world.workspace.post

    async def post(*args: Any, **fields: Any) -> str:
        world.operations.put(replace(operation, stamp="of another attempt"))
        return await real(*args, **fields)

    world.workspace.post = post  # type: ignore[method-assign]
    await an_outbox(world).tick()

    assert operation.id in await world.operations.news()


async def test_after_a_redis_went_back_to_before_cards_are_drawn_anew_that_may_show_what_was_lost() -> None:
    world = a_world()
    operation = await world.ask()
    await an_outbox(world).tick()
    sealer = Sealer(world.ports)
    await sealer.tick()
    assert operation.id not in await world.operations.news()

    world.operations.audit.clear()
    await sealer.tick()

    assert operation.id in await world.operations.news()
