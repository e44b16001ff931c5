"""Who may not: guests, outsiders, leavers, members without a role, and anybody whom Slack does not vouch for."""

import pytest

from tests.scenarios.company import APPROVER, GUEST, LEFT, MEMBER, ON_CALL, OPS, OUTSIDER, WAITING, Company

STRANGERS = {GUEST: "E_EXTERNAL_USER", OUTSIDER: "E_EXTERNAL_USER", LEFT: "E_INACTIVE_USER"}


@pytest.mark.covers("A04", "A05", "A07")
@pytest.mark.parametrize("who", STRANGERS)
async def test_a_stranger_gets_one_refusal_for_whatever_is_typed_or_pressed(company: Company, who: str) -> None:
    for typed in ("failover zhangjiakou", "status", "approve fo-2222", "nonsense"):
        company.refused(await company.command(who, typed), STRANGERS[who])
    await company.failover()

    told = await company.click(who, "approve")

    assert STRANGERS[who] in told
    await company.shows(WAITING)
    assert company.writes() == []


@pytest.mark.covers("A03")
async def test_a_member_without_a_role_may_look_but_neither_ask_nor_decide(company: Company) -> None:
    company.refused(await company.command(MEMBER, "failover zhangjiakou"), "E_NOT_REQUESTER", "registry.yaml")
    card = await company.failover()
    typed = [f"approve {company.operation_id(card)}", f"reject {company.operation_id(card)}"]

    assert "every VPC is at home" in await company.command(MEMBER, "status")
    assert "E_NOT_APPROVER" in await company.click(MEMBER, "approve")
    assert "E_NOT_REQUESTER" in await company.click(MEMBER, "cancel")
    for words in typed:
        assert "E_NOT_APPROVER" in await company.command(MEMBER, words)
    assert WAITING in company.card()["text"]


async def test_an_approver_who_may_not_ask_is_told_so(company: Company) -> None:
    company.refused(await company.command(APPROVER, "failover zhangjiakou"), "E_NOT_REQUESTER")


@pytest.mark.parametrize("words", ["watch zhangjiakou", "unwatch zhangjiakou", "freeze all because x"])
async def test_what_takes_either_role_is_refused_as_that(company: Company, words: str) -> None:
    company.refused(await company.command(MEMBER, words), "Only requesters and approvers may", "E_NO_ROLE")


@pytest.mark.parametrize("error", ["internal_error", "user_not_found"])
async def test_whom_slack_does_not_vouch_for_may_do_nothing(company: Company, error: str) -> None:
    company.slack.refuse("users.info", error)

    company.refused(await company.command(ON_CALL, "failover zhangjiakou"), "E_IDENTITY_UNVERIFIED", error)
    company.refused(await company.command(ON_CALL, "status"), "E_IDENTITY_UNVERIFIED")


@pytest.mark.covers("F41")
async def test_an_approver_whom_slack_cannot_confirm_is_not_counted(company: Company) -> None:
    await company.command(ON_CALL, "actions")
    company.slack.refuse("users.info", "internal_error")
    await company.failover()

    assert "E_IDENTITY_UNVERIFIED" in await company.click(APPROVER, "approve")
    assert WAITING in company.card(OPS)["text"]


@pytest.mark.parametrize(("who", "flag"), [(ON_CALL, "deleted"), (APPROVER, "deleted"), (APPROVER, "is_restricted")])
async def test_who_loses_their_standing_before_the_write_stops_it(company: Company, who: str, flag: str) -> None:
    await company.failover()
    await company.known_to_the_bot(ON_CALL, APPROVER)
    company.slack.change_user(who, {flag: True})

    await company.click(APPROVER, "approve")
    card = await company.shows("STALE")

    assert f"<@{who}> may no longer" in card["text"]
    assert company.writes() == []
