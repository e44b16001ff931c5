"""Every store of operations, each as a test's subject."""

import math
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

import pytest

from bot.adapters.clock import SystemClock
from bot.adapters.redis_keys import AUDIT, FREEZE, HOLD, OPEN, OPERATION
from bot.adapters.redis_store import RedisOperations
from bot.domain.operation import Operation
from bot.ports import Commit, IndexMove, Operations
from tests.builders import WORKSPACE, an_operation
from tests.fakes import FakeClock, FakeOperations


class Observed(Operations, Protocol):
    """A store that also tells what it decides by."""

    async def open_on(self, record_id: str) -> str | None:
        """Return the id of the open operation that wants this record."""
        ...

    async def spoil(self, operation_id: str) -> None:
        """Have somebody write nonsense over a document."""
        ...

    async def held_for(self, record_id: str) -> int:
        """Return the seconds for which this record is still on hold, 0 when it is not."""
        ...

    async def entries(self) -> list[Mapping[str, str]]:
        """Return the audit."""
        ...


class ObservedRedis(RedisOperations):
    """The real store, with a look at its keys."""

    async def open_on(self, record_id: str) -> str | None:
        """Return the id of the open operation that wants this record."""
        found = await self.link.call("GET", OPEN + record_id)
        return None if found is None else str(found)

    async def spoil(self, operation_id: str) -> None:
        """Have somebody write nonsense over a document."""
        await self.link.call("HSET", OPERATION + operation_id, "doc", "nonsense")

    async def held_for(self, record_id: str) -> int:
        """Return the seconds for which this record is still on hold, 0 when it is not."""
        until = int(await self.link.call("GET", HOLD + record_id) or 0)
        seconds, microseconds = await self.link.call("TIME")
        return max(0, math.ceil(until / 1000 - int(seconds) - int(microseconds) / 1_000_000))

    async def entries(self) -> list[Mapping[str, str]]:
        """Return the audit."""
        found = await self.link.call("XRANGE", AUDIT, "-", "+")
        return [dict(zip(flat[::2], flat[1::2], strict=True)) for _, flat in found]


@dataclass
class Subject:
    """A store, and how a test reaches around it."""

    store: Observed
    now: Callable[[], datetime]
    freeze: Callable[[], Awaitable[None]]


@pytest.fixture(params=["fake", "redis"])
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    if request.param == "fake":
        still = FakeClock()
        fake = FakeOperations(still)
        yield Subject(fake, still.now, fake.freeze_by_hand)
        return
    clock = SystemClock()
    url = request.getfixturevalue("redis_url")
    real = ObservedRedis(url, clock=clock, workspace=WORKSPACE, connect_timeout=5, operation_timeout=5)
    yield Subject(real, clock.now, lambda: real.link.call("SET", FREEZE, "1"))
    await real.close()


@pytest.fixture
def store(subject: Subject) -> Observed:
    return subject.store


def a_commit(operation: Operation, attempt: str = "first", **fields: Any) -> Commit:
    return replace(Commit(operation, attempt, {"event": "tested"}), **fields)


async def taken(store: Operations, **fields: Any) -> Operation:
    return await store.commit(a_commit(an_operation(**fields), "taken", index=IndexMove.TAKE))
