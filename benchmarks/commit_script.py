"""Measure the commit script against a bare SET of the same document on the same server, and let 100 approvers race.

    python -m benchmarks.commit_script [--commits 500] [--approvers 100]

The server is a real Redis of its own that syncs its append-only file at every write, so both rows pay the same fsync.
Calls come one after the other, never pipelined, one of each row in turn, because machines are noisy: read the ratios.
"""

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from bot.adapters.clock import SystemClock
from bot.adapters.documents import encode, encode_plan
from bot.adapters.redis_link import Command
from bot.adapters.redis_store import RedisOperations
from bot.domain.operation import Operation, State
from bot.errors import VersionConflict
from bot.ports import Commit, IndexMove
from simulator.local_redis import local_redis
from tests.builders import WORKSPACE, a_vote, an_operation

BARE, SCRIPT, WHOLE = "bare SET", "commit script", "commit, with its document"
AUDIT = {"event": "approve", "person": "approver", "user": "U01APPROVER", "before": "PENDING", "after": "APPROVED"}


class Row:
    """One way to write, timed call by call; `prepare` makes what a call needs, outside the time."""

    def __init__(self, prepare: Callable[[], Any], call: Callable[[Any], Awaitable[object]]) -> None:
        self._prepare, self._call = prepare, call
        self._taken: list[float] = []

    async def once(self) -> None:
        """Call and time it."""
        prepared = self._prepare()
        started = time.perf_counter()
        await self._call(prepared)
        self._taken.append((time.perf_counter() - started) * 1000)

    @property
    def p50(self) -> float:
        """Return the median milliseconds."""
        return statistics.median(self._taken)


class Commits:
    """One operation moved on and on, each time with everything that an approval checks and writes."""

    def __init__(self, store: RedisOperations) -> None:
        self._store = store
        self._numbers = count()
        self._operation = an_operation(State.APPROVED)

    async def start(self) -> None:
        """Store the operation."""
        await self.commit(self.next(IndexMove.TAKE))

    def next(self, index: IndexMove = IndexMove.KEEP) -> Commit:
        """Return the next commit."""
        now = datetime.now(UTC)
        return Commit(
            self._operation,
            attempt=f"{next(self._numbers):032x}",
            audit=AUDIT,
            not_after=now + timedelta(minutes=15),
            index=index,
            unless_held=True,
            unless_frozen=("all", "zhangjiakou", "hangzhou"),
            due_at=now,
        )

    async def commit(self, commit: Commit) -> None:
        """Commit as the bot does."""
        self._operation = await self._store.commit(commit)

    def prepared(self, identity: str) -> tuple[str, Command]:
        """Return the next commit's attempt, and the script's arguments for it."""
        commit = self.next()
        return commit.attempt, self._store.script_call(commit, identity)

    async def run(self, prepared: tuple[str, Command]) -> None:
        """Run the script alone, on arguments made beforehand."""
        attempt, words = prepared
        word, version = await self._store.link.call(*words)
        if word != "OK":
            raise SystemExit(f"The script refused: {word}")
        self._operation = replace(self._operation, version=version, stamp=attempt)


async def side_by_side(url: str, times: int) -> dict[str, float]:
    """Take one call of each row after the other, so that all meet the same noise."""
    store = RedisOperations(url, clock=SystemClock(), workspace=WORKSPACE, operation_timeout=5)
    bare = Redis.from_url(url, retry=Retry(NoBackoff(), 0))
    written_whole = encode(an_operation(State.APPROVED)) + encode_plan(an_operation())
    commits = Commits(store)
    await commits.start()
    identity = await store.adopt()
    rows = {
        BARE: Row(lambda: written_whole, lambda document: bare.set("{registry-bot}:bare", document)),
        SCRIPT: Row(lambda: commits.prepared(identity), commits.run),
        WHOLE: Row(commits.next, commits.commit),
    }
    for _ in range(times):
        for row in rows.values():
            await row.once()
    await bare.aclose()
    await store.close()
    return {name: row.p50 for name, row in rows.items()}


async def race(url: str, approvers: int) -> tuple[int, float]:
    """Let everybody approve the same operation at once; return the number of winners and the milliseconds."""
    store = RedisOperations(url, clock=SystemClock(), workspace=WORKSPACE, operation_timeout=5, connect_timeout=5)
    pending = await store.commit(Commit(an_operation(id="fo-race"), "pending", AUDIT, index=IndexMove.RELEASE))
    started = time.perf_counter()
    outcomes = await asyncio.gather(*(approve(store, pending, number) for number in range(approvers)))
    milliseconds = (time.perf_counter() - started) * 1000
    await store.close()
    return sum(outcomes), milliseconds


async def approve(store: RedisOperations, pending: Operation, number: int) -> bool:
    """Vote as one of many; tell whether this vote was the one that counted."""
    vote = replace(a_vote(pending.plan), person=f"approver-{number}", user_id=f"U{number:08d}")
    approved = replace(pending.with_vote(vote), state=State.APPROVED, approved_at=pending.created_at)
    try:
        await store.commit(
            Commit(approved, f"approve-{number}", AUDIT, unless_frozen=("all", "zhangjiakou", "hangzhou"))
        )
    except VersionConflict:
        return False
    return True


def report(p50: dict[str, float], winners: int, milliseconds: float, approvers: int) -> bool:
    """Print the table; tell whether every goal is met."""
    ratio = p50[SCRIPT] / p50[BARE]
    print("One write at a time, append-only file synced at every write")
    for name, figure in p50.items():
        print(f"  {name:28} {figure:9.3f} ms p50")
    print(f"  {f'{approvers} approvers at once':28} {milliseconds:9.1f} ms in all")
    goals = [
        ("commit script / bare SET", ratio, "<= 1.50", ratio <= 1.5),
        (f"winners of {approvers}", float(winners), "= 1", winners == 1),
    ]
    for name, figure, goal, is_met in goals:
        print(f"  {name:28} {figure:9.2f}   goal {goal:8} {'met' if is_met else 'NOT MET'}")
    return all(is_met for *_, is_met in goals)


def main() -> int:
    """Run and return the exit code: 0 when every goal is met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--commits", type=int, default=500)
    parser.add_argument("--approvers", type=int, default=100)
    given = parser.parse_args()
    with local_redis(appendonly="yes", appendfsync="always") as url:
        p50 = asyncio.run(side_by_side(url, given.commits))
        winners, milliseconds = asyncio.run(race(url, given.approvers))
    return 0 if report(p50, winners, milliseconds, given.approvers) else 1


if __name__ == "__main__":
    sys.exit(main())
