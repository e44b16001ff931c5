"""Whether the bot's memory stays flat over 10,000 operations, each asked for, approved, written, proven and shown.

The services, the outbox and the store's client are the real ones, on a real Redis of its own process; Slack and the
cloud are in memory and forget what they were told. A process of its own carries them out, so that nothing else that a
benchmark loads is counted.
"""

import asyncio
import gc
import json
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.claim import MarkingZones, Marks, ahead, be_quiet, carry_out, company
from benchmarks.stage import ROOT
from benchmarks.table import Row
from bot.adapters.redis_store import RedisOperations
from bot.domain.operation import State
from bot.services.buttons import button_value
from bot.worker.outbox import Outbox
from simulator.local_redis import local_redis
from tests.builders import WORKSPACE

OPERATIONS, LOOK_EVERY = 10_000, 1_000
MIB = 1024 * 1024


def resident() -> float:
    """Return the MiB that this process has in memory now."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * 4096 / MIB


async def grow(url: str, operations: int) -> list[float]:
    """Carry operations out one after the other; return the MiB after every thousandth."""
    clock = ahead()
    store = RedisOperations(url, clock=clock, workspace=WORKSPACE, operation_timeout=5)
    world = company(store, MarkingZones(Marks()), clock)
    outbox, seen = Outbox(world.ports, partial(button_value, world.ports)), list[float]()
    for number in range(1, operations + 1):
        done = await carry_out(world)
        if done.state is not State.DONE:
            raise SystemExit(f"operation {number} ended {done.state}: {done.outcome}")
        await outbox.tick()
        world.workspace.posts.clear()
        world.data_plane.asked.clear()
        if number % LOOK_EVERY == 0:
            seen.append(resident())
    await store.close()
    return seen


def rows() -> Iterator[Row]:
    """Run in a process of its own and return the row."""
    words = [sys.executable, "-m", "benchmarks.memory"]
    seen: list[float] = json.loads(subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout)
    detail = f"{seen[0]:.1f} MiB after {LOOK_EVERY:,}, {seen[-1]:.1f} after {OPERATIONS:,}; resident"
    what = f"after {OPERATIONS:,} operations, beside {LOOK_EVERY:,}"
    yield Row("memory", what, seen[-1] / seen[0], "≤", 1.05, detail=detail)


def main() -> None:
    """Print the MiB after every thousandth operation, as JSON."""
    be_quiet()
    operations = int(sys.argv[1]) if len(sys.argv) > 1 else OPERATIONS
    with local_redis() as url:
        print(json.dumps(asyncio.run(grow(url, operations))))


if __name__ == "__main__":
    main()
