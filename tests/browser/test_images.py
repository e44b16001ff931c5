"""Images on the workspace page: what each instance holds, and people who push."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from simulator.app import Simulator, running
from simulator.generator import parse
from tests.browser.room import Room, opened

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(loop_scope="session")
async def sim() -> AsyncIterator[Simulator]:
    async with running(only={"alibaba", "slack"}, generate=parse("1200x5")) as simulator:
        yield simulator


@pytest_asyncio.fixture(loop_scope="session")
async def desk(browser: Browser, sim: Simulator) -> AsyncIterator[Room]:
    assert sim.slack is not None
    async with opened(browser, sim.slack.page_url) as room:
        yield room


async def test_each_instance_tells_how_much_it_holds(desk: Room) -> None:
    await expect(desk.page.get_by_test_id("held-zhangjiakou")).to_have_text("1,204 repositories, 6,009 tags")


async def test_a_person_pushes_an_image_with_one_press(desk: Room, sim: Simulator) -> None:
    await desk.page.get_by_test_id("push-zhangjiakou").click()
    await expect(desk.page.locator("#pushes li")).to_have_count(1)

    assert sim.world.state.pushes[0].instance == "cri-bbbbb"


async def test_people_push_all_day_once_they_are_told_to(desk: Room, sim: Simulator) -> None:
    await desk.page.get_by_test_id("rate-zhangjiakou").select_option("600")
    await expect(desk.page.locator("#pushes li")).to_have_count(8)
    await desk.page.get_by_test_id("rate-zhangjiakou").select_option("0")
    await expect(desk.page.get_by_test_id("rate-zhangjiakou")).to_have_value("0")

    assert sim.pushers.per_minute == {}
