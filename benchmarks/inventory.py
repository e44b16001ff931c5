"""How close reading two whole instances comes to the least that would do: calls, time, memory, bytes kept.

    python -m benchmarks.inventory [REPOSITORIES TAGS QPS]

The cloud is a bare protocol in a process of its own that answers after 50 ms and counts what it was asked; both
instances are behind one address, so one budget of calls a second is for both. Redis has a process of its own, and so
has each measurement: its memory is that of a bot which does nothing else. The passes are the real ones.

With all three words, this reads any size and prints what it came to.
"""

import asyncio
import gc
import json
import logging
import math
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import structlog
from redis import Redis

import bot.app  # noqa: F401 - a bot that reads has all of this loaded
from benchmarks.http_protocol import Answer, Asked, Responder, get_json
from benchmarks.stage import ROOT
from benchmarks.table import Row, median, spread
from bot.adapters.alibaba.catalogue import AlibabaCatalogue
from bot.adapters.alibaba.client import Alibaba, Limits
from bot.adapters.alibaba.credentials import Keys
from bot.adapters.alibaba.limits import Gate, Lane
from bot.adapters.clock import SystemClock
from bot.adapters.redis_inventory import RedisInventories
from bot.ports import Ports
from bot.services.stocktaking import take_stock
from simulator.local_redis import local_redis
from tests.fakes import some_ports

LATENCY = 0.05
PAGE = 100
SITES = ("hangzhou", "zhangjiakou")
NAMESPACES = 20
PUSHED = 1_760_000_000_000
RUNS = (
    (100, 20, 200),
    (1_000, 20, 200),
    (10_000, 20, 200),
    (100, 20, 1_000),
    (1_000, 20, 1_000),
    (10_000, 20, 1_000),
    (10_000, 40, 1_000),
)
"""Repositories, tags in each, calls a second; the third takes more than half of all the time."""
SHORT, AGAIN = 5.0, 5
"""Seconds at the pace below which one run says little, as one pause of the machine would decide it, and how many do."""
IN_TIME, UNCHANGED, MEMORY, NO_HIGHER, TAG_BYTES = 1.15, 0.05, 200, 1.05, 100


class Cloud:
    """Two instances that hold the same, in as many repositories and tags as wanted."""

    def __init__(self, repositories: int, tags: int) -> None:
        self._repositories = repositories
        self._tags = tags
        self.calls: dict[str, int] = {}

    def answer(self, asked: Asked) -> Answer:
        """Answer one call."""
        query = dict(parse_qsl(urlsplit(asked.path).query))
        if asked.path == "/calls":
            return 200, "", json.dumps(self.calls).encode()
        action = asked.headers["x-acs-action"]
        self.calls[action] = self.calls.get(action, 0) + 1
        page = int(query["PageNo"])
        if action == "ListRepoTag":
            digests = _digests(int(query["RepoId"][4:]), page, self._tags)
            return _good("Images", _images(page, self._tags) % digests, self._tags)
        if action == "ListRepository":
            return _good("Repositories", json.dumps(_repositories(page, self._repositories)), self._repositories)
        spaces = [{"NamespaceName": f"team{n}", "AutoCreateRepo": True} for n in range(NAMESPACES)]
        return _good("Namespaces", json.dumps(spaces), NAMESPACES)


def _good(key: str, items: str, total: int) -> Answer:
    head = f'{{"IsSuccess": true, "Code": "success", "RequestId": "r", "TotalCount": "{total}", "{key}": '
    return 200, "", f"{head}{items}}}".encode()


def _span(page: int, total: int) -> range:
    return range((page - 1) * PAGE, min(page * PAGE, total))


@cache
def _images(page: int, tags: int) -> str:
    """Return a page of tags as JSON with a place for each digest; names as long as those of releases: 2026.11.23-0042.

    Made once, as a repository's page is then filled within microseconds: the cloud keeps its latency under a burst.
    """
    return json.dumps(
        [
            {
                "Tag": f"2026.{n % 12 + 1:02}.{n % 28 + 1:02}-{n:04}",
                "Digest": "%064x",
                "ImageId": f"{n:064x}",
                "ImageSize": 81_234_567,
                "ImageCreate": str(PUSHED + n * 3_600_123),
                "ImageUpdate": str(PUSHED + n * 3_600_123),
                "Status": "NORMAL",
            }
            for n in _span(page, tags)
        ]
    )


def _digests(repository: int, page: int, tags: int) -> tuple[int, ...]:
    return tuple((repository << 32 | n) * 0x9E3779B97F4A7C15F39CC0605CEDC834 % 2**256 for n in _span(page, tags))


