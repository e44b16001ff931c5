"""What a running bot knows of its instances without being asked."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from bot.adapters.clock import SystemClock
from bot.adapters.redis_inventory import RedisInventories
from tests.scenarios.company import PATIENCE, company_with_bot

ZHANGJIAKOU = "cri-bbbbb"


@pytest.fixture
async def kept(redis_url: str) -> AsyncIterator[RedisInventories]:
    inventories = RedisInventories(redis_url, SystemClock())
    yield inventories
    await inventories.close()


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await holds():
            await asyncio.sleep(0.05)


async def has(kept: RedisInventories, path: str, tag: str) -> bool:
    (found,) = await kept.repositories(ZHANGJIAKOU, [path])
    return found is not None and tag in found.tags


async def test_what_an_instance_holds_is_known_soon_and_stays_known_when_its_region_is_silent(
    monkeypatch: pytest.MonkeyPatch, redis_url: str, kept: RedisInventories
) -> None:
    async with company_with_bot(monkeypatch, redis_url, REGISTRY_BOT_INVENTORY_EVERY="1") as company:
        await until(lambda: has(kept, "core/api", "2.7.1"))
        company.sim.world.push(ZHANGJIAKOU, "core/api", "9.9.9")
        await until(lambda: has(kept, "core/api", "9.9.9"))
        company.sim.faults.set("region_down", "zhangjiakou", True)

        async def is_silent() -> bool:
            return (await kept.coverage(ZHANGJIAKOU)).silent_since is not None

        await until(is_silent)

        known = await kept.coverage(ZHANGJIAKOU)
        assert known.as_of is not None
        assert known.silent_since is not None
        assert known.as_of < known.silent_since
        assert "did not answer" in known.trouble
        assert await has(kept, "core/api", "9.9.9")
