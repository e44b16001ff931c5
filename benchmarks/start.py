"""From the start of the process to ready, beside importing the same libraries; the first delivery; memory at rest."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator

from benchmarks import front_door
from benchmarks.http_protocol import connected
from benchmarks.stage import Running, Stage, durable_redis, stage
from benchmarks.table import Row, median, spread

GROUP = "start"
RUNS = 5
LATER = 30
RESTED = 8.0
"""Seconds after which the bot has looked at every site once and is at rest."""
LIBRARIES = (
    "aiohttp.web yarl yaml structlog prometheus_client pydantic pydantic_settings redis.asyncio slack_bolt.async_app "
    "slack_sdk.web.async_client dns.asyncquery dns.message dns.rrset alibabacloud_cr20181201.client "
    "alibabacloud_cr20181201.models alibabacloud_pvtz20180101.client alibabacloud_pvtz20180101.models "
    "alibabacloud_credentials.provider alibabacloud_tea_openapi.utils darabonba.request"
)
"""What the bot has imported of others' when it is ready."""


def import_seconds() -> float:
    """Return the seconds from the start of a process until it has imported the libraries."""
    code = f"import time, {', '.join(LIBRARIES.split())}; print(time.perf_counter())"
    started = time.perf_counter()
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    return float(said) - started


async def first_and_later(world: Stage, bot: Running) -> tuple[float, float]:
    """Return the seconds to the first acknowledgement, and the median of later ones.

    Each goes to a person and a channel not met before, so that the bot must ask Slack the same questions every time.
    """
    caller = await connected(bot.port)
    taken = []
    for number in range(LATER):
        body = front_door.command("status x", f"U7NEW{number}", world.ports["slack"], f"C7NEW{number}")
        taken.append((await front_door.deliver(caller, body))[1])
        await asyncio.sleep(0.02)
    caller.close()
    return taken[0], median(taken[LATER // 2 :])


def rows() -> Iterator[Row]:
    """Run and return the rows."""
    starts: list[tuple[float, float, float]] = []
    acks: list[tuple[float, float]] = []
    with durable_redis() as url, stage() as world:
        for _ in range(RUNS):
            imports = import_seconds()
            with world.bot(url).running() as bot:
                starts.append((bot.ready_after, imports, bot.listening_after))
                acks.append(asyncio.run(first_and_later(world, bot)))
        with world.bot(url).running() as bot:
            time.sleep(RESTED)
            resident = bot.resident_mib()
    ratios = [ready / imports for ready, imports, _ in starts]
    ready, imports, listening = (median(each) for each in zip(*starts, strict=True))
    detail = f"ready {ready:.2f} s, imports {imports:.2f} s, listening {listening:.2f} s; {spread(ratios)}"
    yield Row(GROUP, "start → ready, beside its imports", median(ratios), "≤", 1.3, detail=detail)
    firsts = [first / later for first, later in acks]
    first, later = (median(each) * 1000 for each in zip(*acks, strict=True))
    detail = (
        f"first {first:.1f} ms, later {later:.1f} ms, each to a person and a channel not met before; {spread(firsts)}"
    )
    yield Row(GROUP, "first acknowledgement, beside later ones", median(firsts), "≤", 3.0, detail=detail)
    yield Row(GROUP, "memory at rest", resident, "≤", 120.0, "MiB", f"resident, {RESTED:g} s after ready")
