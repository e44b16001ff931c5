"""What becomes of a card that Slack will not have where it was: somebody is always told, and no old one seems live."""

from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.domain.operation import Operation, State, Verb
from bot.errors import BotError, Refused, Unanswered, Unreachable
from bot.ports import Card, Channel, Message
from bot.services.buttons import button_value
from bot.services.requests import cast_vote
from bot.worker.cards import SETTLED_AFTER
from bot.worker.outbox import REFUSED_AGAIN_AFTER, RETRY_AFTER, UNCLEAR_AGAIN_AFTER, Outbox
from tests.builders import APPROVER, CHANNEL, ON_CALL, a_policy, an_access
from tests.services.world import World, a_world

HOME = "C00HOME"
SHUT = [
    "is_archived",
    "not_in_channel",
    "channel_not_found",
    "restricted_action",
    "restricted_action_read_only_channel",
    "restricted_action_thread_only_channel",
]


def refused(code: str) -> Refused:
    return Refused(f"Slack refuses: {code}.", code=code)


def lost() -> Unanswered:
    return Unanswered("Slack did not answer.")


def outbox(world: World) -> Outbox:
    return Outbox(world.ports, lambda operation, verb: button_value(world.ports, operation, verb))


def with_home_elsewhere() -> World:
    world = a_world(access=an_access(policy=a_policy(home_channel=HOME)))
    world.workspace.channels[HOME] = Channel(HOME, "home", True, False)
    return world


async def tick(world: World) -> None:
    """Tell all there is to tell now: a card first, then the words that it hands over."""
    await outbox(world).tick()
    await outbox(world).tick()


async def later(world: World, span: timedelta = RETRY_AFTER) -> None:
    world.clock.move(span)
    await tick(world)


async def shown(world: World) -> Operation:
    """Return an operation whose card stands and was then approved."""
    operation = await world.ask()
    await tick(world)
    return await cast_vote(world.ports, operation.id, Verb.APPROVE, APPROVER)


async def card_of(world: World, operation: Operation) -> Card:
    card = await world.operations.card(operation.id)
    assert card is not None
    return card


def shut(world: World, *channels: str, code: str = "is_archived") -> None:
    """Have Slack refuse every post and edit in these channels."""
    post, update = world.workspace.post, world.workspace.update

    async def refusing_post(channel: str, message: Message, thread_ts: str | None = None) -> str:
        if channel in channels:
            raise refused(code)
        return await post(channel, message, thread_ts)

    async def refusing_update(channel: str, ts: str, message: Message) -> None:
        if channel in channels:
            raise refused(code)
        await update(channel, ts, message)

    world.workspace.post = refusing_post  # type: ignore[method-assign]
    world.workspace.update = refusing_update  # type: ignore[method-assign]


@pytest.mark.covers("F37")
@pytest.mark.parametrize("code", ["message_not_found", "cant_update_message", "edit_window_closed", "is_inactive"])
async def test_a_card_that_cannot_be_edited_is_posted_anew_remembered_there_and_recorded(code: str) -> None:
    world = a_world()
    operation = await shown(world)
    first = await card_of(world, operation)
    world.workspace.fail_next(refused(code))

    with capture_logs() as logs:
        await tick(world)

    card = await card_of(world, operation)
    assert (card.channel, card.ts, card.told) == (CHANNEL, world.workspace.cards()[-1].ts, first.told + 2)
    assert len(world.workspace.cards()) == 2
    assert "card.replaced" in [entry["event"] for entry in logs]
    [moved] = [entry for entry in world.operations.audit if entry["event"] == "card moved"]
    assert (moved["stood"], moved["stands"]) == (f"{CHANNEL} {first.ts}", f"{CHANNEL} {card.ts}")
    assert not {"before", "after"} & moved.keys()


