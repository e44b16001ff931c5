"""Deliveries that come late, twice or after the end, and a token that dies in between: the state stands, in words."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from bot.app import Bot, serving
from bot.configuration import load_registry
from bot.settings import load_settings
from tests.scenarios.company import APPROVER, ON_CALL, OPS, Company, company_with_bot

SILENT = ("chat.update", "chat.postMessage", "chat.postEphemeral", "users.info", "auth.test")


@pytest.mark.covers("F34")
async def test_a_click_that_slack_delivers_three_times_counts_once(company_by: Company) -> None:
    await company_by.failover()

    await company_by.click(APPROVER, "approve")
    again = [await company_by.slack.redeliver() for _ in range(2)]
    await company_by.shows_written()

    assert [outcome["status"] for outcome in again] == ["ok", "ok"]
    assert len(company_by.writes()) == 1
    assert str(company_by.card()["blocks"]).count(f"<@{APPROVER}>") == 1


@pytest.mark.covers("F35")
async def test_a_click_that_is_delivered_after_the_end_says_what_became_of_it(company: Company) -> None:
    await company.failover()
    await company.click(APPROVER, "reject")
    card = await company.shows("REJECTED")
    seen = len(whispers(company, APPROVER))

    outcome = await company.slack.redeliver()
    await company.until(lambda: len(whispers(company, APPROVER)) > seen)

    assert outcome["status"] == "ok"
    assert "is already REJECTED" in whispers(company, APPROVER)[-1]
    assert company.card() == card
    assert company.writes() == []


@pytest.mark.covers("F31")
async def test_what_ran_out_while_no_bot_was_there_has_expired_when_one_is_back(
    monkeypatch: pytest.MonkeyPatch, redis_url: str
) -> None:
    def hurry(config: str) -> str:
        return config.replace("pending_for: 15m", "pending_for: 4s")

    async with company_with_bot(monkeypatch, redis_url, amend=hurry) as company:
        await company.failover()
        await company.bot.stop()
        await asyncio.sleep(4.0)
        assert "needs a second person" in company.card()["text"]

        async with another_bot():
            card = await company.shows("EXPIRED")
            await company.until(lambda: any("EXPIRED" in reply for reply in company.thread(card)))

    assert len(company.cards()) == 1
    assert company.writes() == []


@pytest.mark.covers("F42")
async def test_a_token_that_is_revoked_after_the_approval_ends_no_operation_and_is_said_in_the_log(
    company: Company,
) -> None:
    await company.failover()
    await company.known_to_the_bot(ON_CALL, APPROVER)

    with capture_logs() as logs:
        for method in SILENT:
            company.slack.refuse(method, "token_revoked")
        await company.slack.click(APPROVER, OPS, company.card()["ts"], "operation.approve")
        await company.until(lambda: len(company.writes()) == 1)
        await company.until(lambda: any("token_revoked" in str(entry) for entry in logs))
    assert "needs a second person" in company.card()["text"]

    for method in SILENT:
        company.slack.refuse(method, None)
    card = await company.shows("DONE")
    assert f"<@{ON_CALL}>" in str(card["blocks"])
    assert len(company.writes()) == 1


def whispers(company: Company, who: str) -> list[str]:
    """Return what only this person was shown."""
    return [str(m["text"]) for m in company.slack.messages(OPS, who) if m["ephemeral_to"] == who]


@asynccontextmanager
async def another_bot() -> AsyncIterator[Bot]:
    """Start a bot with the settings of the one before."""
    settings = load_settings()
    async with serving(settings, load_registry(settings.config)) as bot:
        yield bot
