"""Two processes on one Redis that cast opposite votes in the same millisecond, round after round."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any

from bot.adapters.clock import SystemClock
from bot.adapters.ids import RandomIds
from bot.adapters.redis_store import RedisOperations
from bot.domain.operation import Verb
from bot.errors import BotError, UnknownOperation
from bot.ports import Ports
from bot.services.execution import step
from bot.services.requests import cast_vote
from tests.builders import APPROVER, ON_CALL, WORKSPACE
from tests.services.world import World, a_world

TAG = "{race}"
HEAD_START = timedelta(milliseconds=15)
"""From the announcement of a round to its start: both have read it by then."""

LAGS, LAG = 4, 0.015
"""In one round of four both start in the same millisecond; in the others the second meets a later step of the first."""


@dataclass(frozen=True)
class Report:
    """What became of one racer's vote, and how many writes it sent in this round."""

    said: str
    is_counted: bool
    sent: int = 0


@asynccontextmanager
async def at_the_store(url: str) -> AsyncIterator[tuple[World, RedisOperations, Ports]]:
    """Stand in a world in memory of one's own, at a real store that others share."""
    clock, world = SystemClock(), a_world()
    world.clock.move(clock.now() - world.clock.now())
    store = RedisOperations(url, clock=clock, workspace=WORKSPACE)
    operations: Any = store
    # tokens of its own: under another's token a vote would pass for that other's, repeated
    world.ports = replace(world.ports, clock=clock, operations=operations, ids=RandomIds())
    try:
        yield world, store, world.ports
    finally:
        await store.close()


def race(url: str, verb: Verb, rounds: int) -> None:
    """Be one of the two racers; who approves also carries out at once, as the worker of that bot would."""
    asyncio.run(_race(url, verb, rounds))


async def _race(url: str, verb: Verb, rounds: int) -> None:
    async with at_the_store(url) as (world, store, ports):
        home = dict(world.zones.held)
        for number in range(rounds):
            operation_id = await _start(store, ports, number)
            await asyncio.sleep(number % LAGS * LAG if verb is Verb.CANCEL else 0)
            report = await _vote(ports, operation_id, verb)
            if verb is Verb.APPROVE and report.is_counted:
                report = replace(report, sent=await _carry_out(world, operation_id))
                world.zones.held = dict(home)
            await store.link.call("RPUSH", f"{TAG}:{number}:{verb}", json.dumps(asdict(report)))


async def _start(store: RedisOperations, ports: Ports, number: int) -> str:
    """Wait until a round begins, to the millisecond; return the operation that it is about."""
    while (said := await store.link.call("GET", f"{TAG}:{number}")) is None:
        await asyncio.sleep(0.002)
    operation_id, at = json.loads(said)
    await asyncio.sleep(max(0.0, at - ports.clock.now().timestamp()))
    return str(operation_id)


async def _vote(ports: Ports, operation_id: str, verb: Verb) -> Report:
    who = APPROVER if verb is Verb.APPROVE else ON_CALL
    try:
        await cast_vote(ports, operation_id, verb, who)
    except BotError as error:
        return Report(str(error), is_counted=False)
    return Report("", is_counted=True)


async def _carry_out(world: World, operation_id: str) -> int:
    """Take steps until nothing is left to do; return the writes that were sent."""
    before = len(world.zones.sent)
    with suppress(UnknownOperation):
        while not (await world.ports.operations.get(operation_id)).is_terminal:
            with suppress(BotError):
                await step(world.ports, operation_id, "approving-bot")
    return len(world.zones.sent) - before
