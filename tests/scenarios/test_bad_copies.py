"""What people read of copies when names are wrong, answers odd, and sites slow, gone or locked."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from bot.adapters.clock import SystemClock
from bot.adapters.redis_inventory import RedisInventories
from simulator.alibaba.distortion import Distortion
from simulator.images import Image
from tests.scenarios.company import MEMBER, OPS, PATIENCE, Company, company_with_bot

SEED = Path(__file__).parents[2] / "simulator" / "seed.yaml"
COMPARE = "replication from zhangjiakou to hangzhou"
ZHANGJIAKOU = "cri-bbbbb"
INSTANCES = (ZHANGJIAKOU, "cri-aaaaa")
IN_STEP = "IN STEP: all 7 critical images identical, zhangjiakou to hangzhou"
SEVERAL_PAGES = 230
TRUE_LOSS = "BEHIND: 1 of 238 critical images would be lost, zhangjiakou to hangzhou"
ODD_ANSWERS = {
    "rate_limited": "zhangjiakou",
    "shifting_pages": None,
    "wrong_counts": None,
    "null_texts": None,
    "prefixed_digests": None,
}


@pytest.fixture
async def company(monkeypatch: pytest.MonkeyPatch, redis_url: str) -> AsyncIterator[Company]:
    """The company with a bot that looks at its instances every second."""
    async with company_with_bot(monkeypatch, redis_url, REGISTRY_BOT_INVENTORY_EVERY="1") as company:
        yield company


@pytest.fixture
async def kept(redis_url: str) -> AsyncIterator[RedisInventories]:
    inventories = RedisInventories(redis_url, SystemClock())
    yield inventories
    await inventories.close()


async def read(kept: RedisInventories, *instances: str) -> None:
    """Wait until the bot has read what these instances hold now."""
    now = SystemClock().now()
    async with asyncio.timeout(PATIENCE):
        for instance in instances or INSTANCES:
            while ((await kept.coverage(instance)).as_of or datetime.min.replace(tzinfo=UTC)) < now:
                await asyncio.sleep(0.05)


async def asked(company: Company, text: str) -> str:
    """Return all that a member is told."""
    await company.command(MEMBER, text)
    mine = [m for m in company.slack.messages(OPS, MEMBER) if m["ephemeral_to"] == MEMBER]
    return str(mine[-1]["blocks"])


@pytest.mark.parametrize("fault", ODD_ANSWERS)
async def test_odd_answers_of_the_vendor_change_nothing_of_what_would_be_lost(
    company: Company, kept: RedisInventories, fault: str
) -> None:
    for number in range(SEVERAL_PAGES):
        for instance in INSTANCES:
            company.sim.world.put(instance, "core/many", f"1.{number}", Image(f"core/many:1.{number}"))
    company.sim.faults.set(fault, ODD_ANSWERS[fault], True)
    company.sim.faults.set("replication_stalled", "zhangjiakou", True)
    company.sim.world.push(ZHANGJIAKOU, "core/api", "9.9.9")

    await read(kept)

    said = await asked(company, COMPARE)
    found = await asked(company, "diff core/api:9.9.9")

    assert TRUE_LOSS in said
    assert "237 identical, 1 missing at hangzhou" in said
    assert "*UNKNOWN*" not in said + found
    assert ("*Partial*" in said) <= (fault == "wrong_counts")
    assert "MISSING: core/api:9.9.9 is not at hangzhou" in found


async def test_a_list_that_never_comes_as_long_as_announced_is_named_as_the_part_that_is_unknown(
    monkeypatch: pytest.MonkeyPatch, company: Company, kept: RedisInventories
) -> None:
    for number in range(SEVERAL_PAGES):
        company.sim.world.put(ZHANGJIAKOU, "core/many", f"1.{number}", Image(f"core/many:1.{number}"))
    monkeypatch.setattr(Distortion, "total", lambda self, at, true: true + 3 if true == SEVERAL_PAGES else true)
    company.sim.faults.set("replication_stalled", "zhangjiakou", True)
    company.sim.world.push(ZHANGJIAKOU, "core/api", "9.9.9")

    await read(kept)

    said = await asked(company, COMPARE)
    assert re.search(r"\*BEHIND: 1 of 8 critical images would be lost, .*, partial\*", said)
    assert "*Partial*: 1 repository could not be compared: `core/many`." in said


async def test_a_name_that_nothing_has_is_told_with_what_it_nearly_is(company: Company, kept: RedisInventories) -> None:
    await read(kept)
    near = "None of 4 repositories is called 'core/wep'."

    assert f"{near} Nearly: core/web" in await asked(company, f"{COMPARE} repo core/wep")
    of_an_image = await asked(company, "diff core/wep:1.0")
    assert f"{near} Nearly: core/web" in of_an_image
    assert "No site has a tag '5.2' of core/web, which has 2 of them. Nearly: 5.2.0" in await asked(
        company, "diff core/web:5.2"
    )


async def test_a_repository_on_one_side_only_is_lost_one_way_and_nothing_the_other(
    company: Company, kept: RedisInventories
) -> None:
    company.sim.world.push(ZHANGJIAKOU, "platform/solo", "1.0")
    await read(kept)

    lost = await asked(company, f"{COMPARE} repo platform/solo")
    back = await asked(company, "replication from hangzhou to zhangjiakou repo platform/solo")
    found = await asked(company, "diff platform/solo")

    assert "BEHIND: 1 of 1 image in `platform/solo` would be lost" in lost
    assert "`platform/solo:1.0` missing" in lost
    assert "no rule copies it" in lost
    assert "NOTHING COMPARED: no image in `platform/solo`" in back
    assert "Only there: `platform/solo:1.0`" in back
    assert "MISSING: platform/solo is not at hangzhou" in found
    assert "*hangzhou* *no such repository*" in found


async def test_sites_without_rules_are_compared_all_the_same(company: Company, kept: RedisInventories) -> None:
    company.sim.world.state.rules.clear()
    await read(kept)

    said = await asked(company, COMPARE)

    assert IN_STEP in said
    assert "*Rules*: none copies in this direction: what is pushed stays where it is." in said


async def test_a_site_that_lets_no_call_pass_is_compared_as_it_was_read(
    company: Company, kept: RedisInventories
) -> None:
    await read(kept)
    company.sim.faults.set("throttled", "zhangjiakou", True)

    said = await asked(company, COMPARE)
    found = await asked(company, "diff core/api:2.7.1")

    assert IN_STEP in said
    assert "*Cannot be read*: zhangjiakou, now:" in said
    assert "asks the bot to slow down" in said
    assert "Rules not listed by zhangjiakou." in said
    assert "SAME: core/api:2.7.1 is identical at every site" in found


async def test_of_an_instance_that_is_gone_the_last_known_is_told_with_the_reason(
    company: Company, kept: RedisInventories
) -> None:
    await read(kept)
    company.sim.world.instances[ZHANGJIAKOU].status = "DELETED"

    said = await asked(company, COMPARE)

    assert IN_STEP in said
    assert "*Cannot be read*: zhangjiakou" in said
    assert "no such instance in this region and account" in said


async def test_without_credentials_of_one_account_its_site_alone_is_unknown(
    monkeypatch: pytest.MonkeyPatch, redis_url: str, tmp_path: Path, kept: RedisInventories
) -> None:
    document = yaml.safe_load(SEED.read_text("utf-8")) | {"accounts": {"partner": "2000000000000002"}}
    document["instances"]["cri-aaaaa"]["account"] = "partner"
    world = tmp_path / "world.yaml"
    world.write_text(yaml.safe_dump(document), "utf-8")

    async with company_with_bot(monkeypatch, redis_url, world=world, REGISTRY_BOT_INVENTORY_EVERY="1") as company:
        await read(kept, ZHANGJIAKOU)
        said = await asked(company, COMPARE)
        found = await asked(company, "diff core/api:2.7.1")

    assert "UNKNOWN: zhangjiakou to hangzhou, hangzhou was never read and cannot be now" in said
    assert "There are no valid Alibaba Cloud credentials for account 'partner'" in said
    assert "Rule `core to hangzhou`: namespace `core`, on push, between accounts" in said
    assert "*hangzhou* *UNKNOWN*: not read yet" in found
    assert "*zhangjiakou* `sha256:" in found