def _repositories(page: int, total: int) -> list[dict[str, object]]:
    return [
        {
            "InstanceId": "cri-aaaaa",
            "RepoId": f"crr-{n}",
            "RepoName": f"service-{n:05}",
            "RepoNamespaceName": f"team{n % NAMESPACES}",
            "RepoType": "PRIVATE",
            "RepoStatus": "NORMAL",
            "TagImmutability": False,
            "CreateTime": PUSHED,
            "ModifiedTime": PUSHED + n,
        }
        for n in _span(page, total)
    ]


async def serve(repositories: int, tags: int) -> None:
    """Answer until killed; print the port first."""
    cloud = Cloud(repositories, tags)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Responder(cloud.answer, lambda: LATENCY), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def served(repositories: int, tags: int) -> Iterator[str]:
    """Run the cloud in a process of its own; return its address."""
    words = [sys.executable, "-m", "benchmarks.inventory", "serve", str(repositories), str(tags)]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


@dataclass(frozen=True, slots=True)
class Result:
    """What reading both instances came to; memory in MiB, `longest_stall` in seconds that nothing else could run.

    `bare` is the seconds that bare aiohttp takes for the same calls.
    """

    calls: int
    least: int
    seconds: float
    cpu: float
    second_calls: int
    memory_before: float
    memory: float
    kept_bytes: float
    longest_stall: float
    bare: float = math.nan


def least(repositories: int, tags: int) -> int:
    """Return the calls that reading both instances takes at least."""
    return 2 * (_pages(repositories) + repositories * _pages(tags) + _pages(NAMESPACES))


def _pages(entries: int) -> int:
    return max(1, math.ceil(entries / PAGE))


async def measure(repositories: int, tags: int, qps: float, address: str, redis_url: str) -> Result:
    """Read both instances twice."""
    clock = SystemClock()
    limits = Limits(rate=qps, in_flight=_in_flight(qps))
    keys = {"main": lambda: Keys("id", "secret")}
    alibaba = Alibaba(now=clock.now, cr_endpoint=address, protocol="http", limits=limits, sources=keys)
    inventories = RedisInventories(redis_url, clock)
    ports = some_ports(clock=clock, catalogue=AlibabaCatalogue(alibaba), inventories=inventories)
    await alibaba.load()
    await inventories.coverage("cri-other")  # a bot that reads is connected to Redis
    gc.freeze()  # as the bot does once it is loaded
    before, cpu, started, stalls = _peak(), time.process_time(), time.perf_counter(), Stalls()
    await both(ports)
    seconds, cpu, longest = time.perf_counter() - started, time.process_time() - cpu, stalls.end()
    first, memory = await _calls(address), _peak()
    await both(ports)
    second = await _calls(address) - first
    await inventories.close()
    await alibaba.close()
    kept = kept_bytes(redis_url) / (2 * repositories * tags)
    return Result(first, least(repositories, tags), seconds, cpu, second, before, memory, kept, longest)


async def bare_calls(repositories: int, tags: int, qps: float, address: str) -> float:
    """Make the calls of a pass over each instance with bare aiohttp at the bot's pace, and return the seconds taken."""
    gate = Gate(qps, _in_flight(qps))
    connector = aiohttp.TCPConnector(limit=_in_flight(qps))
    async with aiohttp.ClientSession(f"http://{address}", connector=connector) as session:

        async def ask(action: str, page: int, repository: str = "") -> dict[str, Any]:
            query = {"PageNo": str(page), "RepoId": repository}
            await gate.spend(Lane.SCAN)
            async with session.get("/", params=query, headers={"x-acs-action": action}) as response:
                found: dict[str, Any] = await response.json(content_type=None)
                return found

        async def a_page(number: int) -> None:
            listed = (await ask("ListRepository", number))["Repositories"]
            pages = range(1, 1 + _pages(tags))
            await asyncio.gather(*(ask("ListRepoTag", page, each["RepoId"]) for each in listed for page in pages))

        async def a_side() -> None:
            parts = [a_page(number) for number in range(1, 1 + _pages(repositories))]
            await asyncio.gather(ask("ListNamespace", 1), *parts)

        started = time.perf_counter()
        await asyncio.gather(a_side(), a_side())
        return time.perf_counter() - started


def _in_flight(qps: float) -> int:
    return max(8, int(qps * LATENCY * 3))


async def both(ports: Ports) -> None:
    """Make one pass over each instance, side by side."""
    sites = [ports.rules.topology.site(name) for name in SITES]
    for known in await asyncio.gather(*(take_stock(ports, site, timedelta(hours=6)) for site in sites)):
        if known.as_of is None or known.trouble:
            raise SystemExit(f"{known.instance} was not read whole: {known.trouble}")


