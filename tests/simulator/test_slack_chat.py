"""Posting, changing and removing messages, as strict as Slack."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.simulator.slack_desk import SCOPES, Desk, card, desk, manifest_document


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk(tmp_path) as running:
        yield running


async def test_a_posted_message_is_seen_with_the_ids_that_slack_adds(at: Desk) -> None:
    ts = await at.post(text="a card", blocks=card())

    [message] = at.slack.messages("C01OPS")
    assert (message["ts"], message["user"], message["text"]) == (ts, "U0REGBOT", "a card")
    [block] = _blocks(message)
    assert block["block_id"]
    assert block["elements"][0]["text"]["emoji"] is True


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"channel": "C99NONE", "text": "x"}, "channel_not_found"),
        ({"channel": "C03GENERAL", "text": "x"}, "not_in_channel"),
        ({"channel": "C05PRIVATE", "text": "x"}, "channel_not_found"),
        ({"channel": "C01OPS"}, "no_text"),
        ({"channel": "C01OPS", "blocks": []}, "no_text"),
        ({"channel": "C01OPS", "blocks": {"type": "divider"}}, "invalid_blocks_format"),
        ({"channel": "C01OPS", "text": "x", "blocks": "no json"}, "invalid_blocks_format"),
        ({"channel": "C01OPS", "text": "x", "thread_ts": "yesterday"}, "invalid_thread_ts"),
        ({"channel": "C01OPS", "text": "x", "thread_ts": "1700000000.000001"}, "thread_not_found"),
        ({"channel": "C01OPS", "text": "x", "metadata": {"event_type": "a"}}, "invalid_metadata_schema"),
        ({"channel": "C01OPS", "text": "x", "metadata": [1]}, "invalid_metadata_format"),
        (
            {"channel": "C01OPS", "text": "x", "metadata": {"event_type": "a", "event_payload": {"k": "v" * 9000}}},
            "metadata_too_large",
        ),
    ],
)
async def test_what_slack_does_not_post_is_refused(at: Desk, arguments: dict[str, Any], error: str) -> None:
    assert await at.error("chat.postMessage", **arguments) == error
    assert at.slack.messages("C01OPS") == []


async def test_an_archived_channel_takes_no_messages(at: Desk) -> None:
    ts = await at.post()
    at.slack.change_channel("C01OPS", {"is_archived": True})

    assert await at.error("chat.postMessage", channel="C01OPS", text="x") == "is_archived"
    assert await at.error("chat.update", channel="C01OPS", ts=ts, text="x") == "is_archived"


async def test_with_chat_write_public_the_bot_posts_to_public_channels_only(tmp_path: Path) -> None:
    async with desk(tmp_path, manifest=manifest_document([*SCOPES, "chat:write.public"])) as at:
        assert await at.post("C03GENERAL")
        assert await at.error("chat.postMessage", channel="C05PRIVATE", text="x") == "channel_not_found"


async def test_an_overlong_text_is_cut_when_posted_and_refused_when_updated(at: Desk) -> None:
    posted = await at.client.chat_postMessage(channel="C01OPS", text="x" * 40_001)

    assert posted["warning"] == "message_truncated"
    assert len(posted["message"]["text"]) == 40_000
    assert await at.error("chat.update", channel="C01OPS", ts=posted["ts"], text="x" * 4_001) == "msg_too_long"
    assert (await at.client.chat_update(channel="C01OPS", ts=posted["ts"], text="x" * 4_000))["ok"]


async def test_replies_stay_in_their_thread_and_have_no_threads_of_their_own(at: Desk) -> None:
    parent = await at.post()
    reply = await at.post(thread_ts=parent)

    assert at.slack.messages("C01OPS")[1]["thread_ts"] == parent
    assert await at.error("chat.postMessage", channel="C01OPS", text="x", thread_ts=reply) == "cannot_reply_to_message"


async def test_an_update_changes_what_it_names_and_keeps_the_rest(at: Desk) -> None:
    ts = await at.post(text="before", blocks=card())

    await at.client.chat_update(channel="C01OPS", ts=ts, text="after")
    [with_buttons] = at.slack.messages("C01OPS")
    await at.client.chat_update(channel="C01OPS", ts=ts, text="after", blocks=[])
    [without] = at.slack.messages("C01OPS")

    assert (with_buttons["text"], len(_blocks(with_buttons))) == ("after", 1)
    assert (without["ts"], without["blocks"]) == (ts, [])


async def test_an_update_that_would_leave_nothing_is_refused(at: Desk) -> None:
    ts = await at.post()

    assert await at.error("chat.update", channel="C01OPS", ts=ts) == "no_text"
    assert await at.error("chat.update", channel="C01OPS", ts=ts, text="", blocks=[]) == "no_text"


async def test_only_the_apps_own_messages_can_be_changed_or_removed(at: Desk) -> None:
    typed = await _typed_by_a_person(at)

    assert await at.error("chat.update", channel="C01OPS", ts=typed, text="x") == "cant_update_message"
    assert await at.error("chat.delete", channel="C01OPS", ts=typed) == "cant_delete_message"
    assert await at.error("chat.update", channel="C01OPS", ts="1700000000.000001", text="x") == "message_not_found"


async def test_a_deleted_message_is_gone(at: Desk) -> None:
    ts = await at.post()

    await at.client.chat_delete(channel="C01OPS", ts=ts)

    assert at.slack.messages("C01OPS") == []


async def test_an_ephemeral_message_is_for_one_member_and_no_message_for_the_web_api(at: Desk) -> None:
    sent = await at.client.chat_postEphemeral(channel="C01OPS", user="U01ONCALL", text="for you")

    assert at.said(viewer="U01ONCALL") == ["for you"]
    assert at.said(viewer="U01APPROVER") == []
    assert await at.error("chat.update", channel="C01OPS", ts=sent["message_ts"], text="x") == "message_not_found"


@pytest.mark.parametrize("user", ["U01OUTSIDER", "U01LEFT", "U99NOBODY"])
async def test_an_ephemeral_message_needs_a_living_member(at: Desk, user: str) -> None:
    assert await at.error("chat.postEphemeral", channel="C01OPS", user=user, text="x") == "user_not_in_channel"


async def test_a_permalink_leads_to_the_message_on_the_page(at: Desk) -> None:
    ts = await at.post()

    link = (await at.client.chat_getPermalink(channel="C01OPS", message_ts=ts))["permalink"]

    async with at.http.get(str(link), allow_redirects=False) as answer:
        assert answer.headers["Location"] == f"/#C01OPS/{ts}"


async def test_a_message_to_a_person_goes_to_the_direct_messages(at: Desk) -> None:
    await at.post("U01APPROVER", text="please decide")

    assert at.said("D01APPROVER", "U01APPROVER") == ["please decide"]


async def test_without_a_messages_tab_nobody_can_be_written_to(tmp_path: Path) -> None:
    async with desk(tmp_path, manifest=manifest_document(tab=False)) as at:
        assert await at.error("chat.postMessage", channel="U01APPROVER", text="x") == "messages_tab_disabled"


async def test_metadata_is_kept_by_updates_and_read_back_on_request(at: Desk) -> None:
    metadata = {"event_type": "operation", "event_payload": {"id": "fo-1"}}
    ts = await at.post(metadata=metadata)
    await at.client.chat_update(channel="C01OPS", ts=ts, text="later")

    told = await at.client.conversations_history(channel="C01OPS", include_all_metadata=True)

    assert told["messages"][0]["metadata"] == metadata


async def _typed_by_a_person(at: Desk) -> str:
    said = {"as": "U01ONCALL", "channel": "C01OPS", "text": "typed"}
    async with at.http.post(f"{at.slack.page_url}page/message", json=said) as answer:
        return str((await answer.json())["ts"])


def _blocks(message: dict[str, object]) -> list[dict[str, Any]]:
    blocks = message["blocks"]
    assert isinstance(blocks, list)
    return blocks
