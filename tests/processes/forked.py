"""Bots forked from a process that has everything loaded, so that a test may have many of them one after another."""

import asyncio
import multiprocessing
import os
import re
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import aiohttp

from bot.domain.operation import State
from simulator.local_redis import free_port
from simulator.slack.refusals import NotPossible
from tests.processes.mortal_bot import Fate, live
from tests.processes.premises import Premises
from tests.scenarios.company import APPROVER, ON_CALL, OPS, PATIENCE

PRESSED_AGAIN_AFTER = 2.5
"""Seconds; the bot takes five presses in ten seconds from one person."""
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


async def ask(company: Premises, more_than: int = 0, text: str = "failover zhangjiakou") -> None:
    """Ask for a failover until there is a card: on a busy machine the bot may find Redis too slow and refuse."""
    heard: list[str] = []
    try:
        async with asyncio.timeout(2 * PATIENCE):
            while not await _asked(company, more_than, text, heard):
                await asyncio.sleep(1)
    except TimeoutError:
        raise AssertionError(f"no card came; on-call heard {heard[-6:]}") from None


async def _asked(company: Premises, more_than: int, text: str, heard: list[str]) -> bool:
    """Ask once and tell whether a card came of it, as soon as it did or it was refused.

    A person may ask twenty times an hour, so a slow answer is waited for, and a request that is open already too.
    """
    seen = len(company.whispered(ON_CALL))
    outcome = await company.slack.command(ON_CALL, OPS, text)
    said = [str(outcome["status"]), str((outcome["response"] or {}).get("text", ""))]
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            while not _is_answered(company, more_than, [*said, *company.whispered(ON_CALL)[seen:]]):
                await asyncio.sleep(0.02)
    heard += [*said, *company.whispered(ON_CALL)[seen:]]
    return len(company.cards()) > more_than


def _is_answered(company: Premises, more_than: int, heard: list[str]) -> bool:
    codes = set(re.findall(r"\bE_[A-Z_]+", " ".join(heard)))
    return len(company.cards()) > more_than or heard[0] != "ok" or bool(codes - {"E_ALREADY_OPEN"})


async def decide(company: Premises, bot: Forked) -> None:
    """Approve, and once more if the vote was not counted, as the bot died or was too busy; wait for an end."""
    async with asyncio.timeout(2 * PATIENCE):
        await approve(company, bot.is_alive)
        while bot.is_alive() and not await company.is_settled():
            await asyncio.sleep(0.1)


async def approve(company: Premises, may_go_on: Callable[[], bool] = lambda: True) -> None:
    """Press Approve until the vote is counted, not so often that the bot calls it too fast."""
    while may_go_on() and await _is_pending(company):
        with suppress(NotPossible):  # a vote that was acknowledged late counts too, and then the button is gone
            await company.slack.click(APPROVER, OPS, company.card()["ts"], "operation.approve")
        with suppress(TimeoutError):
            async with asyncio.timeout(PRESSED_AGAIN_AFTER):
                while may_go_on() and await _is_pending(company):
                    await asyncio.sleep(0.05)


async def _is_pending(company: Premises) -> bool:
    return bool((await company.document(company.operation_id()))["state"] == State.PENDING)


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
