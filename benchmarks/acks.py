"""How soon Slack gets its acknowledgement: beside a peer, with something hung, and while images are compared."""

import asyncio
import itertools
import re
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager

from benchmarks import front_door
from benchmarks.failover import VIEWS, Side, one_click, propose, seed
from benchmarks.http_protocol import Caller, connected, get_json
from benchmarks.layout import APPROVERS, CROWD, ON_CALL, Layout
from benchmarks.stage import Running, Stage, durable_redis, stage, stoppable_redis
from benchmarks.table import Row, median, percentile, spread

GROUP = "acks"
RUNS = 5
PROBES = 250
"""Deliveries in one run, one after the other."""
QUIET_AGAIN = 10.0
"""Seconds after which nobody's former deliveries count."""
DENSE = 500
"""Deliveries in one run where the slowest hundredth is looked for."""
AT_ONCE, IN_TURN = 10, 8
"""Connections and deliveries on each while something hangs: a delivery then takes its whole budget."""
CROWDED = Layout(people=CROWD)
CHECKED = Layout(sites=6, views=1, repositories=60, people=CROWD)
ROUND_OF_CHECKS = 3.6
"""Seconds from one check of a pair of sites to the next; three pairs call the cloud about 100 times a second."""


async def timed(caller: Caller, bodies: Iterator[bytes], count: int, pause: float = 0.0) -> list[float]:
    """Return the seconds to each acknowledgement of so many deliveries."""
    taken = []
    for body in itertools.islice(bodies, count):
        taken.append((await front_door.deliver(caller, body))[1])
        await asyncio.sleep(pause)
    return taken


def by_many(text: str, respond_at: int) -> Iterator[bytes]:
    """Return the same command by one person after the other, so that none is held to act too fast."""
    return itertools.cycle([front_door.command(text, user, respond_at) for user in ON_CALL])


def pressed_by_many(click: bytes) -> Iterator[bytes]:
    """Return the same click by one person after the other."""
    return itertools.cycle([re.sub(rb"U01APPROVER\d+", user.encode(), click) for user in APPROVERS])


async def beside_peer(
    ours: Side, theirs: Side, bodies: dict[str, tuple[Iterator[bytes], Iterator[bytes]]]
) -> list[Row]:
    """Compare medians, run by run, once everybody is known."""
    here, there = await connected(ours.program.port), await connected(theirs.program.port)
    found = []
    for what, (our_body, their_body) in bodies.items():
        await timed(here, our_body, CROWD)
        await timed(there, their_body, CROWD)
        await asyncio.sleep(QUIET_AGAIN)
        pairs = []
        for _ in range(RUNS):
            mine, peers = await timed(here, our_body, PROBES), await timed(there, their_body, PROBES)
            pairs.append((median(mine) * 1000, median(peers) * 1000))
        ratios = [mine / peers for mine, peers in pairs]
        detail = f"{median(m for m, _ in pairs):.2f} ms, by hand {median(p for _, p in pairs):.2f} ms; {spread(ratios)}"
        found.append(Row(GROUP, f"{what}, p50", median(ratios), "≤", 2.0, detail=detail))
    here.close()
    there.close()
    return found


async def repeated(side: Side) -> bytes:
    """Decide an operation and return the click that did it: sent again, it is looked up and recognised."""
    caller = await connected(side.program.port)
    click = await side.prepare(side, VIEWS[0])
    await one_click(side, caller, click)
    caller.close()
    return click


async def help_text(bot: Running, world: Stage) -> str:
    """Return what the bot answers to help, for the peer to answer the same."""
    caller = await connected(bot.port)
    _, _, said = await front_door.deliver(caller, front_door.command("help status", ON_CALL[0], world.ports["slack"]))
    caller.close()
    return said.decode()


def p50_rows() -> Iterator[Row]:
    """Measure a command and a click beside the peer."""
    with ExitStack() as stack:
        url = stack.enter_context(durable_redis())
        here, there = stack.enter_context(stage(CROWDED)), stack.enter_context(stage(CROWDED))
        bot = stack.enter_context(here.bot(url).running())
        answer = asyncio.run(help_text(bot, here))
        peer = stack.enter_context(there.peer("benchmarks.by_hand", url, BENCH_HELP=answer).running())
        ours, theirs = Side(here, bot, propose), Side(there, peer, seed)

        async def measure() -> list[Row]:
            commands = by_many("help status", here.ports["slack"]), by_many("help status", here.ports["slack"])
            clicks = pressed_by_many(await repeated(ours)), itertools.repeat(await repeated(theirs))
            bodies = {"`/registry help status`": commands, "click on a button": clicks}
            return await beside_peer(ours, theirs, bodies)

        yield from asyncio.run(measure())


