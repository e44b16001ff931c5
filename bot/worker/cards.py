"""One card brought up to date: drawn, and its steps told in its thread.

Whatever Slack does, somebody is told. A card that can no longer be edited is posted anew and the old one, if it still
stands, is said to be out of use; a channel that takes no post gives its card to the home channel; when that takes none
either, those concerned are told directly, and the card is tried again until it stands somewhere.
"""

from collections.abc import Callable, Container
from dataclasses import replace
from datetime import timedelta

import structlog

from bot import messages
from bot.domain.freeze import Switches
from bot.domain.operation import Operation, State, Verb
from bot.errors import BotError, Refused, Unanswered
from bot.messages.notices import not_safe_yet
from bot.messages.plan import people
from bot.ports import Card, Message, Ports
from bot.services.audit import card_moved
from bot.services.disowning import own_words
from bot.worker.posting import Poster, Turn
from bot.worker.unsafe import Unsafe

log = structlog.get_logger()
SETTLED_AFTER = timedelta(seconds=20)
"""An edit without an answer may come into force late and undo the one after it: look back after this."""
STUCK = {"cant_update_message", "edit_window_closed", "is_inactive"}
"""Slack's errors for a message that still stands but can no longer be edited."""
GONE = STUCK | {"message_not_found", "thread_not_found", "cannot_reply_to_message"}
"""Slack's errors for a message that can no longer be edited or replied to: a new one takes its place."""
SHUT = {"is_archived", "not_in_channel", "channel_not_found"}
RESTRICTED = "restricted_action"
"""Slack's errors for a channel that takes no post, the last one with several endings: home gets the card instead."""
NOWHERE = Card("", "", rendered=0)
LONG_WATCH = timedelta(minutes=2)
"""People wait this long for the word whether pulls work; when it takes longer, they are told twice."""

ButtonValue = Callable[[Operation, Verb], str]
LastSeen = Callable[[], Switches]


class Homeless(Refused):
    """No channel takes the card."""


