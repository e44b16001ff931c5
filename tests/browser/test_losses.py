"""The bad hour on a phone: a region dies before its last push was copied, and the card says what that costs."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.browser.room import Room, opened
from tests.scenarios.company import Company, company_with_bot

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
COMPARE = "/registry replication from zhangjiakou to hangzhou"


@pytest_asyncio.fixture(loop_scope="session")
async def company(browser: Browser, monkeypatch: pytest.MonkeyPatch, redis_url: str) -> AsyncIterator[Company]:
    """The company with a bot that looks at its instances every second."""
    async with company_with_bot(monkeypatch, redis_url, REGISTRY_BOT_INVENTORY_EVERY="1") as company:
        yield company


@pytest_asyncio.fixture(loop_scope="session")
async def phone(browser: Browser, company: Company) -> AsyncIterator[Room]:
    """The page of that company on a phone."""
    async with opened(browser, company.slack.page_url, width=390, height=844) as room:
        yield room


async def until_the_loss_is_known(room: Room) -> None:
    """Ask until the bot has read the push that was not copied."""
    for _ in range(20):
        await room.type(COMPARE)
        said = await (await room.message("zhangjiakou to hangzhou")).inner_text()
        if "BEHIND" in said:
            return
        await room.page.wait_for_timeout(500)
    pytest.fail(f"the push was never read: {said}")


async def test_the_card_of_a_dead_region_names_what_would_be_lost_and_since_when_nobody_knows(
    company: Company, phone: Room
) -> None:
    company.sim.faults.set("replication_stalled", "zhangjiakou", True)
    company.sim.world.push("cri-bbbbb", "core/api", "9.9.9")
    await until_the_loss_is_known(phone)
    company.sim.faults.set("region_down", "zhangjiakou", True)

    await phone.type("/registry failover zhangjiakou because the region is down")
    card = await phone.message("GO-WITH-LOSS", "needs a second person")

    said = await card.inner_text()
    assert "As of " in said
    assert "critical images are identical at hangzhou; missing: core/api:9.9.9 (pushed " in said
    assert await phone.too_wide() == []
    if folder := os.environ.get("PICTURES"):
        await phone.photograph(Path(folder) / "failover-loss.png")

    await phone.act_as("Approver")
    await phone.press("approve")
    question = await phone.question()
    await phone.confirm()

    assert "Loss: As of " in question
    await phone.message("pulls of vpc-bbbbb now go to hangzhou")
