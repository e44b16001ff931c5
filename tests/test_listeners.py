"""Slack's front door: commands and clicks through the simulator's Slack, by socket and by signed request."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.adapters.signer import HmacSigner
from bot.domain.access import Identity, Role
from bot.domain.operation import State, Verb
from bot.errors import StoreUnavailable
from bot.ports import Message, Ports
from bot.routing import Call, Router
from bot.services.buttons import button_value
from simulator.slack.model import BOT_USER_ID
from tests.builders import APPROVER, ON_CALL, an_operation
from tests.fakes import SIGNING_KEY
from tests.office import Office, office

APPROVE = "operation.approve"


async def _asked(place: Office) -> dict[str, Any]:
    """Ask for a failover as on-call, and return the card."""
    await place.say(ON_CALL, "failover zhangjiakou because the region is down")
    await place.post_cards()
    return place.posts()[0]


def _button(place: Office, value: str, action_id: str = APPROVE, channel: str = "C01OPS", **more: str) -> str:
    """Post a message with one button as the bot would, and return its ts."""
    button = {"type": "button", "text": {"type": "plain_text", "text": "Press"}, "action_id": action_id, **more}
    button |= {"value": value} if value else {}
    return place.slack.workspace.post(channel, BOT_USER_ID, "x", [{"type": "actions", "elements": [button]}]).ts


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

    assert "both views are at home" in said


# Who is let in


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
        card = await _asked(place)
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
        card = await _asked(place)
        # Slack's own record says member, the payload says other team: the payload is about this very click
        place.slack.workspace.users[APPROVER].team_id = "T0OUTSIDE"
        place.ports.identities._known.put(APPROVER, 10**9, Identity(APPROVER, "T01SIM", place.clock.now()))  # type: ignore[attr-defined]
        answer = await place.click(APPROVER, card["ts"], APPROVE)

    assert "E_EXTERNAL_USER" in answer


async def test_nobody_passes_while_slack_does_not_say_who_they_are() -> None:
    async with office() as place:
        place.ports.identities._api._quiet_until["users.info"] = 10**9  # type: ignore[attr-defined]
        said = await place.say("U01MEMBER", "status")

    assert "E_IDENTITY_UNVERIFIED" in said


# Where


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
        card = await _asked(place)
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

    assert "both views are at home" in said
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


# What they typed


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


# Buttons


async def test_a_button_that_somebody_else_made_is_not_believed() -> None:
    async with office() as place:
        card = await _asked(place)
        operation = await place.ports.operations.get("fo-0001")
        real = button_value(place.ports, operation, Verb.APPROVE)
        forged = real[:-1] + ("0" if real[-1] != "0" else "1")
        answers = [
            await place.click(APPROVER, _button(place, value), APPROVE)
            for value in (forged, "x", "|||", "approve|fo-0001|d|é:1", real.replace("approve|", "reject|"))
        ]

    assert all("E_UNTRUSTED_BUTTON" in answer for answer in answers)
    assert operation.votes == ()
    assert card["text"] == place.posts()[0]["text"]


async def test_the_value_of_one_button_does_not_work_behind_another() -> None:
    async with office() as place:
        await _asked(place)
        operation = await place.ports.operations.get("fo-0001")
        value = button_value(place.ports, operation, Verb.CANCEL)
        answer = await place.click(APPROVER, _button(place, value), APPROVE)

    assert "E_UNTRUSTED_BUTTON" in answer


async def test_a_lost_copy_of_the_card_is_retired_and_counts_for_nothing() -> None:
    async with office() as place:
        card = await _asked(place)
        operation = await place.ports.operations.get("fo-0001")
        copy = _button(place, button_value(place.ports, operation, Verb.APPROVE))
        answer = await place.click(APPROVER, copy, APPROVE)
        retired = next(post for post in place.posts() if post["ts"] == copy)

    assert "E_OLD_CARD" in answer
    assert "out of use" in retired["text"]
    assert card["ts"].replace(".", "") in retired["text"]
    assert retired["blocks"] == []


async def test_a_card_that_is_not_on_record_yet_asks_to_press_again() -> None:
    async with office() as place:
        await place.say(ON_CALL, "failover zhangjiakou")
        operation = await place.ports.operations.get("fo-0001")
        early = _button(place, button_value(place.ports, operation, Verb.APPROVE))
        answer = await place.click(APPROVER, early, APPROVE)

    assert "Press again in a few seconds" in answer


async def test_a_button_made_with_a_forgotten_key_asks_to_approve_again() -> None:
    async with office() as place:
        await _asked(place)
        operation = await place.ports.operations.get("fo-0001")
        others = replace(place.ports, signer=HmacSigner("another " + SIGNING_KEY))
        answer = await place.click(APPROVER, _button(place, button_value(others, operation, Verb.APPROVE)), APPROVE)

    assert "E_UNKNOWN_KEY" in answer
    assert "approve again" in answer


async def test_a_button_of_an_unknown_operation_says_so() -> None:
    async with office() as place:
        value = button_value(place.ports, an_operation(), Verb.APPROVE)
        answer = await place.click(APPROVER, _button(place, value), APPROVE)

    assert "fo-7k2m" in answer


async def test_a_click_on_a_decided_card_tells_its_outcome() -> None:
    async with office() as place:
        card = await _asked(place)
        await place.click(APPROVER, card["ts"], "operation.reject")
        answer = await place.click("U01APPROVER", card["ts"], APPROVE)

    assert "REJECTED" in answer


async def test_pressing_twice_counts_once() -> None:
    async with office() as place:
        card = await _asked(place)
        answers = [await place.click(APPROVER, card["ts"], APPROVE) for _ in range(2)]
        operation = await place.ports.operations.get("fo-0001")

    assert all("approved" in answer for answer in answers)
    assert len(operation.votes) == 1


async def test_a_button_of_another_release_answers_in_words() -> None:
    async with office() as place:
        answer = await place.click(APPROVER, _button(place, "x", "operation.undo"), "operation.undo")

    assert "another version" in answer


async def test_a_link_is_acknowledged_without_a_word() -> None:
    async with office() as place:
        ts = _button(place, "", "open.link", url="https://runbook.example/")

        assert await place.click(APPROVER, ts, "open.link") == ""


# Time and trouble


def _router(handler: Any, slow: str = "") -> Router:
    router = Router()
    router.subcommand("try", usage="try", role=Role.VIEWER, slow=slow)(handler)
    return router


async def test_a_slow_answer_is_announced_and_then_delivered() -> None:
    go_on = asyncio.Event()

    async def try_(call: Call, ports: Ports) -> Message:
        """Wait."""
        await go_on.wait()
        return Message("Here it is")

    async with office(router=_router(try_, "Looking…"), budget=0.05) as place:
        said = await place.say(ON_CALL, "try")
        go_on.set()
        await place.settled()

        assert (said, place.whispers(ON_CALL)[-1]) == ("Looking…", "Here it is")


async def test_an_answer_that_response_url_does_not_take_is_whispered() -> None:
    async def try_(call: Call, ports: Ports) -> Message:
        """Wait."""
        await asyncio.sleep(0.05)
        return Message("Here it is")

    async with office(router=_router(try_, "Looking…"), budget=0.02) as place:
        await place.say(ON_CALL, "try")
        place.slack._responses.reset()  # Slack forgets the URL
        await place.settled()

        assert place.whispers(ON_CALL)[-1] == "Here it is"


async def test_an_answer_that_slack_takes_nowhere_is_lost_with_a_log_and_nothing_else() -> None:
    async def try_(call: Call, ports: Ports) -> Message:
        """Wait."""
        await asyncio.sleep(0.05)
        return Message("Here it is")

    with capture_logs() as logs:
        async with office(router=_router(try_, "Looking…"), budget=0.02) as place:
            await place.say(ON_CALL, "try")
            place.faults.set("slack_down", None, True)
            await place.settled()

    assert "answer.lost" in [entry["event"] for entry in logs]


async def test_a_hanging_vote_is_refused_within_the_budget() -> None:
    async def try_(call: Call, ports: Ports) -> Message:
        """Hang."""
        await asyncio.Event().wait()
        return Message("never")

    async with office(router=_router(try_), budget=0.05) as place:
        said = await place.say(ON_CALL, "try")
        left = len(place.tasks)

    assert "No answer came in time" in said
    assert left <= 1


async def test_a_hanging_gate_is_refused_within_the_budget() -> None:
    class Hanging:
        async def identity(self, user_id: str, max_age: object) -> Identity:
            await asyncio.Event().wait()
            raise AssertionError

        def cached(self, user_id: str) -> None:
            return None

    async with office(identities=Hanging(), budget=0.05) as place:
        said = await place.say(ON_CALL, "status")

    assert "did not say in time who you are" in said


async def test_a_bug_is_answered_with_a_reference_and_logged_without_values() -> None:
    async def try_(call: Call, ports: Ports) -> Message:
        """Fail."""
        raise RuntimeError("xoxb-a-secret")

    with capture_logs() as logs:
        async with office(router=_router(try_)) as place:
            said = await place.say(ON_CALL, "try")
    (failed,) = [entry for entry in logs if entry["event"] == "delivery.failed"]

    assert f"reference {failed['reference']}" in said
    assert failed["error"] == "RuntimeError"
    assert "test_listeners.py" in failed["where"][-1]
    assert "a-secret" not in f"{said}{logs}"


async def test_our_own_errors_are_the_sentence_they_carry() -> None:
    async def try_(call: Call, ports: Ports) -> Message:
        """Fail."""
        raise StoreUnavailable("Redis does not answer. Nothing was decided.")

    async with office(router=_router(try_)) as place:
        said = await place.say(ON_CALL, "try")

    assert said == "Redis does not answer. Nothing was decided."


@pytest.mark.parametrize(
    "payload",
    [
        {"type": "shortcut", "callback_id": "old"},
        {"type": "message_action", "callback_id": "old", "response_url": "https://evil.example/"},
        {"type": "view_submission", "view": {"type": "modal", "callback_id": "old"}},
        {"type": "view_closed", "view": {"type": "modal", "callback_id": "old"}},
        {"type": "block_suggestion", "action_id": "old", "block_id": "b", "value": "x"},
        {"type": "event_callback", "event": {"type": "app_home_opened", "user": "U1"}},
        {"type": "event_callback", "event": {"type": "message", "text": "hi", "user": "U1", "channel": "C1"}},
        {"command": "/other", "text": "status"},
        {"type": "block_actions", "actions": [{"action_id": "a", "block_id": "b", "type": "button", "value": "x"}]},
        {"type": "block_actions", "user": None, "container": None, "actions": [{"action_id": "a", "block_id": "b"}]},
    ],
)
async def test_every_kind_of_payload_is_acknowledged(payload: dict[str, Any]) -> None:
    said: list[Any] = []
    with capture_logs() as logs:
        async with office() as place:
            said.append(await place.socket._dispatch(payload, {}))

    assert "delivery.failed" not in [entry["event"] for entry in logs]
    assert "hangzhou" not in str(said)


async def test_deliveries_are_counted_without_ids() -> None:
    async with office() as place:
        await place.say(ON_CALL, "help")
        await place.say("U01GUEST", "help")
        text = place.metrics.exposition().decode()

    assert 'registry_bot_deliveries_total{kind="command",outcome="answered"} 1.0' in text
    assert 'registry_bot_deliveries_total{kind="command",outcome="refused"} 1.0' in text
    assert 'registry_bot_ack_seconds_count{kind="command"} 2.0' in text
    assert "U01" not in text
