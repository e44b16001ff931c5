"""Several people and several deliveries at once: one request, one decision, one change."""

import asyncio

import pytest

from tests.scenarios.company import APPROVER, ON_CALL, OPS, SECOND, Company


@pytest.mark.covers("A25")
async def test_two_approvers_at_the_same_moment_make_one_change(company: Company) -> None:
    await company.failover()

    told = await asyncio.gather(company.click(APPROVER, "approve"), company.click(SECOND, "approve"))
    await company.shows_written()

    assert any("is approved" in words for words in told)
    assert len(company.writes()) == 1


async def test_approve_and_reject_at_the_same_moment_have_one_winner(company: Company) -> None:
    await company.failover()

    approved, rejected = await asyncio.gather(company.click(APPROVER, "approve"), company.click(SECOND, "reject"))
    await company.until(lambda: any(word in company.card()["text"] for word in ("VERIFYING", "DONE", "REJECTED")))

    assert ("is approved" in approved) is ("is already" in rejected)
    assert ("is rejected" in rejected) is ("is already" in approved)
    assert len(company.writes()) == ("is approved" in approved)


async def test_a_click_that_slack_delivers_again_counts_once(company_by: Company) -> None:
    await company_by.failover()

    await company_by.click(APPROVER, "approve")
    again = await company_by.slack.redeliver()
    await company_by.shows_written()

    assert again["status"] == "ok"
    assert len(company_by.writes()) == 1


async def test_the_same_request_twice_at_once_makes_one_card(company: Company) -> None:
    await asyncio.gather(*(company.slack.command(ON_CALL, OPS, "failover zhangjiakou") for _ in range(3)))

    def refused() -> int:
        told = [str(m["text"]) for m in company.slack.messages(OPS, ON_CALL)]
        return sum("already wants to change the same" in words for words in told)

    await company.until(lambda: refused() == 2)
    await company.shows_a_card()
    assert len(company.cards()) == 1


async def test_a_cancel_after_the_approval_either_wins_or_comes_too_late(company: Company) -> None:
    operation_id = company.operation_id(await company.failover())

    await company.click(APPROVER, "approve")
    told = await company.command(ON_CALL, f"cancel {operation_id}")
    await company.until(lambda: any(word in company.card()["text"] for word in ("VERIFYING", "DONE", "CANCELLED")))

    assert ("is cancelled" in told) is (company.writes() == [])
