"""A Redis that refuses, hangs or may not be trusted: the bot stays up, says so in time, and recovers by itself."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bot.adapters.redis_keys import META
from simulator.local_redis import local_redis_async
from tests.builders import WORKSPACE
from tests.processes.people import approve
from tests.processes.premises import HOME, STANDBY, patient_link, premises, until_ready, until_troubles
from tests.proxy import Proxy, proxy_to
from tests.scenarios.company import APPROVER, ON_CALL
from tests.secrets import marked


async def _refuse(proxy: Proxy) -> None:
    await proxy.refuse()


async def _hang(proxy: Proxy) -> None:
    proxy.is_black_hole = True


async def _mend(proxy: Proxy) -> None:
    proxy.is_black_hole = False
    await proxy.stop()
    await proxy.start()


FAULTS = {"refuses": _refuse, "hangs": _hang}


@pytest.mark.covers("F02")
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_redis_that_goes_away_costs_decisions_but_no_answer_and_nothing_is_lost(
    fault: str, redis_url: str, tmp_path: Path
) -> None:
    async with (
        proxy_to(redis_url) as proxy,
        premises(redis_url, tmp_path, REGISTRY_BOT_REDIS_URL=proxy.url) as company,
        company.bot() as bot,
    ):
        card = await company.failover()
        await FAULTS[fault](proxy)

        vote = await company.click_in_time(APPROVER, "approve", card)
        wish = await company.refusal("failover hangzhou")
        status = await company.answer("status")

        assert "Redis" in vote
        assert "Redis" in wish
        assert "vpc-bbbbb" in status
        assert "Redis" in status
        assert company.holds() == HOME
        await until_troubles(bot, lambda reasons: any("Redis" in reason for reason in reasons))

        await _mend(proxy)
        await until_ready(bot)
        await approve(company)
        await company.shows("now go to hangzhou")

        assert company.holds() == STANDBY
        assert len(company.writes()) == 1
        await company.assert_no_secret_is_out()


@pytest.mark.covers("F01")
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_bot_that_starts_without_redis_answers_and_waits_for_it(
    fault: str, redis_url: str, tmp_path: Path
) -> None:
    async with proxy_to(redis_url) as proxy:
        await FAULTS[fault](proxy)
        async with (
            premises(redis_url, tmp_path, REGISTRY_BOT_REDIS_URL=proxy.url) as company,
            company.unready_bot() as bot,
        ):
            await until_troubles(bot, lambda reasons: len(reasons) == 1 and "Redis" in reasons[0])

            await company.doors_open()
            status = await company.answer("status")
            refused = await company.refusal("failover zhangjiakou")

            assert "Redis" in refused
            assert "E_STORE_DOWN" in refused
            assert "vpc-bbbbb" in status
            await _mend(proxy)
            await until_ready(bot)
            await company.failover()


@dataclass(frozen=True)
class Distrust:
    """What an administrator does to a Redis, what the bot says, and what undoes it."""

    name: str
    do: tuple[str, ...]
    says: str
    undo: tuple[str, ...]


DISTRUSTED = [
    Distrust(
        "evicting",
        ("CONFIG", "SET", "maxmemory-policy", "allkeys-lru"),
        "maxmemory-policy",
        ("CONFIG", "SET", "maxmemory-policy", "noeviction"),
    ),
    Distrust("volatile", ("CONFIG", "SET", "appendonly", "no"), "appendonly", ("CONFIG", "SET", "appendonly", "yes")),
    Distrust(
        "lazy",
        ("CONFIG", "SET", "appendfsync", "everysec"),
        "appendfsync",
        ("CONFIG", "SET", "appendfsync", "always"),
    ),
    Distrust("full", ("CONFIG", "SET", "maxmemory", "1"), "memory", ("CONFIG", "SET", "maxmemory", "0")),
    Distrust("replica", ("REPLICAOF", "127.0.0.1", "1"), "read-only", ("REPLICAOF", "NO", "ONE")),
    Distrust(
        "locked",
        ("CONFIG", "SET", "requirepass", marked("Locked")),
        "password",
        ("CONFIG", "SET", "requirepass", ""),
    ),
    Distrust(
        "foreign",
        ("HSET", META, "workspace", "T0OTHER"),
        "belongs to the bot of workspace",
        ("HSET", META, "workspace", WORKSPACE),
    ),
]


@pytest.mark.covers("F09", "F13", "F14", "F17")
async def test_a_redis_that_may_not_be_trusted_is_named_and_trusted_again_once_mended(tmp_path: Path) -> None:
    async with asyncio.TaskGroup() as group:
        for distrust in DISTRUSTED:
            logs = tmp_path / distrust.name
            logs.mkdir()
            group.create_task(_distrust(distrust, logs))


async def _distrust(distrust: Distrust, logs: Path) -> None:
    async with (
        local_redis_async(appendonly="yes", appendfsync="always") as url,
        premises(url, logs) as company,
    ):
        await company.stored(*distrust.do)
        async with company.unready_bot() as bot:
            await company.doors_open()
            await until_troubles(bot, lambda reasons: len(reasons) == 1 and distrust.says in reasons[0])
            refused = await company.refusal("failover zhangjiakou")
            status = await company.answer("status")

            assert distrust.says in refused, distrust
            assert "vpc-bbbbb" in status, distrust
            await company.stored(*distrust.undo)
            await until_ready(bot)
            await company.failover()
        await company.assert_no_secret_is_out()


@pytest.mark.covers("F20")
async def test_every_answer_comes_in_time_while_each_call_of_redis_takes_400_milliseconds(
    redis_url: str, tmp_path: Path
) -> None:
    async with (
        proxy_to(redis_url) as proxy,
        premises(redis_url, tmp_path, REGISTRY_BOT_REDIS_URL=proxy.url) as company,
        company.bot(),
    ):
        card = await company.failover()
        proxy.delay = 0.4

        for text in ("help", "status", "actions", "plan failover zhangjiakou", "failover zhangjiakou"):
            await company.command_in_time(ON_CALL, text)
        await company.click_in_time(APPROVER, "approve", card)

        proxy.delay = 0.0
        await approve(company)
        await company.shows("now go to hangzhou")
        assert len(company.writes()) == 1


@pytest.mark.covers("F14", "F16")
async def test_a_running_bot_notices_that_its_redis_evicts_or_came_back_empty(tmp_path: Path) -> None:
    durable = {"appendonly": "yes", "appendfsync": "always"}
    async with (
        local_redis_async(**durable) as url,
        local_redis_async(**durable) as empty,
        proxy_to(url) as proxy,
        premises(url, tmp_path, REGISTRY_BOT_REDIS_URL=proxy.url) as company,
        company.bot() as bot,
    ):
        await company.stored("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        evicts = await until_troubles(bot, bool)
        refused = await company.refusal("failover zhangjiakou")
        await company.stored("CONFIG", "SET", "maxmemory-policy", "noeviction")
        await until_ready(bot)
        card = await company.failover()
        await company.shown()

        proxy.point_to(urlsplit(empty).port or 0)
        replaced = await until_troubles(bot, bool)
        vote = await company.click_in_time(APPROVER, "approve", card)

        assert "maxmemory-policy" in str(evicts)
        assert "maxmemory-policy" in refused
        assert "empty, or another one" in str(replaced)
        assert "empty, or another one" in vote
        assert "operation.approve" in str(company.card()["blocks"])  # what is not believed takes no button away
        assert company.writes() == []
        async with patient_link(empty) as other:
            assert await other.call("KEYS", "*op:*") == []
