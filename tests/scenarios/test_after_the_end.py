"""After the end: what others do to a record, and what comes late, is seen, told to those concerned and left alone."""

import pytest

from bot.app import serving
from bot.configuration import load_registry
from bot.settings import load_settings
from simulator import editing
from tests.scenarios.company import APPROVER, ON_CALL, SECOND, WAITING, Company, Json

STRANGE, STANDBY_NAME = "10.99.0.99", "sim-a-registry.cn-hangzhou.cr.aliyuncs.com"


async def _moved(company: Company) -> None:
    await company.failover()
    await company.click(APPROVER, "approve")
    await company.shows("DONE")


@pytest.mark.covers("A50")
async def test_an_edit_at_the_console_and_its_end_are_told_on_the_card_and_to_those_who_were_asked(
    company: Company,
) -> None:
    await _moved(company)

    editing.third_party_edit(company.sim.world, "zhangjiakou")
    card = await company.shows("DONE, BUT CHANGED SINCE:")

    assert f"now holds A {STRANGE}, where this operation left CNAME {STANDBY_NAME}" in card["text"]
    reply = await _reply(company, card, "CHANGED SINCE")
    assert "Change log: console-user from 192.0.2.1 at" in reply
    assert f"<@{ON_CALL}> <@{APPROVER}>" in reply
    assert await company.resolves("vpc-bbbbb") == (STRANGE,)
    assert len(company.writes()) == 1

    company.record(type="CNAME", value=STANDBY_NAME)
    await company.until(lambda: "CHANGED SINCE" not in company.card()["text"])

    await _reply(company, card, "BACK AS IT WAS LEFT")


async def test_asking_again_for_what_was_just_put_back_warns_of_going_to_and_fro(company: Company) -> None:
    await _moved(company)
    company.record(type="A", value="10.2.0.20")

    card = await company.failover()

    assert "This repeats a move from zhangjiakou to hangzhou that was made only seconds ago" in str(card["blocks"])


async def _reply(company: Company, card: Json, words: str) -> str:
    """Return the one reply to a card that holds these words, once it is there."""
    await company.until(lambda: any(words in reply for reply in company.thread(card)))
    (reply,) = [reply for reply in company.thread(card) if words in reply]
    return reply


@pytest.mark.covers("F49")
async def test_a_write_that_takes_effect_late_has_one_effect_and_the_next_waits_for_the_hold(company: Company) -> None:
    assert company.sim.alibaba is not None
    company.sim.alibaba.cloud.timing.late_ms = 500
    company.sim.alibaba.cloud.timing.hang_ms = 700
    company.sim.faults.set("late_write", "zhangjiakou", True)

    await _moved(company)
    company.sim.faults.set("late_write", "zhangjiakou", False)
    await company.failover("failover zhangjiakou via internal")

    assert "may still be in flight, so it is on hold for" in await company.click(SECOND, "approve")
    assert len(company.writes()) == 1


@pytest.mark.covers("F58")
async def test_a_read_back_that_lags_is_waited_for_and_nothing_is_written_twice(company: Company) -> None:
    assert company.sim.alibaba is not None
    company.sim.alibaba.cloud.timing.stale_ms = 2_000
    company.sim.faults.set("stale_reads", "zhangjiakou", True)

    await _moved(company)

    sent = [call for call in company.sim.calls if call["action"] == "UpdateZoneRecord"]
    assert len(sent) == len(company.writes()) == 1
    assert "CHANGED SINCE" not in company.card()["text"]


@pytest.mark.covers("F27", "A22")
async def test_a_second_bot_with_another_file_ends_the_request_and_its_buttons_go(company: Company) -> None:
    await company.failover()
    settings = load_settings()
    settings.config.write_text(settings.config.read_text("utf-8").replace("approvals: 1", "approvals: 2"), "utf-8")

    async with serving(settings, load_registry(settings.config)):
        card = await company.shows("STALE")

    assert "registry.yaml changed since the plan" in card["text"]
    assert "E_POLICY_CHANGED" in card["text"]
    assert WAITING not in card["text"]
    assert "operation.approve" not in str(card["blocks"])
    assert company.writes() == []


@pytest.mark.covers("F60")
@pytest.mark.parametrize("edit", [lambda c: c.record(act="remove"), lambda c: c.zone(vpcs=["vpc-other"])])
async def test_a_record_or_a_binding_that_is_gone_since_the_plan_is_refused(company: Company, edit: object) -> None:
    await company.failover()
    assert callable(edit)
    edit(company)

    await company.click(APPROVER, "approve")
    card = await company.shows("STALE")

    assert "nothing was changed" in card["text"]
    assert company.writes() == []
