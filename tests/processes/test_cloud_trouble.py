"""Alibaba Cloud hanging, refusing the key or withholding a permission."""

import asyncio
from pathlib import Path

import pytest

from tests.processes.premises import HOME, Premises, premises
from tests.proxy import proxy_to
from tests.scenarios.company import APPROVER, ON_CALL
from tests.secrets import marked

CANARY = marked("WrongKey")


async def test_a_wrong_key_is_named_and_nothing_can_be_requested(company: Premises) -> None:
    wrong = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAI5tWrong", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": CANARY}
    async with company.started_bot(**wrong):  # as the SDK reads its keys once, a fork would have ours
        refused = await company.command(ON_CALL, "failover zhangjiakou")
        status = await company.command(ON_CALL, "status")

    assert "InvalidAccessKeyId" in refused
    assert "UNKNOWN" in status
    assert company.cards() == []
    assert CANARY not in company.everything_logged() + company.everything_said()
    await company.assert_no_secret_is_out()


@pytest.mark.covers("F54")
async def test_a_missing_permission_to_write_fails_the_operation_with_its_name(company: Premises) -> None:
    assert company.sim.alibaba is not None
    async with company.bot():
        await company.failover()
        company.sim.alibaba.cloud.ram.denied.add("pvtz:UpdateZoneRecord")
        await company.click(APPROVER, "approve")
        card = await company.shows("FAILED")

    assert "pvtz:UpdateZoneRecord" in str(card["blocks"])
    assert company.holds() == HOME
    assert company.writes() == []
    await company.assert_no_secret_is_out()


async def test_every_delivery_is_acknowledged_in_time_while_the_cloud_hangs(redis_url: str, tmp_path: Path) -> None:
    async with (
        premises(redis_url, tmp_path) as company,
        proxy_to(f"http://{company.environment['REGISTRY_BOT_ALIBABA_PVTZ_ENDPOINT']}") as proxy,
        company.bot(REGISTRY_BOT_ALIBABA_PVTZ_ENDPOINT=f"127.0.0.1:{proxy.port}"),
    ):
        await company.failover()
        proxy.is_black_hole = True
        company.sim.faults.set("region_down", None, True)

        await asyncio.gather(
            *(company.command_in_time(ON_CALL, text) for text in ("status", "failover hangzhou", "replication")),
            company.acknowledged(APPROVER, "approve"),
        )
        await company.shows("STALE")

        assert company.holds() == HOME
