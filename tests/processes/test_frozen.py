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
from tests.processes.forked import Forked, ask, decide, forked_bot
from tests.processes.mortal_bot import BLOCKS_FOR, Fate
from tests.processes.premises import STANDBY, Premises, premises
from tests.scenarios.company import APPROVER, OPS

CLAIM = ("operations.commit claimed", 1, True)
SEND = ("zones.apply", 1, False)
A_WHILE, LONG = 2.0, 40.0
Story = Callable[[Premises], Awaitable[None]]


@pytest.mark.timeout(120)
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
        assert events.count("claimed") == 2
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
        bot = await stack.enter_async_context(forked_bot(company, fate))
        await _approve(company)
        await company.until(lambda: _is_stopped(bot), patience=LONG)
        stopped_at = time.monotonic()
        other = await stack.enter_async_context(forked_bot(company, None))
        await decide(company, other)
        await asyncio.sleep(max(0.0, stopped_at + SEND_DEADLINE.total_seconds() - time.monotonic()))
        bot.signal(signal.SIGCONT)
        await _until_healthy(bot)
        await asyncio.sleep(A_WHILE)


async def _blocked(company: Premises) -> None:
    """Block the event loop of a bot right after its claim; its liveness probe fails as long as that lasts."""
    async with AsyncExitStack() as stack:
        bot = await stack.enter_async_context(forked_bot(company, _fate(company, "block")))
        await _approve(company)
        await _until_claimed(company)
        assert not await _is_healthy(bot)
        other = await stack.enter_async_context(forked_bot(company, None))
        await decide(company, other)
        await _until_healthy(bot)
        await asyncio.sleep(A_WHILE)


async def _starved(company: Premises) -> None:
    """Give a bot no more memory right after its claim; the system may then kill it at any time."""
    async with AsyncExitStack() as stack:
        bot = await stack.enter_async_context(forked_bot(company, _fate(company, "starve")))
        await _approve(company)
        await _until_claimed(company)
        other = await stack.enter_async_context(forked_bot(company, None))
        await company.settled()
        assert other.is_alive()
        bot.signal(signal.SIGKILL)


def _fate(company: Premises, stroke: str, where: tuple[str, int, bool] = CLAIM) -> Fate:
    return Fate(*where, company.logs / "journal", stroke)


async def _approve(company: Premises) -> None:
    await ask(company)
    await company.slack.click(APPROVER, OPS, company.card()["ts"], "operation.approve")


async def _until_claimed(company: Premises) -> None:
    async with asyncio.timeout(LONG):
        while "claimed" not in [entry["event"] for entry in await company.audit()]:
            await asyncio.sleep(0.05)


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


async def _until_healthy(bot: Forked) -> None:
    async with asyncio.timeout(2 * BLOCKS_FOR):
        while not await _is_healthy(bot):
            await asyncio.sleep(0.1)
