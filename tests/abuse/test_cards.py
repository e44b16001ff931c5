"""Buttons that are forged, old, foreign or somebody else's: pressed as Slack would deliver the press."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.adapters.signer import HmacSigner
from bot.domain.access import Access, People, Role
from bot.domain.operation import Operation, State, Verb
from bot.ports import Card, Ports
from bot.services.buttons import button_value
from simulator.slack.model import BOT_USER_ID
from tests.abuse.gate import click
from tests.builders import APPROVER, ON_CALL, a_person, a_plan, an_access
from tests.fakes import SIGNING_KEY, some_rules
from tests.office import Office, office

APPROVE = "operation.approve"
SECOND = "U02APPROVER"


def _two_accounts() -> Access:
    """Return a company whose on-call has a second account, and is an approver too."""
    on_call = a_person("on-call", ON_CALL, SECOND, roles=(Role.REQUESTER, Role.APPROVER))
    return an_access(people=People((on_call, a_person())))


async def _asked(place: Office) -> tuple[Operation, Card]:
    await place.asked()
    (operation,) = await place.ports.operations.recent()
    card = await place.ports.operations.card(operation.id)
    assert card is not None
    return operation, card


async def _press(place: Office, value: str, card: Card, user: str = APPROVER, action_id: str = APPROVE) -> str:
    """Deliver a press of a button with any value on any message, and return what the presser is told."""
    seen = len(_told(place, user))
    payload = click(action_id, value, user, card) | {"response_url": place.slack._responses.url(user, card.channel)}
    await place.socket._dispatch(payload, {})
    await place.settled()
    return " ".join(_told(place, user)[seen:])


def _told(place: Office, user: str) -> list[str]:
    return [words for channel in ("C01OPS", "C02INC") for words in place.whispers(user, channel)]


@pytest.mark.parametrize(
    ("user", "code", "words"),
    [
        pytest.param(
            ON_CALL,
            "E_SELF_APPROVAL",
            "You asked for this change. Another person must approve it.",
            marks=pytest.mark.covers("A01"),
        ),
        pytest.param(SECOND, "E_SELF_APPROVAL", "Another person must approve it.", marks=pytest.mark.covers("A02")),
        pytest.param(
            "U01MEMBER",
            "E_NOT_APPROVER",
            "You are not on the approver list of this registry.",
            marks=pytest.mark.covers("A03"),
        ),
        pytest.param("U01OUTSIDER", "E_EXTERNAL_USER", "full members", marks=pytest.mark.covers("A04")),
        pytest.param("U01GUEST", "E_EXTERNAL_USER", "full members", marks=pytest.mark.covers("A05")),
        pytest.param("U01BOTTY", "E_NOT_HUMAN", "Only a person", marks=pytest.mark.covers("A06")),
        pytest.param("U01LEFT", "E_INACTIVE_USER", "deactivated", marks=pytest.mark.covers("A07")),
    ],
)
async def test_whoever_may_not_approve_is_told_one_line_and_it_is_noted(user: str, code: str, words: str) -> None:
    async with office(rules=some_rules(access=_two_accounts())) as place:
        operation, card = await _asked(place)
        told = await _press(place, button_value(place.ports, operation, Verb.APPROVE), card, user)
        after = await place.ports.operations.get(operation.id)
        noted = [each for each in place.ports.operations.audit if each["event"] == "refused"]  # type: ignore[attr-defined]

    assert told.endswith(f"`{code}`")
    assert words in told
    assert (after.state, after.votes) == (State.PENDING, ())
    assert [(each["user"], each["code"], each["operation"]) for each in noted] == [(user, code, operation.id)]
    assert code == "E_SELF_APPROVAL" or "zhangjiakou" not in told


@pytest.mark.covers("A16", "A18")
async def test_a_value_made_for_another_operation_verb_workspace_or_key_is_not_believed() -> None:
    alarms: list[str] = []
    async with office(alarm=alarms.append) as place:
        operation, card = await _asked(place)
        there = replace(place.ports.rules, access=replace(place.ports.rules.access, workspace="T09STAGING"))
        foreign: dict[str, Ports] = {
            "E_UNTRUSTED_BUTTON": replace(place.ports, rules=there),
            "E_UNKNOWN_KEY": replace(place.ports, signer=HmacSigner("staging " + SIGNING_KEY)),
        }
        mine = button_value(place.ports, operation, Verb.APPROVE)
        other = button_value(place.ports, replace(operation, id="fo-9999"), Verb.APPROVE)
        moved = mine.replace(operation.id, "fo-9999")
        told = {
            code: [await _press(place, button_value(p, operation, Verb.APPROVE), card)] for code, p in foreign.items()
        }
        place.clock.move(timedelta(minutes=1))
        told["E_UNTRUSTED_BUTTON"] += [await _press(place, moved, card)]
        told["E_UNTRUSTED_BUTTON"] += [await _press(place, button_value(place.ports, operation, Verb.CANCEL), card)]
        told["E_UNKNOWN_ACTION"] = [await _press(place, other, card)]
        after = await place.ports.operations.get(operation.id)

    assert [(code, words) for code, each in told.items() for words in each if not words.endswith(f"`{code}`")] == []
    assert (after.state, after.votes) == (State.PENDING, ())
    assert alarms == ["untrusted_button"] * 3


@pytest.mark.covers("A17", "A51")
@pytest.mark.parametrize("poster", [BOT_USER_ID, "U01BOTTY"])
async def test_a_message_that_only_looks_like_the_card_decides_nothing(poster: str) -> None:
    async with office() as place:
        operation, card = await _asked(place)
        real = next(post for post in place.posts() if post["ts"] == card.ts)
        look_alike = place.slack.workspace.post(card.channel, poster, real["text"], real["blocks"])
        value = button_value(place.ports, operation, Verb.APPROVE)
        told = [await _press(place, value, Card(card.channel, look_alike.ts, 1))]
        told += [await _press(place, value, Card("C02INC", card.ts, 1))]
        after = await place.ports.operations.get(operation.id)

    assert [words.rpartition(" ")[2] for words in told] == ["`E_OLD_CARD`"] * 2
    assert (after.state, after.votes) == (State.PENDING, ())
    assert operation.plan.digest[:12] in str(real["blocks"])


@pytest.mark.covers("A19")
async def test_a_press_after_the_deadline_is_told_when_that_was() -> None:
    async with office() as place:
        operation, card = await _asked(place)
        place.clock.move(timedelta(minutes=15))
        told = await _press(place, button_value(place.ports, operation, Verb.APPROVE), card)

    assert told == "fo-0001 expired at 03:15 UTC. Nothing was changed. Start a new request. `E_EXPIRED`"


@pytest.mark.covers("A20")
async def test_a_press_on_a_request_that_was_replaced_tells_who_took_it_back_and_leaves_the_new_one_alone() -> None:
    async with office() as place:
        operation, card = await _asked(place)
        value = button_value(place.ports, operation, Verb.APPROVE)
        await place.say(ON_CALL, f"cancel {operation.id}")
        await place.say(ON_CALL, "failover zhangjiakou via internal")
        told = await _press(place, value, card)
        newest, _old = await place.ports.operations.recent()

    assert f"fo-0001 is already CANCELLED (cancel: <@{ON_CALL}> at 03:00:00 UTC)" in told
    assert told.endswith("`E_ALREADY_DECIDED`")
    assert (newest.id, newest.state, newest.votes) == ("fo-0002", State.PENDING, ())


@pytest.mark.covers("A21")
async def test_a_button_of_another_plan_on_the_right_card_is_refused() -> None:
    async with office() as place:
        operation, card = await _asked(place)
        other = replace(operation, plan=a_plan("hangzhou"))
        told = await _press(place, button_value(place.ports, other, Verb.APPROVE), card)
        after = await place.ports.operations.get(operation.id)

    assert told.endswith("`E_PLAN_CHANGED`")
    assert after.votes == ()


@pytest.mark.covers("A24")
@pytest.mark.parametrize("first", ["approve", "cancel"])
async def test_of_approve_and_cancel_the_later_is_told_who_was_first(first: str) -> None:
    async with office() as place:
        operation, card = await _asked(place)
        approve, cancel = (button_value(place.ports, operation, verb) for verb in (Verb.APPROVE, Verb.CANCEL))
        presses: dict[str, Any] = {
            "approve": lambda: _press(place, approve, card, APPROVER),
            "cancel": lambda: _press(place, cancel, card, ON_CALL, "operation.cancel"),
        }
        await presses.pop(first)()
        if first == "approve":
            place.ports.operations.put(replace(await place.ports.operations.get(operation.id), state=State.APPLYING))  # type: ignore[attr-defined]
        (later,) = presses.values()
        told = await later()

    who = f"approve: <@{APPROVER}>" if first == "approve" else f"cancel: <@{ON_CALL}>"
    assert f"({who} at 03:00:00 UTC)" in told
    assert told.endswith("`E_ALREADY_DECIDED`")


@pytest.mark.covers("A25")
async def test_of_two_approvers_the_second_is_told_that_the_first_has_decided() -> None:
    second = a_person("second", SECOND)
    on_call = a_person("on-call", ON_CALL, roles=(Role.REQUESTER,))
    everybody = an_access(people=People((on_call, a_person(), second)))
    async with office(rules=some_rules(access=everybody)) as place:
        operation, card = await _asked(place)
        value = button_value(place.ports, operation, Verb.APPROVE)
        told = await asyncio.gather(_press(place, value, card), _press(place, value, card, SECOND))
        after = await place.ports.operations.get(operation.id)

    first, later = sorted(told, key=lambda words: "already" in words)
    assert "is approved" in first
    assert f"already APPROVED (approve: <@{after.votes[0].user_id}> at 03:00:00 UTC)" in later
    assert (after.state, len(after.votes)) == (State.APPROVED, 1)


@pytest.mark.covers("A40")
async def test_an_answer_never_goes_to_a_foreign_address_and_the_alarm_is_raised() -> None:
    alarms: list[str] = []
    async with office(alarm=alarms.append) as place:
        operation, card = await _asked(place)
        foreign = {"response_url": f"http://127.0.0.1:{place.server.port}/slack/events"}
        value = button_value(place.ports, operation, Verb.APPROVE)
        await place.socket._dispatch(click(APPROVE, value, "U01MEMBER", card) | foreign, {})
        await place.settled()
        told = place.whispers("U01MEMBER")

    assert [words.endswith("`E_NOT_APPROVER`") for words in told] == [True]
    assert alarms == ["foreign_response_url"]
