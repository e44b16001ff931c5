"""A whole failover with everything going wrong on its way, and no secret anywhere that somebody could read."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
import structlog
from redis.asyncio import Redis

from bot.adapters.clock import SystemClock
from simulator.demo import BotProcess
from simulator.local_redis import free_port, local_redis_async
from tests import secrets
from tests.console.terminal import Terminal, registry_bot
from tests.processes.people import approve, ask
from tests.processes.premises import Premises, premises, until_ready
from tests.scenarios.company import APPROVER, MEMBER, ON_CALL, OPS
from tests.secrets import leaks

WRONG = {
    "REGISTRY_BOT_SLACK_BOT_TOKEN": f"{secrets.BOT_TOKEN}Wrong",
    "REGISTRY_BOT_SLACK_APP_TOKEN": f"{secrets.APP_TOKEN}Wrong",
    "REGISTRY_BOT_SLACK_SIGNING_SECRET": f"{secrets.SLACK_SIGNING_SECRET}Wrong",
    "REGISTRY_BOT_SIGNING_KEY": f"{secrets.SIGNING_KEY}{'Wrong' * 3}",
    "REGISTRY_BOT_REDIS_URL": f"redis://:{secrets.REDIS_PASSWORD}Wrong@127.0.0.1:1/0",
    "ALIBABA_CLOUD_ACCESS_KEY_ID": f"{secrets.ACCESS_KEY_ID}Wrong",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET": f"{secrets.ACCESS_KEY_SECRET}Wrong",
}
TEMPORARY = {"ALIBABA_CLOUD_SECURITY_TOKEN": secrets.SECURITY_TOKEN}
MISPLACED = {
    "REGISTRY_BOT_SLACK_BOT_TOKEN": secrets.APP_TOKEN,
    "REGISTRY_BOT_SLACK_APP_TOKEN": secrets.BOT_TOKEN,
    "REGISTRY_BOT_SIGNING_KEY": secrets.REDIS_PASSWORD[:20],
    "REGISTRY_BOT_REDIS_URL": f"http://:{secrets.REDIS_PASSWORD}@redis",
    "REGISTRY_BOT_SLACK_API_URL": f"https://{secrets.BOT_TOKEN}",
    "REGISTRY_BOT_CONNECT_TO": secrets.SIGNING_KEY,
}
Runs = tuple[tuple[tuple[str, ...], dict[str, str]], ...]
AS_PROCESSES: Runs = (
    (("--help",), {}),
    (("check",), WRONG),
    (("check",), TEMPORARY),
    (("run",), MISPLACED),
)
"""Apart, because the cloud's SDK reads its keys once for all."""
IN_PLACE: Runs = (
    (("check",), {}),
    (("check",), MISPLACED),
    (("check", "--policy"), {}),
    (("discover", "--region", "cn-hangzhou", "cn-zhangjiakou"), {}),
    (("manual", "zhangjiakou"), {}),
    (("audit", "verify"), {}),
    (("audit", "export", "--from", "2026-01-01", "--to", "2100-01-01"), {}),
    (("audit", "verify"), {"REGISTRY_BOT_REDIS_URL": WRONG["REGISTRY_BOT_REDIS_URL"]}),
)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Terminal]:
    """A terminal in this process, which leaves logging as it found it."""
    yield Terminal(monkeypatch, capsys)
    structlog.reset_defaults()


@asynccontextmanager
async def _locked_redis() -> AsyncIterator[str]:
    """Run a Redis that asks for a password, and give its address with it."""
    async with local_redis_async(appendonly="yes", appendfsync="always") as url:
        async with Redis.from_url(url) as server:
            await server.config_set("requirepass", secrets.REDIS_PASSWORD)
        yield url.replace("redis://", f"redis://:{secrets.REDIS_PASSWORD}@")


async def _lock_out(company: Premises, password: str) -> None:
    """Change the password of Redis under the bots, cutting off whoever is logged in but us."""
    await company.stored("CONFIG", "SET", "requirepass", password)
    await company.stored("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")


async def _bad_requests(bot: BotProcess, company: Premises) -> None:
    """Send what nobody signed, and what nobody can read, all of it with something in it that must not be kept."""
    address = company.slack._responses.url(ON_CALL, OPS)
    body = f"command=%2Fregistry&text=status&user_id={ON_CALL}&response_url={address}&token={secrets.BOT_TOKEN}"
    now = str(int(SystemClock().now().timestamp()))
    async with aiohttp.ClientSession() as session:
        for sent in (body, f"payload={body}", f"payload=%7B{body}", "[" * 9000 + body):
            for code in ("", "v0=0", secrets.SLACK_SIGNING_SECRET, f"v0={'é' * 9}"):
                headers = {"X-Slack-Request-Timestamp": now, "X-Slack-Signature": code}
                async with session.post(f"{bot.http}/slack/events", data=sent, headers=headers) as answer:
                    assert answer.status == 401, await answer.text()


