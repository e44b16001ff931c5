"""A message in a channel: posted once, edited in place while it shows how something goes, ended with a last word."""

from collections.abc import Callable
from datetime import timedelta

import structlog

from bot.errors import ProviderError, Refused, StoreUnavailable, Throttled
from bot.ports import Attachment, Message, OpenBulletin, Ports
from bot.services.showing import Showing

log = structlog.get_logger()
AGAIN_AFTER = 2.0
"""Seconds before what Slack did not take is tried again, where Slack has no wish of its own."""
TRIES = 4
LEASE = timedelta(seconds=45)
"""How long a message belongs to a bot that says nothing more, as after a crash."""
RENEW_EVERY = timedelta(seconds=10)
SETTLING = 90
"""Rounds of so long in which a last word is tried again: a quarter of an hour."""

Word = Callable[[], Message]
"""Words a message anew each time, as ages in it grow while Slack takes nothing."""


class Bulletin:
    """One message of ours in a channel."""

    def __init__(self, ports: Ports, channel: str, ts: str) -> None:
        self._ports, self._channel, self._ts = ports, channel, ts

    async def link(self) -> str | None:
        """Return a link to it, where Slack gives one."""
        return await self._ports.workspace.permalink(self._channel, self._ts)

    async def attach(self, file: Attachment | None) -> None:
        """Put a file, where there is one, into its thread, once Slack is back if it is away."""
        for _ in range(SETTLING):
            if await self._share(file):
                return
            await self._ports.clock.sleep(RENEW_EVERY.total_seconds())

    async def _share(self, file: Attachment | None) -> bool:
        """Put a file there, and tell whether nothing more is to be done about it."""
        if file is None:
            return True
        for left in reversed(range(TRIES)):
            try:
                await self._ports.workspace.share(self._channel, self._ts, file)
                return True
            except ProviderError as error:
                await self._wait(error, left)
                is_refused = isinstance(error, Refused)
        return is_refused  # again and again, as where the bot was removed: no later try is better

    async def _wait(self, error: ProviderError, left: int) -> None:
        log.warning("bulletin.not_taken", why=str(error), count=left)
        wish = error.retry_after if isinstance(error, Throttled) else None
        await self._ports.clock.sleep(wish or AGAIN_AFTER if left else 0.0)


class RunningBulletin(Bulletin):
    """One that shows how something goes, from when it is made until its last word.

    The store keeps it until then, under a lease that ends with this process, so that another can end it in its place.
    """

    def __init__(self, ports: Ports, kept: OpenBulletin) -> None:
        super().__init__(ports, kept.channel, kept.ts)
        self.kept = kept
        self._owner = ports.ids.token()
        self._showing = Showing(ports, kept.name)
        self._renewed_at = float("-inf")
        self._is_told = self._is_forgotten = self._is_attached = False

    async def keep(self) -> None:
        """Have it kept, unless that was done just now; without Redis it goes on all the same."""
        now = self._ports.clock.monotonic()
        if now - self._renewed_at < RENEW_EVERY.total_seconds():
            return
        self._renewed_at = now
        try:
            until = self._ports.clock.now() + LEASE
            if await self._ports.operations.claim_news(self.kept.lease, self._owner, until):
                await self._ports.bulletins.keep(self.kept)  # else another bot took this one for dead, and is ending it
        except StoreUnavailable as error:
            log.warning("bulletin.not_kept", why=str(error))

    async def show(self, message: Message, *, is_turn: bool = False) -> None:
        """Edit it, unless others have their turn; what Slack does not take the next word makes up for.

        `is_turn`: it tells something else from now on, which is shown at once.
        """
        await self.keep()
        if not self._showing.take_turn(is_turn=is_turn):
            return
        try:
            await self._ports.workspace.update(self._channel, self._ts, message)
        except ProviderError as error:
            log.warning("bulletin.not_taken", why=str(error))

    async def conclude(self, word: Word, file: Attachment | None) -> None:
        """Edit it for the last time, at once, and put a file into its thread; what was done already is not repeated.

        It is forgotten before the file is there: a bot that dies in between has given the answer.
        """
        try:
            self._is_told = self._is_told or await self._say(word)
        finally:
            if not self._is_told:
                self._showing.end()
        if self._is_told and not self._is_forgotten:
            await self._let_go(word)
        if self._is_told and not self._is_attached:
            self._is_attached = await self._share(file)

    async def settle(self, word: Word, file: Attachment | None) -> None:
        """Do what is left: say it and attach the file once Slack is back, and have it forgotten once Redis is.

        What is not forgotten would be taken for one without end.
        """
        for _ in range(SETTLING):
            if self._is_forgotten and self._is_attached:
                return
            await self._ports.clock.sleep(RENEW_EVERY.total_seconds())
            if not self._is_told:
                await self.keep()
            await self.conclude(word, file)

    async def _say(self, word: Word) -> bool:
        for left in reversed(range(TRIES)):
            try:
                await self._ports.workspace.update(self._channel, self._ts, word())
            except Refused as error:
                log.warning("bulletin.lost", where=self._channel, code=error.code)
                return True  # nothing can be said there any more
            except ProviderError as error:
                await self._wait(error, left)
            else:
                return True
        return False

    async def _let_go(self, word: Word) -> None:
        try:
            was_kept = await self._ports.bulletins.forget(self.kept)
        except StoreUnavailable as error:
            log.warning("bulletin.not_forgotten", why=str(error))
            return
        self._is_forgotten = True
        self._showing.end()
        if not was_kept:  # another bot took this one for dead, and may have said so since
            await self._say(word)
