"""The story: a command, a second person's click, and the pulls of a VPC move."""

import pytest

from tests.scenarios.company import APPROVER, MEMBER, ON_CALL, Company

HOME, STANDBY_NAME, STANDBY_ADDRESS = "10.2.0.20", "sim-a-registry.cn-hangzhou.cr.aliyuncs.com", "10.1.0.10"


async def test_a_second_persons_click_moves_the_pulls_by_the_internet_route(company_by: Company) -> None:
    await company_by.failover("failover zhangjiakou because the region is down")
    assert await company_by.resolves("vpc-bbbbb") == (HOME,)

    await company_by.click(APPROVER, "approve")
    card = await company_by.shows("now go to hangzhou")

    assert STANDBY_NAME in await company_by.resolves("vpc-bbbbb")
    assert await company_by.resolves("vpc-aaaaa") == (STANDBY_ADDRESS,)
    assert len(company_by.writes()) == 1
    assert "away from home" in await company_by.command(MEMBER, "status")
    assert "Manual steps" in await company_by.command(MEMBER, f"show {company_by.operation_id(card)} manual")


async def test_the_internal_route_writes_the_standbys_address(company_by: Company) -> None:
    await company_by.failover("failover zhangjiakou via internal")

    await company_by.click(APPROVER, "approve")
    await company_by.until(lambda: len(company_by.writes()) == 1)

    assert await company_by.resolves("vpc-bbbbb") == (STANDBY_ADDRESS,)


@pytest.mark.covers("A01")
async def test_the_requester_alone_cannot_move_anything(company: Company) -> None:
    await company.failover()

    told = await company.click(ON_CALL, "approve")

    assert "Another person must approve it" in told
    assert await company.resolves("vpc-bbbbb") == (HOME,)
    assert company.writes() == []
