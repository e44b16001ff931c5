"""A press counts only on a button that we made, on the card that we remember."""

from dataclasses import replace

import pytest

from bot.adapters.signer import HmacSigner
from bot.domain.operation import Verb
from bot.services.buttons import button_value
from simulator.slack.model import BOT_USER_ID
from tests.builders import APPROVER, ON_CALL, an_operation
from tests.fakes import SIGNING_KEY
from tests.office import Office, office

APPROVE = "operation.approve"


def _button(place: Office, value: str, action_id: str = APPROVE, channel: str = "C01OPS", **more: str) -> str:
    """Post a message with one button as the bot would, and return its ts."""
    button = {"type": "button", "text": {"type": "plain_text", "text": "Press"}, "action_id": action_id, **more}
    button |= {"value": value} if value else {}
    return place.slack.workspace.post(channel, BOT_USER_ID, "x", [{"type": "actions", "elements": [button]}]).ts


@pytest.mark.covers("A16")
async def test_a_button_that_somebody_else_made_is_not_believed() -> None:
    async with office() as place:
        card = await place.asked()
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


@pytest.mark.covers("A16")
async def test_the_value_of_one_button_does_not_work_behind_another() -> None:
    async with office() as place:
        await place.asked()
        operation = await place.ports.operations.get("fo-0001")
        value = button_value(place.ports, operation, Verb.CANCEL)
        answer = await place.click(APPROVER, _button(place, value), APPROVE)

    assert "E_UNTRUSTED_BUTTON" in answer


async def test_a_lost_copy_of_the_card_is_retired_and_counts_for_nothing() -> None:
    async with office() as place:
        card = await place.asked()
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


async def test_a_button_made_with_a_forgotten_key_names_the_command_that_works() -> None:
    async with office() as place:
        await place.asked()
        operation = await place.ports.operations.get("fo-0001")
        others = replace(place.ports, signer=HmacSigner("another " + SIGNING_KEY))
        value = button_value(others, operation, Verb.APPROVE)
        answers = [
            await place.click(APPROVER, _button(place, each), APPROVE)
            for each in (value, value.replace("fo-0001", "<!channel>"))
        ]

    assert all("E_UNKNOWN_KEY" in answer for answer in answers)
    assert "type `/registry approve fo-0001`" in answers[0]
    assert "channel" not in answers[1]
    assert "/registry actions" in answers[1]


async def test_a_button_of_an_unknown_operation_says_so() -> None:
    async with office() as place:
        value = button_value(place.ports, an_operation(), Verb.APPROVE)
        answer = await place.click(APPROVER, _button(place, value), APPROVE)

    assert "fo-7k2m" in answer


@pytest.mark.covers("F35")
async def test_a_click_on_a_decided_card_tells_its_outcome() -> None:
    async with office() as place:
        card = await place.asked()
        await place.click(APPROVER, card["ts"], "operation.reject")
        answer = await place.click("U01APPROVER", card["ts"], APPROVE)

    assert "REJECTED" in answer


async def test_pressing_twice_counts_once() -> None:
    async with office() as place:
        card = await place.asked()
        answers = [await place.click(APPROVER, card["ts"], APPROVE) for _ in range(2)]
        operation = await place.ports.operations.get("fo-0001")

    assert all("approved" in answer.lower() for answer in answers)
    assert len(operation.votes) == 1


async def test_a_button_of_another_release_answers_in_words() -> None:
    async with office() as place:
        answer = await place.click(APPROVER, _button(place, "x", "operation.undo"), "operation.undo")

    assert "another version" in answer


async def test_a_link_is_acknowledged_without_a_word() -> None:
    async with office() as place:
        ts = _button(place, "", "open.link", url="https://runbook.example/")

        assert await place.click(APPROVER, ts, "open.link") == ""
