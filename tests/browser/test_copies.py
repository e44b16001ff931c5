"""What people are told of copies, on a phone: in the outage, in a large company, and of one image."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
import yaml
from playwright.async_api import Browser

from tests.browser.room import Room, opened
from tests.scenarios.company import Company, company_with_bot

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
SEED = Path(__file__).parents[2] / "simulator" / "seed.yaml"
MANY = {"repositories": 300, "tags": 5, "source": "cri-bbbbb", "targets": ["cri-aaaaa"], "missing": 0.05}
COMPARE = "/registry replication from zhangjiakou to hangzhou"


@pytest_asyncio.fixture(loop_scope="session")
async def large(
    browser: Browser, monkeypatch: pytest.MonkeyPatch, redis_url: str, tmp_path: Path
) -> AsyncIterator[Company]:
    """A company with some hundred repositories, of which most are critical."""
    document = yaml.safe_load(SEED.read_text("utf-8"))
    document["generate"] = [MANY]
    document["critical"] = ["core/*", "team*"]
    world = tmp_path / "world.yaml"
    world.write_text(yaml.safe_dump(document), "utf-8")
    async with company_with_bot(monkeypatch, redis_url, world=world) as company:
        yield company


@pytest_asyncio.fixture(loop_scope="session")
async def handset(browser: Browser, large: Company) -> AsyncIterator[Room]:
    """The page of that company on a phone."""
    async with opened(browser, large.slack.page_url, width=390, height=844) as room:
        yield room


async def until_read(room: Room, beginning: str) -> None:
    """Ask again until the bot has read what both instances hold."""
    for _ in range(20):
        await room.type(COMPARE)
        said = await (await room.message("zhangjiakou to hangzhou")).inner_text()
        if beginning in said:
            return
        await room.page.wait_for_timeout(500)
    pytest.fail(f"both instances were never read: {said}")


async def test_the_loss_is_read_at_a_glance_while_the_source_is_silent(company: Company, phone: Room) -> None:
    await until_read(phone, "IN STEP")
    company.sim.faults.set("region_down", "zhangjiakou", True)

    await phone.type(COMPARE)
    await phone.message("IN STEP: all 7 critical images identical", "Rules not listed by zhangjiakou")

    assert await phone.too_wide() == []
    await phone.keep_picture("replication-outage")


async def test_a_long_list_is_a_file_below_the_answer_in_the_channel(large: Company, handset: Room) -> None:
    await until_read(handset, "the answer is given in this channel")
    answer = await handset.message("BEHIND", "would be lost, zhangjiakou to hangzhou", "and ")
    await handset.message(".csv")

    assert "team" in await answer.inner_text()
    assert await handset.too_wide() == []
    await handset.keep_picture("replication-long")


async def test_one_image_is_told_site_by_site(company: Company, phone: Room) -> None:
    await until_read(phone, "IN STEP")
    await phone.type("/registry diff platform/tools:1.1")
    await phone.message("MISSING: platform/tools:1.1 is not at hangzhou", "rule")

    assert await phone.too_wide() == []
    await phone.keep_picture("diff")


async def test_a_channel_that_watches_a_site_says_so(company: Company, phone: Room) -> None:
    await phone.type("/registry watch zhangjiakou")
    await phone.message("This channel now watches zhangjiakou")

    assert await phone.too_wide() == []
    await phone.keep_picture("watch")
