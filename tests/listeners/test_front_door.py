"""Who is let in, where, and with which words: commands through the simulator's Slack, by socket and signed request."""

import asyncio

import pytest

from bot.domain.access import Identity
from bot.domain.operation import State
from simulator.slack.model import BOT_USER_ID
from tests.builders import APPROVER, ON_CALL
from tests.office import office

APPROVE = "operation.approve"


@pytest.mark.parametrize("by_http", [False, True])
async def test_a_failover_is_asked_for_and_approved_from_slack(by_http: bool) -> None:
    async with office(by_http=by_http) as place:
        said = await place.say(ON_CALL, "failover zhangjiakou because the region is down")
        await place.post_cards()
        answer = await place.click(APPROVER, place.posts()[0]["ts"], APPROVE)
        operation = await place.ports.operations.get("fo-0001")

    assert "fo-0001" in said
    assert "approved" in answer
    assert operation.state is State.APPROVED


@pytest.mark.parametrize("by_http", [False, True])
async def test_status_answers_with_every_view(by_http: bool) -> None:
    async with office(by_http=by_http) as place:
        said = await place.say("U01MEMBER", "status")

    assert "every VPC is at home" in said


@pytest.mark.covers("A04", "A05", "A07")
@pytest.mark.parametrize(
    ("user", "code"),
    [("U01OUTSIDER", "E_EXTERNAL_USER"), ("U01GUEST", "E_EXTERNAL_USER"), ("U01LEFT", "E_INACTIVE_USER")],
)
@pytest.mark.parametrize("text", ["", "help", "status", "failover zhangjiakou", "approve fo-0001", "nonsense"])
async def test_outsiders_guests_and_leavers_learn_nothing(user: str, code: str, text: str) -> None:
    async with office() as place:
        said = await place.say(user, text)

    assert code in said
    assert "hangzhou" not in said
    assert "failover" not in said


@pytest.mark.parametrize("user", ["U01OUTSIDER", "U01GUEST", "U01LEFT", "U01MEMBER", ON_CALL])
@pytest.mark.parametrize("action_id", [APPROVE, "operation.reject"])
async def test_whoever_may_not_decide_changes_nothing_by_a_click(user: str, action_id: str) -> None:
    async with office() as place:
        card = await place.asked()
        answer = await place.click(user, card["ts"], action_id)
        operation = await place.ports.operations.get("fo-0001")

    if user == ON_CALL and action_id != APPROVE:
        assert operation.state is State.REJECTED
        return
    assert operation.state is State.PENDING
    assert operation.votes == ()
    assert "E_" in answer


async def test_a_clickers_team_is_the_one_in_the_users_own_field() -> None:
    async with office() as place:
        card = await place.asked()
        # Slack's own record says member, the payload says other team: the payload is about this very click
        place.slack.workspace.users[APPROVER].team_id = "T0OUTSIDE"
        place.ports.identities._known.put(APPROVER, 10**9, Identity(APPROVER, "T01SIM", place.clock.now()))  # type: ignore[attr-defined]
        answer = await place.click(APPROVER, card["ts"], APPROVE)

    assert "E_EXTERNAL_USER" in answer


async def test_a_member_of_the_same_organisation_may_click_from_another_home_workspace() -> None:
    async with office() as place:
        card = await place.asked()
        organisation = {"enterprise_id": "E01SIM", "enterprise_name": "Simulated", "teams": ["T02SIM", "T01SIM"]}
        place.slack.change_user(APPROVER, {"team_id": "T02SIM", "enterprise_user": organisation})
        place.ports.identities._known._kept.clear()  # type: ignore[attr-defined]
        answer = await place.click(APPROVER, card["ts"], APPROVE)

    assert "is approved" in answer


async def test_nobody_passes_while_slack_does_not_say_who_they_are() -> None:
    async with office() as place:
        place.ports.identities._api._quiet_until["users.info"] = 10**9  # type: ignore[attr-defined]
        said = await place.say("U01MEMBER", "status")

    assert "E_IDENTITY_UNVERIFIED" in said