class Stalls:
    """How long the loop had no time for anything else, at worst."""

    def __init__(self) -> None:
        self._longest = 0.0
        self._watching = asyncio.ensure_future(self._watch())

    def end(self) -> float:
        """Stop looking, and return the longest stall in seconds."""
        self._watching.cancel()
        return self._longest

    async def _watch(self) -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.005)
            self._longest = max(self._longest, time.perf_counter() - before - 0.005)


async def _calls(address: str) -> int:
    calls: dict[str, int] = await get_json(int(address.rpartition(":")[2]), "/calls")
    return sum(calls.values())


def _peak() -> float:
    """Return the most that was resident since this program was loaded; ru_maxrss begins with what its parent had."""
    found = re.search(r"^VmHWM:\s+(\d+) kB$", Path("/proc/self/status").read_text(encoding="ascii"), re.MULTILINE)
    assert found is not None
    return int(found[1]) / 1024


def kept_bytes(redis_url: str) -> int:
    """Return the bytes that Redis holds for all inventories."""
    with Redis.from_url(redis_url) as server:
        return sum(int(server.memory_usage(key, samples=0) or 0) for key in server.scan_iter("*:inv:*"))


def runs(repositories: int, tags: int, qps: int) -> list[Result]:
    """Measure as often as it takes, and return the results with the one of the median time first."""
    is_short = least(repositories, tags) / qps < SHORT
    found = sorted(
        (_run(repositories, tags, qps) for _ in range(AGAIN if is_short else 1)), key=lambda each: each.seconds
    )
    return [found.pop(len(found) // 2), *found]


def _run(repositories: int, tags: int, qps: int) -> Result:
    """Measure in a process of its own."""
    with served(repositories, tags) as address, local_redis(appendonly="yes", appendfsync="always") as url:
        words = ["measure", str(repositories), str(tags), str(qps), address, url]
        words = [sys.executable, "-m", "benchmarks.inventory", *words]
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
        bare = asyncio.run(bare_calls(repositories, tags, qps, address))
    return Result(**json.loads(done.stdout) | {"bare": bare})


def rows() -> Iterator[Row]:
    """Return the rows of all runs."""
    peaks: dict[tuple[int, int], Result] = {}
    for repositories, tags, qps in RUNS:
        results = runs(repositories, tags, qps)
        peaks[repositories, tags] = results[0]
        if tags == 20:
            yield from _pace_rows(results, f"{repositories:,} × {tags} at {qps:,} QPS", qps)
    small, large = peaks[10_000, 20], peaks[10_000, 40]
    detail = f"{small.memory_before:.0f} MiB before; resident at its peak"
    yield Row("inventory", "memory, 10,000 × 20", small.memory, "≤", MEMORY, "MiB", detail)
    detail = f"{small.memory:.0f} and {large.memory:.0f} MiB"
    yield Row(
        "inventory",
        "memory at × 40, beside × 20",
        large.memory / small.memory,
        "≤",
        NO_HIGHER,
        detail=detail,
    )
    yield Row(
        "inventory", "kept in Redis for each tag", small.kept_bytes, "≤", TAG_BYTES, "bytes", "tags of 15 characters"
    )


def _pace_rows(results: Sequence[Result], what: str, qps: int) -> Iterator[Row]:
    result = results[0]
    detail = f"{result.calls:,} calls"
    yield Row("inventory", f"calls, beside the least; {what}", result.calls / result.least, "=", 1, detail=detail)
    floor = result.calls / qps
    detail = (
        f"{result.seconds:.2f} s for {floor:.2f} s; {result.cpu / result.calls * 1e3:.2f} ms of CPU a call, "
        f"longest stall {result.longest_stall * 1e3:.0f} ms; bare aiohttp {median(each.bare for each in results):.2f} s"
    )
    if len(results) > 1:
        detail = f"{detail}; {spread(each.seconds / floor for each in results)}"
    yield Row("inventory", f"time, beside calls ÷ QPS; {what}", result.seconds / floor, "≤", IN_TIME, detail=detail)
    share = result.second_calls / result.calls
    detail = f"{result.second_calls:,} calls"
    yield Row("inventory", f"calls when nothing changed; {what}", share, "≤", UNCHANGED, detail=detail)


def main() -> None:
    """Serve, measure for `run`, or measure one size for a person."""
    match sys.argv[1:]:
        case ["serve", repositories, tags]:
            asyncio.run(serve(int(repositories), int(tags)))
        case ["measure", repositories, tags, qps, address, url]:
            structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
            result = asyncio.run(measure(int(repositories), int(tags), float(qps), address, url))
            print(json.dumps({name: getattr(result, name) for name in Result.__slots__}))
        case [repositories, tags, qps]:
            for row in _pace_rows(runs(int(repositories), int(tags), int(qps)), "", int(qps)):
                print(*row.cells())
        case _:
            for row in rows():
                print(*row.cells())


if __name__ == "__main__":
    main()
