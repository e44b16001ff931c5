"""Slack down, deaf or with a wrong token: the process stays, says so, and the work in hand is finished without it."""

import asyncio
import signal
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.processes.premises import STANDBY, Premises, premises, until_ready, until_troubles
from tests.proxy import proxy_to
from tests.scenarios.company import APPROVER, ON_CALL
from tests.secrets import marked

CANARY = marked("WrongToken")


@pytest.mark.covers("F42")
@pytest.mark.parametrize(
    ("variable", "token"),
    [("REGISTRY_BOT_SLACK_BOT_TOKEN", f"xoxb-{CANARY}"), ("REGISTRY_BOT_SLACK_APP_TOKEN", f"xapp-{CANARY}")],
)
async def test_a_wrong_token_is_a_reason_not_to_be_ready_and_never_shown(
    company: Premises, variable: str, token: str
) -> None:
    async with company.unready_bot(**{variable: token}) as bot:
        reasons = await until_troubles(bot, lambda reasons: any("invalid_auth" in reason for reason in reasons))

        assert bot.is_alive()
        assert "Check the token" in str(reasons)
        assert CANARY not in str(reasons)
    assert CANARY not in company.everything_logged()


async def test_a_bot_that_starts_while_slack_is_down_gets_ready_when_slack_is_back(company: Premises) -> None:
    company.sim.faults.set("slack_down", None, True)
    async with company.unready_bot() as bot:
        await until_troubles(bot, lambda reasons: any("Slack" in reason for reason in reasons))

        company.sim.faults.set("slack_down", None, False)
        await until_ready(bot)

        await company.failover()
    await company.assert_no_secret_is_out()


async def test_an_approved_operation_is_carried_out_by_a_bot_that_starts_while_slack_is_down(
    company: Premises,
) -> None:
    assert company.sim.alibaba is not None
    async with company.bot() as first:
        card = await company.failover()
        company.sim.alibaba.cloud.timing.latency_ms = 200
        await company.click(APPROVER, "approve")
        first.signal(signal.SIGKILL)
        await first.ended()
    company.sim.alibaba.cloud.timing.latency_ms = 0
    company.sim.faults.set("slack_down", None, True)

    async with company.unready_bot():
        await company.until(lambda: company.holds() == STANDBY)
        company.sim.faults.set("slack_down", None, False)
        await company.shows("now go to hangzhou")

    assert company.card()["ts"] == card["ts"]
    assert len(company.writes()) == 1


async def test_what_slack_down_kept_back_is_shown_when_it_returns(company: Premises) -> None:
    async with company.bot() as bot:
        await company.failover()
        await company.click(APPROVER, "approve")
        company.sim.faults.set("slack_down", None, True)
        await company.until(lambda: company.holds() == STANDBY)
        await until_troubles(bot, bool)

        company.sim.faults.set("slack_down", None, False)
        await until_ready(bot)
        await company.shows("now go to hangzhou")

    assert len(company.cards()) == 1


async def test_slacks_own_variables_in_the_environment_change_nothing(company: Premises) -> None:
    oauth = {"SLACK_CLIENT_ID": "1.2", "SLACK_CLIENT_SECRET": CANARY, "SLACK_SIGNING_SECRET": CANARY}
    async with company.bot(**oauth, SLACK_BOT_TOKEN=f"xoxb-{CANARY}"):
        await company.failover()

        assert "approved" in await company.click(APPROVER, "approve")


async def test_every_delivery_is_acknowledged_in_time_while_slacks_api_hangs(redis_url: str, tmp_path: Path) -> None:
    async with premises(redis_url, tmp_path) as company:
        api = company.environment["REGISTRY_BOT_SLACK_API_URL"]
        async with proxy_to(api) as proxy:
            behind = f"http://127.0.0.1:{proxy.port}{urlsplit(api).path}"
            async with company.bot(REGISTRY_BOT_SLACK_API_URL=behind):
                await company.failover()
                proxy.is_black_hole = True

                await asyncio.gather(
                    *(
                        company.command_in_time(ON_CALL, text)
                        for text in ("status", "failover hangzhou", "help", "hlp")
                    ),
                    company.acknowledged(APPROVER, "approve"),
                    company.acknowledged(APPROVER, "reject"),
                )
