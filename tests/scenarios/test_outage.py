"""The bad hour itself: a region is silent, and everything that people need still answers and still moves."""

import asyncio

from bot.adapters.clock import SystemClock
from tests.scenarios.company import APPROVER, MEMBER, ON_CALL, OPS, PATIENCE, SECOND, Company

STATUS_WITHIN = 5.0
COMPARE = "replication from zhangjiakou to hangzhou"
IN_STEP = "IN STEP: all 7 critical images identical, zhangjiakou to hangzhou"


async def test_a_silent_region_is_shown_compared_by_memory_and_failed_over(company: Company) -> None:
    await has_been_read(company)
    company.sim.faults.set("region_down", "zhangjiakou", True)
    started = SystemClock().monotonic()
    told, compared, _ = await asyncio.gather(
        company.command(MEMBER, "status"),
        company.command(SECOND, COMPARE),
        company.failover(),
    )
    assert SystemClock().monotonic() - started < STATUS_WITHIN
    assert "zhangjiakou cannot be read" in told
    assert "*zhangjiakou* `cri-bbbbb` *UNKNOWN*: no answer within 3 s" in heard(company, MEMBER)
    assert compared.startswith(IN_STEP), compared
    assert "*Cannot be read*: zhangjiakou" in heard(company, SECOND)
    assert "Rules not listed by zhangjiakou." in heard(company, SECOND)

    await company.click(APPROVER, "approve")
    await company.until(lambda: len(company.writes()) == 1)

    assert "sim-a-registry.cn-hangzhou.cr.aliyuncs.com" in await company.resolves("vpc-bbbbb")


async def test_a_failover_into_a_silent_region_is_refused_with_the_reason(company: Company) -> None:
    await company.command(MEMBER, "status")  # which leaves a last good answer
    company.sim.faults.set("region_down", "hangzhou", True)

    told = await company.command(ON_CALL, "failover zhangjiakou")

    company.refused(told, "no answer within 3 s", "last good answer", "Ask again, or take the manual steps")


async def has_been_read(company: Company) -> None:
    """Wait until the bot has read once what both instances hold."""
    async with asyncio.timeout(PATIENCE):
        while not (await company.command(MEMBER, COMPARE)).startswith(IN_STEP):
            await asyncio.sleep(0.1)


def heard(company: Company, who: str) -> str:
    """Return the blocks of what this person alone was shown last."""
    return str([m for m in company.slack.messages(OPS, who) if m["ephemeral_to"] == who][-1]["blocks"])