class Cards:
    """Shows operations in Slack; `switches` tells at once what was last seen to be frozen."""

    def __init__(self, ports: Ports, button_value: ButtonValue, poster: Poster, switches: LastSeen) -> None:
        self._ports = ports
        self._switches = switches
        self._button_value = button_value
        self._poster = poster
        self._unsafe = Unsafe(ports.operations)

    async def show(self, operation_id: str) -> None:
        """Bring one card up to date. Raises a BotError where there is more to do, later."""
        operation = await self._ports.operations.get(operation_id)
        known = await self._ports.operations.card(operation_id) or NOWHERE
        banner = messages.banner(messages.relevant(operation, self._switches()))
        card = await self._hand_over_words(operation, known)
        await self._unsafe.begin(operation)
        try:
            card = await self._in_its_channel(operation, card, Turn(self._ports.clock))
        except Homeless as error:
            await self._tell_directly(operation, error)
            raise
        is_unclear = (known.is_posted and known.is_doubtful) or self._unsafe.is_doubtful(operation)
        await self._settle(operation, replace(card, banner=banner), is_doubtful=is_unclear)
        await self._unsafe.end(operation)

    async def look_back(self, busy: Container[str]) -> None:
        """Have those cards drawn again that this process may have drawn from what a failover of Redis lost."""
        await self._unsafe.look_back(busy)

    async def _hand_over_words(self, operation: Operation, card: Card) -> Card:
        """Have people told of their words by themselves: the card does not wait for that, nor that for the card."""
        count = len(own_words(self._ports, operation))
        if count > card.told:
            await self._ports.operations.owe_words(operation.id, count)
        return replace(card, told=max(count, card.told))

    async def _in_its_channel(self, operation: Operation, known: Card, turn: Turn) -> Card:
        card = await self._draw(operation, known)
        try:
            return await self._tell_steps(operation, card, turn)
        except Refused as error:
            if _is_shut(error) and card.channel == self._ports.rules.access.policy.home_channel:
                log.error("alarm.steps_untold", operation=operation.id, code=error.code)
                self._ports.alarm("steps_untold")
                return card  # there is no better place, and the card itself shows how it stands
            # a card can outlive the channel's welcome: Slack takes edits where it no longer takes replies
            return await self._tell_steps(operation, await self._replacement(operation, card, error), turn)

    async def _settle(self, operation: Operation, card: Card, *, is_doubtful: bool) -> None:
        """Remember what the card shows; after an unclear edit, and while it shows a doubt, only for now."""
        operations = self._ports.operations
        if not is_doubtful:
            await operations.save_card(operation.id, replace(card, rendered=operation.version))
            # a failover of Redis may have lost the version that was drawn, and its number may have come again
            if (await operations.get(operation.id)).stamp != operation.stamp:
                await operations.draw_again(operation.id)
            return
        shown = min(card.rendered, operation.version - 1)
        await operations.save_card(operation.id, replace(card, rendered=shown, is_doubtful=False))
        await operations.postpone_news(operation.id, self._ports.clock.now() + SETTLED_AFTER)

    async def _draw(self, operation: Operation, card: Card) -> Card:
        if not card.is_posted:
            return await self._post_first(operation, card)
        try:
            await self._ports.workspace.update(card.channel, card.ts, self._drawn(operation))
        except Unanswered:
            await self._doubt(operation, card)
            raise
        except Refused as error:
            return await self._replacement(operation, card, error)
        return card

    async def _doubt(self, operation: Operation, known: Card) -> None:
        """Remember that what was sent may still come into force.

        A process that stood still over its call finds what another has drawn since: that place is not forgotten, and
        the card is drawn once more, as what was sent may come after it.
        """
        operations = self._ports.operations
        held = await operations.card(operation.id) or known
        await operations.save_card(operation.id, replace(held, is_doubtful=True))
        await operations.draw_again(operation.id)

    def _drawn(self, operation: Operation) -> Message:
        now = self._ports.clock.now()
        drawn = messages.operation_card(operation, self._button_value, now, self._switches())
        return not_safe_yet(drawn) if self._unsafe.is_doubtful(operation) else drawn

    async def _replacement(self, operation: Operation, old: Card, error: Refused) -> Card:
        """Post the card anew where Slack's error means that it or its channel is lost; else raise the error."""
        if error.code not in GONE and not _is_shut(error):
            raise error
        log.warning("card.replaced", operation=operation.id, code=error.code)
        self._ports.alarm("card_replaced")
        new = await self._post_first(operation, old)
        await self._record(operation, old, new, str(error.code))
        if error.code in STUCK:
            await self._retire(operation, old, new)
        return new

    async def _record(self, operation: Operation, old: Card, new: Card, code: str) -> None:
        try:
            await self._ports.operations.record(card_moved(operation, _place(old), _place(new), code))
        except BotError as error:
            log.warning("card.move_not_recorded", operation=operation.id, why=str(error))

    async def _retire(self, operation: Operation, old: Card, new: Card) -> None:
        """Say below a card that can no longer be edited that it is out of use; a press there is refused anyway."""
        try:
            link = await self._ports.workspace.permalink(new.channel, new.ts)
            retired = messages.retired(operation, new.channel, link)
            await self._ports.workspace.post(old.channel, retired, thread_ts=old.ts)
        except BotError as error:
            log.warning("card.not_retired", operation=operation.id, why=str(error))

    async def _post_first(self, operation: Operation, old: Card) -> Card:
        """Post the card in its own channel, else at home, and remember it there before anything else is done."""
        lost: Refused | None = None
        for channel in dict.fromkeys((operation.channel, self._ports.rules.access.policy.home_channel)):
            try:
                ts = await self._poster.post(operation.id, channel, self._drawn(operation))
            except Unanswered:
                await self._doubt(operation, old)
                raise
            except Refused as error:
                if not _is_shut(error):
                    raise
                log.warning("card.rerouted", operation=operation.id, code=error.code)
                lost = error
                continue
            card = Card(channel, ts, rendered=0, told=old.told)
            await self._ports.operations.save_card(operation.id, card)
            if old.is_doubtful and not old.is_posted:
                await self._ports.workspace.post(channel, messages.perhaps_twice(), thread_ts=ts)
            return card
        raise Homeless(str(lost), code=lost.code if lost else None)

    async def _tell_steps(self, operation: Operation, card: Card, turn: Turn) -> Card:
        """Post what is new in the card's thread, one reply a step, and the outcome to everyone who was asked."""
        replies = _replies(operation)
        if self._unsafe.is_doubtful(operation):
            replies[-1] = not_safe_yet(replies[-1])
        for count, reply in enumerate(replies[card.steps :], start=card.steps + 1):
            turn.begin_post()
            await self._poster.post(operation.id, card.channel, reply, thread=card.ts)
            card = replace(card, steps=count)
            await self._ports.operations.save_card(operation.id, card)
        return await self._tell_sightings(operation, card, turn)

    async def _tell_sightings(self, operation: Operation, card: Card, turn: Turn) -> Card:
        """Tell everyone who was asked of each change of a record since the end; counted apart, as steps come late."""
        for count, seen in enumerate(operation.sightings[card.sighted :], start=card.sighted + 1):
            turn.begin_post()
            await self._poster.post(
                operation.id, card.channel, messages.sighting_notice(operation, seen), thread=card.ts
            )
            card = replace(card, sighted=count)
            await self._ports.operations.save_card(operation.id, card)
        return card

    async def _tell_directly(self, operation: Operation, error: Homeless) -> Card:
        """Tell all those concerned how it stands, once a version, while no channel takes the card."""
        log.error("alarm.card_homeless", operation=operation.id, code=error.code, why=str(error))
        self._ports.alarm("card_homeless")
        card = await self._ports.operations.card(operation.id) or NOWHERE
        if card.spoken < operation.version:
            told = messages.homeless(operation, self._ports.clock.now())
            for user_id in people(operation):
                await self._poster.tell(operation.id, user_id, told)
            card = replace(card, spoken=operation.version)
        await self._ports.operations.save_card(operation.id, card)
        return card


def _is_shut(error: Refused) -> bool:
    return error.code is not None and (error.code in SHUT or error.code.startswith(RESTRICTED))


def _place(card: Card) -> str:
    return f"{card.channel} {card.ts}".strip()


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
