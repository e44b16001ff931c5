"""Posts to channels and to people, and remembers of how many in a row nobody knows whether they arrived."""

from collections import Counter
from datetime import timedelta

import structlog

from bot.errors import BotError, Refused, Unanswered
from bot.ports import Clock, Message, Ports

log = structlog.get_logger()
TURN = timedelta(seconds=8)
"""After the first, no post is begun later than this in one turn, so that a turn ends before its claim does."""


class TurnOver(BotError):
    """There is more to say than one turn takes; the next one goes on where this one ended."""


class Turn:
    """The time for which one piece of news may keep whoever tells it busy."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ends = clock.monotonic() + TURN.total_seconds()
        self._has_posted = False

    def begin_post(self) -> None:
        """Raise TurnOver where one was made already and time is up: each turn gets something done."""
        if self._has_posted and self._clock.monotonic() > self._ends:
            raise TurnOver("The next turn goes on from here.")
        self._has_posted = True


class Poster:
    """Posts as the bot; `unclear` counts by the name of the news."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self.unclear: Counter[str] = Counter()

    async def post(self, name: str, channel: str, message: Message, thread: str | None = None) -> str:
        """Post a piece of news and return its ts. Raises Unreachable, Unanswered, Throttled or Refused."""
        try:
            ts = await self._ports.workspace.post(channel, message, thread_ts=thread)
        except Unanswered:
            self.unclear[name] += 1
            raise
        self.unclear.pop(name, None)
        return ts

    async def tell(self, name: str, user_id: str, message: Message) -> None:
        """Tell one person directly; who cannot be told, as a deactivated account, must not stand before the others."""
        try:
            await self.post(name, await self._ports.workspace.direct(user_id), message)
        except Refused as error:
            log.warning("person.untold", what=name, person=user_id, code=error.code)
            self._ports.alarm("person_untold")
