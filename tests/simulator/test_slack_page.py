"""The workspace page: what it serves, whom it obeys, and what its feed shows to whom."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.simulator.slack_desk import Desk, desk


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk(tmp_path) as running:
        yield running


async def test_the_page_asks_for_nothing_from_elsewhere(at: Desk) -> None:
    async with at.http.get(at.slack.page_url) as answer:
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'self'")
        assert "https://" not in await answer.text()


@pytest.mark.parametrize("path", ["page/../server.py", "page/%2e%2e%2fserver.py", "page/nothing.js", "page/"])
async def test_only_the_pages_own_files_are_served(at: Desk, path: str) -> None:
    async with at.http.get(at.slack.page_url + path) as answer:
        assert answer.status == 404


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "https://elsewhere.example"}, 403),
        ({"Host": "rebound.example"}, 403),
        ({"Content-Type": "text/plain"}, 403),
    ],
)
async def test_another_site_in_the_same_browser_cannot_act(at: Desk, headers: dict[str, str], status: int) -> None:
    said = json.dumps({"as": "U01ONCALL", "channel": "C01OPS", "text": "hello"})
    sent = {"Content-Type": "application/json", **headers}

    async with at.http.post(f"{at.slack.page_url}page/message", data=said, headers=sent) as answer:
        assert answer.status == status


@pytest.mark.parametrize(
    ("path", "said", "sentence"),
    [
        ("faults", {"name": "earthquake", "on": True}, "No fault is called 'earthquake'"),
        ("command", {"as": "U01ONCALL", "channel": "C01OPS", "text": "/teleport"}, "/teleport is not a valid command"),
        ("click", {"as": "U01ONCALL", "channel": "C01OPS"}, "Missing or malformed: 'ts'"),
    ],
)
async def test_what_cannot_be_done_is_answered_with_a_sentence(
    at: Desk, path: str, said: dict[str, Any], sentence: str
) -> None:
    async with at.http.post(f"{at.slack.page_url}page/{path}", json=said) as answer:
        assert (answer.status, sentence in (await answer.json())["error"]) == (400, True)


async def test_the_feed_shows_each_person_what_that_person_can_see(at: Desk) -> None:
    await at.client.chat_postEphemeral(channel="C01OPS", user="U01ONCALL", text="for on-call only")

    oncall, approver, outsider = [await _view(at, who) for who in ("U01ONCALL", "U01APPROVER", "U01OUTSIDER")]

    assert [message["text"] for message in oncall["messages"]] == ["for on-call only"]
    assert approver["messages"] == []
    assert [channel["name"] for channel in outsider["channels"]] == ["shared-partner"]


async def test_sharing_a_channel_lets_the_partner_in_and_out(at: Desk) -> None:
    for shared in (True, False):
        said = {"channel": "C01OPS", "on": shared}
        async with at.http.post(f"{at.slack.page_url}page/share", json=said) as answer:
            assert await answer.json() == {"shared": shared}

        info = (await at.client.conversations_info(channel="C01OPS"))["channel"]
        assert info["is_ext_shared"] is shared
        assert ("C01OPS" in [room["id"] for room in (await _view(at, "U01OUTSIDER"))["channels"]]) is shared


async def _view(at: Desk, who: str) -> dict[str, Any]:
    async with at.http.get(f"{at.slack.page_url}page/events", params={"as": who, "channel": "C01OPS"}) as feed:
        line = await feed.content.readline()
    return dict(json.loads(line.removeprefix(b"data: ")))
