"""Signals and sudden deaths: what was begun is finished by this process or by the next, and never twice."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.redis_keys import BULLETINS, POSTING
from simulator.generator import Generation
from tests.processes.forked import Forked
from tests.processes.premises import STANDBY, Premises, premises
from tests.scenarios.company import APPROVER, OPS, PATIENCE, SECOND

SAFE_POINT = 25.0
"""Seconds within which a stopping bot must be gone."""
ASK = "replication from zhangjiakou to hangzhou"


@pytest.fixture
async def reading(redis_url: str, tmp_path: Path) -> AsyncIterator[Premises]:
    """A company that holds so much that its bots are at its first reading for a minute."""
    async with premises(redis_url, tmp_path, Generation(1_000, 2)) as company:
        yield company


async def _ends(bot: Forked, number: signal.Signals) -> int:
    bot.signal(number)
    async with asyncio.timeout(SAFE_POINT):
        return await bot.ended()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_an_idle_bot_ends_cleanly(company: Premises, number: signal.Signals) -> None:
    async with company.started_bot() as bot:
        bot.process.send_signal(number)
        async with asyncio.timeout(SAFE_POINT):
            assert await bot.process.wait() == 0

    assert '"event": "bot.stopped"' in bot.last_lines()
    await company.assert_no_secret_is_out()


async def test_a_bot_that_is_still_connecting_ends_cleanly_too(company: Premises) -> None:
    company.sim.faults.set("slack_down", None, True)
    async with company.unready_bot() as bot:
        assert await _ends(bot, signal.SIGTERM) == 0

    await company.assert_no_secret_is_out()


@pytest.mark.covers("F25")
@pytest.mark.parametrize("latency_ms", [100, 700])
async def test_a_bot_stopped_during_an_execution_ends_in_time_and_the_next_one_finishes(
    company: Premises, latency_ms: int
) -> None:
    assert company.sim.alibaba is not None
    async with company.bot() as bot:
        await company.failover()
        company.sim.alibaba.cloud.timing.latency_ms = latency_ms
        await company.click(APPROVER, "approve")
        await company.until(lambda: _sent(company))
        assert await _ends(bot, signal.SIGTERM) == 0
    company.sim.alibaba.cloud.timing.latency_ms = 0

    operation = await company.document(company.operation_id())
    assert operation["state"] in ("APPLYING", "VERIFYING", "DONE")
    async with company.bot():
        await company.shows("now go to hangzhou")

    assert company.holds() == STANDBY
    assert len(company.writes()) == 1
    await company.assert_no_secret_is_out()


def _sent(company: Premises) -> bool:
    return any(call["action"] == "UpdateZoneRecord" for call in company.sim.calls)


async def test_the_card_of_a_bot_that_was_killed_still_works_with_the_next_one(company: Premises) -> None:
    async with company.bot() as bot:
        card = await company.failover()
        await company.shown()
        bot.signal(signal.SIGKILL)
        await bot.ended()

    async with company.bot():
        await company.click(APPROVER, "approve", card)
        await company.shows("now go to hangzhou")

    assert [shown["ts"] for shown in company.cards()] == [card["ts"]]
    assert len(company.writes()) == 1


async def test_an_answer_whose_bot_was_killed_during_a_first_reading_is_ended_by_the_next_one(
    reading: Premises,
) -> None:
    async with reading.bot() as bot:
        await _follow(reading)
        bot.signal(signal.SIGKILL)
        await bot.ended()
    for key in await reading.stored("KEYS", f"{POSTING}bulletin/*"):  # nobody has to wait for 45 seconds
        await reading.stored("DEL", key)

    async with reading.bot():
        card = await reading.shows(
            "INTERRUPTED: the bot that compared zhangjiakou with hangzhou stopped before the end"
        )

        assert f"Ask again: `/registry {ASK}`" in str(card["blocks"])
        await _none_is_open(reading)
    assert len(reading.cards()) == 1


async def test_a_bot_that_is_stopped_during_a_first_reading_leaves_no_answer_open(reading: Premises) -> None:
    async with reading.bot() as bot:
        await _follow(reading)
        assert await _ends(bot, signal.SIGTERM) == 0

    await _none_is_open(reading)
    assert reading.card()["text"].startswith("INTERRUPTED: the bot that compared")
    assert "is being read" in str(reading.card()["blocks"])


async def _follow(company: Premises) -> None:
    """Ask until the answer shows how the first reading goes, and is kept as one that is to end."""
    async with asyncio.timeout(PATIENCE):
        while not company.cards():
            await asyncio.sleep(1)  # each question takes calls from the reading
            await company.answer(ASK)
    await company.shows("is being read")
    async with asyncio.timeout(PATIENCE):
        while not await company.stored("HLEN", BULLETINS):
            await asyncio.sleep(0.05)


async def _none_is_open(company: Premises) -> None:
    async with asyncio.timeout(PATIENCE):
        while await company.stored("HLEN", BULLETINS):
            await asyncio.sleep(0.05)


async def test_of_fifty_approvals_at_once_in_two_bots_one_wins_and_one_write_follows(company: Premises) -> None:
    async with company.bot(), company.bot():
        card = await company.failover()

        clicks = [_click(company, who, card) for who in (APPROVER, SECOND) * 25]
        outcomes = await asyncio.gather(*clicks)
        await company.shows("now go to hangzhou")

    assert {outcome["status"] for outcome in outcomes} == {"ok"}
    assert max(outcome["ack_ms"] for outcome in outcomes) <= 2500
    assert len(company.writes()) == 1
    audit = await company.audit()
    assert [entry["event"] for entry in audit].count("approve") == 1


async def _click(company: Premises, who: str, card: dict[str, Any]) -> dict[str, Any]:
    return dict(await company.slack.click(who, OPS, card["ts"], "operation.approve"))