@pytest.mark.covers("A29")
@pytest.mark.parametrize("text", ["status", "failover zhangjiakou", "approve fo-0001", "stauts"])
async def test_a_channel_shared_with_others_is_refused(text: str) -> None:
    async with office() as place:
        said = await place.say(ON_CALL, text, "C04SHARED")

    assert "E_WRONG_CHANNEL" in said
    assert place.posts("C04SHARED") == []


async def test_help_works_in_a_shared_channel() -> None:
    async with office() as place:
        said = await place.say(ON_CALL, "help", "C04SHARED")

    assert f"You are {ON_CALL}: on-call" in said


async def test_a_click_in_a_channel_that_was_shared_meanwhile_counts_for_nothing() -> None:
    async with office() as place:
        card = await place.asked()
        place.slack.change_channel("C01OPS", {"is_ext_shared": True})
        place.ports.workspace._channels._kept.clear()  # type: ignore[attr-defined]
        answer = await place.click(APPROVER, card["ts"], APPROVE)

    assert "E_WRONG_CHANNEL" in answer


async def test_a_private_channel_without_the_bot_asks_for_an_invitation() -> None:
    async with office() as place:
        said = await place.say(ON_CALL, "status", "C05PRIVATE")

    assert "/invite @registry" in said


async def test_reading_works_in_a_direct_message() -> None:
    async with office() as place:
        direct = place.slack.workspace.direct("U01MEMBER").id
        said = await place.say("U01MEMBER", "status here", direct)

    assert "every VPC is at home" in said
    assert place.posts(direct) == []


async def test_a_channel_that_is_only_named_directmessage_is_looked_at() -> None:
    async with office() as place:
        place.slack.workspace.channels["C04SHARED"].name = "directmessage"
        said = await place.say(ON_CALL, "status", "C04SHARED")

    assert "E_WRONG_CHANNEL" in said


@pytest.mark.parametrize("by_name", ["C02INC", "C01OPS"])
async def test_a_card_goes_where_it_was_asked_for_if_the_policy_lists_that_channel(by_name: str) -> None:
    async with office() as place:
        await place.say(ON_CALL, "failover zhangjiakou", by_name)

        assert (await place.ports.operations.get("fo-0001")).channel == by_name


async def test_asked_elsewhere_the_card_goes_home_and_the_answer_links_to_it() -> None:
    async with office() as place:
        asking = asyncio.ensure_future(place.say(ON_CALL, "failover zhangjiakou", "C03GENERAL"))
        while await place.ports.operations.card("fo-0001") is None:
            await asyncio.sleep(0)
            if (await place.ports.operations.recent())[:1]:
                await place.post_cards()
        await asking
        await place.settled()
        shown = str(place.slack.messages("C03GENERAL", ON_CALL)[-1]["blocks"])

    assert [post["text"][:20] for post in place.posts("C03GENERAL")] == []
    assert "|the card>" in shown


async def test_a_home_channel_without_the_bot_asks_for_an_invitation() -> None:
    async with office() as place:
        place.slack.workspace.channels["C01OPS"].members.remove(BOT_USER_ID)
        said = await place.say(ON_CALL, "failover zhangjiakou", "C03GENERAL")

    assert "/invite @registry" in said
    assert await place.ports.operations.recent() == ()


async def test_an_empty_command_is_a_cry_for_help() -> None:
    async with office() as place:
        said = await place.say("U01MEMBER", "   ")

    assert "You are U01MEMBER: not in the people list" in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("stauts", "Did you mean status?"),
        ("status hangzouh", "Did you mean hangzhou"),
        ("failover", "Which site has failed?"),
        ("failover zhangjiakou because " + "x" * 10_000, "10,029 characters"),
        ("sta\x00tus\nnow", "is not a command"),
        ("approve", "Name one operation"),
        ("approve fo-9999", "fo-9999"),
        ("appr fo-0001", "Did you mean approve?"),
        ("plan zhangjiakou", "plan failover zhangjiakou"),
        ("<!channel> & co", "is not a command"),
    ],
)
async def test_each_slip_gets_one_sentence_and_changes_nothing(text: str, words: str) -> None:
    async with office() as place:
        said = await place.say(ON_CALL, text)

    assert words in said
    assert "<!channel>" not in said
    assert await place.ports.operations.recent() == ()
