"""Bots forked from a process that has everything loaded: a test may have many of them one after another."""

import asyncio
import multiprocessing
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from simulator.demo import BOT_STOP_SECONDS, LAST_LINES
from simulator.local_redis import free_port
from tests.processes.mortal_bot import Fate, live

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.processes.mortal_bot"])


@dataclass(frozen=True)
class Forked:
    """A bot, where it says how it is, and where it logs to."""

    process: ForkServerProcess
    http: str
    log: Path

    def is_alive(self) -> bool:
        """Tell whether it has not ended yet."""
        return self.process.is_alive()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self.process.pid is not None
        os.kill(self.process.pid, number)

    async def ended(self) -> int:
        """Wait until it has ended and return its exit code; a signal counts as its negative number."""
        while self.is_alive():
            await asyncio.sleep(0.02)
        assert self.process.exitcode is not None
        return self.process.exitcode

    def last_lines(self) -> str:
        """Return the end of what it has logged."""
        if not self.log.is_file():
            return f"(it is not kept what is written to {self.log})"
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-LAST_LINES:])


@asynccontextmanager
async def forked(environment: Mapping[str, str], log: Path, fate: Fate | None) -> AsyncIterator[Forked]:
    """Run a bot until the block ends, on ports of its own unless `environment` names some."""
    ports = {"REGISTRY_BOT_HTTP_PORT": str(free_port()), "REGISTRY_BOT_METRICS_PORT": "0"}
    settings = ports | dict(environment)
    process = _FORKS.Process(target=live, args=(settings, log, fate))
    process.start()
    bot = Forked(process, f"http://127.0.0.1:{settings['REGISTRY_BOT_HTTP_PORT']}", log)
    try:
        yield bot
    finally:
        await _end(bot)


async def _end(bot: Forked) -> None:
    """Let it reach a safe point and end; insist only when it takes longer than it may."""
    if bot.is_alive():
        bot.signal(signal.SIGCONT)  # one that stands still would not hear that it shall end
    bot.process.terminate()
    try:
        async with asyncio.timeout(BOT_STOP_SECONDS):
            await bot.ended()
    except TimeoutError:
        bot.process.kill()
        await bot.ended()
