"""Slack's Web API against the simulator's Slack and against servers that answer nonsense."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from aiohttp import web

from bot.adapters.slack import SlackWorkspace
from bot.adapters.slack_api import LONGEST_PAUSE
from bot.errors import ProviderError, Refused, Throttled, Unanswered, Unreachable
from bot.ports import Attachment, Channel, Message
from tests.adapters.slack_servers import Handler, saying, served, serving
from tests.builders import APPROVER
from tests.office import Office, office
from tests.secrets import leaks

MINUTE = timedelta(minutes=1)
HELLO = Message("Hello", [{"type": "section", "text": {"type": "mrkdwn", "text": "Hello"}}])


@pytest.fixture
async def place() -> AsyncIterator[Office]:
    async with office() as opened:
        yield opened


async def test_a_message_is_posted_answered_in_its_thread_and_edited(place: Office) -> None:
    ts = await place.ports.workspace.post("C01OPS", HELLO)
    await place.ports.workspace.post("C01OPS", Message("A step"), thread_ts=ts)
    await place.ports.workspace.update("C01OPS", ts, Message("Done"))
    card, step = place.posts()

    assert (card["text"], card["blocks"]) == ("Done", [])
    assert (step["text"], step["thread_ts"]) == ("A step", ts)


LIST = Attachment("differences.csv", "Every difference", b"image,kind\ncore/api:1.0,missing\n")


async def test_a_file_lands_in_the_thread_as_it_was_sent(place: Office) -> None:
    ts = await place.ports.workspace.post("C01OPS", HELLO)
    await place.ports.workspace.share("C01OPS", ts, LIST)
    _card, reply = place.posts()
    [shown] = reply["files"]

    assert (reply["thread_ts"], shown["name"], shown["title"]) == (ts, LIST.name, LIST.title)
    async with place.session.get(shown["url_private"]) as kept:
        assert await kept.read() == LIST.content


async def test_a_file_is_refused_in_words_where_the_bot_is_not_a_member(place: Office) -> None:
    with pytest.raises(Refused, match="not_in_channel"):
        await place.ports.workspace.share("C03GENERAL", "1700000000.000001", LIST)


async def test_an_address_for_a_file_gets_nothing_that_others_could_read() -> None:
    async with served(saying({})) as (api, _):
        with pytest.raises(Refused, match="not encrypted"):
            await api.upload("ftp://files.example.com/x", MINUTE, LIST.content)


async def test_a_host_that_takes_no_file_is_named_with_what_to_do() -> None:
    async with serving(saying({}, status=403)) as url, served(saying({})) as (api, _):
        with pytest.raises(Refused, match=r"HTTP status 403.*files\.slack\.com"):
            await api.upload(url, MINUTE, LIST.content)
    async with served(saying({})) as (api, _):
        with pytest.raises(Unreachable, match=r"cannot be reached.*files\.slack\.com"):
            await api.upload(url, MINUTE, LIST.content)


async def test_a_host_for_files_that_hangs_is_given_up_and_never_sees_the_token() -> None:
    seen: list[str] = []

    async def hang(request: web.Request) -> web.Response:
        seen.extend(request.headers.values())
        await asyncio.sleep(5)
        return web.Response()

    async with serving(hang) as url, served(saying({})) as (api, _):
        with pytest.raises(Unanswered, match="did not take the file"):
            await api.upload(url, timedelta(seconds=0.05), LIST.content)

    assert seen
    assert not leaks("\n".join(seen))


async def test_a_whisper_is_seen_by_one_person_only(place: Office) -> None:
    await place.ports.workspace.whisper("C01OPS", APPROVER, HELLO)

    assert place.whispers(APPROVER) == ["Hello"]
    assert place.posts() == []


async def test_a_message_has_a_link_and_a_missing_one_has_none(place: Office) -> None:
    ts = await place.ports.workspace.post("C01OPS", HELLO)

    assert str(await place.ports.workspace.permalink("C01OPS", ts)).startswith("http")
    assert await place.ports.workspace.permalink("C01OPS", "1.000001") is None


@pytest.mark.parametrize(
    ("channel_id", "known"),
    [
        ("C01OPS", Channel("C01OPS", "ops", True, False)),
        ("C03GENERAL", Channel("C03GENERAL", "general", False, False)),
        ("C04SHARED", Channel("C04SHARED", "shared-partner", True, True)),
    ],
)
async def test_a_channel_tells_whether_the_bot_is_in_and_who_reads_along(
    place: Office, channel_id: str, known: Channel
) -> None:
    assert await place.ports.workspace.channel(channel_id) == known


async def test_a_channel_is_asked_about_once_a_minute_and_remembered_while_slack_is_down(place: Office) -> None:
    await place.ports.workspace.channel("C01OPS")
    place.slack.change_channel("C01OPS", {"is_ext_shared": True})
    within = await place.ports.workspace.channel("C01OPS")
    place.clock.move(MINUTE * 2)
    place.faults.set("slack_down", None, True)
    during = await place.ports.workspace.channel("C01OPS")
    place.faults.set("slack_down", None, False)
    after = await place.ports.workspace.channel("C01OPS")

    assert [channel.is_shared_externally for channel in (within, during, after)] == [False, False, True]


async def test_an_old_answer_about_a_channel_does_not_stand_for_ever(place: Office) -> None:
    await place.ports.workspace.channel("C01OPS")
    place.clock.move(MINUTE * 11)
    place.faults.set("slack_down", None, True)

    with pytest.raises(Unreachable):
        await place.ports.workspace.channel("C01OPS")


@pytest.mark.parametrize(
    ("channel", "code", "advice"),
    [
        ("C03GENERAL", "not_in_channel", "/invite @registry"),
        ("C05PRIVATE", "channel_not_found", "/invite @registry"),
        ("C09NONE", "channel_not_found", "/invite @registry"),
    ],
)
async def test_a_refused_post_carries_slacks_code_and_what_to_do(
    place: Office, channel: str, code: str, advice: str
) -> None:
    with pytest.raises(Refused, match=advice) as refused:
        await place.ports.workspace.post(channel, HELLO)

    assert refused.value.code == code


async def test_an_archived_channel_refuses_with_its_code(place: Office) -> None:
    place.slack.change_channel("C01OPS", {"is_archived": True})

    with pytest.raises(Refused) as refused:
        await place.ports.workspace.post("C01OPS", HELLO)

    assert refused.value.code == "is_archived"


async def test_a_throttled_method_is_left_alone_for_as_long_as_slack_asks(place: Office) -> None:
    place.faults.set("slack_429", None, True)
    with pytest.raises(Throttled) as first:
        await place.ports.workspace.post("C01OPS", HELLO)
    place.faults.set("slack_429", None, False)
    calls = len(place.slack.calls)
    with pytest.raises(Throttled, match="pause"):
        await place.ports.workspace.post("C01OPS", HELLO)
    unheard = len(place.slack.calls) == calls
    place.clock.move(timedelta(seconds=2))
    await place.ports.workspace.post("C01OPS", HELLO)

    assert first.value.retry_after == 1.0
    assert unheard
    assert len(place.posts()) == 1


async def test_slack_being_down_is_unreachable_whichever_way_it_fails(place: Office) -> None:
    place.faults.set("slack_down", None, True)

    for _ in range(4):
        with pytest.raises(Unreachable):
            await place.ports.workspace.post("C01OPS", HELLO)


async def test_a_post_that_may_have_arrived_is_not_sent_twice() -> None:
    seen: list[str] = []

    async def cut(request: web.Request) -> web.Response:
        seen.append(request.path)
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with served(cut) as (api, clock):
        with pytest.raises(Unreachable):
            await SlackWorkspace(api, clock).post("C01OPS", HELLO)

    assert seen == ["/api/chat.postMessage"]


@pytest.mark.parametrize(
    ("handler", "kind"),
    [
        (saying({"ok": False, "error": "internal_error"}), Unreachable),
        (saying({"ok": False, "error": "ratelimited"}), Throttled),
        (saying({"ok": False}, 429, **{"Retry-After": "soon"}), Throttled),
        (saying({"ok": False}, 500), Unreachable),
        (saying({}), Unreachable),
        (saying([1]), Unreachable),
        (saying("ok"), Unreachable),
        (saying({"ok": False, "error": "invalid_auth"}), Refused),
    ],
)
async def test_each_broken_answer_is_one_of_our_errors(handler: Handler, kind: type[ProviderError]) -> None:
    async with served(handler) as (api, _clock):
        with pytest.raises(kind) as failed:
            await api.who_am_i()

    assert leaks(f"{failed.value!r} {failed.value.__cause__!r} {failed.value.__context__}") == []


@pytest.mark.parametrize("content_type", ["text/plain", "text/html", "application/json"])
async def test_a_proxys_page_is_no_answer(content_type: str) -> None:
    async def page(_request: web.Request) -> web.Response:
        return web.Response(body=b"<html>\xff sign in", content_type=content_type)

    async with served(page) as (api, _clock):
        with pytest.raises(Unreachable):
            await api.who_am_i()


async def test_a_missing_scope_is_named() -> None:
    async with served(saying({"ok": False, "error": "missing_scope", "needed": "users:read"})) as (api, _clock):
        with pytest.raises(Refused, match="lacks users:read"):
            await api.who_am_i()


async def test_an_answer_that_does_not_come_is_not_awaited() -> None:
    async def hang(_request: web.Request) -> web.Response:
        await asyncio.sleep(5)
        return web.Response()

    async with served(hang) as (api, _clock):
        with pytest.raises(Unreachable, match=r"within 0\.05 s"):
            await api.read("users.info", timedelta(seconds=0.05), user="U1")


async def test_the_environments_proxy_is_not_slacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    async with served(saying({"ok": True, "team_id": "T1", "user_id": "U1", "bot_id": "B1"})) as (api, _clock):
        assert (await api.who_am_i()).team_id == "T1"


async def test_direct_messages_are_opened_once_and_remembered(place: Office) -> None:
    first = await place.ports.workspace.direct(APPROVER)
    again = await place.ports.workspace.direct(APPROVER)
    await place.ports.workspace.post(first, HELLO)

    assert first == again
    assert [call.method for call in place.slack.calls].count("conversations.open") == 1
    assert [message["text"] for message in place.posts(first)] == ["Hello"]


@pytest.mark.parametrize(
    ("user", "code"), [("U0NOBODY", "user_not_found"), ("U01LEFT", "user_disabled"), ("U01BOTTY", "cannot_dm_bot")]
)
async def test_who_cannot_be_written_to_is_refused_with_slacks_code(place: Office, user: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        await place.ports.workspace.direct(user)

    assert refused.value.code == code


async def test_a_post_that_was_sent_without_an_answer_is_told_apart_from_one_that_was_not_sent() -> None:
    async def cut(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with served(cut) as (api, clock):
        workspace = SlackWorkspace(api, clock)
        with pytest.raises(Unanswered):
            await workspace.post("C01OPS", HELLO)
    with pytest.raises(Unreachable) as refused:
        await workspace.post("C01OPS", HELLO)
    async with served(saying({}, 503)) as (api, clock):
        with pytest.raises(Unreachable) as unavailable:
            await SlackWorkspace(api, clock).post("C01OPS", HELLO)

    assert not isinstance(refused.value, Unanswered)
    assert not isinstance(unavailable.value, Unanswered)


@pytest.mark.covers("F32", "F40")
@pytest.mark.parametrize(("wish", "pause"), [("30", 30.0), ("86400", LONGEST_PAUSE), ("never", 30.0)])
async def test_a_pause_is_as_long_as_slack_says_but_never_outlasts_an_outage_by_a_minute(
    wish: str, pause: float
) -> None:
    async with served(saying({"ok": False}, 429, **{"Retry-After": wish})) as (api, _clock):
        with pytest.raises(Throttled) as throttled:
            await api.who_am_i()

    assert throttled.value.retry_after == pause < 60
