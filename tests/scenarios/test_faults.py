"""Trouble between the plan and the end: every operation ends once, truthfully, and says what to do by hand."""

import pytest

from simulator.editing import third_party_edit
from tests.scenarios.company import APPROVER, ON_CALL, SECOND, WAITING, Company, Json

STRANGE, HOME, STANDBY_ADDRESS = "10.99.0.99", "10.2.0.20", "10.1.0.10"


@pytest.mark.covers("A23")
@pytest.mark.covers("F56")
async def test_an_edit_behind_the_bots_back_is_not_overwritten(company: Company) -> None:
    await company.failover()
    company.sim.faults.set("third_party_edit", "zhangjiakou", True)

    await company.click(APPROVER, "approve")
    card = await company.shows("STALE")

    assert f"held A {HOME}, now it holds A {STRANGE}" in card["text"]
    assert card["text"].lower().count("nothing was changed") == 1
    has_manual_steps(card)
    await company.until(lambda: any("STALE" in reply for reply in company.thread(card)))
    assert await company.resolves("vpc-bbbbb") == (STRANGE,)
    assert company.writes() == []


@pytest.mark.covers("F59")
async def test_a_dns_api_that_goes_down_before_the_write_is_asked_again(company: Company) -> None:
    await company.failover()
    company.sim.faults.set("pvtz_down", None, True)

    await company.click(APPROVER, "approve")
    await company.until(lambda: any(call["status"] == 503 for call in company.sim.calls))
    assert sent(company) == []
    company.sim.faults.set("pvtz_down", None, False)
    await company.shows_written()

    assert len(company.writes()) == 1


async def test_a_standby_that_breaks_before_the_write_ends_it_without_one(company: Company) -> None:
    await company.failover()
    company.standby(status="STOPPED")

    await company.click(APPROVER, "approve")
    card = await company.shows("STALE")

    assert "now it is NO-GO" in card["text"]
    has_manual_steps(card)
    assert company.writes() == []


async def test_a_record_that_cannot_be_read_right_before_the_write_is_waited_for(company: Company) -> None:
    assert company.sim.alibaba is not None
    await company.failover()
    company.sim.alibaba.cloud.ram.denied = {"pvtz:DescribeZoneRecord"}
    await company.click(APPROVER, "approve")
    await company.until(lambda: "cannot be read just now" in str(company.card()["blocks"]))
    assert sent(company) == []
    company.sim.alibaba.cloud.ram.denied = set()

    await company.shows_written()

    assert len(company.writes()) == 1


@pytest.mark.covers("F47")
async def test_a_write_without_an_answer_is_read_back_not_repeated_and_the_record_rests(company: Company) -> None:
    company.sim.faults.set("applied_but_timed_out", "zhangjiakou", True)
    await company.failover()

    await company.click(APPROVER, "approve")
    await company.shows("DONE")
    company.sim.faults.set("applied_but_timed_out", "zhangjiakou", False)
    await company.failover("failover zhangjiakou via internal")

    assert "may still be in flight, so it is on hold for" in await company.click(SECOND, "approve")
    assert len(company.writes()) == len(sent(company)) == 1


async def test_a_record_that_is_neither_old_nor_new_after_an_unclear_write_needs_a_human(company: Company) -> None:
    assert company.sim.alibaba is not None
    company.sim.alibaba.cloud.timing.hang_ms = 200
    company.sim.faults.set("applied_but_timed_out", "zhangjiakou", True)
    await company.failover()

    await company.click(APPROVER, "approve")
    await company.until(lambda: len(company.writes()) == 1)
    third_party_edit(company.sim.world, "zhangjiakou")
    card = await company.shows("NEEDS A HUMAN")

    assert STRANGE in card["text"]
    assert "Write nothing by hand before that" in str(card["blocks"])
    has_manual_steps(card)
    assert len(sent(company)) == 1


async def test_a_silent_slack_never_stops_an_operation_and_its_card_catches_up(company: Company) -> None:
    await company.failover("failover zhangjiakou via internal")
    await company.command(APPROVER, "actions")  # Slack has said who they are before it falls silent
    company.sim.faults.set("slack_429", None, True)

    await company.slack.click(APPROVER, "C01OPS", company.card()["ts"], "operation.approve")
    await company.until(lambda: len(company.writes()) == 1)
    company.sim.faults.set("slack_down", None, True)
    company.sim.faults.set("slack_429", None, False)
    assert await company.resolves("vpc-bbbbb") == (STANDBY_ADDRESS,)
    assert WAITING in company.card()["text"]
    company.sim.faults.set("slack_down", None, False)
    card = await company.shows("DONE")

    await company.until(lambda: len(company.thread(card)) >= 1)
    assert len(company.cards()) == 1
    assert f"<@{ON_CALL}>" in str(card["blocks"])


async def test_a_card_that_slack_does_not_take_yet_is_posted_later(company: Company) -> None:
    await company.command(ON_CALL, "actions")
    company.sim.faults.set("slack_429", None, True)

    told = await company.command(ON_CALL, "failover zhangjiakou")
    assert company.cards() == []
    company.sim.faults.set("slack_429", None, False)
    card = await company.shows_a_card()

    assert company.operation_id(card) in told


def has_manual_steps(card: Json) -> None:
    """Hold that a card says how to do it by hand, both ways."""
    assert "aliyun pvtz UpdateZoneRecord --RecordId" in str(card["blocks"])
    assert "Restore" in str(card["blocks"])


def sent(company: Company) -> list[Json]:
    """Return every attempt to write."""
    return [call for call in company.sim.calls if call["action"] == "UpdateZoneRecord"]
