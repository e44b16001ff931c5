"""A region dies before its last push was copied: the card says what would be lost, and as of when that is known."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from bot.adapters.clock import SystemClock
from bot.adapters.redis_inventory import RedisInventories
from tests.scenarios.company import APPROVER, PATIENCE, Company, company_with_bot

ZHANGJIAKOU = "cri-bbbbb"
TOLD = re.compile(
    r"As of \d\d:\d\d UTC, (?:less than a minute|\d+ min) before zhangjiakou could no longer be read: "
    r"([\d,]+) of ([\d,]+) critical images are identical at hangzhou; "
    r"missing: core/api:9\.9\.9 \(pushed \d\d:\d\d\)\."
)


@pytest.fixture
async def company(monkeypatch: pytest.MonkeyPatch, redis_url: str) -> AsyncIterator[Company]:
    async with company_with_bot(monkeypatch, redis_url, REGISTRY_BOT_INVENTORY_EVERY="1") as company:
        yield company


@pytest.fixture
async def kept(redis_url: str) -> AsyncIterator[RedisInventories]:
    inventories = RedisInventories(redis_url, SystemClock())
    yield inventories
    await inventories.close()


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await holds():
            await asyncio.sleep(0.05)


async def has_been_read(kept: RedisInventories) -> bool:
    known = await kept.coverage(ZHANGJIAKOU)
    (found,) = await kept.repositories(ZHANGJIAKOU, ["core/api"])
    return known.as_of is not None and found is not None and "9.9.9" in found.tags


async def is_silent(kept: RedisInventories) -> bool:
    return (await kept.coverage(ZHANGJIAKOU)).silent_since is not None


async def test_the_card_of_a_dead_region_tells_the_loss_with_its_times_and_can_be_approved(
    company: Company, kept: RedisInventories
) -> None:
    company.sim.faults.set("replication_stalled", "zhangjiakou", True)
    company.sim.world.push(ZHANGJIAKOU, "core/api", "9.9.9")
    await until(lambda: has_been_read(kept))
    company.sim.faults.set("region_down", "zhangjiakou", True)
    await until(lambda: is_silent(kept))

    card = await company.failover()

    told = TOLD.search(str(card["blocks"]))
    assert told is not None, card["blocks"]
    assert int(told[1]) == int(told[2]) - 1
    assert "GO-WITH-LOSS" in card["text"]

    await company.click(APPROVER, "approve")
    await company.until(lambda: len(company.writes()) == 1)

    assert "sim-a-registry.cn-hangzhou.cr.aliyuncs.com" in await company.resolves("vpc-bbbbb")
