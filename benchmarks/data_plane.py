"""What comparing two registries image by image costs, beside the least that would do and beside skopeo.

Two real servers (Debian's docker-registry) hold the same images; each tag is asked for at both with a HEAD. The floor
is a loop over kept connections that reads nothing but the heads. Where docker-registry or skopeo is not installed, a
row says so. skopeo goes through a share of the repositories, and its time is taken for all of them.
"""

import asyncio
import hashlib
import json
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
from yarl import URL

from benchmarks.table import Row, median, spread
from bot.adapters.pull_client import OpenRegistry
from bot.adapters.pull_wire import IDENTITY, Wire
from bot.domain.manifests import ACCEPT, IMAGE_TYPES, digest_of
from bot.services.inspection import AT_ONCE, Inspector, Listed, named
from bot.services.patience import side_by_side
from simulator.local_redis import free_port

REPOSITORIES, TAGS = 100, 20
ROUNDS = 5
SYNCED, INSPECTED = 10, 60
"""Repositories and images that skopeo goes through."""
KIND = IMAGE_TYPES[1]
RAW, SYNC, INSPECT = 1.5, 0.35, 0.1
CONFIG = """version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {root}}}, cache: {{blobdescriptor: inmemory}}}}
http: {{addr: '127.0.0.1:{port}'}}
"""
PATHS = [f"team{number % 5}/app{number:03}" for number in range(REPOSITORIES)]
NAMES = [f"1.{number}" for number in range(TAGS)]


class Anybody:
    """For registries that ask nobody for a token."""

    async def of(self, _repository: str) -> str:
        """Return no token."""
        return ""

    def forget(self, _repository: str, _token: str) -> None:
        """Have nothing to forget."""


class Heads(asyncio.Protocol):
    """One kept connection that reads the heads of answers, and nothing else of them."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._came = b""

    def data_received(self, data: bytes) -> None:
        """Hand a head on when it is whole."""
        self._came += data
        end = self._came.find(b"\r\n\r\n")
        if end >= 0:
            head, self._came = self._came[:end], self._came[end + 4 :]
            self._head.set_result(head)

    async def ask(self, path: str, tag: str) -> str:
        """Return the digest that a tag names."""
        self._head: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        asked = f"HEAD /v2/{path}/manifests/{tag} HTTP/1.1\r\nHost: registry\r\nAccept: {ACCEPT}\r\n\r\n"
        self._transport.write(asked.encode())
        head = (await self._head).decode()
        return head.lower().partition("docker-content-digest: ")[2].partition("\r\n")[0]


def rows() -> list[Row]:
    """Measure, or say what is not installed."""
    if absent := [name for name in ("docker-registry", "skopeo") if shutil.which(name) is None]:
        said = f"not installed: {', '.join(absent)} (on Debian: apt-get install docker-registry skopeo)"
        return [Row("data plane", "digests of two registries compared", float("nan"), "≤", RAW, "×", said)]
    with ExitStack() as stack:
        ports = _twins(stack)
        raw, ours, deep = asyncio.run(_compare(ports))
        synced, inspected = _sync(ports), _inspect(ports[0])
    pairs = [mine / floor for floor, mine in zip(raw, ours, strict=True)]
    mine, floor = median(ours), median(raw)
    asked = f"{2 * REPOSITORIES * TAGS} tags asked for in {mine:.2f} s"
    return [
        Row(
            "data plane",
            "digests of two registries compared, beside a raw loop of HEADs",
            median(pairs),
            "≤",
            RAW,
            detail=f"{asked}, raw {floor:.2f} s; {spread(pairs)}; with bytes and a layer each, one side {deep:.1f} s",
        ),
        Row(
            "data plane",
            "the same, beside skopeo sync with nothing to copy",
            mine / synced,
            "≤",
            SYNC,
            detail=f"skopeo {synced:.1f} s, from {SYNCED} of {REPOSITORIES} repositories",
        ),
        Row(
            "data plane",
            "the same, beside skopeo list-tags and inspect",
            mine / inspected,
            "≤",
            INSPECT,
            detail=f"skopeo {inspected:.1f} s, from {INSPECTED} of {2 * REPOSITORIES * TAGS} tags",
        ),
    ]


def _twins(stack: ExitStack) -> list[int]:
    """Start two servers that hold the same: what the first was filled with is copied for the second."""
    places = [Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="registry-bench-"))) for _ in range(2)]
    first = stack.enter_context(_server(places[0]))
    asyncio.run(_fill(first))
    shutil.copytree(places[0] / "data", places[1] / "data")
    return [first, stack.enter_context(_server(places[1]))]


async def _compare(ports: list[int]) -> tuple[list[float], list[float], float]:
    """Return the times of the raw loop, those of the bot's, taken in turns, and that of a whole deep check."""
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), headers=IDENTITY, cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        wire = Wire(session, deadline=30.0)
        registries = [OpenRegistry(wire, URL(f"http://127.0.0.1:{port}"), Anybody()) for port in ports]
        images, raw, ours = list(_images()), list[float](), list[float]()
        for _ in range(1 + ROUNDS):
            raw.append(await _timed(lambda: _raw(ports)))
            ours.append(await _timed(lambda: _digests(registries, images)))
        return raw[1:], ours[1:], await _timed(lambda: _deep(registries[1], images))


async def _digests(registries: list[OpenRegistry], images: Sequence[Listed]) -> None:
    """Ask both registries for each tag, as the bot does, and compare."""

    async def verify(listed: Listed) -> None:
        here, there = [await named(registry, listed) for registry in registries]
        assert here == there, f"{listed.path} is the same at both"
        assert all(digest == f"sha256:{listed.digest}" for digest in here.values())

    await side_by_side(images, verify, AT_ONCE)


