"""Measure the Alibaba client against bare aiohttp and against the vendor's SDK as shipped, over TLS, in one run.

    python -m benchmarks.alibaba_client [--seconds 2] [--rounds 3] [--at-once 32]

The server is a bare protocol in a process of its own, so that it is not what limits anybody, and it counts accepted
connections. Rows alternate and each figure is the median of the rounds, because machines are noisy: read the ratios.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import ssl
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import aiohttp
import trustme

from bot.adapters.alibaba.client import Alibaba, Limits
from bot.adapters.alibaba.credentials import Keys

Call = Callable[[], Awaitable[None]]
PAGE = {
    "IsSuccess": True,
    "Code": "success",
    "RequestId": "r",
    "TotalCount": "20",
    "Images": [{"Tag": f"v{n}", "Digest": f"{n:064x}", "ImageId": "i", "Status": "NORMAL"} for n in range(20)],
}
PAGE_BYTES = json.dumps(PAGE).encode()
UNLIMITED = Limits(rate=1e9, in_flight=1_000)


class Responder(asyncio.Protocol):
    """Answer each request with the same page, or with the number of connections accepted so far."""

    accepted = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        type(self).accepted += 1
        self.transport: Any = transport
        self.pending = b""

    def data_received(self, data: bytes) -> None:
        self.pending += data
        while b"\r\n\r\n" in self.pending:
            head, self.pending = self.pending.split(b"\r\n\r\n", 1)
            body = str(self.accepted).encode() if head.startswith(b"GET /accepted") else PAGE_BYTES
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


def serve(certificate: str, pipe: Connection) -> None:
    """Run the server until killed; send its port."""

    async def run() -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server = await asyncio.get_running_loop().create_server(Responder, "127.0.0.1", 0, ssl=context)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


@dataclass(frozen=True, slots=True)
class Round:
    """One row's figures in one round."""

    calls_a_second: float
    connections_a_call: float


async def drive(call: Call, at_once: int, seconds: float) -> tuple[int, float]:
    """Make calls, `at_once` side by side; return how many and how long it took."""
    end = time.perf_counter() + seconds
    made = 0

    async def worker() -> None:
        nonlocal made
        while time.perf_counter() < end:
            await call()
            made += 1

    started = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(at_once)))
    return made, time.perf_counter() - started


async def accepted(session: aiohttp.ClientSession, base: str) -> int:
    async with session.get(f"{base}/accepted") as response:
        return int(await response.read())


async def rows(base: str, session: aiohttp.ClientSession, ours: Alibaba) -> dict[str, Call]:
    """Return the three ways to make the same call."""
    from alibabacloud_cr20181201 import models  # noqa: PLC0415 - our client has loaded it by now
    from alibabacloud_cr20181201.client import Client  # noqa: PLC0415
    from alibabacloud_tea_openapi.utils_models import Config  # noqa: PLC0415

    host = base.removeprefix("https://")
    shipped = Client(Config(access_key_id="id", access_key_secret="secret", endpoint=host, protocol="https"))
    pooled = await ours.cr("cn-hangzhou", "main")

    async def bare() -> None:
        async with session.post(f"{base}/", headers={"x-acs-action": "ListRepoTag"}) as response:
            json.loads(await response.read())

    async def by(client: Any) -> None:
        request = models.ListRepoTagRequest(instance_id="cri-1", repo_id="crr-1", page_no=1, page_size=100)
        assert (await client.list_repo_tag_async(request)).body.images

    return {
        "bare aiohttp, one session": bare,
        "our client": lambda: by(pooled),
        "SDK async, as shipped": lambda: by(shipped),
    }


async def measure(base: str, at_once: int, seconds: float, rounds: int) -> dict[str, list[Round]]:
    ours = Alibaba(
        now=lambda: datetime.now(UTC),
        cr_endpoint=base.removeprefix("https://"),
        limits=UNLIMITED,
        sources={"main": lambda: Keys("id", "secret")},
    )
    await ours.load()
    context = ssl.create_default_context()
    results: dict[str, list[Round]] = {}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, ssl=context)) as session:
        for name, call in list((await rows(base, session, ours)).items()) * rounds:
            await asyncio.gather(*(call() for _ in range(1 if "shipped" in name else at_once)))
            before = await accepted(session, base)
            made, took = await drive(call, at_once, seconds)
            connections = await accepted(session, base) - before
            results.setdefault(name, []).append(Round(made / took, connections / made))
    await ours.close()
    return results


def ratios(results: dict[str, list[Round]]) -> tuple[float, float, float]:
    """Return our speed against bare aiohttp and against the SDK, as medians over rounds, and our connections a call."""
    bare, ours, shipped = results.values()
    to_bare = statistics.median(o.calls_a_second / b.calls_a_second for o, b in zip(ours, bare, strict=True))
    to_shipped = statistics.median(o.calls_a_second / s.calls_a_second for o, s in zip(ours, shipped, strict=True))
    return to_bare, to_shipped, max(each.connections_a_call for each in ours)


def report(results: dict[str, list[Round]], at_once: int) -> bool:
    """Print the table; tell whether every goal is met."""
    print(f"ListRepoTag over TLS, {at_once} calls in flight")
    for name, found in results.items():
        speed = statistics.median(each.calls_a_second for each in found)
        fresh = max(each.connections_a_call for each in found)
        print(f"  {name:28} {speed:9.0f} calls/s   {fresh:.3f} connections a call")
    to_bare, to_shipped, connections = ratios(results)
    goals = [
        ("our client / bare aiohttp", to_bare, ">= 0.45", to_bare >= 0.45),
        ("our client / SDK as shipped", to_shipped, ">= 100", to_shipped >= 100),
        ("connections a call", connections, "<= 0.05", connections <= 0.05),
    ]
    for name, figure, goal, is_met in goals:
        print(f"  {name:28} {figure:9.2f}   goal {goal:8} {'met' if is_met else 'NOT MET'}")
    return all(is_met for *_, is_met in goals)


def run(at_once: int, seconds: float, rounds: int) -> dict[str, list[Round]]:
    """Start the server, measure all rows, and stop it."""
    with tempfile.TemporaryDirectory() as directory:
        certificate = Path(directory, "server.pem")
        authority = trustme.CA()
        authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(certificate))
        authority.cert_pem.write_to_path(str(Path(directory, "ca.pem")))
        os.environ["SSL_CERT_FILE"] = str(Path(directory, "ca.pem"))
        ours, theirs = multiprocessing.get_context("spawn").Pipe()
        server = multiprocessing.get_context("spawn").Process(target=serve, args=(str(certificate), theirs))
        server.start()
        try:
            return asyncio.run(measure(f"https://localhost:{ours.recv()}", at_once, seconds, rounds))
        finally:
            server.terminate()
            server.join()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--at-once", type=int, default=32)
    given = parser.parse_args()
    return 0 if report(run(given.at_once, given.seconds, given.rounds), given.at_once) else 1


if __name__ == "__main__":
    sys.exit(main())
