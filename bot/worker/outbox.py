"""Keep every card showing the present state: level-triggered, so ten moves in a Slack outage become one update.

Every pause taken here is shorter than a minute, and so is the longest that Slack's own wish leads to: after an outage
of whatever length each card shows how things stand within a minute.
"""

import asyncio
from contextlib import suppress
from datetime import timedelta

import structlog

from bot.domain.freeze import Switches
from bot.errors import BotError, ProviderError, Refused, Throttled, Unanswered
from bot.ports import Ports, owner_of_words
from bot.worker.cards import ButtonValue, Cards, LastSeen
from bot.worker.posting import Poster, TurnOver
from bot.worker.words import Words

log = structlog.get_logger()
RETRY_AFTER = timedelta(seconds=5)
UNCLEAR_AGAIN_AFTER = (RETRY_AFTER, timedelta(seconds=20), timedelta(seconds=45))
"""Where posts arrive and their answers do not, each try leaves a copy: after the first time, try more slowly."""
REFUSED_AGAIN_AFTER = timedelta(seconds=45)
"""What Slack refuses for its content or for our rights is refused again until somebody mends it: look back slowly."""
AT_ONCE = 20
"""Cards that one look begins, beside those in hand: one that hangs must not stand before others."""
LONGEST_PAUSE = timedelta(seconds=45)
SPACING = timedelta(seconds=1.2)
"""Between cards that Slack throttles at one look, as it takes 50 edits a minute: else all would come back together."""
POSTING_LASTS = timedelta(seconds=20)
"""A claim on a card outlives a turn's last call to Slack; when a process dies holding it, the others wait no longer."""


class Outbox:
    """Looks whose card is behind; a refusal by Slack is logged and tried again, and never stops an operation."""

    def __init__(self, ports: Ports, button_value: ButtonValue, switches: LastSeen = Switches) -> None:
        self._ports = ports
        self._poster = Poster(ports)
        self._cards = Cards(ports, button_value, self._poster, switches)
        self._words = Words(ports, self._poster)
        self._owner = ports.ids.token()
        self._busy: set[str] = set()
        self._throttled = 0
        self._words_have_waited = False

    async def tick(self) -> None:
        """Bring every card that is behind up to date, and wait for all of them."""
        async with asyncio.TaskGroup() as group:
            await self.begin(group)

    async def begin(self, group: asyncio.TaskGroup) -> int:
        """Start on every card that is behind and not already in hand here, return how many; words wait for one look."""
        self._throttled = 0
        await self._cards.look_back(self._busy)
        found = await self._ports.operations.news(AT_ONCE + len(self._busy))
        behind = self._cards_first([i for i in found if i not in self._busy])
        for operation_id in behind:
            self._busy.add(operation_id)
            group.create_task(self._show(operation_id))
        return len(behind)

    def _cards_first(self, waiting: list[str]) -> list[str]:
        cards = [i for i in waiting if owner_of_words(i) is None]
        begun = waiting if self._words_have_waited or not cards else cards
        self._words_have_waited = len(begun) < len(waiting)
        return begun

    async def _show(self, operation_id: str) -> None:
        try:
            await self._in_turn(operation_id)
        except TurnOver:
            return
        except ProviderError as error:
            await self._postpone(operation_id, str(error), self._pause(operation_id, error))
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
        operations, until = self._ports.operations, self._ports.clock.now() + POSTING_LASTS
        if not await operations.claim_news(operation_id, self._owner, until):
            return
        try:
            owner = owner_of_words(operation_id)
            await (self._words.tell(owner) if owner else self._cards.show(operation_id))
        finally:
            with suppress(BotError):  # a claim that cannot be given back is known by its owner, and ends by itself
                await operations.release_news(operation_id)

    async def _postpone(self, operation_id: str, why: str, pause: timedelta) -> None:
        log.warning("card.postponed", operation=operation_id, why=why)
        try:
            await self._ports.operations.postpone_news(operation_id, self._ports.clock.now() + pause)
        except BotError as error:
            log.warning("card.not_postponed", operation=operation_id, why=str(error))

    def _pause(self, operation_id: str, error: ProviderError) -> timedelta:
        if isinstance(error, Throttled) and error.retry_after:
            queue, self._throttled = self._throttled * SPACING, self._throttled + 1
            return min(timedelta(seconds=error.retry_after) + queue, LONGEST_PAUSE)
        if isinstance(error, Unanswered) and (times := self._poster.unclear[operation_id]):
            return UNCLEAR_AGAIN_AFTER[min(times, len(UNCLEAR_AGAIN_AFTER)) - 1]
        return REFUSED_AGAIN_AFTER if isinstance(error, Refused) else RETRY_AFTER
