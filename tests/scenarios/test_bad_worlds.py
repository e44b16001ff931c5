"""A world that is not as a failover needs it: the reason in one sentence, nothing asked of anybody, nothing written."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from simulator.alibaba.ram import Ram
from tests.scenarios.company import APPROVER, KEYS, ON_CALL, Company

Edit = Callable[[Company], None]
WORLDS: dict[str, tuple[Edit, tuple[str, ...]]] = {
    "the site is away already": (
        lambda c: c.record(type="CNAME", value="sim-a-registry.cn-hangzhou.cr.aliyuncs.com"),
        ("already pulls from hangzhou", "there is nothing to change"),
    ),
    "the zone is missing": (lambda c: c.zone(remove=True), ("No PrivateZone zone", "is bound to vpc-bbbbb")),
    "two zones are bound": (lambda c: c.zone(copies=1), ("bound to several zones",)),
    "other VPCs are bound": (
        lambda c: c.zone(vpcs=["vpc-bbbbb", "vpc-ccccc"]),
        ("other VPCs are bound than configured (vpc-bbbbb, vpc-ccccc)", "correct it"),
    ),
    "the zone is a product's own": (lambda c: c.zone(creator_subtype="STS"), ("E_MANAGED_ZONE",)),
    "the record is missing": (lambda c: c.record(act="remove"), ("has no `@` record", "Add one")),
    "there are two records": (lambda c: c.record(act="add"), ("has 2 `@` records", "A 10.99.0.99", "Remove")),
    "the record is disabled": (lambda c: c.record(status="DISABLE"), ("is disabled", "Enable it")),
    "the record is of another type": (lambda c: c.record(type="TXT", value="x"), ("of type TXT", "only A and CNAME")),
    "the record is for one line": (lambda c: c.record(line="telecom"), ("only on line telecom",)),
    "the TTL cannot be written back": (lambda c: c.record(ttl=600), ("TTL 600 s", "Set one of these")),
    "the value is nobody's": (
        lambda c: c.record(value="10.9.9.9"),
        ("NO-GO", "10.9.9.9 belongs to no configured site"),
    ),
    "the standby is stopped": (lambda c: c.standby(status="STOPPED"), ("NO-GO", "hangzhou is STOPPED")),
    "the standby's public endpoint is off": (lambda c: c.standby(public=False), ("is not open (off)", "via internal")),
    "the standby lacks the custom domain": (lambda c: c.standby(custom_domains=[]), ("NO-GO", "certificate")),
    "the standby shuts the callers out": (
        lambda c: c.standby(acl=["192.0.2.1/32"]),
        ("NO-GO", "does not admit 203.0.113.7/32"),
    ),
}
FAULTS = {
    ("pvtz_down", None): ("HTTP status 503", "Ask again in a moment"),
    ("throttled", "hangzhou"): ("asks the bot to slow down", "Ask again, or take the manual steps"),
    ("certificate_expired", "hangzhou"): ("NO-GO", "certificate that has expired"),
    ("acl_closed", "hangzhou"): ("NO-GO", "does not answer pulls"),
}
DENIED = {
    "pvtz:DescribeZones": ("lacks the RAM action pvtz:DescribeZones", "Grant it"),
    "pvtz:DescribeZoneInfo": ("lacks the RAM action pvtz:DescribeZoneInfo", "Grant it"),
    "pvtz:DescribeZoneRecords": ("lacks the RAM action pvtz:DescribeZoneRecords", "Grant it"),
    "cr:GetInstance": ("NO-GO", "lacks the RAM action cr:GetInstance ", "Grant it"),
    "cr:GetInstanceEndpoint": ("lacks the RAM action cr:GetInstanceEndpoint", "Grant it"),
}


@pytest.mark.covers("A36", "A37")
async def test_no_failover_is_asked_for_in_a_world_that_does_not_fit(company: Company) -> None:
    for edit, words in WORLDS.values():
        company.sim.reset()
        edit(company)

        company.refused(await company.command(ON_CALL, "failover zhangjiakou"), *words)


@pytest.mark.parametrize(("fault", "target"), FAULTS)
async def test_a_fault_while_planning_is_told_and_asks_nobody(company: Company, fault: str, target: str | None) -> None:
    company.sim.faults.set(fault, target, True)

    company.refused(await company.command(ON_CALL, "failover zhangjiakou"), *FAULTS[fault, target])


async def test_a_missing_permission_is_named_with_what_to_grant(company: Company) -> None:
    for action, words in DENIED.items():
        ram(company).denied = {action}

        company.refused(await company.command(ON_CALL, "failover zhangjiakou"), *words)


async def test_a_key_that_the_vendor_does_not_know_is_said_to_be_the_trouble(company: Company) -> None:
    assert company.sim.alibaba is not None
    company.sim.alibaba.expel(KEYS.access_key_id)

    company.refused(
        await company.command(ON_CALL, "failover zhangjiakou"), "does not know the bot's access key", "Check the key"
    )


@pytest.mark.covers("F54")
async def test_a_key_that_may_not_write_fails_with_the_permission_and_the_manual_steps(company: Company) -> None:
    ram(company).identities[KEYS.access_key_id] = replace(KEYS, may_write=False)
    await company.failover()

    await company.click(APPROVER, "approve")
    card = await company.shows("FAILED")

    assert "lacks the RAM action pvtz:UpdateZoneRecord" in card["text"]
    assert "aliyun pvtz UpdateZoneRecord --RecordId" in str(card["blocks"])
    assert company.writes() == []


def ram(company: Company) -> Ram:
    """Return who may call what in the simulated cloud."""
    assert company.sim.alibaba is not None
    return company.sim.alibaba.cloud.ram
