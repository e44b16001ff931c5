"""From the click on Approve to the card that says it is written: the bot against the program written by hand."""

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from benchmarks import front_door
from benchmarks.http_protocol import Caller, connected, get_json
from benchmarks.layout import APPROVERS, AWAY, CHANNEL, ON_CALL, STANDBY, Layout
from benchmarks.stage import Running, Stage, durable_redis, stage
from benchmarks.table import Row, median, spread

GROUP = "failover"
PAIRS, WARM_UP = 12, 2
BREATHER = 8.0
"""Seconds before each pair of clicks: whom the bot tells of the last operation is told by then."""
BETWEEN = 1.0
"""Seconds from the one click to the other, so that neither works while the other's is timed."""
VIEWS = Layout().vpcs(AWAY)
"""As many as pairs: each rests until the bot's second read-back is over."""
DONE_WORD = "VERIFYING"
FEW = tuple(zip(ON_CALL, APPROVERS, strict=True))[: Layout().people]
"""Who asks and who approves, in turn: enough that nobody acts too fast."""


@dataclass(eq=False)
class Side:
    """One of the two programs with an outside of its own."""

    world: Stage
    program: Running
    prepare: "Callable[[Side, str], Awaitable[bytes]]"
    seen: int = 0
    pairs: Iterator[tuple[str, str]] = field(default_factory=lambda: itertools.cycle(FEW))


async def propose(side: Side, vpc: str) -> bytes:
    """Ask the bot for a failover and return the click on its card."""
    slack, control = side.world.ports["slack"], side.world.ports["control"]
    caller, (requester, approver) = await connected(side.program.port), next(side.pairs)
    await front_door.deliver(caller, front_door.command(f"failover {AWAY} only {vpc}", requester, slack))
    caller.close()
    async with asyncio.timeout(15):
        while True:
            posted = (await get_json(control, f"/bench/posted?since={side.seen}"))["posted"]
            cards = [message for message in posted if "thread_ts" not in message and vpc in message["text"]]
            fresh = [card for card in cards if "needs a second person" in card["text"]]
            if fresh:
                side.seen += len(posted)
                return front_door.click(fresh[-1], "operation.approve", approver, slack)
            await asyncio.sleep(0.02)


async def seed(side: Side, vpc: str) -> bytes:
    """Have the program written by hand store an operation and return the click on its card."""
    caller, (requester, approver) = await connected(side.program.port), next(side.pairs)
    asked = {"away": AWAY, "to": STANDBY, "vpc": vpc, "requester": requester, "channel": CHANNEL}
    _, said = await caller.send("POST", "/seed", {"Content-Type": "application/json"}, json.dumps(asked).encode())
    caller.close()
    seeded, slack = json.loads(said), side.world.ports["slack"]
    return front_door.press(seeded["value"], seeded["ts"], "operation.approve", approver, slack)


async def one_click(side: Side, caller: Caller, body: bytes) -> float:
    """Return the seconds from sending a click until the card that shows the write has come to Slack."""
    control = side.world.ports["control"]
    await get_json(control, "/bench/marks")
    sent, _, _ = await front_door.deliver(caller, body)
    async with asyncio.timeout(15):
        while True:
            await asyncio.sleep(0.05)
            for at, what, detail in (await get_json(control, "/bench/marks"))["marks"]:
                if what == "chat.update" and DONE_WORD in detail:
                    return float(at) - sent


async def pair(callers: dict[Side, Caller], view: str) -> dict[Side, float]:
    """Return what a click on either side takes, in the order given, on a view that has not moved."""
    for side in callers:
        await get_json(side.world.ports["control"], f"/bench/set?reset={view}")
    bodies = {side: await side.prepare(side, view) for side in callers}
    await asyncio.sleep(BREATHER)
    taken = {}
    for side, caller in callers.items():
        taken[side] = await one_click(side, caller, bodies[side])
        await asyncio.sleep(BETWEEN)
    return taken


async def alternate(ours: Side, theirs: Side, latency: float, pairs: int = PAIRS) -> list[tuple[float, float]]:
    """Return what both sides took, pair by pair; each goes first in turn."""
    callers = {side: await connected(side.program.port) for side in (ours, theirs)}
    for side in callers:
        await get_json(side.world.ports["control"], f"/bench/set?latency={latency}")
    found = []
    for _, view in zip(range(pairs), itertools.cycle(VIEWS), strict=False):
        taken = await pair(callers, view)
        found.append((taken[ours], taken[theirs]))
        callers = dict(reversed(callers.items()))
    for caller in callers.values():
        caller.close()
    return found


@contextmanager
def sides() -> Iterator[tuple[Side, Side]]:
    """Bring both programs up, on one Redis server."""
    with ExitStack() as stack:
        url = stack.enter_context(durable_redis())
        here, there = stack.enter_context(stage()), stack.enter_context(stage())
        bot = stack.enter_context(here.bot(url).running())
        peer = stack.enter_context(there.peer("benchmarks.by_hand", url).running())
        yield Side(here, bot, propose), Side(there, peer, seed)


async def measure(ours: Side, theirs: Side) -> list[Row]:
    """Measure at both latencies."""
    await alternate(ours, theirs, 0.0, WARM_UP)
    plain = await alternate(ours, theirs, 0.0)
    far = await alternate(ours, theirs, 0.05)
    return [
        _row("approve click → card shows the write, loopback", plain, 1.6),
        _row("the same, every call answered after 50 ms", far, 1.1),
    ]


def _row(what: str, found: list[tuple[float, float]], goal: float) -> Row:
    ratios = [ours / theirs for ours, theirs in found]
    ours, theirs = (median(side) * 1000 for side in zip(*found, strict=True))
    detail = f"p50 {ours:.1f} ms, by hand {theirs:.1f} ms; {spread(ratios)}"
    return Row(GROUP, what, median(ratios), "≤", goal, detail=detail)


def rows() -> list[Row]:
    """Run and return the rows."""
    with sides() as (ours, theirs):
        return asyncio.run(measure(ours, theirs))
