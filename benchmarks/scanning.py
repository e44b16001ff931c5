"""How soon Slack gets its acknowledgement while the same process reads two instances of 10,000 repositories."""

import asyncio
import itertools
import time
from collections.abc import Iterator
from dataclasses import replace

from benchmarks import front_door
from benchmarks.http_protocol import Caller, connected, get_json
from benchmarks.layout import ON_CALL, Layout
from benchmarks.stage import Program, Running, Stage, durable_redis, stage
from benchmarks.table import Row, median, percentile

GROUP = "scan"
LARGE = Layout(sites=2, views=1, repositories=10_000, people=24)
RATES = (200, 1_000)
"""Calls a second to each of the two instances, which is what a bot may be set to."""
LONGEST = 25.0
"""Seconds to look at for: at the lower rate the reading goes on long after."""
PAUSE = 0.02
TEXTS = ("help", "status", "actions", "replication", "plan zhangjiakou")
DEADLINE, QUIET = 1.5, 0.5


async def acknowledged(world: Stage, bot: Running) -> tuple[list[float], float]:
    """Return the seconds to each acknowledgement while repositories are read, and the calls a second meanwhile."""
    control = world.ports["control"]
    asked = zip(itertools.cycle(TEXTS), itertools.cycle(ON_CALL[: LARGE.people]), strict=False)
    bodies = (front_door.command(text, user, world.ports["slack"]) for text, user in asked)
    caller = await connected(bot.port)
    await _until_read(control)
    began = quiet_since = time.perf_counter()
    taken, calls = list[float](), 0
    while (now := time.perf_counter()) - began < LONGEST and now - quiet_since < QUIET:
        taken += await _some(caller, bodies)
        calls += (came := await _reads(control))
        quiet_since = time.perf_counter() if came else quiet_since
    caller.close()
    return taken, calls / (quiet_since - began)


async def _until_read(control: int) -> None:
    async with asyncio.timeout(30):
        while not await _reads(control):  # noqa: ASYNC110 - what is waited for happens in another process
            await asyncio.sleep(0.1)


async def _reads(control: int) -> int:
    """Return how many repositories were read since last asked."""
    return sum(what == "ListRepoTag" for _, what, _ in (await get_json(control, "/bench/marks"))["marks"])


async def _some(caller: Caller, bodies: Iterator[bytes]) -> list[float]:
    taken = []
    for body in itertools.islice(bodies, len(TEXTS) * 2):
        taken.append((await front_door.deliver(caller, body))[1])
        await asyncio.sleep(PAUSE)
    return taken


def rows() -> Iterator[Row]:
    """Measure at each rate, with a store that knows nothing."""
    for rate in RATES:
        with durable_redis() as url, stage(LARGE) as world, _bot(world, url, rate).running() as bot:
            taken, calls = asyncio.run(acknowledged(world, bot))
            detail = (
                f"{len(taken)} commands of {len(TEXTS)} kinds while {calls:.0f} calls/s were made; "
                f"p50 {median(taken) * 1e3:.1f} ms, slowest {max(taken):.2f} s, {bot.resident_mib():.0f} MiB"
            )
            what = f"p99 while 2 × 10,000 repositories are read at {rate:,} QPS each"
            yield Row(GROUP, what, percentile(taken, 0.99), "≤", DEADLINE, "s", detail)


def _bot(world: Stage, url: str, rate: int) -> Program:
    program = world.bot(url)
    limits = {"REGISTRY_BOT_ALIBABA_QPS": str(rate), "REGISTRY_BOT_ALIBABA_IN_FLIGHT": str(max(8, rate // 6))}
    return replace(program, environment=program.environment | limits)
