"""Commands and clicks as the app receives them, by signed HTTP and through the official framework."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiohttp import web
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient

from simulator.slack import Limits, NotPossible
from tests.simulator.slack_desk import Desk, button, card, desk, manifest_document

Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk(tmp_path, limits=Limits(ack_seconds=0.2)) as running:
        yield running


@asynccontextmanager
async def receiving(at: Desk, answer: Answering) -> AsyncIterator[None]:
    """Let the workspace deliver by HTTP to a server that answers so."""

    async def handle(request: web.Request) -> web.StreamResponse:
        return await answer(request)

    application = web.Application()
    application.router.add_post("/slack/events", handle)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    at.slack.request_url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    try:
        yield
    finally:
        await runner.cleanup()


class Inbox:
    """Keeps what was delivered."""

    def __init__(self, response: dict[str, Any] | None = None) -> None:
        self.bodies: list[str] = []
        self.headers: list[dict[str, str]] = []
        self._response = response

    async def __call__(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.text())
        self.headers.append(dict(request.headers))
        return web.json_response(self._response) if self._response else web.Response()

    @property
    def command(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.bodies[-1], keep_blank_values=True).items()}

    @property
    def interaction(self) -> dict[str, Any]:
        return dict(json.loads(self.command["payload"]))


async def test_an_http_delivery_carries_a_signature_that_the_sdk_accepts(at: Desk) -> None:
    inbox = Inbox({"text": "heard"})
    async with receiving(at, inbox):
        outcome = await at.slack.command("U01ONCALL", "C01OPS", "/registry help")

    assert SignatureVerifier(at.slack.signing_secret).is_valid_request(inbox.bodies[0], inbox.headers[0])
    assert not SignatureVerifier("another secret").is_valid_request(inbox.bodies[0], inbox.headers[0])
    assert (inbox.command["text"], inbox.command["is_enterprise_install"]) == ("help", "false")
    assert (outcome["status"], at.said()) == ("ok", ["heard"])


async def _hang(_: web.Request) -> web.Response:
    await asyncio.sleep(5)
    return web.Response()


def _status(status: int) -> Answering:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status)

    return answer


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (_status(200), "ok"),
        (_status(401), "dispatch_failed"),
        (_status(404), "dispatch_failed"),
        (_status(500), "http_service_error"),
        (_hang, "operation_timeout"),
    ],
)
async def test_the_person_is_told_what_became_of_an_http_delivery(at: Desk, answer: Answering, status: str) -> None:
    async with receiving(at, answer):
        assert (await at.slack.command("U01ONCALL", "C01OPS", "help"))["status"] == status


async def test_a_closed_port_is_a_failed_dispatch(at: Desk) -> None:
    at.slack.request_url = "http://127.0.0.1:9/slack/events"

    assert (await at.slack.command("U01ONCALL", "C01OPS", "help"))["status"] == "dispatch_failed"


@pytest.mark.parametrize(
    ("escape", "text"),
    [(False, "ask @approver in #ops <now>"), (True, "ask <@U01APPROVER|approver> in <#C01OPS|ops> <now>")],
)
async def test_mentions_are_escaped_when_the_manifest_asks_for_it(tmp_path: Path, escape: bool, text: str) -> None:
    inbox = Inbox()
    async with desk(tmp_path, manifest=manifest_document(should_escape=escape)) as at, receiving(at, inbox):
        await at.slack.command("U01ONCALL", "C01OPS", "/registry ask @approver in #ops <now>")

    assert inbox.command["text"] == text


async def test_a_click_carries_message_channel_value_and_the_clickers_team(at: Desk) -> None:
    ts = await at.post(blocks=card(button("operation.approve", value="v1", style="primary"), button("other")))
    inbox = Inbox()
    async with receiving(at, inbox):
        await at.slack.click("U01OUTSIDER", "C01OPS", ts, "operation.approve")

    payload = inbox.interaction
    [action] = payload["actions"]
    assert (action["action_id"], action["value"], action["type"]) == ("operation.approve", "v1", "button")
    assert action["block_id"] == payload["message"]["blocks"][0]["block_id"]
    assert payload["container"] == {
        "type": "message", "message_ts": ts, "channel_id": "C01OPS", "is_ephemeral": False
    }  # fmt: skip
    assert (payload["user"]["team_id"], payload["team"]["id"]) == ("T0OUTSIDE", "T01SIM")


async def test_a_member_from_another_workspace_of_the_organisation_types_here_and_clicks_as_from_there(
    at: Desk,
) -> None:
    organisation = {"enterprise_id": "E01SIM", "enterprise_name": "Simulation", "teams": ["T02SIM", "T01SIM"]}
    at.slack.change_user("U01MEMBER", {"team_id": "T02SIM", "enterprise_user": organisation})
    ts = await at.post(blocks=card(button("operation.approve")))
    inbox = Inbox()
    async with receiving(at, inbox):
        await at.slack.command("U01MEMBER", "C01OPS", "/registry status")
        typed = inbox.command
        await at.slack.click("U01MEMBER", "C01OPS", ts, "operation.approve")

    shown = (await at.client.users_info(user="U01MEMBER"))["user"]
    assert (shown["team_id"], shown["enterprise_user"]) == ("T02SIM", {"id": "U01MEMBER"} | organisation)
    assert (typed["team_id"], typed["enterprise_id"]) == ("T01SIM", "E01SIM")
    clicked = inbox.interaction
    assert (clicked["user"]["team_id"], clicked["team"]["id"], clicked["enterprise"]["id"]) == (
        "T02SIM", "T01SIM", "E01SIM"
    )  # fmt: skip


async def test_a_click_on_an_ephemeral_message_carries_no_message(at: Desk) -> None:
    sent = await at.client.chat_postEphemeral(channel="C01OPS", user="U01ONCALL", text="x", blocks=card())
    inbox = Inbox()
    async with receiving(at, inbox):
        await at.slack.click("U01ONCALL", "C01OPS", sent["message_ts"], "operation.approve")

    assert "message" not in inbox.interaction
    assert inbox.interaction["container"]["is_ephemeral"] is True


async def test_a_click_in_a_thread_names_the_thread(at: Desk) -> None:
    parent = await at.post()
    ts = await at.post(thread_ts=parent, blocks=card())
    inbox = Inbox()
    async with receiving(at, inbox):
        await at.slack.click("U01ONCALL", "C01OPS", ts, "operation.approve")

    assert inbox.interaction["container"]["thread_ts"] == parent


async def test_a_payload_can_come_twice_word_for_word(at: Desk) -> None:
    inbox = Inbox()
    with pytest.raises(NotPossible):
        await at.slack.redeliver()
    async with receiving(at, inbox):
        await at.slack.command("U01ONCALL", "C01OPS", "help")
        again = await at.slack.redeliver()

    assert (again["status"], inbox.bodies[0]) == ("ok", inbox.bodies[1])


@pytest.mark.parametrize(
    ("user", "channel", "text"),
    [
        ("U01BOTTY", "C01OPS", "/registry help"),
        ("U99NOBODY", "C01OPS", "/registry help"),
        ("U01ONCALL", "C99NONE", "/registry help"),
        ("U01ONCALL", "C01OPS", "/teleport me"),
    ],
)
async def test_what_a_client_would_not_send_is_refused(at: Desk, user: str, channel: str, text: str) -> None:
    with pytest.raises(NotPossible):
        await at.slack.command(user, channel, text)


async def test_only_a_button_that_is_there_can_be_pressed(at: Desk) -> None:
    ts = await at.post(blocks=card())
    whispered = await at.client.chat_postEphemeral(channel="C01OPS", user="U01ONCALL", text="x", blocks=card())

    for who, where, what in [
        ("U01ONCALL", ts, "operation.reject"),
        ("U01ONCALL", "1700000000.000001", "operation.approve"),
        ("U01APPROVER", whispered["message_ts"], "operation.approve"),
        ("U01BOTTY", ts, "operation.approve"),
    ]:
        with pytest.raises(NotPossible):
            await at.slack.click(who, "C01OPS", where, what)


async def test_a_response_url_serves_five_times(at: Desk) -> None:
    url = await _response_url(at)

    statuses = [await _respond(at, url, {"text": f"answer {number}"}) for number in range(6)]

    assert statuses == [(200, None)] * 5 + [(404, "used_url")]
    assert len(at.said(viewer="U01ONCALL")) == 5
    assert at.said(viewer="U01APPROVER") == []


async def test_a_response_url_ends_after_its_time(tmp_path: Path) -> None:
    async with desk(tmp_path, limits=Limits(response_seconds=0.0)) as at:
        assert await _respond(at, await _response_url(at), {"text": "late"}) == (404, "expired_url")


async def test_a_response_url_works_where_the_bot_is_not_a_member(at: Desk) -> None:
    url = await _response_url(at, "C05PRIVATE")

    assert await _respond(at, url, {"text": "please invite me"}) == (200, None)
    assert at.said("C05PRIVATE", "U01ONCALL") == ["please invite me"]


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({}, "no_text"),
        ({"blocks": [{"type": "hologram"}]}, "invalid_blocks"),
        ({"delete_original": True}, "message_not_found"),
    ],
)
async def test_a_response_that_cannot_be_shown_is_refused(at: Desk, said: dict[str, Any], error: str) -> None:
    assert await _respond(at, await _response_url(at), said) == (400, error)


async def test_a_clicks_response_url_replaces_or_deletes_the_original(at: Desk) -> None:
    ts = await at.post(text="card", blocks=card())
    inbox = Inbox()
    async with receiving(at, inbox):
        await at.slack.click("U01ONCALL", "C01OPS", ts, "operation.approve")
    url = inbox.interaction["response_url"]

    await _respond(at, url, {"text": "decided", "replace_original": True})
    replaced = at.slack.messages("C01OPS")
    await _respond(at, url, {"delete_original": True})

    assert [(message["ts"], message["text"], message["blocks"]) for message in replaced] == [(ts, "decided", [])]
    assert at.slack.messages("C01OPS") == []


async def test_the_official_framework_works_against_it(at: Desk) -> None:
    app = AsyncApp(signing_secret=at.slack.signing_secret, client=at.client)
    handler: Any = AsyncSocketModeHandler(app, at.slack.app_token, web_client=AsyncWebClient(base_url=at.slack.api_url))
    done = asyncio.Event()

    @app.command("/registry")
    async def command(ack: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
        await ack(text="Preparing the plan…")
        await client.chat_postMessage(channel=body["channel_id"], text="a card", blocks=card())

    @app.action("operation.approve")
    async def approve(ack: Any, body: dict[str, Any], client: AsyncWebClient, respond: Any) -> None:
        await ack()
        place = body["container"]
        await client.chat_update(channel=place["channel_id"], ts=place["message_ts"], text="approved", blocks=[])
        await respond(text="counted", replace_original=False)
        done.set()

    await handler.connect_async()
    try:
        asked = await at.slack.command("U01ONCALL", "C01OPS", "/registry failover zhangjiakou")
        await at.until(lambda: "a card" in at.said())
        [shown] = [message for message in at.slack.messages("C01OPS") if message["blocks"]]
        pressed = await at.slack.click("U01APPROVER", "C01OPS", str(shown["ts"]), "operation.approve")
        await done.wait()
    finally:
        await handler.close_async()

    assert (asked["status"], pressed["status"]) == ("ok", "ok")
    assert at.said(viewer="U01APPROVER") == ["approved", "counted"]


async def _response_url(at: Desk, channel: str = "C01OPS") -> str:
    inbox = Inbox()
    async with receiving(at, inbox):
        await at.slack.command("U01ONCALL", channel, "help")
    return inbox.command["response_url"]


async def _respond(at: Desk, url: str, said: dict[str, Any]) -> tuple[int, str | None]:
    async with at.http.post(url, json=said) as answer:
        return answer.status, (await answer.json()).get("error")
