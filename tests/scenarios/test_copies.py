"""Copies by hand through the front door: asked for in Slack, confirmed by a press, seen at the simulated registry."""

import asyncio
import re
from collections.abc import AsyncIterator

import pytest

from simulator.alibaba.flow import Limit
from simulator.images import Image
from tests.scenarios.company import APPROVER, ON_CALL, OPS, Company, Json, company_with_bot

HANGZHOU, ZHANGJIAKOU = "cri-aaaaa", "cri-bbbbb"
WAY = "from zhangjiakou to hangzhou"


@pytest.fixture
async def company(monkeypatch: pytest.MonkeyPatch, redis_url: str) -> AsyncIterator[Company]:
    async with company_with_bot(monkeypatch, redis_url, REGISTRY_BOT_INVENTORY_EVERY="1") as company:
        yield company


def asked_for(company: Company) -> list[Json]:
    """Return the calls that asked for a copy."""
    return [call for call in company.sim.calls if call["action"] == "CreateRepoSyncTask"]


async def offered(company: Company, what: str = "platform/tools:1.1") -> Json:
    """Ask for a copy as on-call, and return its message."""
    told = await company.command(ON_CALL, f"sync {what} {WAY}")
    return await company.shows_a_card(told=told)


def whispers(company: Company, who: str) -> list[Json]:
    """Return what only one person sees."""
    return [m for m in company.slack.messages(OPS) if m["ephemeral_to"] == who]


async def until_offered(company: Company, what: str, words: str) -> Json:
    """Ask for copies until the bot has read all that there is, and return the message."""
    for _ in range(40):
        before = len(company.cards())
        await company.command(ON_CALL, f"sync {what} {WAY}")
        if len(company.cards()) > before and words in company.card()["text"]:
            return company.card()
        await asyncio.sleep(0.5)
    pytest.fail(f"never offered: {company.said()[-2000:]}")


async def press(company: Company, who: str, button: str, card: Json) -> str:
    """Press a button of an offer, and return what only the presser is told."""
    seen = len(whispers(company, who))
    await company.slack.click(who, OPS, card["ts"], button)
    await company.until(lambda: len(whispers(company, who)) > seen)
    return str(whispers(company, who)[-1]["text"])


async def test_an_image_is_asked_for_confirmed_copied_and_seen(company: Company) -> None:
    card = await offered(company)
    assert "COPY 1 image from zhangjiakou to hangzhou? Until" in card["text"]
    assert asked_for(company) == []

    await press(company, ON_CALL, "copies.start", card)
    ended = await company.shows("COPIED: 1 of 1 image at hangzhou, seen by digest")

    copy = company.sim.world.instances[HANGZHOU].tag("platform/tools", "1.1")
    source = company.sim.world.instances[ZHANGJIAKOU].tag("platform/tools", "1.1")
    assert copy is not None
    assert source is not None
    assert copy.image == source.image
    assert len(asked_for(company)) == 1
    await company.until(lambda: any("COPIED" in text for text in company.thread(ended)))
    job_id = re.search(r"sy-[a-z0-9]{4}", str(ended["blocks"]))
    assert job_id is not None
    assert "COPIED: 1 of 1" in await company.command(ON_CALL, f"show {job_id[0]}")


async def test_a_lie_of_the_vendor_is_a_failure_and_named(company: Company) -> None:
    company.sim.faults.set("false_success", "hangzhou", True)
    card = await offered(company)

    await press(company, ON_CALL, "copies.start", card)
    ended = await company.shows("FAILED: 0 of 1 image at hangzhou, 1 failed")

    assert re.search(r"task rst-\d+ says SUCCESS, hangzhou does not have it", str(ended["blocks"]))


async def test_who_has_not_the_role_starts_nothing_and_a_dismissed_offer_has_no_buttons(company: Company) -> None:
    card = await offered(company)

    told = await press(company, APPROVER, "copies.start", card)
    await press(company, ON_CALL, "copies.dismiss", card)
    ended = await company.shows("DISMISSED: 1 image not copied")

    assert "You are not on the requester list" in told
    assert "copies.start" not in str(ended["blocks"])
    assert asked_for(company) == []


async def test_a_right_that_lacks_is_named_in_the_message(company: Company) -> None:
    assert company.sim.alibaba is not None
    company.sim.alibaba.cloud.ram.denied.add("cr:CreateRepositorySync")
    card = await offered(company)

    await press(company, ON_CALL, "copies.start", card)
    ended = await company.shows("FAILED: 0 of 1 image")

    assert "lacks the RAM action cr:CreateRepositorySync on acs:cr:cn-zhangjiakou:" in str(ended["blocks"])


async def test_many_critical_images_arrive_though_the_vendor_asks_for_less(company: Company) -> None:
    world, zhangjiakou = company.sim.world, company.sim.world.instances[ZHANGJIAKOU]
    for number in range(60):
        world.put(ZHANGJIAKOU, "core/api", f"by-hand-{number}", Image(f"by-hand-{number}"))
    assert company.sim.alibaba is not None
    company.sim.alibaba.cloud.flow.limits["CreateRepoSyncTask"] = Limit(qps=10)
    company.sim.faults.set("false_success", "hangzhou", False)
    await company.until(lambda: zhangjiakou.tag("core/api", "by-hand-59") is not None)
    card = await until_offered(company, "missing", "COPY 60 images")

    await press(company, ON_CALL, "copies.start", card)
    await company.shows("COPIED: 60 of 60 images at hangzhou, seen by digest", patience=120)

    begun = [call for call in asked_for(company) if call["effective"]]
    assert len(begun) == 60