@pytest.mark.parametrize("code", ["cant_update_message", "edit_window_closed"])
async def test_a_card_that_stands_but_cannot_be_edited_is_said_to_be_out_of_use(code: str) -> None:
    world = a_world()
    operation = await shown(world)
    first = await card_of(world, operation)
    world.workspace.fail_next(refused(code))

    await tick(world)

    below = [post.message.text for post in world.workspace.posts if post.thread_ts == first.ts]
    assert below[-1].startswith(f"OUT OF USE: this card of {operation.id}")
    assert (await card_of(world, operation)).ts.replace(".", "") in below[-1]


async def test_that_the_old_card_takes_no_reply_either_costs_a_line_in_the_log_only() -> None:
    world = a_world()
    operation = await shown(world)
    first = await card_of(world, operation)
    world.workspace.fail_next(refused("edit_window_closed"))
    post = world.workspace.post

    async def deaf_below_the_old(channel: str, message: Message, thread_ts: str | None = None) -> str:
        if thread_ts == first.ts:
            raise refused("restricted_action_thread_locked")
        return await post(channel, message, thread_ts)

    world.workspace.post = deaf_below_the_old  # type: ignore[method-assign]
    with capture_logs() as logs:
        await tick(world)

    assert "card.not_retired" in [entry["event"] for entry in logs]
    assert await world.operations.news() == ()


@pytest.mark.covers("F38")
@pytest.mark.parametrize("code", SHUT)
async def test_a_channel_that_takes_no_post_gives_the_card_to_the_home_channel(code: str) -> None:
    world = with_home_elsewhere()
    operation = await world.ask()
    shut(world, CHANNEL, code=code)

    await tick(world)

    [card] = world.workspace.cards()
    assert (card.channel, (await card_of(world, operation)).channel) == (HOME, HOME)


@pytest.mark.covers("F38")
@pytest.mark.parametrize("code", SHUT)
async def test_a_channel_that_closes_under_a_card_gives_it_to_the_home_channel(code: str) -> None:
    world = with_home_elsewhere()
    operation = await shown(world)
    shut(world, CHANNEL, code=code)

    await tick(world)

    assert (await card_of(world, operation)).channel == HOME
    assert "APPROVED" in world.workspace.cards()[-1].message.text


@pytest.mark.covers("F38")
async def test_when_home_takes_no_card_either_those_concerned_are_told_directly_and_an_alarm_rings() -> None:
    world = with_home_elsewhere()
    alarms = world.hear_alarms()
    operation = await shown(world)
    shut(world, CHANNEL, HOME)

    with capture_logs() as logs:
        await tick(world)

    for person in (ON_CALL, APPROVER):
        assert any(text.startswith("APPROVED") for text in world.workspace.told(person))
    assert "alarm.card_homeless" in [entry["event"] for entry in logs]
    assert "card_homeless" in alarms
    assert (await world.carry_out(operation)).state is State.DONE


async def test_a_pending_card_without_a_channel_says_how_to_decide_by_typing() -> None:
    world = with_home_elsewhere()
    operation = await world.ask()
    shut(world, CHANNEL, HOME)

    await tick(world)

    said = str([post.message.blocks for post in world.workspace.posts])
    assert f"/registry approve {operation.id}" in said
    assert "/invite @registry" in said


async def test_a_homeless_card_is_told_once_a_version_and_tried_again_until_a_channel_takes_it() -> None:
    world = with_home_elsewhere()
    operation = await world.ask()
    post, update = world.workspace.post, world.workspace.update
    shut(world, CHANNEL, HOME)
    await tick(world)
    told = len(world.workspace.told(ON_CALL))

    await later(world, REFUSED_AGAIN_AFTER)
    assert len(world.workspace.told(ON_CALL)) == told

    world.workspace.post, world.workspace.update = post, update  # type: ignore[method-assign]
    await later(world, REFUSED_AGAIN_AFTER)
    [card] = world.workspace.cards()
    assert (await card_of(world, operation)).ts == card.ts
    assert await world.operations.news() == ()


