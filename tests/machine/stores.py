"""The two stores that a history runs on: the fake in memory, and the scripts in a real Redis at virtual time."""

import hashlib
from collections.abc import Mapping
from typing import Any

from bot.adapters.redis_keys import AUDIT
from bot.adapters.redis_link import CONNECT_TIMEOUT, OPERATION_TIMEOUT, Command, RedisLink
from bot.adapters.redis_store import RedisOperations
from bot.domain.operation import Operation
from bot.ports import Clock
from tests.builders import WORKSPACE
from tests.fakes import FakeClock, FakeOperations

TIME = "virtual:time"
_ASKED = "redis.call('TIME')"


class Memory(FakeOperations):
    """The fake, read by a judge."""

    async def trail(self) -> list[Mapping[str, str]]:
        """Return the audit so far."""
        return list(self.audit)

    async def everything(self) -> tuple[Operation, ...]:
        """Return all operations, oldest first."""
        return (await self.recent(10_000))[::-1]

    async def close(self) -> None:
        """Hold nothing."""


class LinkAtVirtualTime(RedisLink):
    """Asks the test's clock where the server would ask its own."""

    def __init__(self, url: str, clock: Clock) -> None:
        super().__init__(url, connect_timeout=CONNECT_TIMEOUT, operation_timeout=OPERATION_TIMEOUT)
        self._clock = clock

    async def batch(self, *commands: Command, patience: float = 0.0) -> list[Any]:
        """Set the time before the commands that ask for it, on the same connection."""
        now = self._clock.now()
        tick: Command = ("HSET", TIME, "seconds", int(now.timestamp()), "microseconds", now.microsecond)
        asked = [
            ("HMGET", TIME, "seconds", "microseconds") if command == ("TIME",) else command for command in commands
        ]
        return (await super().batch(tick, *asked, patience=patience))[1:]


class VirtualRedis(RedisOperations):
    """The real store and the real scripts; only the clock that the scripts read is the test's."""

    def __init__(self, url: str, clock: Clock) -> None:
        super().__init__(url, clock=clock, workspace=WORKSPACE)
        self._link = LinkAtVirtualTime(url, clock)
        self._script = _at_virtual_time(self._script)
        self._script_name = hashlib.sha1(self._script.encode(), usedforsecurity=False).hexdigest()
        self._recorder._text = _at_virtual_time(self._recorder._text)
        self._recorder._digest = hashlib.sha1(self._recorder._text.encode(), usedforsecurity=False).hexdigest()

    async def trail(self) -> list[Mapping[str, str]]:
        """Return the audit so far."""
        return [
            dict(zip(fields[::2], fields[1::2], strict=True))
            for _, fields in await self._link.call("XRANGE", AUDIT, "-", "+")
        ]

    async def everything(self) -> tuple[Operation, ...]:
        """Return all operations, oldest first."""
        return (await self.recent(10_000))[::-1]


Store = Memory | VirtualRedis


def _at_virtual_time(script: str) -> str:
    assert script.count(_ASKED) == 1
    return script.replace(_ASKED, f"redis.call('HMGET', '{TIME}', 'seconds', 'microseconds')")


def in_memory(clock: FakeClock) -> Store:
    """Return an empty store in memory."""
    return Memory(clock)
