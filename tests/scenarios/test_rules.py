"""Everything that rules leave open, as `/registry replication` tells it of a company that has all of it."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.adapters.clock import SystemClock
from bot.adapters.redis_inventory import RedisInventories
from simulator.model import Behaviour
from tests.scenarios.company import ON_CALL, Company, company_with_bot
from tests.scenarios.test_bad_copies import SEED, ZHANGJIAKOU, asked, read

HANGZHOU, FINANCE = "cri-aaaaa", "cri-ccccc"
COMPARE = "replication from zhangjiakou to hangzhou"
RULES = [
    {"name": "core", "source": ZHANGJIAKOU, "target": HANGZHOU, "namespace": "core", "repo_filter": "a.*"},
    {"name": "new", "source": ZHANGJIAKOU, "target": HANGZHOU, "namespace": "late", "days_old": 0},
    {"name": "by hand", "source": ZHANGJIAKOU, "target": HANGZHOU, "namespace": "hand", "trigger": "INITIATIVE"},
    {"name": "closed", "source": ZHANGJIAKOU, "target": HANGZHOU, "namespace": "closed"},
    {"name": "nowhere", "source": ZHANGJIAKOU, "target": HANGZHOU, "namespace": "nowhere"},
    {"name": "odd", "source": ZHANGJIAKOU, "target": HANGZHOU, "namespace": "odd", "tag_filter": "(?!x).*"},
]
LATE = [{"repo": f"{name}/app", "tags": ["1"], "at": [ZHANGJIAKOU]} for name in ("late", "hand", "closed", "nowhere")]
BOTH = [{"repo": f"{name}/app", "tags": ["1"], "at": [ZHANGJIAKOU, HANGZHOU]} for name in ("core", "odd", "stays")]

FOUND = (
    "*Rules*: 5 on push, 1 only by hand, last copy ",
    "Rule `core` *fails*: 1 copy since its last success ",
    "1 of 7 critical repositories in no rule: `stays/app`",
    "Namespace `closed` makes no repositories for copies at hangzhou: 1 critical repository cannot arrive",
    "Namespace `nowhere` is missing at hangzhou: 1 critical repository cannot arrive",
    "1 different at an immutable tag of hangzhou, copies of which fail: `core/app:1`",
    "1 of 7 critical repositories copied only by hand: `hand/app`",
    "1 older than any rule for it, never copied by itself: `late/app:1`",
    "1 of 7 critical repositories depend on a filter that cannot be read: `odd/app`",
    "Rule `odd` has the filter `(?!x).*`",
    "Rule `core`: namespace `core` repositories `a.*`, on push",
)
"""What is to be said of them, in the vendor's words where they are the vendor's."""


def a_third_site(document: dict[str, Any]) -> None:
    """Add a site in the finance cloud, which nobody would fail over to."""
    vpc, region = "vpc-ccccc", "cn-shanghai-finance-1"
    place = {"vpc": vpc, "egress": ["198.51.100.9/32"], "instance": FINANCE, "standby": ["hangzhou"]}
    document["sites"]["finance"] = {"region": region, "aliases": [], **place}
    document["instances"][FINANCE] = {
        "name": "sim-c",
        "site": "finance",
        "specification": "Enterprise_Advanced",
        "public_address": "198.51.100.30",
        "links": [{"vpc": vpc, "address": "10.3.0.30"}],
        "namespaces": ["core"],
    }
    record = {"id": 1152921504606847009, "rr": "@", "type": "A", "value": "10.3.0.30", "ttl": 60}
    zone = {"id": "77aa" * 8, "name": document["domain"], "vpcs": [vpc], "records": [record]}
    document["zones"].append(zone)


@pytest.fixture
async def company(monkeypatch: pytest.MonkeyPatch, redis_url: str, tmp_path: Path) -> AsyncIterator[Company]:
    """A company in whose rules everything is wrong that can be."""
    document = yaml.safe_load(SEED.read_text("utf-8"))
    a_third_site(document)
    names = ["core", "late", "hand", "odd", "stays"]
    document["instances"][ZHANGJIAKOU]["namespaces"] = [*names, "closed", "nowhere"]
    document["instances"][HANGZHOU] |= {"namespaces": [*names, "closed"], "by_hand": ["closed"]}
    document |= {"rules": RULES, "images": [*LATE, *BOTH], "critical": ["*/app"]}
    document["replication"] = {"lag_ms": 100, "failures": 1.0}
    world = tmp_path / "world.yaml"
    world.write_text(yaml.safe_dump(document), "utf-8")
    async with company_with_bot(monkeypatch, redis_url, world=world, REGISTRY_BOT_INVENTORY_EVERY="1") as company:
        yield company


@pytest.fixture
async def kept(redis_url: str) -> AsyncIterator[RedisInventories]:
    inventories = RedisInventories(redis_url, SystemClock())
    yield inventories
    await inventories.close()


async def test_all_that_rules_leave_open_is_told_with_the_images_concerned(
    company: Company, kept: RedisInventories
) -> None:
    company.sim.world.instances[HANGZHOU].repositories["core/app"].immutable = True
    company.sim.world.push(ZHANGJIAKOU, "core/app", "1")
    await company.until(lambda: any(task.status == "ERROR" for task in company.sim.world.tasks))
    await read(kept)

    said = await asked(company, COMPARE)

    for words in FOUND:
        assert words in said, words


async def test_the_rules_of_directions_that_nobody_would_take_are_told_as_well(company: Company) -> None:
    said = await asked(company, "replication")

    assert "• zhangjiakou to finance: none copies in this direction" in said
    assert "*Not possible*: nothing is copied from public cloud to finance cloud." in said


async def test_a_channel_that_watches_is_told_of_missing_and_of_failing_rules_and_of_their_end(
    company: Company, kept: RedisInventories
) -> None:
    def told(words: str) -> Callable[[], bool]:
        return lambda: any(words in str(card["text"]) for card in company.cards())

    await read(kept)
    for tag in "234":
        company.sim.world.push(ZHANGJIAKOU, "core/app", tag)
    await company.command(ON_CALL, "watch zhangjiakou")
    await company.until(told("NO RULE: critical stays/app copied by no rule, zhangjiakou to hangzhou"))
    await company.until(told("RULE FAILS: core, 3 copies in a row"))

    company.sim.world.state.behaviour = Behaviour(lag_ms=100)
    company.sim.world.push(ZHANGJIAKOU, "core/app", "5")
    company.sim.world.delete(ZHANGJIAKOU, "stays/app", "1")

    await company.until(told("RECOVERED: rules that failed copy again, or are gone, zhangjiakou to hangzhou"))
    await company.until(told("RECOVERED: a rule copies stays/app now, or it is gone, zhangjiakou to hangzhou"))
