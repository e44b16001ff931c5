"""A bot that stands still, hangs or starves under its claim: another one finishes, and it does no harm afterwards."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from bot.domain.operation import SEND_DEADLINE
from tests.processes.forked import Forked
from tests.processes.mortal_bot import Fate
from tests.processes.people import approve, ask, decide
from tests.processes.premises import STANDBY, Premises, premises
from tests.scenarios.company import PATIENCE

CLAIM = ("operations.commit claimed", 1, True)
SEND = ("zones.apply", 1, False)
A_WHILE = 2.0
Story = Callable[[Premises], Awaitable[None]]


@pytest.mark.covers("F22", "F23", "F24", "F26")
async def test_who_comes_back_to_an_old_claim_writes_nothing(many_databases: str, tmp_path: Path) -> None:
    async with asyncio.TaskGroup() as group:
        for number, story in enumerate((_frozen, _frozen_at_the_send, _blocked, _starved)):
            logs = tmp_path / story.__name__
            logs.mkdir()
            group.create_task(_tell(story, f"{many_databases}{number}", logs))


async def _tell(story: Story, redis_url: str, logs: Path) -> None:
    async with premises(redis_url, logs) as company:
        await story(company)

        events = [entry["event"] for entry in await company.audit()]
        assert company.holds() == STANDBY
        assert {write["params"]["Value"] for write in company.writes()} == {STANDBY}
        assert len(company.writes()) == 1 or story is _frozen_at_the_send
        assert events.count("claimed") >= 2
        assert events.count("second read-back") == 1
        assert "DONE" in company.card()["text"]
        assert "Traceback" not in company.everything_logged()


async def _frozen(company: Premises) -> None:
    """Stop a bot right after its claim, and let it go on when its claim is older than a claim may be used."""
    await _outlive(company, _fate(company, "freeze"))


async def _frozen_at_the_send(company: Premises) -> None:
    """Stop a bot between the look at its deadline and the write: what it still sends is what was approved."""
    await _outlive(company, _fate(company, "freeze", SEND))


async def _outlive(company: Premises, fate: Fate) -> None:
    async with AsyncExitStack() as stack:
        bot = await stack.enter_async_context(company.bot(fate))
        await _approve_until(company, lambda: _is_stopped(bot))
        stopped_at = time.monotonic()
        other = await stack.enter_async_context(company.bot())
        await decide(company, other)
        await asyncio.sleep(max(0.0, stopped_at + SEND_DEADLINE.total_seconds() - time.monotonic()))
        bot.signal(signal.SIGCONT)
        await _until(bot, is_healthy=True)
        await asyncio.sleep(A_WHILE)


async def _blocked(company: Premises) -> None:
    """Block the event loop of a bot right after its claim; its liveness probe fails as long as that lasts."""
    async with AsyncExitStack() as stack:
        bot = await stack.enter_async_context(company.bot(_fate(company, "block")))
        await _approve_until(company, lambda: _is_struck(company))
        await _until(bot, is_healthy=False)
        other = await stack.enter_async_context(company.bot())
        await decide(company, other)
        await _until(bot, is_healthy=True)
        await asyncio.sleep(A_WHILE)


async def _starved(company: Premises) -> None:
    """Give a bot no more memory right after its claim; the system may then kill it at any time."""
    async with AsyncExitStack() as stack:
        bot = await stack.enter_async_context(company.bot(_fate(company, "starve")))
        await _approve_until(company, lambda: _is_struck(company))
        other = await stack.enter_async_context(company.bot())
        await company.settled()
        assert other.is_alive()
        bot.signal(signal.SIGKILL)


def _fate(company: Premises, stroke: str, where: tuple[str, int, bool] = CLAIM) -> Fate:
    return Fate(*where, company.logs / "journal", stroke)


async def _approve_until(company: Premises, holds: Callable[[], bool]) -> None:
    """Ask and approve until fate strikes: on a busy machine the bot may refuse before, its surroundings too slow."""
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await ask(company, len(company.cards()))
            await approve(company)
            while not (holds() or "STALE" in company.card()["text"]):
                await asyncio.sleep(0.02)


def _is_struck(company: Premises) -> bool:
    """Tell whether a bot has come to its claim; the stroke follows at once."""
    journal = company.logs / "journal"
    return journal.exists() and CLAIM[0] in journal.read_text().splitlines()


def _is_stopped(bot: Forked) -> bool:
    """Tell whether a process stands still, as Linux says it."""
    return Path(f"/proc/{bot.process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


async def _is_healthy(bot: Forked) -> bool:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(1)) as session:
        try:
            async with session.get(f"{bot.http}/healthz") as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False


async def _until(bot: Forked, *, is_healthy: bool) -> None:
    async with asyncio.timeout(PATIENCE):
        while await _is_healthy(bot) is not is_healthy:
            await asyncio.sleep(0.1)
