"""The workspace page by itself: what it shows of messages that any app could send."""

from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.browser.room import opened
from tests.simulator.slack_desk import Desk, button, card, desk

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
NASTY = "<img src=x onerror=\"document.title='owned'\"> <javascript:alert(1)|press> <https://example.org|fine> *bold*"


def world(instance: str = "cri-bbbbb", site: str = "zhangjiakou") -> dict[str, object]:
    view = {"vpc": "vpc-bbbbb", "site": "zhangjiakou", "instance": instance, "instance_site": site, "pulls": "ok"}
    view |= {"record": {"type": "A", "value": "10.2.0.20", "ttl": 60}}  # type: ignore[dict-item]
    sites = [{"name": name, "region": "", "instance": own, "status": "RUNNING"} for name, own in SITES]
    return {"views": [view], "sites": sites, "replication": []}


SITES = [("hangzhou", "cri-aaaaa"), ("zhangjiakou", "cri-bbbbb")]


class Picture:
    """A world that a test can change."""

    def __init__(self) -> None:
        self.now = world()

    def __call__(self) -> dict[str, object]:
        return self.now


@pytest.fixture
def picture() -> Picture:
    return Picture()


@pytest_asyncio.fixture(loop_scope="session")
async def at(tmp_path: Path, picture: Picture) -> AsyncIterator[Desk]:
    async with desk(tmp_path, picture=picture) as running:
        yield running


async def test_what_people_type_never_becomes_part_of_the_page(browser: Browser, at: Desk) -> None:
    async with opened(browser, at.slack.page_url) as room:
        page = room.page
        await page.get_by_test_id("composer").fill(NASTY)
        await page.get_by_test_id("composer").press("Enter")
        message = page.get_by_test_id("message")
        await message.wait_for()

        assert "<img src=x" in await message.inner_text()
        assert await message.locator("img[src=x]").count() == 0
        assert await message.locator("a").evaluate_all("links => links.map(link => link.href)") == [
            "https://example.org/"
        ]
        assert await message.locator(".body strong").inner_text() == "bold"
        assert "owned" not in await page.title()


async def test_a_button_asks_first_and_a_failed_delivery_is_shown(browser: Browser, at: Desk) -> None:
    question = {name: {"type": "plain_text", "text": f"the {name}"} for name in ("title", "text", "confirm", "deny")}
    await at.post(blocks=card(button("operation.approve", confirm=question)))
    async with opened(browser, at.slack.page_url, 390, 844) as room:
        page = room.page
        await page.get_by_test_id("button-operation.approve").click()
        await page.get_by_text("the title").wait_for()
        await page.get_by_test_id("confirm-cancel").click()
        cancelled = len(at.slack.calls)
        await page.get_by_test_id("button-operation.approve").click()
        await page.get_by_test_id("confirm-ok").click()

        await page.get_by_text("This did not work (dispatch_failed)").wait_for()
        assert len(at.slack.calls) == cancelled
        assert await page.get_by_test_id("button-operation.approve").is_enabled()


async def test_acting_as_somebody_else_hides_what_was_for_the_first_person(browser: Browser, at: Desk) -> None:
    await at.client.chat_postEphemeral(channel="C01OPS", user="U01ONCALL", text="for on-call only")
    async with opened(browser, at.slack.page_url) as room:
        page = room.page
        await page.get_by_text("Only visible to you").wait_for()
        await page.get_by_test_id("act-as").select_option("U01APPROVER")
        await page.get_by_text("Nothing has been said here yet").wait_for()

        assert await page.get_by_text("for on-call only").count() == 0


async def test_a_failed_command_reads_as_in_slack(browser: Browser, at: Desk) -> None:
    async with opened(browser, at.slack.page_url) as room:
        page = room.page
        await page.get_by_test_id("composer").fill("/registry help")
        await page.get_by_test_id("composer").press("Enter")

        await page.get_by_text('/registry failed with the error "dispatch_failed"').wait_for()


