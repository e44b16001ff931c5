"""Redis servers that a test may stop, kill and promote."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bot.adapters.redis_link import RedisLink
from simulator.local_redis import LocalRedis, find_executable
from tests.proxy import Proxy, proxy_to

IN_SYNC_WITHIN = 60.0


@dataclass
class Pair:
    """A primary with one replica. Bots come in by the `door`; the replica hears of writes by the `wire`."""

    primary: LocalRedis
    replica: LocalRedis
    door: Proxy
    wire: Proxy

    async def cut_the_wire(self) -> None:
        """Have nothing reach the replica any more, though its connection stays."""
        self.wire.is_black_hole = True

    async def fail_over(self) -> None:
        """Kill the primary without a word, promote the replica and lead everybody there."""
        await self.kill_primary()
        await self.promote()

    async def kill_primary(self) -> None:
        """Kill the primary as when the power fails."""
        self.signal(self.primary, signal.SIGKILL)

    async def promote(self) -> None:
        """Make the replica the primary and lead everybody there."""
        await told(self.replica, "REPLICAOF", "NO", "ONE")
        self.door.point_to(self.replica.port)

    def signal(self, server: LocalRedis, number: signal.Signals) -> None:
        """Send a signal to one of the two."""
        assert server.process is not None
        server.process.send_signal(number)

    async def in_sync(self) -> None:
        """Wait until the replica has all that was written so far."""
        async with asyncio.timeout(IN_SYNC_WITHIN):
            while await told(self.replica, "DBSIZE") != await told(self.primary, "DBSIZE"):
                await asyncio.sleep(0.02)


@asynccontextmanager
async def a_server(**settings: str) -> AsyncIterator[LocalRedis]:
    """Run a server of one's own."""
    server = LocalRedis(find_executable(), settings)
    try:
        await asyncio.to_thread(server.start)
        yield server
    finally:
        if server.process is not None:
            server.process.send_signal(signal.SIGCONT)  # one that is stopped would not hear that it shall end
        await asyncio.to_thread(server.stop)


@asynccontextmanager
async def a_pair(**settings: str) -> AsyncIterator[Pair]:
    """Run a primary and a replica that is in sync."""
    async with (
        a_server(repl_diskless_sync_delay="0", **settings) as primary,
        a_server() as replica,
        proxy_to(primary.url) as door,
        proxy_to(primary.url) as wire,
    ):
        await follow(replica, primary, by=wire.port)
        yield Pair(primary, replica, door, wire)


async def follow(replica: LocalRedis, primary: LocalRedis, by: int = 0) -> None:
    """Have a server replicate another one, perhaps by a port of its own, and wait until it does."""
    await told(replica, "REPLICAOF", "127.0.0.1", by or primary.port)
    async with asyncio.timeout(IN_SYNC_WITHIN):
        while "state=online" not in await told(primary, "INFO", "replication"):
            await asyncio.sleep(0.02)


async def told(server: LocalRedis, *command: str | float) -> str:
    """Tell a server something as its administrator, past every proxy."""
    link = RedisLink(server.url, connect_timeout=20, operation_timeout=20)
    try:
        return str(await link.call(*command))
    finally:
        await link.close()
