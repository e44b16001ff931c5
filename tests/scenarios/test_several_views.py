"""A site with two views: one plan, one approval, two records in order, and a card that shows which half is done."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

import simulator
from tests.scenarios.company import APPROVER, ON_CALL, Company, company_with_bot

SEED = Path(simulator.__file__).with_name("seed.yaml")
STANDBY_NAME, THIRD = "sim-a-registry.cn-hangzhou.cr.aliyuncs.com", "vpc-ccccc"
THIRD_ZONE = {
    "id": "7d1f0c2b9a8e4d5fb6c3a2918e7f6d5c",
    "name": "cross-region.registry.io",
    "vpcs": [THIRD],
    "records": [{"id": 1152921504606847005, "rr": "@", "type": "A", "value": "10.2.0.20", "ttl": 30}],
}


@pytest.fixture
async def wide(monkeypatch: pytest.MonkeyPatch, redis_url: str, tmp_path: Path) -> AsyncIterator[Company]:
    """The company, but zhangjiakou has a second VPC with a zone of its own."""
    world = yaml.safe_load(SEED.read_text(encoding="utf-8"))
    world["sites"]["zhangjiakou"]["more_vpcs"] = [THIRD]
    world["zones"].insert(2, THIRD_ZONE)
    file = tmp_path / "world.yaml"
    file.write_text(yaml.safe_dump(world, allow_unicode=True), encoding="utf-8")
    async with company_with_bot(monkeypatch, redis_url, world=file) as company:
        yield company


async def test_one_approval_moves_every_view_of_a_site_in_order(wide: Company) -> None:
    card = await wide.failover()
    assert "vpc-bbbbb, vpc-ccccc" in card["text"]
    assert "TTL 30 s kept" in str(card["blocks"])

    await wide.click(APPROVER, "approve")
    await wide.shows_written()
    await wide.until(lambda: len(wide.thread(card)) >= 2)

    assert [write["params"]["RecordId"][-4:] for write in wide.writes()] == ["7002", "7005"]
    assert str(wide.card()["blocks"]).count("*WRITTEN*") == 2
    for vpc in ("vpc-bbbbb", THIRD):
        assert STANDBY_NAME in await wide.resolves(vpc)
    steps = wide.thread(card)
    assert "vpc-bbbbb now holds" in steps[0]
    assert f"{THIRD} now holds" in steps[1]


@pytest.mark.covers("F55")
async def test_a_second_write_that_fails_ends_partial_and_shows_both_halves(wide: Company) -> None:
    assert wide.sim.alibaba is not None
    wide.sim.alibaba.cloud.timing.latency_ms = 100
    await wide.failover()

    await wide.click(APPROVER, "approve")
    await wide.until(lambda: len(wide.writes()) == 1)
    wide.sim.alibaba.cloud.ram.denied = {"pvtz:UpdateZoneRecord"}
    card = await wide.shows("PARTIAL")

    assert "moved: vpc-bbbbb" in card["text"]
    assert f"not moved: {THIRD}" in card["text"]
    assert "lacks the RAM action pvtz:UpdateZoneRecord" in card["text"]
    assert "aliyun pvtz UpdateZoneRecord --RecordId 1152921504606847005" in str(card["blocks"])
    assert STANDBY_NAME in await wide.resolves("vpc-bbbbb")
    assert await wide.resolves(THIRD) == ("10.2.0.20",)


async def test_only_one_vpc_can_be_moved_and_the_other_stays(wide: Company) -> None:
    card = await wide.failover(f"failover zhangjiakou only {THIRD}")
    assert "vpc-bbbbb" not in card["text"]

    await wide.click(APPROVER, "approve")
    await wide.until(lambda: len(wide.writes()) == 1)

    assert STANDBY_NAME in await wide.resolves(THIRD)
    assert await wide.resolves("vpc-bbbbb") == ("10.2.0.20",)
    wide.record(act="add")
    assert "has 2 `@` records" in await wide.command(ON_CALL, "failover zhangjiakou")
