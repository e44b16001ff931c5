"""Socket Mode: who gets an envelope, what an acknowledgement brings back, and how connections end."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from simulator.slack import Limits
from tests.simulator.slack_desk import Desk, desk

QUICK = Limits(ack_seconds=0.1)


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk(tmp_path, limits=QUICK) as running:
        yield running


async def opened(at: Desk, suffix: str = "") -> aiohttp.ClientWebSocketResponse:
    """Open one socket and read its hello."""
    socket = await at.http.ws_connect(await address(at) + suffix)
    assert (await socket.receive_json())["type"] == "hello"
    return socket


async def address(at: Desk) -> str:
    headers = {"Authorization": f"Bearer {at.slack.app_token}"}
    async with at.http.post(f"{at.slack.api_url}apps.connections.open", headers=headers) as answer:
        return str((await answer.json())["url"])


async def answered(socket: aiohttp.ClientWebSocketResponse, payload: dict[str, Any] | None = None) -> dict[str, Any]:
    """Take the next envelope, acknowledge it, and return it."""
    envelope: dict[str, Any] = await socket.receive_json()
    await socket.send_json({"envelope_id": envelope["envelope_id"], **({"payload": payload} if payload else {})})
    return envelope


async def typed(at: Desk, text: str = "/registry help") -> dict[str, object]:
    return await at.slack.command("U01ONCALL", "C01OPS", text)


async def test_a_command_reaches_the_app_with_slacks_fields_and_its_answer_is_seen(at: Desk) -> None:
    socket = await opened(at)
    envelope, outcome = await asyncio.gather(answered(socket, {"text": "here is help"}), typed(at))

    payload = envelope["payload"]
    assert (envelope["type"], envelope["accepts_response_payload"]) == ("slash_commands", True)
    assert (payload["command"], payload["text"], payload["user_id"]) == ("/registry", "help", "U01ONCALL")
    assert (payload["channel_name"], payload["team_id"], payload["is_enterprise_install"]) == ("ops", "T01SIM", "false")
    assert (outcome["status"], outcome["response"]) == ("ok", {"text": "here is help"})
    assert at.said(viewer="U01ONCALL") == ["here is help"]
    assert at.said(viewer="U01APPROVER") == []


async def test_an_answer_in_the_channel_shows_the_typed_command_to_all(at: Desk) -> None:
    socket = await opened(at)
    await asyncio.gather(answered(socket, {"text": "all fine", "response_type": "in_channel"}), typed(at))

    assert at.said(viewer="U01APPROVER") == ["/registry help", "all fine"]


async def test_a_bare_acknowledgement_shows_nothing(at: Desk) -> None:
    socket = await opened(at)
    outcome = (await asyncio.gather(typed(at), answered(socket)))[0]

    assert (outcome["status"], outcome["response"], at.said()) == ("ok", None, [])


async def test_an_answer_that_slack_cannot_show_is_a_failure(at: Desk) -> None:
    socket = await opened(at)
    outcome = (await asyncio.gather(typed(at), answered(socket, {"blocks": [{"type": "hologram"}]})))[0]

    assert outcome["status"] == "dispatch_failed"
    assert at.said() == ['/registry failed with the error "dispatch_failed"']


async def test_without_an_acknowledgement_the_person_is_told_of_a_time_out(at: Desk) -> None:
    socket = await opened(at)

    assert (await typed(at))["status"] == "operation_timeout"
    assert not socket.closed
    assert at.said(viewer="U01ONCALL") == ['/registry failed with the error "operation_timeout"']
    assert at.said(viewer="U01APPROVER") == []


async def test_another_connection_cannot_acknowledge(at: Desk) -> None:
    first, second = await opened(at), await opened(at)

    async def cross() -> None:
        envelope = await first.receive_json()
        await second.send_json({"envelope_id": envelope["envelope_id"]})

    outcome = (await asyncio.gather(typed(at), cross()))[0]

    assert outcome["status"] == "operation_timeout"


async def test_without_a_connection_a_command_goes_nowhere(at: Desk) -> None:
    assert (await typed(at))["status"] == "dispatch_failed"


async def test_payloads_go_to_one_connection_each_and_not_to_the_same_twice(at: Desk) -> None:
    first, second = await opened(at), await opened(at)

    seen_first, _ = await asyncio.gather(answered(first), typed(at, "/registry one"))
    seen_second, _ = await asyncio.gather(answered(second), typed(at, "/registry two"))

    assert [seen["payload"]["text"] for seen in (seen_first, seen_second)] == ["one", "two"]


async def test_an_address_opens_one_connection_only(at: Desk) -> None:
    url = await address(at)
    await at.http.ws_connect(url)

    with pytest.raises(aiohttp.WSServerHandshakeError):
        await at.http.ws_connect(url)


async def test_the_eleventh_connection_is_one_too_many(at: Desk) -> None:
    ten = [await opened(at) for _ in range(10)]
    eleventh = await at.http.ws_connect(await address(at))

    assert await eleventh.receive_json() == {"type": "disconnect", "reason": "too_many_websockets"}
    assert not any(socket.closed for socket in ten)


async def test_a_refresh_asks_every_connection_to_come_back(at: Desk) -> None:
    sockets = [await opened(at), await opened(at)]

    await at.slack.refresh_connections()

    assert [(await socket.receive_json())["reason"] for socket in sockets] == ["refresh_requested"] * 2
    assert at.slack.sockets.count == 0


async def test_a_connection_that_grew_old_is_warned_and_then_refreshed(tmp_path: Path) -> None:
    limits = Limits(debug_connection_seconds=0.1, warning_seconds=0.05)
    async with desk(tmp_path, limits=limits) as at:
        socket = await opened(at, "&debug_reconnects=true")

        reasons = [(await socket.receive_json())["reason"] for _ in range(2)]

    assert reasons == ["warning", "refresh_requested"]


async def test_when_slack_goes_down_sockets_are_cut_and_none_can_be_opened(at: Desk) -> None:
    socket = await opened(at)
    url = await address(at)
    at.faults.set("slack_down", None, True)
    frame = await socket.receive()

    assert frame.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.ERROR)
    assert (await typed(at))["status"] == "dispatch_failed"
    with pytest.raises(aiohttp.ClientError):
        await at.http.ws_connect(url)


async def test_reset_keeps_connections(at: Desk) -> None:
    socket = await opened(at)
    at.slack.reset()

    outcome = (await asyncio.gather(typed(at), answered(socket)))[0]

    assert outcome["status"] == "ok"
