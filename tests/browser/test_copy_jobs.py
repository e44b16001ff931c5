"""Copies by hand on a phone: the offer, how it goes, how it ended, and what stands in the way."""

import pytest

from simulator.images import Image
from tests.browser.room import Room
from tests.scenarios.company import Company

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
WAY = "from zhangjiakou to hangzhou"


async def test_an_offer_is_read_pressed_and_followed_to_its_end(company: Company, phone: Room) -> None:
    await phone.type(f"/registry sync platform/tools {WAY}")
    await phone.message("COPY ", "? Until")
    await phone.message("1 image waits", "confirm here")
    wide = await phone.too_wide()
    await phone.keep_picture("sync-offer")

    await phone.page.get_by_test_id("button-copies.start").last.click()
    ended = await phone.message("at hangzhou, seen by digest")
    await phone.keep_picture("sync-ended")

    assert wide == []
    assert await phone.too_wide() == []
    assert "COPIED" in await ended.inner_text()


async def test_a_lie_is_named_and_what_would_be_replaced_is_said(company: Company, phone: Room) -> None:
    company.sim.world.push("cri-aaaaa", "platform/tools", "1.1")
    company.sim.faults.set("false_success", "hangzhou", True)
    await phone.type(f"/registry sync platform/tools:1.1 {WAY}")
    offer = await phone.message("replacing 1 there")
    await phone.keep_picture("sync-replaces")
    assert "replaces sha256:" in await offer.inner_text()
    assert "newer" in await offer.inner_text()

    await phone.page.get_by_test_id("button-copies.start").last.click()
    await phone.page.locator("#timeline").filter(has_text="1 failed").wait_for(timeout=60_000)
    await phone.keep_picture("sync-failed")

    assert await phone.too_wide() == []


async def test_a_long_list_is_short_on_a_phone_with_its_file_in_the_thread(company: Company, phone: Room) -> None:
    world = company.sim.world
    for number in range(14):
        world.put("cri-bbbbb", "platform/tools", f"2026.11.{number}", Image(f"tools-{number}"))
    world.put("cri-bbbbb", "platform/tools", "1.0", Image("older"))
    await phone.type(f"/registry sync platform/tools {WAY}")
    await phone.message("COPY ", "more, in the thread")
    await phone.message(".csv")
    await phone.keep_picture("sync-long")
    await phone.page.get_by_test_id("button-copies.start").last.click()
    await phone.message("COPYING: ")
    await phone.keep_picture("sync-going")
    await phone.message("at hangzhou, seen by digest")

    assert await phone.too_wide() == []