async def _scraped(*addresses: str) -> str:
    async with aiohttp.ClientSession() as session:
        return "\n".join([await (await session.get(address)).text() for address in addresses])


async def _a_troubled_failover(company: Premises) -> None:
    """Fail over, with Slack, Redis and the cloud each refusing for a while."""
    assert company.sim.alibaba is not None
    company.slack.refuse("users.info", "internal_error")
    await company.slack.command(MEMBER, OPS, "status")
    company.slack.refuse("users.info", None)
    company.sim.alibaba.cloud.ram.denied = {"pvtz:DescribeZones", "cr:GetInstance"}
    await company.slack.command(ON_CALL, OPS, "failover zhangjiakou")
    await company.until(lambda: "E_" in " ".join(company.whispered(ON_CALL)))
    company.sim.alibaba.cloud.ram.denied = set()
    reason = f"failover zhangjiakou because {company.environment['ALIBABA_CLOUD_ACCESS_KEY_ID']} is broken"
    await ask(company, text=reason)
    await _lock_out(company, f"{secrets.REDIS_PASSWORD}New")
    await company.slack.command(ON_CALL, OPS, "actions")
    await company.slack.click(APPROVER, OPS, company.card()["ts"], "operation.approve")
    await _lock_out(company, secrets.REDIS_PASSWORD)


@pytest.mark.covers("A12")
async def test_no_secret_is_kept_or_shown_whatever_goes_wrong(tmp_path: Path) -> None:
    port = str(free_port())
    async with _locked_redis() as url, premises(url, tmp_path) as company:
        async with company.started_bot(REGISTRY_BOT_SLACK_MODE="http", REGISTRY_BOT_METRICS_PORT=port) as bot:
            company.slack.request_url = f"{bot.http}/slack/events"
            await _bad_requests(bot, company)
            await _a_troubled_failover(company)
            scraped = await _scraped(f"{bot.http}/readyz", f"{bot.http}/healthz")
            await until_ready(bot)
            await approve(company)
            await company.until(lambda: bool(company.writes()), company.everything_logged)
            scraped += await _scraped(f"http://127.0.0.1:{port}/metrics")
        async with company.bot() as bot:
            await company.shows("now go to hangzhou")
            company.sim.faults.set("slack_down", None, True)
            await asyncio.sleep(0.2)
            company.sim.faults.set("slack_down", None, False)
            await until_ready(bot)

        texts = {
            "metrics and readiness": scraped,
            "logs": company.everything_logged(),
            "Redis": await company.everything_stored(),
            "Slack": "\n".join(json.dumps(call.arguments) for call in company.slack.calls),
            "channels": company.said(),
        }

    assert {where: found for where, text in texts.items() if (found := leaks(text))} == {}
    assert [where for where, text in texts.items() if len(text) < 200] == []
    assert "Traceback" not in texts["logs"]


async def _both_sites_read(company: Premises) -> None:
    """Wait until the bot keeps what there is to look at."""
    async with asyncio.timeout(30):
        while "not compared" in await company.answer("replication from zhangjiakou to hangzhou"):
            await asyncio.sleep(0.5)


@pytest.mark.covers("A12")
async def test_a_password_for_pulling_is_neither_kept_nor_shown(tmp_path: Path) -> None:
    async with _locked_redis() as url, premises(url, tmp_path) as company, company.bot():
        assert company.sim.alibaba is not None
        await _both_sites_read(company)
        for denied, told in ((set[str](), "looked at"), ({"cr:PullRepository"}, "the RAM action cr:PullRepository")):
            company.sim.alibaba.cloud.ram.denied = denied
            await company.slack.command(ON_CALL, OPS, "replication from zhangjiakou to hangzhou deep")
            await company.until(lambda told=told: told in company.said(), company.said)  # type: ignore[misc]
        texts = {
            "logs": company.everything_logged(),
            "Redis": await company.everything_stored(),
            "Slack": "\n".join(json.dumps(call.arguments) for call in company.slack.calls),
            "channels": company.said(),
        }

    assert any(call["action"] == "GetAuthorizationToken" and call["status"] == 200 for call in company.sim.calls)
    assert {where: found for where, text in texts.items() if (found := leaks(text))} == {}


async def test_no_command_at_the_terminal_shows_a_secret(terminal: Terminal, tmp_path: Path) -> None:
    async with _locked_redis() as url, premises(url, tmp_path) as company:
        good = company.environment
        told = [(words, await registry_bot(*words, environment=good | wrong)) for words, wrong in AS_PROCESSES]
        told += [(words, await terminal.registry_bot(*words, environment=good | wrong)) for words, wrong in IN_PLACE]

    assert [(words, found) for words, said in told if (found := leaks(said.out + said.err))] == []
    assert [words for words, said in told if not said.out + said.err] == []
