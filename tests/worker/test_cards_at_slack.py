"""Cards at the simulated Slack, over HTTP: what Slack refuses, throttles, loses or no longer has."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.operation import Verb
from bot.errors import Throttled
from bot.ports import Message
from bot.services.requests import cast_vote
from tests.builders import APPROVER, ON_CALL
from tests.office import Office, office

OPS, INCIDENT = "C01OPS", "C02INC"
SOON = timedelta(seconds=60)


@pytest.fixture
async def place() -> AsyncIterator[Office]:
    async with office() as opened:
        yield opened


async def _approved(place: Office) -> str:
    """Have a card approved, without the outbox having looked; return the operation's id."""
    [operation] = await place.ports.operations.recent()
    await cast_vote(place.ports, operation.id, Verb.APPROVE, APPROVER)
    return operation.id


async def _within_a_minute(place: Office) -> None:
    """Let the outbox look every second for a minute."""
    for _ in range(int(SOON.total_seconds())):
        place.clock.move(timedelta(seconds=1))
        await place.post_cards()


def _cards(place: Office, channel: str = OPS) -> list[dict[str, Any]]:
    return [m for m in place.posts(channel) if m["thread_ts"] is None]


def _direct(place: Office, user: str) -> list[str]:
    return [str(m["text"]) for m in place.posts(f"D{user[1:]}")]


@pytest.mark.covers("F37")
async def test_a_deleted_card_comes_back_below_and_is_the_one_that_counts(place: Office) -> None:
    card = await place.asked()
    await _approved(place)
    message = place.slack.workspace.find(OPS, card["ts"])
    assert message is not None
    place.slack.workspace.remove(message)

    await place.post_cards()
    [new] = _cards(place)

    assert "APPROVED" in new["text"]
    [operation] = await place.ports.operations.recent()
    stored = await place.ports.operations.card(operation.id)
    assert stored is not None
    assert stored.ts == new["ts"] != card["ts"]


@pytest.mark.covers("F38")
@pytest.mark.parametrize(
    "change", [{"is_archived": True}, {"members": ["U01ONCALL", "U01APPROVER"]}], ids=["archived", "bot removed"]
)
async def test_a_channel_that_is_lost_under_a_card_sends_it_home(place: Office, change: dict[str, Any]) -> None:
    await place.say(ON_CALL, "failover zhangjiakou because the region is down", INCIDENT)
    await place.post_cards()
    assert len(_cards(place, INCIDENT)) == 1
    place.slack.change_channel(INCIDENT, change)

    await _approved(place)
    await place.post_cards()

    where = INCIDENT if "members" in change else OPS  # Slack lets a bot edit what it wrote before it left
    assert "APPROVED" in _cards(place, where)[0]["text"]


@pytest.mark.covers("F38")
async def test_what_a_thread_no_longer_takes_goes_home_with_the_card(place: Office) -> None:
    await place.say(ON_CALL, "failover zhangjiakou because the region is down", INCIDENT)
    await place.post_cards()
    place.slack.change_channel(INCIDENT, {"members": ["U01ONCALL", "U01APPROVER"]})
    [operation] = await place.ports.operations.recent()

    await cast_vote(place.ports, operation.id, Verb.REJECT, APPROVER)
    await place.post_cards()

    [card] = _cards(place)
    assert "REJECTED" in card["text"]
    assert [m["text"] for m in place.posts() if m["thread_ts"] == card["ts"]]


@pytest.mark.covers("F38")
async def test_when_every_channel_is_lost_people_are_told_directly_and_the_card_stands_a_minute_after_one_is_back(
    place: Office,
) -> None:
    place.slack.change_channel(OPS, {"is_archived": True})
    await place.say(ON_CALL, "failover zhangjiakou because the region is down")

    await place.post_cards()
    assert any("needs a second person" in text for text in _direct(place, ON_CALL))

    place.slack.change_channel(OPS, {"is_archived": False})
    await _within_a_minute(place)
    assert len(_cards(place)) == 1


@pytest.mark.covers("F38")
@pytest.mark.parametrize("code", ["cant_update_message", "edit_window_closed"])
async def test_a_card_that_may_not_be_edited_is_followed_by_one_that_may_and_says_so(place: Office, code: str) -> None:
    old = await place.asked()
    await _approved(place)
    place.slack.refuse("chat.update", code)

    await place.post_cards()
    place.slack.refuse("chat.update", None)

    assert len(_cards(place)) == 2
    assert any(m["thread_ts"] == old["ts"] and "OUT OF USE" in m["text"] for m in place.posts())
    assert "E_OLD_CARD" in await place.click(APPROVER, old["ts"], "operation.reject")


@pytest.mark.covers("F32")
async def test_a_pause_that_slack_asks_for_keeps_posts_back_and_edits_going(place: Office) -> None:
    await place.asked()
    place.faults.set("slack_429", None, True)
    with pytest.raises(Throttled):
        await place.ports.workspace.post(OPS, Message("One too many"))
    place.faults.set("slack_429", None, False)
    posts = len(place.posts())

    await _approved(place)
    await place.post_cards()
    assert "APPROVED" in _cards(place)[0]["text"]
    assert len(place.posts()) == posts

    await _within_a_minute(place)
    assert _direct(place, APPROVER)


@pytest.mark.covers("F40")
@pytest.mark.parametrize("fault", ["slack_down", "slack_429"])
async def test_after_an_outage_of_hours_every_card_shows_the_latest_state_within_a_minute(
    place: Office, fault: str
) -> None:
    await place.asked()
    await _approved(place)
    place.faults.set(fault, None, True)
    for _ in range(60):
        place.clock.move(timedelta(minutes=10))
        await place.post_cards()
    place.faults.set(fault, None, False)

    await _within_a_minute(place)

    [card] = _cards(place)
    assert "APPROVED" in card["text"]
    assert _direct(place, ON_CALL)
    assert _direct(place, APPROVER)


@pytest.mark.covers("F40")
async def test_after_a_token_was_refused_for_hours_the_first_card_stands_within_a_minute(place: Office) -> None:
    for method in ("chat.postMessage", "chat.update", "conversations.open"):
        place.slack.refuse(method, "missing_scope")
    await place.say(ON_CALL, "failover zhangjiakou because the region is down")
    for _ in range(60):
        place.clock.move(timedelta(minutes=1))
        await place.post_cards()
    for method in ("chat.postMessage", "chat.update", "conversations.open"):
        place.slack.refuse(method, None)

    await _within_a_minute(place)

    assert len(_cards(place)) == 1
