"""Where a command may be typed and where its card goes."""

import pytest

from tests.scenarios.company import APPROVER, GENERAL, INCIDENT, ON_CALL, OPS, SECOND, SHARED, WAITING, Company

PRIVATE = "C05PRIVATE"


async def test_a_command_in_a_channel_without_the_bot_puts_the_card_home_and_links_it(company: Company) -> None:
    await company.command(ON_CALL, "failover zhangjiakou", GENERAL)

    card = await company.shows(WAITING)
    answer = str(company.slack.messages(GENERAL, ON_CALL)[-1]["blocks"])
    assert f"/archives/{OPS}/p{card['ts'].replace('.', '')}|the card> in <#{OPS}>" in answer
    assert company.cards(GENERAL) == []


async def test_a_direct_message_puts_the_card_home_too_and_shows_status_to_one_person(company: Company) -> None:
    direct = company.slack.workspace.direct(ON_CALL).id

    assert "OK:" in await company.command(ON_CALL, "status here", direct)
    await company.command(ON_CALL, "failover zhangjiakou", direct)

    await company.shows(WAITING)
    assert all(post["text"].startswith("SIMULATION · You requested") for post in company.cards(direct))


async def test_an_incident_channel_with_the_bot_gets_the_card_itself(company: Company) -> None:
    await company.failover(channel=INCIDENT)

    assert "is rejected" in await company.click(APPROVER, "reject", channel=INCIDENT)
    await company.shows("REJECTED", INCIDENT)
    assert company.cards(OPS) == []


@pytest.mark.covers("A29")
@pytest.mark.parametrize(("channel", "words"), [(SHARED, "another organisation"), (PRIVATE, "/invite @registry")])
async def test_registries_are_not_discussed_where_others_may_read_along(
    company: Company, channel: str, words: str
) -> None:
    for typed in ("failover zhangjiakou", "status", "replication"):
        company.refused(await company.command(ON_CALL, typed, channel), "E_WRONG_CHANNEL", words)


async def test_a_home_channel_without_the_bot_asks_for_an_invitation(company: Company) -> None:
    company.slack.change_channel(OPS, {"members": [ON_CALL]})

    for channel in (OPS, GENERAL):
        company.refused(await company.command(ON_CALL, "failover zhangjiakou", channel), "/invite @registry", OPS)


async def test_a_channel_that_becomes_shared_no_longer_takes_decisions(company: Company) -> None:
    await company.failover(channel=INCIDENT)
    company.slack.change_channel(INCIDENT, {"is_ext_shared": True})

    told = await company.command(APPROVER, "approve fo-2222", SHARED)

    assert "E_WRONG_CHANNEL" in told


async def test_a_channel_that_slack_does_not_describe_in_time_is_no_place_to_ask(company: Company) -> None:
    company.slack.refuse("conversations.info", "internal_error")

    told = await company.command(ON_CALL, "failover zhangjiakou")

    company.refused(told, "who reads this channel", "internal_error", "try again in a moment")


@pytest.mark.parametrize("error", ["message_not_found", "is_archived", "not_in_channel"])
async def test_a_card_that_can_no_longer_be_edited_is_replaced(company: Company, error: str) -> None:
    lost = await company.failover(channel=INCIDENT)
    if error == "message_not_found":
        company.slack.workspace.remove(company.slack.workspace.find(INCIDENT, lost["ts"]))
    elif error == "is_archived":
        company.slack.change_channel(INCIDENT, {"is_archived": True})
    else:
        company.slack.change_channel(INCIDENT, {"members": [ON_CALL, APPROVER]})
    where = INCIDENT if error == "message_not_found" else OPS

    told = await company.command(SECOND, f"reject {company.operation_id(lost)}")
    await company.until(lambda: len(company.cards(where)) == 1)

    assert "is rejected" in told
    assert "REJECTED" in company.card(where)["text"]
    await company.until(lambda: len(company.thread(company.card(where), where)) == 1)
