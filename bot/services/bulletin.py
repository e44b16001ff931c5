"""A message in a channel: posted once, edited in place while it shows how something goes, ended with a last word."""

import structlog

from bot.errors import ProviderError, Throttled
from bot.ports import Attachment, Message, Ports
from bot.services.showing import Showing

log = structlog.get_logger()
AGAIN_AFTER = 2.0
"""Seconds before what Slack did not take is tried again, where Slack has no wish of its own."""
TRIES = 4


class Bulletin:
    """One message of ours in a channel."""

    def __init__(self, ports: Ports, channel: str, ts: str) -> None:
        self._ports, self._channel, self._ts = ports, channel, ts

    async def link(self) -> str | None:
        """Return a link to it, where Slack gives one."""
        return await self._ports.workspace.permalink(self._channel, self._ts)

    async def attach(self, file: Attachment | None) -> None:
        """Put a file, where there is one, into its thread."""
        if file is None:
            return
        for left in reversed(range(TRIES)):
            try:
                await self._ports.workspace.share(self._channel, self._ts, file)
                return
            except ProviderError as error:
                await self._wait(error, left)

    async def _wait(self, error: ProviderError, left: int) -> None:
        log.warning("bulletin.not_taken", why=str(error), count=left)
        wish = error.retry_after if isinstance(error, Throttled) else None
        await self._ports.clock.sleep(wish or AGAIN_AFTER if left else 0.0)


class RunningBulletin(Bulletin):
    """One that shows how something goes, from when it is made until its last word."""

    def __init__(self, ports: Ports, channel: str, ts: str) -> None:
        super().__init__(ports, channel, ts)
        self._showing = Showing(ports, channel, ts)

    async def show(self, message: Message) -> None:
        """Edit it, unless others need the turn; what Slack does not take the next word makes up for."""
        if not self._showing.take_turn():
            return
        try:
            await self._ports.workspace.update(self._channel, self._ts, message)
        except ProviderError as error:
            log.warning("bulletin.not_taken", why=str(error))

    async def conclude(self, message: Message) -> None:
        """Edit it for the last time, at once."""
        try:
            await self._say(message)
        finally:
            self._showing.end()

    async def _say(self, message: Message) -> None:
        for left in reversed(range(TRIES)):
            try:
                await self._ports.workspace.update(self._channel, self._ts, message)
                return
            except ProviderError as error:
                await self._wait(error, left)
