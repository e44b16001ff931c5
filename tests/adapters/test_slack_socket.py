"""Socket Mode against the simulator's Slack: connections come and go, and no envelope is left unanswered."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from bot.adapters.clock import SystemClock
from bot.adapters.slack_api import SlackApi
from bot.adapters.slack_socket import SocketMode
from simulator.faults import Faults
from simulator.slack import Limits, Slack
from tests.builders import ON_CALL
from tests.office import MANIFEST, until

LIMITS = Limits(scale=100.0)


class _Echo:
    """A dispatch that answers with what was typed, when it may."""

    def __init__(self) -> None:
        self.seen: list[Mapping[str, Any]] = []
        self.headers: list[Mapping[str, str]] = []
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()

    async def __call__(self, payload: Mapping[str, Any], headers: Mapping[str, str]) -> Mapping[str, Any] | None:
        self.seen.append(payload)
        self.headers.append(headers)
        await self.may_go_on.wait()
        return {"text": str(payload.get("text"))}


@asynccontextmanager
async def listening(
    limits: Limits = LIMITS, token: str | None = None, **fault: bool
) -> AsyncIterator[tuple[Slack, SocketMode, _Echo, Faults]]:
    """Start a Slack and a socket to it; `fault=True` is on from the beginning."""
    faults, echo = Faults(), _Echo()
    for name in fault:
        faults.set(name, None, True)
    slack = Slack(manifest=MANIFEST, faults=faults, picture=dict, limits=limits)
    await slack.start("127.0.0.1", 0)
    async with aiohttp.ClientSession() as session:
        api = SlackApi(session, SystemClock(), token=token or slack.app_token, base_url=slack.api_url)
        socket = SocketMode(api, session, SystemClock(), echo, first_pause=0.02)
        socket.start()
        try:
            yield slack, socket, echo, faults
        finally:
            await socket.stop()
            await slack.close()


async def _say(slack: Slack, text: str) -> object:
    outcome = await slack.command(ON_CALL, "C01OPS", text)
    response = outcome["response"]
    return response["text"] if isinstance(response, dict) else outcome["status"]


async def test_an_envelope_is_answered_with_what_the_listener_says() -> None:
    async with listening() as (slack, socket, _echo, _faults):
        await until(lambda: socket.trouble is None)

        assert await _say(slack, "hello") == "hello"


async def test_before_the_first_connection_it_says_so() -> None:
    async with listening() as (_slack, socket, _echo, _faults):
        assert socket.trouble == "no connection to Slack yet"


@pytest.mark.covers("F39")
async def test_a_cut_connection_is_replaced() -> None:
    async with listening() as (slack, socket, _echo, _faults):
        await until(lambda: socket.trouble is None)
        slack.sockets.drop()
        await until(lambda: slack.sockets.count == 1)

        assert await _say(slack, "again") == "again"


@pytest.mark.covers("F39")
async def test_a_wanted_reconnect_leaves_no_gap() -> None:
    limits = replace(LIMITS, connection_seconds=1.6, warning_seconds=0.4)
    async with listening(limits) as (slack, socket, _echo, _faults):
        await until(lambda: socket.trouble is None)
        await until(lambda: slack.sockets.count == 2)
        answers = [await _say(slack, str(number)) for number in range(4)]
        await until(lambda: slack.sockets.count == 1)

        assert answers == ["0", "1", "2", "3"]
        assert socket.trouble is None


@pytest.mark.covers("F39")
async def test_while_slack_is_down_it_says_why_and_comes_back_by_itself() -> None:
    async with listening(slack_down=True) as (slack, socket, _echo, faults):
        await until(lambda: socket.trouble not in (None, "no connection to Slack yet"))
        why = socket.trouble
        faults.set("slack_down", None, False)
        await until(lambda: socket.trouble is None)

        assert why is not None
        assert "apps.connections.open" in why
        assert await _say(slack, "back") == "back"


async def test_a_wrong_token_is_named_and_ends_nothing() -> None:
    async with listening(token="xapp-wrong") as (_slack, socket, _echo, _faults):
        await until(lambda: "invalid_auth" in (socket.trouble or ""))

        assert "Check the token" in str(socket.trouble)


@pytest.mark.covers("F39")
async def test_too_many_connections_are_not_hurried() -> None:
    async with listening(replace(LIMITS, connections=0)) as (slack, socket, _echo, _faults):
        await until(lambda: socket.trouble == "too_many_websockets")
        opened = sum(call.method == "apps.connections.open" for call in slack.calls)

        assert opened < 10


async def test_stopping_lets_an_answer_in_progress_out() -> None:
    async with listening() as (slack, socket, echo, _faults):
        await until(lambda: socket.trouble is None)
        echo.may_go_on.clear()
        asking = asyncio.ensure_future(_say(slack, "late"))
        await until(lambda: echo.seen)
        stopping = asyncio.ensure_future(socket.stop())
        echo.may_go_on.set()
        await stopping

        assert await asking == "late"
        assert socket.trouble == "the bot is stopping"


async def test_many_envelopes_are_answered_at_once() -> None:
    async with listening() as (slack, socket, echo, _faults):
        await until(lambda: socket.trouble is None)
        echo.may_go_on.clear()
        asking = [asyncio.ensure_future(_say(slack, str(number))) for number in range(20)]
        await until(lambda: len(echo.seen) == 20)
        echo.may_go_on.set()

        assert await asyncio.gather(*asking) == [str(number) for number in range(20)]


@pytest.mark.parametrize("frame", ["not json", "[1]", '{"type": "new"}', '{"envelope_id": "e", "payload": null}'])
async def test_a_strange_frame_is_passed_over(frame: str) -> None:
    async with listening() as (slack, socket, _echo, _faults):
        await until(lambda: socket.trouble is None)
        await slack.sockets._connections[0].socket.send_str(frame)

        assert await _say(slack, "still here") == "still here"