async def _deep(registry: OpenRegistry, images: Sequence[Listed]) -> None:
    inspector = Inspector(registry, lambda: datetime.now(UTC), turn=0, each=lambda _flaw: None, is_listed=_always)
    await side_by_side(images, inspector.inspect, AT_ONCE)
    assert inspector.result().sound == REPOSITORIES * TAGS, "every image is whole"


async def _always(_listed: Listed, _tag: str) -> bool:
    return True


async def _raw(ports: list[int]) -> None:
    """Ask for the same, as fast as it goes, over as many connections in all."""
    digests: list[dict[tuple[str, str], str]] = [{}, {}]

    async def ask(port: int, left: Iterator[tuple[str, str]], found: dict[tuple[str, str], str]) -> None:
        transport, heads = await asyncio.get_running_loop().create_connection(Heads, "127.0.0.1", port)
        for path, tag in left:
            found[path, tag] = await heads.ask(path, tag)
        transport.close()

    async with asyncio.TaskGroup() as group:
        for port, found in zip(ports, digests, strict=True):
            left = ((path, tag) for path in PATHS for tag in NAMES)
            for _ in range(AT_ONCE // 2):
                group.create_task(ask(port, left, found))
    assert digests[0] == digests[1], "both hold the same"
    assert len(digests[0]) == REPOSITORIES * TAGS


def _images() -> Iterable[Listed]:
    for path in PATHS:
        for tag in NAMES:
            code = digest_of(_manifest(path, tag)).removeprefix("sha256:")
            yield Listed(path, (tag,), code, datetime.now(UTC))


def _layer(path: str) -> bytes:
    return path.encode() * 20


def _config(path: str, tag: str) -> bytes:
    layer = hashlib.sha256(_layer(path)).hexdigest()
    rootfs = {"type": "layers", "diff_ids": [f"sha256:{layer}"]}
    return json.dumps({"architecture": "amd64", "os": "linux", "config": {"Env": [tag]}, "rootfs": rootfs}).encode()


def _manifest(path: str, tag: str) -> bytes:
    config, layer = _config(path, tag), _layer(path)
    parts = [
        {"mediaType": kind, "size": len(content), "digest": digest_of(content)}
        for kind, content in (
            ("application/vnd.docker.container.image.v1+json", config),
            ("application/vnd.docker.image.rootfs.diff.tar.gzip", layer),
        )
    ]
    return json.dumps({"schemaVersion": 2, "mediaType": KIND, "config": parts[0], "layers": parts[1:]}).encode()


async def _fill(port: int) -> None:
    async with aiohttp.ClientSession() as session:
        await side_by_side(PATHS, lambda path: _push(session, f"http://127.0.0.1:{port}/v2/{path}", path), at_once=16)


async def _push(session: aiohttp.ClientSession, base: str, path: str) -> None:
    for content in (_layer(path), *(_config(path, tag) for tag in NAMES)):
        async with session.post(f"{base}/blobs/uploads/") as begun:
            place = URL(begun.headers["Location"]).update_query(digest=digest_of(content))
        async with session.put(place, data=content) as stored:
            assert stored.status == 201, await stored.text()
    for tag in NAMES:
        headers = {"Content-Type": KIND}
        async with session.put(f"{base}/manifests/{tag}", data=_manifest(path, tag), headers=headers) as stored:
            assert stored.status == 201, await stored.text()


def _sync(ports: list[int]) -> float:
    """Return what `skopeo sync` takes for all repositories when there is nothing to copy."""
    began = time.perf_counter()
    for path in PATHS[:SYNCED]:
        _skopeo(
            *("sync", "--src", "docker", "--dest", "docker", "--src-tls-verify=false", "--dest-tls-verify=false"),
            *(f"127.0.0.1:{ports[0]}/{path}", f"127.0.0.1:{ports[1]}/{path.partition('/')[0]}"),
        )
    return (time.perf_counter() - began) / SYNCED * REPOSITORIES


def _inspect(port: int) -> float:
    """Return what listing the tags of both sides takes with skopeo, and inspecting each of them."""
    began = time.perf_counter()
    for path in PATHS[:SYNCED]:
        _skopeo("list-tags", "--tls-verify=false", f"docker://127.0.0.1:{port}/{path}")
    lists = (time.perf_counter() - began) / SYNCED * REPOSITORIES
    began = time.perf_counter()
    for number in range(INSPECTED):
        image = f"docker://127.0.0.1:{port}/{PATHS[number]}:{NAMES[number % TAGS]}"
        _skopeo("inspect", "--no-tags", "--tls-verify=false", "--format", "{{.Digest}}", image)
    return 2 * (lists + (time.perf_counter() - began) / INSPECTED * REPOSITORIES * TAGS)


def _skopeo(*words: str) -> None:
    subprocess.run(["skopeo", "--insecure-policy", *words], check=True, capture_output=True)


@contextmanager
def _server(directory: Path) -> Iterator[int]:
    """Run a registry on a port of its own, with its files in a directory."""
    port, config = free_port(), directory / "config.yml"
    config.write_text(CONFIG.format(root=f"{directory}/data", port=port), encoding="utf-8")
    server = subprocess.Popen(
        ["docker-registry", "serve", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(port)
        yield port
    finally:
        server.terminate()
        server.wait(10)


def _wait_for(port: int) -> None:
    ends_at = time.monotonic() + 20
    while not _listens(port):
        assert time.monotonic() < ends_at, "docker-registry did not come up"
        time.sleep(0.1)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


async def _timed(work: Callable[[], Awaitable[None]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began
