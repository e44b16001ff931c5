"""Bots forked from a process that has everything loaded, so that a test may have many of them one after another."""

import asyncio
import multiprocessing
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import aiohttp

from simulator.local_redis import free_port
from tests.processes.mortal_bot import Fate, live
from tests.processes.premises import Premises
from tests.scenarios.company import APPROVER, ON_CALL, OPS, PATIENCE

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.processes.mortal_bot"])


@dataclass(frozen=True)
class Forked:
    """A bot, and where it says how it is."""

    process: ForkServerProcess
    http: str

    def is_alive(self) -> bool:
        """Tell whether it has not ended yet."""
        return self.process.is_alive()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self.process.pid is not None
        os.kill(self.process.pid, number)


async def ask(company: Premises, more_than: int = 0) -> None:
    """Ask for a failover, and on a busy machine, where the bot may find Redis too slow, ask again."""
    async with asyncio.timeout(2 * PATIENCE):
        while len(company.cards()) <= more_than:
            await company.slack.command(ON_CALL, OPS, "failover zhangjiakou")
            await asyncio.sleep(1)


async def decide(company: Premises, bot: Forked) -> None:
    """Approve, and once more if the vote was not counted, as the bot died or was too busy; wait for an end."""
    async with asyncio.timeout(2 * PATIENCE):
        while bot.is_alive() and (await company.document(company.operation_id()))["state"] == "PENDING":
            await company.slack.click(APPROVER, OPS, company.card()["ts"], "operation.approve")
        while bot.is_alive() and not await company.is_settled():
            await asyncio.sleep(0.1)


@asynccontextmanager
async def forked_bot(company: Premises, fate: Fate | None, log: Path | None = None) -> AsyncIterator[Forked]:
    """Run a bot until the block ends; yields when it is ready."""
    port = str(free_port())
    ports = {"REGISTRY_BOT_HTTP_PORT": port, "REGISTRY_BOT_METRICS_PORT": "0"}
    process = _FORKS.Process(target=live, args=(company.environment | ports, log or company.log(), fate))
    process.start()
    bot = Forked(process, f"http://127.0.0.1:{port}")
    try:
        await _ready(f"{bot.http}/readyz")
        yield bot
    finally:
        if bot.is_alive():
            bot.signal(signal.SIGCONT)  # one that stands still would not hear that it shall end
        process.terminate()
        await _ended(process)


async def _ready(url: str) -> None:
    async with asyncio.timeout(PATIENCE), aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(url) as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)


async def _ended(process: ForkServerProcess) -> None:
    while process.is_alive():
        await asyncio.sleep(0.02)
