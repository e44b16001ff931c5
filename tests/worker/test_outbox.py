"""Cards: always the present state, once each, whatever Slack does; a refusal never stops an operation."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.domain.operation import Operation, State, Verb
from bot.errors import ForgedApproval, Refused, StoreUnavailable, Throttled, Unreachable
from bot.services.buttons import button_value
from bot.services.requests import cast_vote
from bot.worker.outbox import REFUSED_AGAIN_AFTER, RETRY_AFTER, SPACING, Outbox
from tests.builders import APPROVER, CHANNEL
from tests.fakes import FakeClock, FakeOperations
from tests.secrets import leaks, marked
from tests.services.world import World, a_world


def _refused(code: str) -> Refused:
    return Refused(f"Slack refuses: {code}.", code=code)


def _outbox(world: World) -> Outbox:
    return Outbox(world.ports, lambda operation, verb: button_value(world.ports, operation, verb))


async def _later(world: World, span: timedelta = RETRY_AFTER) -> None:
    world.clock.move(span)
    await _outbox(world).tick()


def _replies(world: World) -> list[str]:
    return [post.message.text for post in world.workspace.posts if post.thread_ts is not None]


async def test_a_request_becomes_one_card_with_buttons_in_the_channel_it_was_asked_in() -> None:
    world = a_world()
    operation = await world.ask()

    await _outbox(world).tick()
    await _outbox(world).tick()

    [card] = world.workspace.cards()
    assert card.channel == CHANNEL
    assert "operation.approve" in str(card.message.blocks)
    assert f"approve|{operation.id}|{operation.plan.digest}|" in str(card.message.blocks)


async def test_ten_moves_in_an_outage_become_one_update() -> None:
    world = a_world()
    operation = await world.ask()
    await _outbox(world).tick()
    stored = await world.operations.card(operation.id)
    assert stored is not None

    approved = await world.carry_out(await _approved(world, operation))
    await _outbox(world).tick()

    assert (world.workspace.updates, len(world.workspace.cards())) == (1, 1)
    card = await world.operations.card(operation.id)
    assert card is not None
    assert (card.ts, card.rendered) == (stored.ts, approved.version)
    assert "operation.approve" not in str(world.workspace.cards()[0].message.blocks)


async def _approved(world: World, operation: Operation) -> Operation:
    return await cast_vote(world.ports, operation.id, Verb.APPROVE, APPROVER)


async def test_steps_and_outcome_are_told_in_the_thread_once_each() -> None:
    world = a_world()
    await world.carry_out(await world.approve())

    await _outbox(world).tick()
    await _outbox(world).tick()

    replies = _replies(world)
    assert len(replies) == len(set(replies)) == 2
    assert {post.thread_ts for post in world.workspace.posts if post.thread_ts} == {world.workspace.cards()[0].ts}


async def test_a_reply_that_failed_is_not_lost_and_the_ones_before_it_are_not_repeated() -> None:
    world = a_world()
    await world.carry_out(await world.approve())
    outbox = _outbox(world)
    real = world.workspace.post
    calls = iter([None, None, Unreachable("Slack does not answer.")])

    async def post(*args: Any, **fields: Any) -> str:
        if error := next(calls, None):
            raise error
        return await real(*args, **fields)

    world.workspace.post = post  # type: ignore[method-assign]
    await outbox.tick()
    await _later(world)

    assert len(_replies(world)) == len(set(_replies(world))) == 2


async def test_a_post_that_fails_is_tried_again_and_the_operation_goes_on() -> None:
    world = a_world()
    operation = await world.approve()
    world.workspace.fail_next(Unreachable("Slack does not answer."))

    await _outbox(world).tick()
    done = await world.carry_out(operation)
    await _later(world)

    assert (done.state, len(world.workspace.cards())) == (State.DONE, 1)


@pytest.mark.parametrize("code", ["msg_blocks_too_long", "invalid_blocks", "missing_scope"])
async def test_what_slack_refuses_for_a_reason_is_not_sent_again_at_once(code: str) -> None:
    world = a_world()
    await world.ask()
    world.workspace.fail_next(_refused(code))
    await _outbox(world).tick()

    await _later(world, REFUSED_AGAIN_AFTER - timedelta(seconds=1))
    assert world.workspace.cards() == []

    await _later(world, timedelta(seconds=1))
    assert len(world.workspace.cards()) == 1


async def test_between_two_tries_slack_is_left_alone() -> None:
    world = a_world()
    await world.ask()
    world.workspace.fail_next(Unreachable("Slack does not answer."))
    await _outbox(world).tick()

    await _outbox(world).tick()
    assert world.workspace.cards() == []

    await _later(world)
    assert len(world.workspace.cards()) == 1


async def test_a_pause_that_slack_asked_for_is_kept() -> None:
    world = a_world()
    await world.ask()
    world.workspace.fail_next(Throttled("Slack asks for a pause.", retry_after=30))
    await _outbox(world).tick()

    await _later(world, timedelta(seconds=29))
    assert world.workspace.cards() == []

    await _later(world, timedelta(seconds=1))
    assert len(world.workspace.cards()) == 1


async def test_cards_that_slack_holds_back_at_one_look_do_not_all_come_back_at_once() -> None:
    world = a_world()
    first = await world.ask()
    for number in range(2, 5):
        await world.operations.draw_again(world.operations.put(replace(first, id=f"fo-000{number}")).id)
    pause = timedelta(seconds=30)
    world.workspace.fail_next(*[Throttled("Slack asks for a pause.", retry_after=30)] * 4)
    await _outbox(world).tick()

    shown = []
    for wait in (pause, SPACING, SPACING, SPACING):
        await _later(world, wait)
        shown.append(len(world.workspace.cards()))

    assert shown == [1, 2, 3, 4]


async def test_an_operation_whose_document_was_changed_waits_and_hides_no_other_card() -> None:
    world = a_world()
    operation = await world.ask()
    store = _Forged(world.clock, operation.id)
    store.put(operation)
    store.mark(operation)
    world.ports = replace(world.ports, operations=store)

    await _outbox(world).tick()

    assert await store.news() == ()


async def test_a_card_that_cannot_be_drawn_is_logged_and_hides_no_other() -> None:
    world = a_world()
    await world.ask()

    def broken(_operation: object, _verb: object) -> str:
        raise ValueError(marked("InAnError"))

    with capture_logs() as logs:
        await Outbox(world.ports, broken).tick()

    assert [entry["event"] for entry in logs] == ["card.broken", "card.postponed"]
    assert leaks(str(logs)) == []


async def test_a_store_that_cannot_even_postpone_is_logged() -> None:
    world = a_world()
    operation = await world.ask()
    store = _Deaf(world.clock)
    store.put(operation)
    store.mark(operation)
    world.ports = replace(world.ports, operations=store)
    world.workspace.fail_next(Unreachable("Slack does not answer."))

    with capture_logs() as logs:
        await _outbox(world).tick()

    assert [entry["event"] for entry in logs] == ["card.postponed", "card.not_postponed"]


class _Marked(FakeOperations):
    """A store that can be told that a card is behind."""

    def mark(self, operation: Operation) -> None:
        """Mark a card as behind."""
        self._news[operation.id] = (operation.version, None)


class _Forged(_Marked):
    """A store in which somebody changed one document."""

    def __init__(self, clock: FakeClock, operation_id: str) -> None:
        super().__init__(clock)
        self._forged = operation_id

    async def get(self, operation_id: str) -> Operation:
        """Refuse the changed one."""
        if operation_id == self._forged:
            raise ForgedApproval("The stored plan does not match its digest.")
        return await super().get(operation_id)


class _Deaf(_Marked):
    """A store that takes no postponement."""

    async def postpone_news(self, operation_id: str, until: object) -> None:
        """Fail."""
        raise StoreUnavailable("Redis does not answer.")
