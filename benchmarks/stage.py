"""Bring up what a measurement needs, each part in a process of its own: the outside, Redis, the bot and its peers."""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.layout import BUTTON_KEY, SIGNING_SECRET, Layout
from simulator.local_redis import end, find_executable, free_port, local_redis

ROOT = Path(__file__).parents[1]
PATIENCE = 30.0


@dataclass
class Stage:
    """The outside and a directory with a registry.yaml that fits it."""

    layout: Layout
    directory: Path
    ports: dict[str, Any]
    environment: dict[str, str] = field(default_factory=dict)

    def bot(self, redis_url: str) -> "Program":
        """Describe the real bot in HTTP mode."""
        free = {"REGISTRY_BOT_REDIS_URL": redis_url, "REGISTRY_BOT_METRICS_PORT": str(free_port())}
        return Program(("-m", "bot", "run"), self.environment | free)

    def peer(self, module: str, redis_url: str, **more: str) -> "Program":
        """Describe one of the hand-written programs, pointed at the same outside."""
        return Program(("-m", module), self.environment | {"REGISTRY_BOT_REDIS_URL": redis_url} | more)

    def control(self, words: str) -> Any:
        """Read or steer the outside."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports['control']}/bench/{words}", timeout=10) as answer:
            return json.load(answer)

    def marks(self) -> list[tuple[float, str, str]]:
        """Return what has come to the outside since last asked: when, what, detail."""
        return [(float(at), str(what), str(detail)) for at, what, detail in self.control("marks")["marks"]]


@dataclass(frozen=True, slots=True)
class Program:
    """Something that listens on REGISTRY_BOT_HTTP_PORT and says when it is ready."""

    words: tuple[str, ...]
    environment: dict[str, str]

    @contextmanager
    def running(self) -> Iterator["Running"]:
        """Run it until the block is left; yields once it is ready."""
        port = free_port()
        environment = os.environ | self.environment | {"REGISTRY_BOT_HTTP_PORT": str(port)}
        with tempfile.TemporaryFile() as log:
            started = time.perf_counter()
            process = subprocess.Popen(
                [sys.executable, *self.words], env=environment, cwd=ROOT, stdout=log, stderr=log, close_fds=True
            )
            try:
                listening = _wait_for(process, port, "/healthz")
                ready = _wait_for(process, port, "/readyz")
                yield Running(process, port, listening - started, ready - started)
            except NotUp:
                log.seek(0)
                sys.stderr.write(log.read().decode(errors="replace")[-2000:])
                raise
            finally:
                end(process, 10.0)


@dataclass(frozen=True, slots=True)
class Running:
    """A program that is ready; seconds from its start until it listened and until it was ready."""

    process: "subprocess.Popen[bytes]"
    port: int
    listening_after: float
    ready_after: float

    def resident_mib(self) -> float:
        """Return its resident memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024


class NotUp(RuntimeError):
    """A program did not come up."""


@contextmanager
def stage(layout: Layout | None = None) -> Iterator[Stage]:
    """Run the outside for the length of the block."""
    layout = layout or Layout()
    sizes = map(str, (layout.sites, layout.views, layout.repositories))
    with tempfile.TemporaryDirectory(prefix="registry-bench-") as name:
        directory = Path(name)
        words = [sys.executable, "-m", "benchmarks.outside", *sizes, name]
        process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE)
        try:
            assert process.stdout is not None
            ports = json.loads(process.stdout.readline())
            layout.write(directory / "registry.yaml")
            yield Stage(layout, directory, ports, _environment(layout, directory, ports))
        finally:
            end(process, 5.0)


@contextmanager
def durable_redis() -> Iterator[str]:
    """Run a Redis as the bot wants it, every write synced."""
    with local_redis(appendonly="yes", appendfsync="always") as url:
        yield url


@contextmanager
def stoppable_redis() -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """Run a durable Redis whose process is at hand."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="registry-bench-redis-") as directory:
        words = ["--port", str(port), "--bind", "127.0.0.1", "--dir", directory, "--save", "", "--appendonly", "yes"]
        process = subprocess.Popen(
            [find_executable(), *words, "--appendfsync", "always"], stdout=subprocess.DEVNULL, start_new_session=True
        )
        try:
            yield f"redis://127.0.0.1:{port}/0", process
        finally:
            end(process, 5.0)


def _environment(layout: Layout, directory: Path, ports: dict[str, Any]) -> dict[str, str]:
    dial = ",".join(f"{layout.public(name)}:443=127.0.0.1:{port}" for name, port in ports["registries"].items())
    return {
        "REGISTRY_BOT_CONFIG": str(directory / "registry.yaml"),
        "REGISTRY_BOT_SIGNING_KEY": BUTTON_KEY,
        "REGISTRY_BOT_REDIS_ALLOW_VOLATILE": "1",  # every run has a Redis of its own, which would begin frozen
        "REGISTRY_BOT_SLACK_MODE": "http",
        "REGISTRY_BOT_SLACK_SIGNING_SECRET": SIGNING_SECRET,
        "REGISTRY_BOT_SLACK_BOT_TOKEN": "xoxb-benchmarks",
        "REGISTRY_BOT_SLACK_API_URL": f"http://127.0.0.1:{ports['slack']}/api/",
        "REGISTRY_BOT_ALIBABA_PVTZ_ENDPOINT": f"127.0.0.1:{ports['pvtz']}",
        "REGISTRY_BOT_ALIBABA_CR_ENDPOINT": ",".join(f"cn-{name}=127.0.0.1:{at}" for name, at in ports["cr"].items()),
        "REGISTRY_BOT_ALIBABA_PROTOCOL": "http",
        "REGISTRY_BOT_CONNECT_TO": dial,
        "SSL_CERT_FILE": str(directory / "ca.pem"),
        "ALIBABA_CLOUD_ACCESS_KEY_ID": "id",
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "secret",
        "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true",
    }


def _wait_for(process: "subprocess.Popen[bytes]", port: int, path: str) -> float:
    """Return the moment at which a program first answers a path with 200."""
    deadline = time.perf_counter() + PATIENCE
    while time.perf_counter() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5):
                return time.perf_counter()
        except (urllib.error.URLError, OSError):
            time.sleep(0.005)
    raise NotUp(f"{path} on port {port} never answered 200")
