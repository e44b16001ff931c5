"""What is left of a failover for those who look at it later."""

import json
import os

import pytest

from tests.console.terminal import registry_bot
from tests.scenarios.company import APPROVER, MEMBER, ON_CALL, Company

NEEDED = ("REGISTRY_BOT_REDIS_URL", "REGISTRY_BOT_SIGNING_KEY")


@pytest.mark.covers("A01")
async def test_the_audit_of_a_failover_is_whole_and_has_who_what_when_and_who_was_refused(company: Company) -> None:
    await company.failover("failover zhangjiakou because the region is down")
    await company.click(ON_CALL, "approve")
    await company.click(APPROVER, "approve")
    card = await company.shows("now go to hangzhou")
    told = await company.command(MEMBER, f"show {company.operation_id(card)} timeline")
    terminal = {name: os.environ[name] for name in NEEDED}
    verified = await registry_bot("audit", "verify", environment=terminal)
    span = ("--from", "2020-01-01", "--to", "2100-01-01")
    exported = await registry_bot("audit", "export", *span, environment=terminal)

    assert verified.code == 0, verified.out
    (row,) = [json.loads(line) for line in exported.out.splitlines()]
    assert (row["requested_by_id"], row["approved_by_id"], row["state"]) == (ON_CALL, APPROVER, "DONE")
    assert "A 10.2.0.20 → CNAME sim-a-registry.cn-hangzhou.cr.aliyuncs.com" in row["what"]
    assert row["request_ids"]
    assert "Refused: E_SELF_APPROVAL 1." in exported.err
    assert "Timeline of" in told
