"""The whole story on the page, with the real bot behind it."""

import os
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser.room import Room
from tests.scenarios.company import APPROVER, SECOND, Company

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
COMMAND = "/registry failover zhangjiakou because the region is down"
STANDBY_NAME = "sim-a-registry.cn-hangzhou.cr.aliyuncs.com"
HOSTILE = "<img src=x onerror=document.title='owned'><script>document.title='owned'</script>"


@pytest.fixture
def screenshot(tmp_path: Path) -> Path:
    """Return where the picture goes: to SCREENSHOT, else among the files of the test."""
    return Path(os.environ.get("SCREENSHOT") or tmp_path / "workspace.png")


async def test_a_second_person_moves_the_pulls_of_a_vpc(company: Company, room: Room, screenshot: Path) -> None:
    await room.type(COMMAND)
    await room.message("from zhangjiakou to hangzhou", "needs a second person", "the region is down")
    await room.press("approve")
    await room.confirm()
    await room.message("Only visible to you", "Another person must approve it")
    assert company.writes() == []

    await room.act_as(APPROVER)
    await room.press("approve")
    asked = await room.question()
    await room.confirm()

    assert "vpc-bbbbb move from zhangjiakou to hangzhou" in asked
    assert f"A 10.2.0.20 becomes CNAME {STANDBY_NAME}" in asked
    await room.message("DONE", "Asked by", "now go to hangzhou")
    assert "Pulls work" in await room.vpc("vpc-bbbbb", "pulls from cri-aaaaa (hangzhou)")
    assert STANDBY_NAME in await company.resolves("vpc-bbbbb")
    assert await room.too_wide() == []

    await room.act_as(SECOND)
    await room.message("replied to a thread", "now go to hangzhou")
    await room.scroll_to_the_beginning()
    await room.photograph(screenshot)


async def test_a_phone_shows_the_whole_card_and_takes_a_rejection(company: Company, phone: Room) -> None:
    await phone.type("/registry failover 张家口 because 张家口 is down")
    card = await phone.message("May approve", "张家口 is down")
    await expect(card.get_by_text("needs a second person")).to_be_in_viewport()
    await phone.act_as(APPROVER)
    assert await phone.too_wide() == []

    await phone.press("reject")

    await phone.message("REJECTED", "nothing was changed")
    assert await phone.too_wide() == []
    assert company.writes() == []


async def test_a_switch_breaks_a_region_and_the_bot_and_the_picture_say_so(company: Company, room: Room) -> None:
    await room.page.get_by_test_id("fault-region_down-zhangjiakou").check()

    await room.vpc("vpc-bbbbb", "failing")
    await room.type("/registry status")
    await room.message("ATTENTION", "zhangjiakou cannot be read")


async def test_what_people_type_stays_text_on_the_card(company: Company, room: Room) -> None:
    await room.type(f"/registry failover zhangjiakou because {HOSTILE}")
    card = await room.message("needs a second person", "<img src=x")

    assert await card.locator("img[src=x], script").count() == 0
    assert "owned" not in await room.page.title()
