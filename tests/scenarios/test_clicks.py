"""Clicks that do not count: foreign, copied, decided, expired and unknown cards; and decisions typed instead."""

import asyncio
import re
from contextlib import suppress
from typing import Any

import aiohttp
import pytest
from redis import Redis

from simulator.slack.refusals import NotPossible
from tests.scenarios.company import APPROVER, MEMBER, ON_CALL, OPS, SECOND, WAITING, Company, company_with_bot

Json = dict[str, Any]


@pytest.mark.covers("A17")
async def test_a_copied_card_does_not_count_and_is_retired(company: Company) -> None:
    card = await company.failover()
    copy = await post(company, buttons(card))

    told = await company.click(APPROVER, "approve", copy)

    assert "lost copy" in told
    assert f"/registry approve {company.operation_id(card)}" in told
    await company.shows("is out of use")
    assert WAITING in company.cards()[0]["text"]


FORGERIES = {
    "approve|{id}|{digest}|{key}:00": "E_UNTRUSTED_BUTTON",
    "approve|fo-zzzz|{digest}|{key}:{mac}": "E_UNTRUSTED_BUTTON",
    "reject|{id}|{digest}|{key}:{mac}": "E_UNTRUSTED_BUTTON",
    "approve|{id}": "E_UNTRUSTED_BUTTON",
    "é|{id}|{digest}|{key}:{mac}": "E_UNTRUSTED_BUTTON",
    "approve|{id}|{digest}|ffff:{mac}": "E_UNKNOWN_KEY",
}


@pytest.mark.covers("A16", "A17")
@pytest.mark.parametrize("forgery", FORGERIES)
async def test_a_button_that_somebody_else_made_does_not_count(company: Company, forgery: str) -> None:
    card = await company.failover()
    _, operation_id, digest, code = str(buttons(card)["elements"][0]["value"]).split("|")
    key, mac = code.split(":")
    forged = buttons(card, forgery.format(id=operation_id, digest=digest, key=key, mac=mac))

    assert FORGERIES[forgery] in await company.click(APPROVER, "approve", await post(company, forged))
    assert WAITING in company.cards()[0]["text"]


async def test_a_button_of_another_version_is_answered(company: Company) -> None:
    card = await company.failover()
    unknown = buttons(card)
    unknown["elements"] = [unknown["elements"][0] | {"action_id": "operation.explode"}]

    assert "another version of this bot" in await company.click(APPROVER, "explode", await post(company, unknown))


@pytest.mark.covers("F15")
async def test_a_card_whose_operation_is_gone_says_so(company: Company, redis_url: str) -> None:
    await company.failover()
    with Redis.from_url(redis_url) as store:
        store.delete(*store.scan_iter("{registry-bot}:op:*"))

    told = await company.click(APPROVER, "approve")

    assert "No operation is called fo-" in told
    await company.shows("UNKNOWN: the bot no longer knows this request")
    assert not company.card()["blocks"]
    assert company.writes() == []


async def test_a_decided_card_tells_who_decided_what(company: Company) -> None:
    card = await company.failover()
    company.slack.refuse("chat.update", "edit_window_closed")

    assert "is rejected" in await company.click(APPROVER, "reject")
    await company.until(lambda: len(company.cards()) == 2)
    told = await company.click(SECOND, "approve", card)

    assert "lost copy" in told
    assert "REJECTED" in company.card()["text"]
    assert company.writes() == []


async def test_typed_decisions_count_like_pressed_ones(company: Company) -> None:
    first = company.operation_id(await company.failover())
    assert "Another person must approve it." in await company.command(ON_CALL, f"approve {first}")
    assert "is cancelled" in await company.command(ON_CALL, f"cancel {first} because it came back")
    for verb in ("approve", "reject", "cancel"):
        told = await company.command(SECOND, f"{verb} {first}")
        assert f"{first} is already CANCELLED (cancel: <@{ON_CALL}>" in told
    second = company.operation_id(await company.failover())
    assert "is rejected" in await company.command(APPROVER, f"reject {second}")
    third = company.operation_id(await company.failover())
    assert "is approved" in await company.command(APPROVER, f"approve {third}")
    again = await company.command(APPROVER, f"approve {third}")
    await company.shows_written()

    assert third in again
    assert "approve" in again
    assert len(company.writes()) == 1


@pytest.mark.covers("A19")
async def test_an_expired_card_cannot_be_approved_any_more(monkeypatch: pytest.MonkeyPatch, redis_url: str) -> None:
    def hurry(config: str) -> str:
        return config.replace("pending_for: 15m", "pending_for: 4s")

    async with company_with_bot(monkeypatch, redis_url, amend=hurry) as company:
        card = await company.failover()
        await asyncio.sleep(4.0)
        told = [await company.command(SECOND, f"reject {company.operation_id(card)}")]
        with suppress(NotPossible):  # where its end has been drawn by now, without buttons
            told.append(await company.click(APPROVER, "approve"))

        assert all(re.search("expired at .* Start a new request|is already EXPIRED", words) for words in told), told
        assert company.writes() == []


async def test_nobody_can_ask_or_approve_while_the_kill_switch_is_on(
    monkeypatch: pytest.MonkeyPatch, redis_url: str, tmp_path: Any
) -> None:
    switch = tmp_path / "freeze"
    async with company_with_bot(monkeypatch, redis_url, REGISTRY_BOT_FREEZE_FILE=str(switch)) as company:
        await company.failover()
        switch.touch()

        assert "kill switch is on" in await company.click(APPROVER, "approve")
        assert "kill switch is on" in await company.command(ON_CALL, "failover hangzhou")
        assert "FROZEN" in await company.command(MEMBER, "status")
        assert "is rejected" in await company.click(APPROVER, "reject")
        assert company.writes() == []


def buttons(card: Json, value: str | None = None) -> Json:
    """Return the card's buttons as somebody could post them again, perhaps with another value."""
    found = next(dict(block) for block in card["blocks"] if block["type"] == "actions")
    del found["block_id"]
    found["elements"] = [each | ({"value": value} if value else {}) for each in found["elements"]]
    return found


async def post(company: Company, block: Json) -> Json:
    """Post as the bot, which a thief of its token could do."""
    body = {"channel": OPS, "text": "a card", "blocks": [block]}
    headers = {"Authorization": f"Bearer {company.slack.bot_token}"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{company.slack.api_url}chat.postMessage", json=body, headers=headers) as response,
    ):
        said: Json = await response.json()
    assert said["ok"], said
    return {"ts": said["ts"]}