async def test_a_thread_that_takes_no_reply_in_the_home_channel_leaves_the_card_where_it_is() -> None:
    world = a_world()
    await world.carry_out(await world.approve())
    post = world.workspace.post

    async def without_threads(channel: str, message: Message, thread_ts: str | None = None) -> str:
        if thread_ts is not None:
            raise refused("restricted_action_thread_only_channel")
        return await post(channel, message)

    world.workspace.post = without_threads  # type: ignore[method-assign]
    alarms = world.hear_alarms()
    await tick(world)

    assert len(world.workspace.cards()) == 1
    assert await world.operations.news() == ()
    assert "steps_untold" in alarms


@pytest.mark.covers("F33")
async def test_a_post_that_arrived_without_an_answer_leaves_one_copy_and_the_new_card_says_so() -> None:
    world = a_world()
    operation = await world.ask()
    lose_answers(world, 1)

    await tick(world)
    await later(world)

    copy, card = world.workspace.cards()
    assert (await card_of(world, operation)).ts == card.ts != copy.ts
    [said] = [post.message.text for post in world.workspace.posts if post.thread_ts == card.ts]
    assert "a copy of it may stand in this channel" in said


async def test_while_answers_to_posts_stay_lost_copies_are_left_ever_more_slowly() -> None:
    world = a_world()
    await world.ask()
    lose_answers(world, 100)
    box = outbox(world)

    for _ in range(60 * 5):
        await box.tick()
        world.clock.move(timedelta(seconds=1))

    assert len(world.workspace.cards()) <= 3 + 300 // UNCLEAR_AGAIN_AFTER[-1].seconds


@pytest.mark.covers("F43")
async def test_an_edit_that_comes_into_force_late_does_not_stay() -> None:
    world = a_world()
    operation = await shown(world)
    late: list[Any] = []
    update = world.workspace.update

    async def delayed(channel: str, ts: str, message: Message) -> None:
        late.append((channel, ts, message))
        world.workspace.update = update  # type: ignore[method-assign]
        raise lost()

    world.workspace.update = delayed  # type: ignore[method-assign]
    await tick(world)
    done = await world.carry_out(operation)
    await later(world)
    newest = world.workspace.cards()[0].message
    await update(*late[0])
    assert world.workspace.cards()[0].message != newest

    await later(world, SETTLED_AFTER)

    assert world.workspace.cards()[0].message.text == newest.text
    assert (await card_of(world, operation)).rendered == done.version
    assert await world.operations.news() == ()


@pytest.mark.parametrize("error", [lost(), Unreachable("Slack cannot be reached.")])
async def test_people_are_told_of_their_words_when_slack_answers_again(error: BotError) -> None:
    world = a_world()
    operation = await world.ask()
    direct, failing = world.workspace.direct, [error]

    async def deaf(user_id: str) -> str:
        if failing:
            raise failing.pop()
        return await direct(user_id)

    world.workspace.direct = deaf  # type: ignore[method-assign]
    await tick(world)
    assert world.workspace.told(ON_CALL) == []

    await later(world)

    assert len(world.workspace.told(ON_CALL)) == 1
    assert (await card_of(world, operation)).told == 1


async def test_cards_that_are_behind_come_before_words_and_these_wait_for_one_look_at_most() -> None:
    world = a_world()
    drawn = outbox(world)
    operation = await world.ask()
    await drawn.tick()  # the card stands, and the requester's words are owed
    await cast_vote(world.ports, operation.id, Verb.APPROVE, APPROVER)

    await drawn.tick()
    assert "APPROVED" in world.workspace.cards()[0].message.text
    assert world.workspace.told(ON_CALL) == []

    await world.operations.draw_again(operation.id)
    await drawn.tick()
    assert len(world.workspace.told(ON_CALL)) == 1


def lose_answers(world: World, times: int) -> None:
    """Have Slack store the next posts without answering."""
    post = world.workspace.post
    left = [None] * times

    async def stored(channel: str, message: Message, thread_ts: str | None = None) -> str:
        ts = await post(channel, message, thread_ts)
        if left:
            left.pop()
            raise lost()
        return ts

    world.workspace.post = stored  # type: ignore[method-assign]
