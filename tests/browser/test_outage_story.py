"""The whole story of copies on the workspace page: a lie is found, a channel is told, a region dies, pulls move."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
import yaml
from playwright.async_api import Browser, Locator, expect

from tests.browser.room import Room, opened
from tests.scenarios.company import Company, company_with_bot

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
SEED = Path(__file__).parents[2] / "simulator" / "seed.yaml"
MANY = {"repositories": 60, "tags": 5, "source": "cri-bbbbb", "targets": ["cri-aaaaa"], "missing": 0.1}
ZHANGJIAKOU = "cri-bbbbb"
COMPARE = "/registry replication from zhangjiakou to hangzhou"
LOSS = re.compile(
    r"Loss: As of \d\d:\d\d UTC, (?:less than a minute|\d+ min) before zhangjiakou could no longer be read: "
    r"8 of 9 critical images are identical at hangzhou; missing: core/web:6\.0\.0 \(pushed \d\d:\d\d\)\."
)


@pytest_asyncio.fixture(loop_scope="session")
async def company(
    browser: Browser, monkeypatch: pytest.MonkeyPatch, redis_url: str, tmp_path: Path
) -> AsyncIterator[Company]:
    """A company with more than its critical images, whose bot looks every second and calls 2 seconds too long."""
    document = yaml.safe_load(SEED.read_text("utf-8"))
    document["generate"] = [MANY]
    document["replication"] = {"lag_ms": 200}
    world = tmp_path / "world.yaml"
    world.write_text(yaml.safe_dump(document), "utf-8")

    def impatient(config: str) -> str:
        return config.replace("replication_lag: 15m", "replication_lag: 2s")

    async with company_with_bot(
        monkeypatch,
        redis_url,
        world=world,
        amend=impatient,
        REGISTRY_BOT_INVENTORY_EVERY="1",
        REGISTRY_BOT_ALIBABA_QPS="200",
    ) as company:
        yield company


@pytest_asyncio.fixture(loop_scope="session")
async def phone(browser: Browser, company: Company) -> AsyncIterator[Room]:
    async with opened(browser, company.slack.page_url, width=390, height=844) as room:
        yield room


async def until_told(room: Room, beginning: str) -> str:
    """Compare again and again until the answer holds this."""
    answers = room.page.locator("#timeline > [data-testid=message]").filter(has_text="Compared by digest")
    said = ""
    for _ in range(20):
        already = await answers.count()
        await room.type(COMPARE)
        await expect(answers).to_have_count(already + 1)
        if beginning in (said := await answers.last.inner_text()):
            return said
        await room.page.wait_for_timeout(500)
    pytest.fail(f"it was never told: {said}")


async def asked(room: Room, text: str, *words: str) -> str:
    """Type a command and return the answer, which fits the window and is photographed under its verb."""
    await room.type(text)
    answer = await room.message(*words)
    await expect(answer.locator(".byline").first).to_be_in_viewport()
    return await photographed(room, text, answer)


async def followed(room: Room, text: str, *words: str) -> str:
    """Type a command whose answer grows in the channel, below which the asker is told so, and return its end."""
    await room.type(text)
    await room.message("the answer is given in this channel")
    return await photographed(room, text, await room.message(*words))


async def photographed(room: Room, text: str, answer: Locator) -> str:
    """Keep a picture of an answer, which fits the width, and return its words."""
    assert await room.too_wide() == []
    await room.keep_picture("-".join(["story", *text.split()[1::5]]))
    return await answer.inner_text()


async def a_lie_is_found_and_its_end_told(company: Company, phone: Room) -> None:
    company.sim.faults.set("false_success", "zhangjiakou", True)
    company.sim.world.push(ZHANGJIAKOU, "core/api", "9.9.9")
    await phone.message("STUCK: core/api:9.9.9 since", "its copy was reported done and is not there")

    assert "core/api:9.9.9 missing" in await until_told(phone, "BEHIND: 1 of 8 critical images would be lost")
    told = await asked(phone, "/registry diff core/api:9.9.9", "MISSING: core/api:9.9.9 is not at hangzhou")
    assert "its copy was reported done and is not there" in told

    company.sim.faults.set("false_success", "zhangjiakou", False)
    company.sim.world.push(ZHANGJIAKOU, "core/api", "9.9.9")
    await phone.message("RECOVERED: core/api:9.9.9 is no longer stuck, zhangjiakou to hangzhou")


async def a_region_dies_before_its_last_push_was_copied(company: Company, phone: Room) -> None:
    company.sim.faults.set("replication_stalled", "zhangjiakou", True)
    company.sim.world.push(ZHANGJIAKOU, "core/web", "6.0.0")
    await until_told(phone, "BEHIND: 1 of 9 critical images would be lost")
    company.sim.faults.set("region_down", "zhangjiakou", True)


async def everything_is_answered_all_the_same(phone: Room) -> None:
    overview = await asked(phone, "/registry replication", "One direction in full")
    assert overview.index("BEHIND: 1 of 9 critical images") < overview.index("IN STEP: all 8 critical images")

    deep = await followed(phone, f"{COMPARE} deep", "BEHIND: 1 of 9", "Pulls from hangzhou: 8 of 8 tags sound")
    assert "core/web:6.0.0 missing, pushed" in deep
    assert "Cannot be read: zhangjiakou" in deep

    await phone.type(f"{COMPARE} repo team*")
    await phone.message("BEHIND: 34 of 300 images in team* would be lost", "and 24 more")
    await phone.message("35 differences from zhangjiakou to hangzhou", ".csv")
    await asked(phone, f"{COMPARE} repo core/wep", "None of 64 repositories is called 'core/wep'. Nearly: core/web")

    told = await asked(phone, "/registry diff core/web:6.0.0", "MISSING: core/web:6.0.0 is not at hangzhou")
    assert "its copy is not done yet" in told


async def pulls_move_by_two_people_who_know_the_loss(phone: Room) -> None:
    await phone.type("/registry failover zhangjiakou because the region is down")
    card = await (await phone.message("GO-WITH-LOSS", "needs a second person")).inner_text()
    assert LOSS.search(card), card
    assert await phone.too_wide() == []
    await phone.keep_picture("story-card")

    await phone.act_as("Approver")
    await phone.press("approve")
    question = await phone.question()
    await phone.confirm()

    assert "missing: core/web:6.0.0" in question
    assert "Pulls work" in await phone.vpc("vpc-bbbbb", "pulls from cri-aaaaa (hangzhou)")


async def test_a_lie_is_found_a_region_dies_and_whoever_decides_knows_what_is_lost(
    company: Company, phone: Room
) -> None:
    assert "Cannot be read" not in await until_told(phone, "IN STEP: all 7 critical images identical")
    await asked(phone, "/registry watch zhangjiakou", "This channel now watches zhangjiakou")

    await a_lie_is_found_and_its_end_told(company, phone)
    await a_region_dies_before_its_last_push_was_copied(company, phone)
    await everything_is_answered_all_the_same(phone)
    await pulls_move_by_two_people_who_know_the_loss(phone)
