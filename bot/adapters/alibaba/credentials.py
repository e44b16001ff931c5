"""The access key that calls are signed with: cached, renewed in a thread, and used until it expires.

The SDK's providers block, take locks and, for some sources, raise while the old key is still good. So nothing here
waits for them on a call: a call reads the cached triple, and a renewal that fails leaves it in place.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog

from bot.errors import Unreachable

RENEW_EVERY = timedelta(seconds=60)
"""The providers cache by themselves, so asking this often costs no network until a renewal is due."""
FETCH_TIMEOUT = 20.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Keys:
    """An access key; `token` for temporary ones, `expires_at` where the source tells."""

    key_id: str
    secret: str
    token: str | None = None
    expires_at: datetime | None = None

    def __repr__(self) -> str:
        return "Keys(…)"


class Source(Protocol):
    """Where keys come from; blocking."""

    def __call__(self) -> Keys:
        """Return the keys that are good now."""
        ...


class Credentials:
    """One account's keys."""

    def __init__(self, account: str, source: Source, now: Callable[[], datetime]) -> None:
        self._account = account
        self._source = source
        self._now = now
        self._keys: Keys | None = None
        self._fetching = asyncio.Lock()

    async def keys(self) -> Keys:
        """Return keys that have not expired. Raises Unreachable when there are none to be had."""
        if self._usable() is None:
            async with self._fetching:
                if self._usable() is None:
                    await self._fetch()
        if (keys := self._usable()) is not None:
            return keys
        raise Unreachable(
            f"There are no valid Alibaba Cloud credentials for account '{self._account}'. Check the key pair in the "
            "environment, or the role that the bot runs with; `registry-bot check` shows more."
        )

    async def renew(self) -> None:
        """Ask the source again; when it fails, the old keys stay."""
        async with self._fetching:
            await self._fetch()

    async def keep_fresh(self) -> None:
        """Renew for ever; run this as a background task."""
        while True:
            await asyncio.sleep(RENEW_EVERY.total_seconds())
            await self.renew()

    def _usable(self) -> Keys | None:
        keys = self._keys
        is_good = keys is not None and (keys.expires_at is None or self._now() < keys.expires_at)
        return keys if is_good else None

    async def _fetch(self) -> None:
        """Ask the source in a thread. Its errors may quote an answer with secrets in it: only their kind is told."""
        try:
            async with asyncio.timeout(FETCH_TIMEOUT):
                self._keys = await asyncio.to_thread(self._source)
        except Exception as error:  # noqa: BLE001 - the providers raise whatever their transport does
            log.warning("alibaba.credentials_not_renewed", account=self._account, error=type(error).__name__)


def expiry(epoch_seconds: int | None) -> datetime | None:
    """Read an expiry as the SDK's providers give it."""
    return datetime.fromtimestamp(epoch_seconds, UTC) if epoch_seconds else None
