"""A terminal: the command as a process of its own, with exactly the environment that a test gives it."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.__main__ import answer
from simulator.alibaba.ram import Identity
from simulator.app import Simulator, running
from tests.conftest import SDK_KEYS

ROOT = Path(__file__).parents[2]
NOT_ALIBABA = ("REGISTRY_BOT_SLACK", "REGISTRY_BOT_CONFIG", "REGISTRY_BOT_SIGNING", "REGISTRY_BOT_REDIS")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the command left behind."""

    code: int
    out: str
    err: str

    def rows(self, mark: str) -> dict[str, str]:
        """Return the sentences of a table's rows with this mark, by what was looked at."""
        lines = [line.removeprefix(mark).strip() for line in self.out.splitlines() if line.startswith(f"{mark} ")]
        cells = (line.partition("  ") for line in lines)
        return {what: sentence.strip() for what, _, sentence in cells}


async def registry_bot(*words: str, environment: Mapping[str, str]) -> Outcome:
    """Run `registry-bot <words>` with this environment and nothing else of ours."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", *words),
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environment},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    assert "Traceback" not in err.decode()
    return Outcome(process.returncode, out.decode(), err.decode())


def everything(sim: Simulator, redis_url: str) -> dict[str, str]:
    """Return the whole environment of a bot in this world."""
    return {**sim.announcement["env"], "REGISTRY_BOT_REDIS_URL": redis_url}


def cloud_only(sim: Simulator) -> dict[str, str]:
    """Return what points at the simulated Alibaba Cloud, and neither Slack nor a configuration."""
    return {name: value for name, value in sim.announcement["env"].items() if not name.startswith(NOT_ALIBABA)}


class Terminal:
    """The same command inside this process, which is quicker; its access key is that of the whole test run."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    async def registry_bot(self, *words: str, environment: Mapping[str, str]) -> Outcome:
        """Run `registry-bot <words>` with these variables of ours and no others."""
        with self._monkeypatch.context() as patch:
            for name in [*os.environ]:
                if name.startswith("REGISTRY_BOT_"):
                    patch.delenv(name)
            for name, value in environment.items():
                if name.startswith("REGISTRY_BOT_"):
                    patch.setenv(name, value)
            code = await answer(words)
        printed = self._capsys.readouterr()
        return Outcome(code, printed.out, printed.err)


@asynccontextmanager
async def world(only: set[str] | None = None) -> AsyncIterator[Simulator]:
    """Run a simulated world that knows the access key of the whole test run."""
    async with running(only=only) as sim:
        assert sim.alibaba is not None
        key_id, secret = SDK_KEYS.values()
        sim.alibaba.admit(Identity("registry-bot", key_id, secret, may_write=True))
        yield sim
