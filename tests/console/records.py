"""An audit of some years in a real Redis, sealed by a bot, for the console to look at."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.adapters.clock import SystemClock
from bot.adapters.redis_audit import RedisTrail
from bot.adapters.redis_keys import AUDIT, META
from bot.adapters.redis_store import RedisOperations
from bot.adapters.signer import HmacSigner
from bot.worker.sealer import Sealer
from tests.adapters.stores import opened
from tests.fakes import some_ports
from tests.secrets import marked

KEY = marked("SigningKeyOfTheConsole0123456789")
OLD = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass
class History:
    """A store whose past a test can write."""

    store: RedisOperations
    url: str
    sealer: Sealer
    count: int = 0

    @property
    def environment(self) -> dict[str, str]:
        """Return all that the console needs."""
        return {"REGISTRY_BOT_REDIS_URL": self.url, "REGISTRY_BOT_SIGNING_KEY": KEY}

    async def happened(self, at: datetime, event: str, **fields: str) -> None:
        """Append an entry as the scripts do, at any time of the past."""
        self.count += 1
        milliseconds = str(int(at.timestamp() * 1000))
        told = {"seq": str(self.count), "at": milliseconds, "event": event, **fields}
        flat = [word for pair in told.items() for word in pair]
        await self.store.link.call("XADD", AUDIT, f"{milliseconds}-{self.count}", *flat)
        await self.store.link.call("HSET", META, "sequence", self.count)

    async def went_by(self, years: int = 2) -> None:
        """Let something happen every month, until now, and have it sealed."""
        now = SystemClock().now()
        for month in range(years * 12, -1, -1):
            await self.happened(now - timedelta(days=30 * month, hours=1), "refused", code="E_USAGE", count="1")
        await self.sealer.tick()


@asynccontextmanager
async def history(url: str) -> AsyncIterator[History]:
    async with opened(url) as store:
        await store.adopt()
        ports = some_ports(operations=store, trail=RedisTrail(store.link), signer=HmacSigner(KEY), clock=SystemClock())
        yield History(store, url, Sealer(ports))