# something hangs


def mixture(world: Stage, click: bytes) -> Iterator[bytes]:
    """Return every kind of delivery in turn, some by people whom the bot has not met."""
    slack, clicks = world.ports["slack"], pressed_by_many(click)
    for number in itertools.count():
        for text in ("help", "status", "actions", "failover zhangjiakou", "replication"):
            yield front_door.command(text, ON_CALL[number % CROWD], slack)
        yield next(clicks)
        yield front_door.command("status", f"U99STRANGER{number}", slack)


async def under_trouble(world: Stage, bot: Running, click: bytes) -> list[float]:
    """Return the seconds to each acknowledgement of a mixture, some at once."""
    bodies = mixture(world, click)

    async def one() -> list[float]:
        caller = await connected(bot.port)
        taken = [(await front_door.deliver(caller, next(bodies)))[1] for _ in range(IN_TURN)]
        caller.close()
        return taken

    return list(itertools.chain(*await asyncio.gather(*(one() for _ in range(AT_ONCE)))))


def hung_rows() -> Iterator[Row]:
    """Hang Redis, Slack's Web API and Alibaba Cloud in turn: they take requests and never answer."""
    with stoppable_redis() as (url, redis), stage(CROWDED) as world, world.bot(url).running() as bot:
        side = Side(world, bot, propose)
        click = asyncio.run(repeated(side))
        redis.send_signal(signal.SIGSTOP)
        try:
            yield from _hung("Redis", asyncio.run(under_trouble(world, bot, click)))
        finally:
            redis.send_signal(signal.SIGCONT)
        for name, what in (("slack", "Slack's Web API"), ("alibaba", "Alibaba Cloud")):
            time.sleep(3)
            world.control(f"set?hang={name}")
            yield from _hung(what, asyncio.run(under_trouble(world, bot, click)))
            world.control("set?hang=")


def _hung(what: str, taken: list[float]) -> list[Row]:
    detail = f"{len(taken)} deliveries of 7 kinds, {AT_ONCE} at once; p50 {median(taken):.2f} s"
    return [
        Row(GROUP, f"{what} hung, p99", percentile(taken, 0.99), "≤", 1.5, "s", detail),
        Row(GROUP, f"{what} hung, slowest", max(taken), "≤", 2.5, "s", detail),
    ]


# a check runs


@asynccontextmanager
async def checking(world: Stage, bot: Running) -> AsyncIterator[None]:
    """Compare the images of every pair of sites again and again."""
    names = CHECKED.names

    async def keep_asking(home: str) -> None:
        caller = await connected(bot.port)
        bodies = by_many(f"replication from {home} to {CHECKED.partner(home)}", world.ports["slack"])
        for body in bodies:
            await front_door.deliver(caller, body)
            await asyncio.sleep(ROUND_OF_CHECKS - 1.2)

    tasks = [asyncio.create_task(keep_asking(home)) for home in names[::2]]
    try:
        await asyncio.sleep(0.5)
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def during_check(world: Stage, bot: Running) -> Row:
    """Compare the p99 with a check to the p99 without, run by run."""
    caller, control = await connected(bot.port), world.ports["control"]
    body = by_many("help", world.ports["slack"])
    await timed(caller, body, CROWD)
    pairs, calls, seconds = [], 0, 0.0
    for _ in range(RUNS):
        idle = percentile(await timed(caller, body, DENSE, pause=0.005), 0.99)
        async with checking(world, bot):
            await get_json(control, "/bench/marks")
            began = time.perf_counter()
            busy = percentile(await timed(caller, body, DENSE, pause=0.005), 0.99)
            seconds += time.perf_counter() - began
            calls += sum("List" in what for _, what, _ in (await get_json(control, "/bench/marks"))["marks"])
        pairs.append((busy * 1000, idle * 1000))
        await asyncio.sleep(ROUND_OF_CHECKS)
    caller.close()
    ratios = [busy / idle for busy, idle in pairs]
    detail = (
        f"{median(b for b, _ in pairs):.1f} ms at {calls / seconds:.0f} calls/s, idle "
        f"{median(i for _, i in pairs):.1f} ms; {spread(ratios)}"
    )
    return Row(GROUP, "p99 while images are compared", median(ratios), "≤", 3.0, detail=detail)


def check_rows() -> Iterator[Row]:
    """Measure acknowledgements while the same process reads inventories."""
    with durable_redis() as url, stage(CHECKED) as world, world.bot(url).running() as bot:
        time.sleep(6)  # the bot looks at every site once after its start
        yield asyncio.run(during_check(world, bot))


def rows() -> Iterator[Row]:
    """Run and return the rows."""
    yield from p50_rows()
    yield from hung_rows()
    yield from check_rows()
