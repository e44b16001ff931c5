"""The bad hour itself: a region is silent, and everything that people need still answers and still moves."""

import asyncio

from bot.adapters.clock import SystemClock
from tests.scenarios.company import APPROVER, MEMBER, ON_CALL, OPS, SECOND, Company

STATUS_WITHIN = 5.0


async def test_a_silent_region_is_shown_compared_by_memory_and_failed_over(company: Company) -> None:
    await company.command(MEMBER, "replication")
    company.sim.faults.set("region_down", "zhangjiakou", True)
    started = SystemClock().monotonic()
    told, compared, _ = await asyncio.gather(
        company.command(MEMBER, "status"),
        company.command(SECOND, "replication from zhangjiakou to hangzhou"),
        company.failover(),
    )
    assert SystemClock().monotonic() - started < STATUS_WITHIN
    assert "zhangjiakou cannot be read" in told
    assert "*zhangjiakou* `cri-bbbbb` *UNKNOWN*: no answer within 3 s" in heard(company, MEMBER)
    assert "remembered" in compared
    assert "Rules* *UNKNOWN*" in heard(company, SECOND)

    await company.click(APPROVER, "approve")
    await company.until(lambda: len(company.writes()) == 1)

    assert "sim-a-registry.cn-hangzhou.cr.aliyuncs.com" in await company.resolves("vpc-bbbbb")


async def test_a_failover_into_a_silent_region_is_refused_with_the_reason(company: Company) -> None:
    company.sim.faults.set("region_down", "hangzhou", True)

    told = await company.command(ON_CALL, "failover zhangjiakou")

    company.refused(told, "no answer within 3 s", "last good answer", "Ask again, or take the manual steps")


def heard(company: Company, who: str) -> str:
    """Return the blocks of what this person alone was shown last."""
    return str([m for m in company.slack.messages(OPS, who) if m["ephemeral_to"] == who][-1]["blocks"])
