"""Keep every card showing the present state: level-triggered, so ten moves in a Slack outage become one update."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import structlog

from bot import messages
from bot.domain.operation import Operation, State, Verb
from bot.errors import BotError, ProviderError, Refused, Throttled
from bot.ports import Card, Message, Ports

log = structlog.get_logger()
RETRY_AFTER = timedelta(seconds=5)
REFUSED_AGAIN_AFTER = timedelta(seconds=60)
"""What Slack refuses for its content or for our rights is refused again until somebody mends it: look back slowly."""
POSTING_LASTS = timedelta(seconds=15)
"""A claim on a card outlives one call to Slack; when a process dies holding it, the others wait no longer than this."""
GONE = {
    "message_not_found",
    "cant_update_message",
    "edit_window_closed",
    "is_inactive",
    "thread_not_found",
    "cannot_reply_to_message",
}
"""Slack's errors for a message that can no longer be edited or replied to: a new one takes its place."""
SHUT = {"is_archived", "not_in_channel", "channel_not_found"}
RESTRICTED = "restricted_action"
"""Slack's errors for a channel that takes no post, the last one with several endings: home gets the card instead."""

LONG_WATCH = timedelta(minutes=2)
"""People wait this long for the word whether pulls work; when it takes longer, they are told twice."""

ButtonValue = Callable[[Operation, Verb], str]


class Outbox:
    """Posts and edits cards; a refusal by Slack is logged and tried again, and never stops an operation."""

    def __init__(self, ports: Ports, button_value: ButtonValue) -> None:
        self._ports = ports
        self._button_value = button_value
        self._busy: set[str] = set()

    async def tick(self) -> None:
        """Bring every card that is behind up to date, and wait for all of them."""
        async with asyncio.TaskGroup() as group:
            await self.begin(group)

    async def begin(self, group: asyncio.TaskGroup) -> int:
        """Start on every card that is behind and not already in hand here; return how many."""
        behind = [i for i in await self._ports.operations.news() if i not in self._busy]
        for operation_id in behind:
            self._busy.add(operation_id)
            group.create_task(self._show(operation_id))
        return len(behind)

    async def _show(self, operation_id: str) -> None:
        try:
            await self._in_turn(operation_id)
        except ProviderError as error:
            await self._postpone(operation_id, str(error), _pause(error))
        except BotError as error:
            # a document that cannot be shown must not stand in front of the others at every look
            await self._postpone(operation_id, str(error), REFUSED_AGAIN_AFTER)
        except Exception as error:  # noqa: BLE001 - one card that cannot be drawn must not hide the others
            log.error("card.broken", operation=operation_id, kind=type(error).__name__)
            await self._postpone(operation_id, type(error).__name__, RETRY_AFTER)
        finally:
            self._busy.discard(operation_id)

    async def _in_turn(self, operation_id: str) -> None:
        """Draw unless another process is at it: two may scan at the same moment, and both would post a first card."""
        operations = self._ports.operations
        if not await operations.claim_news(operation_id, self._ports.clock.now() + POSTING_LASTS):
            return
        try:
            await self._bring_up_to_date(operation_id)
        finally:
            with suppress(BotError):  # a claim that cannot be given back ends by itself
                await operations.release_news(operation_id)

    async def _postpone(self, operation_id: str, why: str, pause: timedelta) -> None:
        log.warning("card.postponed", operation=operation_id, why=why)
        try:
            await self._ports.operations.postpone_news(operation_id, self._ports.clock.now() + pause)
        except BotError as error:
            log.warning("card.not_postponed", operation=operation_id, why=str(error))

    async def _bring_up_to_date(self, operation_id: str) -> None:
        operation = await self._ports.operations.get(operation_id)
        card = await self._draw(operation, await self._ports.operations.card(operation_id))
        try:
            card = await self._tell_steps(operation, card)
        except Refused as error:
            # a card can outlive the channel's welcome: Slack takes edits where it no longer takes replies
            card = await self._tell_steps(operation, await self._replacement(operation, error))
        await self._ports.operations.save_card(operation_id, replace(card, rendered=operation.version))

    async def _draw(self, operation: Operation, card: Card | None) -> Card:
        if card is None:
            return await self._post_first(operation)
        try:
            await self._ports.workspace.update(card.channel, card.ts, self._drawn(operation))
        except Refused as error:
            return await self._replacement(operation, error)
        return card

    def _drawn(self, operation: Operation) -> Message:
        return messages.operation_card(operation, self._button_value, self._ports.clock.now())

    async def _replacement(self, operation: Operation, error: Refused) -> Card:
        """Post the card anew where Slack's error means that it or its channel is lost; else raise the error."""
        if error.code not in GONE and not _is_shut(error):
            raise error
        log.warning("card.replaced", operation=operation.id, code=error.code)
        return await self._post_first(operation)

    async def _post_first(self, operation: Operation) -> Card:
        home, message = self._ports.rules.access.policy.home_channel, self._drawn(operation)
        try:
            channel, ts = operation.channel, await self._ports.workspace.post(operation.channel, message)
        except Refused as error:
            if not _is_shut(error) or operation.channel == home:
                raise
            log.warning("card.rerouted", operation=operation.id, code=error.code)
            channel, ts = home, await self._ports.workspace.post(home, message)
        card = Card(channel, ts, rendered=0)
        await self._ports.operations.save_card(operation.id, card)
        return card

    async def _tell_steps(self, operation: Operation, card: Card) -> Card:
        """Post what is new in the card's thread, one reply a step, and the outcome to everyone who was asked."""
        replies = _replies(operation)
        for count, reply in enumerate(replies[card.steps :], start=card.steps + 1):
            await self._ports.workspace.post(card.channel, reply, thread_ts=card.ts)
            card = replace(card, steps=count)
            await self._ports.operations.save_card(operation.id, card)
        return card


def _pause(error: ProviderError) -> timedelta:
    if isinstance(error, Throttled) and error.retry_after:
        return timedelta(seconds=error.retry_after)
    return REFUSED_AGAIN_AFTER if isinstance(error, Refused) else RETRY_AFTER


def _is_shut(error: Refused) -> bool:
    return error.code is not None and (error.code in SHUT or error.code.startswith(RESTRICTED))


def _replies(operation: Operation) -> list[Message]:
    """Return all replies that the thread shall hold by now, in order; the outcome pings, so once if it can."""
    replies = [messages.step_reply(operation, step) for step in operation.steps]
    outcome = messages.outcome_notice(operation)
    if operation.state is not State.DONE:
        return [*replies, outcome] if operation.is_terminal else replies
    times = int(operation.is_observed) + int(_is_watched_long(operation))
    return [*replies, *[outcome] * times]


def _is_watched_long(operation: Operation) -> bool:
    if operation.watch_until is None or operation.ended_at is None:
        return False
    return operation.watch_until - operation.ended_at > LONG_WATCH
