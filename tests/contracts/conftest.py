"""Every store of operations, each as a test's subject."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pytest

from bot.adapters.clock import SystemClock
from bot.adapters.redis_store import FREEZE, RedisOperations
from bot.domain.operation import Operation
from bot.ports import Commit, IndexMove, Operations
from tests.builders import WORKSPACE, an_operation
from tests.fakes import FakeClock, FakeOperations


@dataclass
class Subject:
    """A store, and how a test reaches around it."""

    store: Operations
    now: Callable[[], datetime]
    freeze: Callable[[], Awaitable[None]]


@pytest.fixture(params=["fake", "redis"])
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    if request.param == "fake":
        still = FakeClock()
        fake = FakeOperations(still)
        yield Subject(fake, still.now, fake.freeze)
        return
    clock = SystemClock()
    real = RedisOperations(request.getfixturevalue("redis_url"), clock=clock, workspace=WORKSPACE)
    yield Subject(real, clock.now, lambda: real.link.call("SET", FREEZE, "1"))
    await real.close()


@pytest.fixture
def store(subject: Subject) -> Operations:
    return subject.store


def a_commit(operation: Operation, attempt: str = "first", **fields: Any) -> Commit:
    return replace(Commit(operation, attempt, {"event": "tested"}), **fields)


async def taken(store: Operations, **fields: Any) -> Operation:
    return await store.commit(a_commit(an_operation(**fields), "taken", index=IndexMove.TAKE))
