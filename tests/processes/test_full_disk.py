"""A disk that is full where the bot logs: what it has to say is lost, and what it has to do is done."""

from pathlib import Path

import pytest

from tests.processes.forked import forked
from tests.processes.people import ask
from tests.processes.premises import STANDBY, Premises, until_answering, until_ready
from tests.scenarios.company import APPROVER

FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="This system has no device that is always full.")
@pytest.mark.covers("F30")
async def test_a_full_disk_under_the_log_stops_neither_decision_nor_execution(company: Premises) -> None:
    async with forked(company.environment, FULL, None) as bot:
        await until_answering(bot, bot.is_alive)
        await until_ready(bot)
        await ask(company)
        told = await company.click(APPROVER, "approve")
        await company.shows("now go to hangzhou")

        assert bot.is_alive()
    assert "is approved" in told
    assert bot.process.exitcode == 0
    assert company.holds() == STANDBY
    assert len(company.writes()) == 1