async def test_the_picture_moves_when_a_vpc_pulls_from_elsewhere(browser: Browser, at: Desk, picture: Picture) -> None:
    async with opened(browser, at.slack.page_url) as room:
        page = room.page
        await page.get_by_test_id("vpc-vpc-bbbbb").get_by_text("cri-bbbbb").wait_for()
        picture.now = world("cri-aaaaa", "hangzhou")

        await page.get_by_test_id("vpc-vpc-bbbbb").get_by_text("Was cri-bbbbb until").wait_for()
        assert "pulls from cri-aaaaa (hangzhou)" in await page.get_by_test_id("vpc-vpc-bbbbb").inner_text()


async def test_a_rule_by_hand_is_not_said_to_keep_the_sites_in_step(
    browser: Browser, at: Desk, picture: Picture
) -> None:
    quiet = {"from": "cri-aaaaa", "to": "cri-bbbbb", "open": 0, "failed": 0, "stalled": False}
    rules = [{"rule": "after-pushes", "trigger": "PASSIVE"}, {"rule": "on-demand", "trigger": "INITIATIVE"}]
    picture.now["replication"] = [rule | quiet for rule in rules]
    async with opened(browser, at.slack.page_url) as room:
        lines = room.page.locator("#replication li")
        await lines.nth(1).wait_for()

        assert await lines.all_inner_texts() == [
            "after-pushes cri-aaaaa → cri-bbbbb: in step",
            "on-demand cri-aaaaa → cri-bbbbb: by hand only",
        ]


async def test_a_switch_breaks_something_and_mends_it(browser: Browser, at: Desk) -> None:
    async with opened(browser, at.slack.page_url) as room:
        page = room.page
        switch = page.get_by_test_id("fault-region_down-zhangjiakou")
        await switch.check()
        await page.get_by_text("1 on").wait_for()
        broken = at.faults.active("region_down", "zhangjiakou")
        await switch.uncheck()
        await page.wait_for_function("document.getElementById('fault-count').textContent === ''")

        assert (broken, at.faults.active("region_down", "zhangjiakou")) == (True, False)


async def test_replies_fold_under_their_message(browser: Browser, at: Desk) -> None:
    parent = await at.post(text="the card")
    await at.post(text="a step", thread_ts=parent)
    async with opened(browser, at.slack.page_url) as room:
        page = room.page
        await page.get_by_text("a step").wait_for()
        await page.get_by_test_id("thread-toggle").click()

        assert await page.get_by_text("a step").count() == 0
        assert await page.get_by_test_id("thread-toggle").get_attribute("aria-expanded") == "false"


async def test_a_permalink_brings_its_message_into_sight(browser: Browser, at: Desk) -> None:
    first = await at.post(text="the card")
    link = (await at.client.chat_getPermalink(channel="C01OPS", message_ts=first))["permalink"]
    for number in range(6):
        await at.post("C02INC", text=f"line {number}\n" * 12)
    await at.post("C02INC", text=f"see <{link}|its record here>")
    async with opened(browser, at.slack.page_url, 390, 844) as room:
        page = room.page
        await page.get_by_test_id("channel-C02INC").click()
        await page.get_by_text("its record here").click()

        await page.get_by_text("the card").wait_for()
        assert await page.get_by_test_id("channel-C01OPS").get_attribute("aria-current") == "true"
        await page.goto(str(link))
        await page.get_by_text("the card").wait_for()


async def test_the_picture_of_many_vpcs_stays_within_the_page(browser: Browser, picture: Picture, at: Desk) -> None:
    vpcs = ("vpc-aaaaa", "vpc-bbbbb", "vpc-ccccc", "vpc-ddddd")
    views = [world()["views"][0] | {"vpc": vpc} for vpc in vpcs]  # type: ignore[index]
    picture.now = {**picture.now, "views": views}
    async with opened(browser, at.slack.page_url) as room:
        await room.vpc("vpc-ddddd", "Pulls work")
        boxes = [await room.page.locator(f".node.vpc[data-name={vpc}] rect").bounding_box() for vpc in vpcs]

        ends = [(box["x"], box["x"] + box["width"]) for box in boxes if box]
        assert all(before[1] <= after[0] for before, after in pairwise(ends))
        assert (len(ends), await room.too_wide()) == (4, [])
