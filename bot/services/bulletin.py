"""A message in a channel that shows how something goes: posted once, edited in place, ended with a last word."""

from datetime import timedelta

import structlog

from bot.errors import ProviderError, Throttled
from bot.ports import Attachment, Message, Ports

log = structlog.get_logger()
EDIT_EVERY = timedelta(seconds=2)
"""Slack asks for no more than about one message a second in a channel, and others write there too."""
AGAIN_AFTER = 2.0
"""Seconds before what Slack did not take is tried again, where Slack has no wish of its own."""
TRIES = 4


class Bulletin:
    """One message of ours in a channel."""

    def __init__(self, ports: Ports, channel: str) -> None:
        self._ports = ports
        self._channel = channel
        self._ts = ""
        self._shown_at = 0.0

    async def post(self, message: Message) -> str | None:
        """Post it and return a link to it, where Slack gives one. Raises a ProviderError."""
        self._ts = await self._ports.workspace.post(self._channel, message)
        self._shown_at = self._ports.clock.monotonic()
        return await self._ports.workspace.permalink(self._channel, self._ts)

    async def show(self, message: Message) -> None:
        """Edit it, unless it was edited just now; what Slack does not take the next word makes up for."""
        if self._ports.clock.monotonic() - self._shown_at < EDIT_EVERY.total_seconds():
            return
        self._shown_at = self._ports.clock.monotonic()
        try:
            await self._ports.workspace.update(self._channel, self._ts, message)
        except ProviderError as error:
            log.warning("bulletin.not_taken", why=str(error))

    async def conclude(self, message: Message, file: Attachment | None) -> None:
        """Edit it for the last time, and put a file into its thread."""
        since = self._ports.clock.monotonic() - self._shown_at
        await self._ports.clock.sleep(max(0.0, EDIT_EVERY.total_seconds() - since))
        for left in reversed(range(TRIES)):
            try:
                await self._ports.workspace.update(self._channel, self._ts, message)
                break
            except ProviderError as error:
                await self._wait(error, left)
        await self.attach(file)

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
