"""What the app can read about people and channels, and the files that it shares."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.simulator.slack_desk import Desk, desk


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk(tmp_path) as running:
        yield running


@pytest.mark.parametrize(
    ("user", "flags"),
    [
        ("U01ONCALL", {"deleted": False, "is_bot": False, "is_restricted": False, "team_id": "T01SIM"}),
        ("U01GUEST", {"is_restricted": True}),
        ("U01OUTSIDER", {"is_stranger": True, "team_id": "T0OUTSIDE"}),
        ("U01LEFT", {"deleted": True}),
        ("U01BOTTY", {"is_bot": True}),
    ],
)
async def test_users_info_shows_the_flags_of_each_persona(at: Desk, user: str, flags: dict[str, Any]) -> None:
    shown = (await at.client.users_info(user=user))["user"]

    assert {name: shown[name] for name in flags} == flags


async def test_a_person_can_leave_at_run_time_and_reset_brings_everybody_back(at: Desk) -> None:
    at.slack.change_user("U01APPROVER", {"id": "U01APPROVER", "deleted": True})
    gone = (await at.client.users_info(user="U01APPROVER"))["user"]["deleted"]
    at.slack.reset()

    assert gone is True
    assert (await at.client.users_info(user="U01APPROVER"))["user"]["deleted"] is False


async def test_an_unknown_flag_or_a_nameless_newcomer_is_refused(at: Desk) -> None:
    with pytest.raises(ValueError, match="Slack knows no is_wizard"):
        at.slack.change_user("U01APPROVER", {"is_wizard": True})
    with pytest.raises(ValueError, match="give it a name"):
        at.slack.change_channel("C77", {"members": []})


async def test_nobody_of_that_id_is_user_not_found(at: Desk) -> None:
    assert await at.error("users.info", user="U99NOBODY") == "user_not_found"


async def test_user_groups_need_a_paid_plan(at: Desk) -> None:
    assert await at.error("usergroups.users.list", usergroup="S1") == "plan_upgrade_required"


async def test_conversations_info_tells_sharing_and_membership(at: Desk) -> None:
    shared = (await at.client.conversations_info(channel="C04SHARED"))["channel"]
    general = (await at.client.conversations_info(channel="C03GENERAL"))["channel"]

    assert (shared["is_ext_shared"], shared["is_member"]) == (True, True)
    assert (general["is_ext_shared"], general["is_member"]) == (False, False)


async def test_a_private_channel_without_the_bot_does_not_exist_for_it(at: Desk) -> None:
    assert await at.error("conversations.info", channel="C05PRIVATE") == "channel_not_found"
    at.slack.change_channel("C05PRIVATE", {"members": ["U01ONCALL", "U0REGBOT"]})

    assert (await at.client.conversations_info(channel="C05PRIVATE"))["channel"]["is_private"] is True


async def test_members_come_in_pages(at: Desk) -> None:
    found: list[str] = []
    cursor: str | None = None
    while cursor != "":
        page = await at.client.conversations_members(channel="C01OPS", limit=3, cursor=cursor)
        found += page["members"]
        cursor = page["response_metadata"]["next_cursor"]

    assert len(found) == len(set(found)) == 7
    assert await at.error("conversations.members", channel="C01OPS", cursor="?") == "invalid_cursor"
    assert await at.error("conversations.members", channel="C01OPS", limit=0) == "invalid_limit"


async def test_history_is_newest_first_and_leaves_replies_to_their_thread(at: Desk) -> None:
    first = await at.post(text="first")
    await at.post(text="inside", thread_ts=first)
    await at.post(text="told all", thread_ts=first, reply_broadcast=True)
    await at.client.chat_postEphemeral(channel="C01OPS", user="U01ONCALL", text="whispered")

    history = await at.client.conversations_history(channel="C01OPS")
    thread = await at.client.conversations_replies(channel="C01OPS", ts=first)

    assert [message["text"] for message in history["messages"]] == ["told all", "first"]
    assert [message["text"] for message in thread["messages"]] == ["first", "inside", "told all"]
    assert thread["messages"][0]["reply_count"] == 2


async def test_history_needs_membership_and_a_thread_its_parent(at: Desk) -> None:
    assert await at.error("conversations.history", channel="C03GENERAL") == "not_in_channel"
    assert await at.error("conversations.replies", channel="C01OPS", ts="1700000000.000001") == "thread_not_found"


@pytest.mark.parametrize(
    ("user", "error"),
    [("U01LEFT", "user_disabled"), ("U01BOTTY", "cannot_dm_bot"), ("U99NOBODY", "user_not_found")],
)
async def test_direct_messages_need_a_living_person(at: Desk, user: str, error: str) -> None:
    assert await at.error("conversations.open", users=user) == error


async def test_direct_messages_are_opened_once(at: Desk) -> None:
    opened = [(await at.client.conversations_open(users="U01ONCALL"))["channel"]["id"] for _ in range(2)]

    assert opened == ["D01ONCALL"] * 2
    assert await at.post(opened[0])


async def test_a_message_is_pinned_once(at: Desk) -> None:
    ts = await at.post()

    await at.client.pins_add(channel="C01OPS", timestamp=ts)

    assert await at.error("pins.add", channel="C01OPS", timestamp=ts) == "already_pinned"
    assert at.slack.messages("C01OPS")[0]["pinned"] is True


async def test_a_file_goes_into_a_thread_and_can_be_fetched(at: Desk) -> None:
    parent = await at.post()

    shared = await at.client.files_upload_v2(
        content="a,b\n", filename="diff.csv", title="Difference", channel="C01OPS", thread_ts=parent
    )

    [message] = [message for message in at.slack.messages("C01OPS") if "files" in message]
    assert message["thread_ts"] == parent
    async with at.http.get(shared["files"][0]["url_private"]) as answer:
        assert (await answer.text(), answer.headers["X-Content-Type-Options"]) == ("a,b\n", "nosniff")


async def test_an_upload_is_shared_only_when_its_bytes_came(at: Desk) -> None:
    asked = await at.client.files_getUploadURLExternal(filename="x.txt", length=4)
    named = [{"id": asked["file_id"], "title": "x"}]

    assert await at.error("files.completeUploadExternal", files=named, channel_id="C01OPS") == "file_not_found"
    async with at.http.post(asked["upload_url"], data=b"too long") as refused:
        assert refused.status == 400
    async with at.http.post(asked["upload_url"], data=b"four") as taken:
        assert taken.status == 200
    assert (await at.client.files_completeUploadExternal(files=named, channel_id="C01OPS"))["ok"]
    assert await at.error("files.completeUploadExternal", files=named, channel_id="C01OPS") == "file_not_found"
