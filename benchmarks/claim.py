"""From the claim to the send: what the safety between the two costs, beside the same bare calls to the same server.

Between them lie the commit of the claim with its fsync, the claim read back, and the question for the kill switch. The
floor makes those three round trips with redis-py and nothing else. The cloud is in memory for both, so that only the
bot's own way is compared. What is measured must fit into the send deadline many times over.
"""

import asyncio
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from benchmarks.stage import durable_redis
from benchmarks.table import Row, median, percentile
from bot.adapters.documents import encode, encode_plan
from bot.adapters.ids import RandomIds
from bot.adapters.redis_keys import FREEZE
from bot.adapters.redis_store import RedisOperations
from bot.domain.operation import SEND_DEADLINE, Operation, Verb
from bot.domain.plan import Change
from bot.ports import Commit, Written
from bot.services.execution import step
from bot.services.requests import cast_vote
from tests.builders import APPROVER, WORKSPACE
from tests.fakes import FakeClock, FakePrivateZone, FakeResolver, some_rules
from tests.services.world import World, around

OPERATIONS, WARM_UP = 150, 10
APART = timedelta(hours=2)
"""Between two operations on the company's clock, so that no rate and no rest between changes speaks up."""
BARE = "{registry-bot}:bare"


@dataclass
class Marks:
    """When the latest claim was begun and the latest write sent, in seconds of the performance counter."""

    claimed: float = 0.0
    sent: float = 0.0

    @property
    def taken(self) -> float:
        """Return the seconds between."""
        return self.sent - self.claimed


class MarkingStore:
    """A store that notes when the commit of a claim begins."""

    def __init__(self, store: RedisOperations, marks: Marks) -> None:
        self._store, self._marks = store, marks

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def commit(self, commit: Commit) -> Operation:
        """Commit."""
        if commit.audit.get("event") == "claimed":
            self._marks.claimed = time.perf_counter()
        return await self._store.commit(commit)


class MarkingZones(FakePrivateZone):
    """Zones that note when a write is sent, and forget it, so that they do not grow."""

    def __init__(self, marks: Marks) -> None:
        super().__init__()
        self._marks = marks

    async def apply(self, change: Change, client_token: str) -> Written:
        """Take the write."""
        self._marks.sent = time.perf_counter()
        written = await super().apply(change, client_token)
        self.sent.clear()
        self.applied.clear()
        return written


def ahead() -> FakeClock:
    """Return a clock that begins with the server's and may run ahead of it."""
    return FakeClock(datetime.now(UTC))


def company(store: Any, zones: FakePrivateZone, clock: FakeClock) -> World:
    """Return the small company in memory around a real store, which has the same clock."""
    world = around(zones, some_rules())
    world.identities._clock = clock
    ports = replace(world.ports, operations=store, clock=clock, resolver=FakeResolver(zones, clock), ids=RandomIds())
    return replace(world, ports=ports, clock=clock)


async def carry_out(world: World) -> Operation:
    """Ask, approve, write, read back twice; then put the record back by hand and let time pass."""
    asked = await world.ask()
    before = dict(world.zones.held)
    await cast_vote(world.ports, asked.id, Verb.APPROVE, APPROVER)
    await step(world.ports, asked.id, "benchmark")
    world.clock.move(timedelta(seconds=6))
    await step(world.ports, asked.id, "benchmark")
    done = await world.ports.operations.get(asked.id)
    world.zones.held = before
    world.clock.move(APART)
    return done


async def bare(client: Any, document: str) -> float:
    """Return the seconds of the floor: one write with its fsync, read back, and one question."""
    began = time.perf_counter()
    await client.set(BARE, document)
    await client.get(BARE)
    await client.exists(FREEZE)
    return time.perf_counter() - began


async def measure(url: str, operations: int = OPERATIONS) -> tuple[list[float], list[float]]:
    """Return the seconds of the bot and of the floor, one of each in turn."""
    marks, clock = Marks(), ahead()
    store = RedisOperations(url, clock=clock, workspace=WORKSPACE, operation_timeout=5)
    client = Redis.from_url(url, retry=Retry(NoBackoff(), 0))
    world = company(MarkingStore(store, marks), MarkingZones(marks), clock)
    taken: list[tuple[float, float]] = []
    for _ in range(WARM_UP + operations):
        done = await carry_out(world)
        taken.append((marks.taken, await bare(client, encode(done) + encode_plan(done))))
    await client.aclose()
    await store.close()
    ours, floor = zip(*taken[WARM_UP:], strict=True)
    return list(ours), list(floor)


def be_quiet() -> None:
    """Leave out the line that every move logs: it would be what is measured."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def rows() -> Iterator[Row]:
    """Run and return the rows."""
    be_quiet()
    with durable_redis() as url:
        ours, floor = asyncio.run(measure(url))
    detail = f"p50 {median(ours) * 1000:.2f} ms, bare calls {median(floor) * 1000:.2f} ms; fsync at every write"
    yield Row("claim", "claim → send, beside bare calls", median(ours) / median(floor), "≤", 3, detail=detail)
    worst, deadline = percentile(ours, 0.99), SEND_DEADLINE.total_seconds()
    yield Row(
        "claim", "claim → send, p99 of the send deadline", worst / deadline * 100, "≤", 10, "%", f"{deadline:g} s"
    )
