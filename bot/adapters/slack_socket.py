"""Socket Mode: connections that we open to Slack, and envelopes that come in by them.

Slack refreshes a connection every few hours and warns before. The next one is opened before the old one is let go, so
that no command falls into a gap; each envelope is answered by the connection that brought it. Losing Slack ends
nothing: this reports why it is not connected, waits ever longer, and tries again.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from secrets import SystemRandom
from typing import Any

import aiohttp
import structlog

from bot.adapters.slack_api import SlackApi
from bot.errors import ProviderError, Throttled, Unreachable
from bot.ports import Clock
from bot.tasks import Tasks

Dispatch = Callable[[Mapping[str, Any], Mapping[str, str]], Awaitable[Mapping[str, Any] | None]]
"""Takes a payload and its headers, and returns what goes back with the acknowledgement; never raises."""

OPEN_WITHIN = timedelta(seconds=5)
HELLO_WITHIN = timedelta(seconds=10)
HEARTBEAT = 10.0
"""Seconds between pings; without a pong the connection counts as lost half that time later."""
CLOSE_WITHIN = aiohttp.ClientWSTimeout(ws_close=2.0)
LINGER = timedelta(seconds=15)
"""How long a connection that Slack announced to close is still read."""
ANSWER_WITHIN = timedelta(seconds=2)
LONGEST_PAUSE = 30.0
AT_ONCE = 1.0
"""A connection that Slack wants back within this many seconds is a failure too, or we would spin."""
SOUND_AFTER = 30.0
"""A connection that lived this many seconds was sound; a shorter one counts as a failure."""
_ORDERLY = ("warning", "refresh_requested")
_DICE = SystemRandom()
_NEVER_YET = "no connection to Slack yet"


class SocketMode:
    """Keeps one connection open and hands every envelope to `dispatch`."""

    def __init__(
        self,
        api: SlackApi,
        session: aiohttp.ClientSession,
        clock: Clock,
        dispatch: Dispatch,
        *,
        proxy: str | None = None,
        first_pause: float = 1.0,
    ) -> None:
        self._api = api
        self._session = session
        self._clock = clock
        self._dispatch = dispatch
        self._proxy = proxy
        self._first_pause = first_pause
        self._why_not = _NEVER_YET
        self._live: set[aiohttp.ClientWebSocketResponse] = set()
        self._answers = Tasks()
        self._readers = Tasks()
        self._log = structlog.get_logger()

    @property
    def trouble(self) -> str | None:
        """Return why nothing can come in from Slack, or None while a connection is open."""
        return None if self._live else self._why_not

    def start(self) -> None:
        """Connect in the background and stay connected."""
        self._readers.start(self._run(), "slack.socket")

    async def stop(self) -> None:
        """Let the answers in progress out, then close."""
        await self._answers.drain(ANSWER_WITHIN)
        await self._readers.drain(timedelta(0))
        for socket in tuple(self._live):
            await socket.close()
        self._why_not = "the bot is stopping"

    async def _run(self) -> None:
        failures = 0
        while True:
            began = self._clock.monotonic()
            wish = 0.0
            try:
                why = await self._one_connection()
            except ProviderError as error:
                why = str(error)
                wish = (error.retry_after or 0.0) if isinstance(error, Throttled) else 0.0
            lived = self._clock.monotonic() - began
            if why in _ORDERLY and lived > AT_ONCE:
                failures = 0
                continue
            failures = 0 if lived > SOUND_AFTER else failures + 1
            self._why_not = why
            self._log.warning("slack.disconnected", reason=why, attempt=failures)
            await self._clock.sleep(max(wish, self._pause(failures)))

    def _pause(self, failures: int) -> float:
        longest = min(LONGEST_PAUSE, self._first_pause * 2.0 ** min(failures, 10))
        return _DICE.uniform(longest / 2, longest)

    async def _one_connection(self) -> str:
        """Serve one connection until Slack or the network ends it, and return why it ended."""
        socket = await self._open()
        why = _NEVER_YET
        try:
            why = await self._read(socket)
        finally:
            if why in _ORDERLY:
                self._readers.start(self._linger(socket), "slack.socket.linger")
            else:
                await self._let_go(socket)
        return why

    async def _open(self) -> aiohttp.ClientWebSocketResponse:
        said = await self._api.write("apps.connections.open", OPEN_WITHIN)
        url = str(said.get("url") or "")
        try:
            async with asyncio.timeout(OPEN_WITHIN.total_seconds()):
                return await self._session.ws_connect(url, heartbeat=HEARTBEAT, proxy=self._proxy, timeout=CLOSE_WITHIN)
        except TimeoutError:
            raise Unreachable("Slack's socket did not open in time.") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise Unreachable(f"Slack's socket cannot be opened ({type(error).__name__}).") from None

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> str:
        limit: float | None = HELLO_WITHIN.total_seconds()
        while True:
            try:
                message = await socket.receive(timeout=limit)
            except TimeoutError:
                return "Slack's socket said no hello"
            if message.type is not aiohttp.WSMsgType.TEXT:
                if message.type in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.PING, aiohttp.WSMsgType.PONG):
                    continue
                return "the socket to Slack broke"
            frame = _frame(message.data)
            if frame.get("type") == "hello":
                limit = None
                self._live.add(socket)
                self._log.info("slack.connected")
            elif frame.get("type") == "disconnect":
                return str(frame.get("reason") or "Slack ended the connection")
            elif envelope_id := frame.get("envelope_id"):
                self._answers.start(self._answer(socket, str(envelope_id), frame), "slack.envelope")

    async def _answer(self, socket: aiohttp.ClientWebSocketResponse, envelope_id: str, frame: dict[str, Any]) -> None:
        payload = frame.get("payload")
        said = await self._dispatch(payload if isinstance(payload, dict) else {}, _headers(frame))
        answer: dict[str, Any] = {"envelope_id": envelope_id}
        if said and frame.get("accepts_response_payload"):
            answer["payload"] = dict(said)
        try:
            await socket.send_json(answer)
        except (aiohttp.ClientError, ConnectionError, RuntimeError) as error:
            self._log.warning("slack.answer_lost", error=type(error).__name__)

    async def _linger(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Go on reading a connection that Slack is about to close, in case something still comes by it."""
        try:
            async with asyncio.timeout(LINGER.total_seconds()):
                while await self._read(socket) in _ORDERLY:
                    pass
        except TimeoutError:
            pass  # Slack announced a close and did not close: we do
        finally:
            await self._let_go(socket)

    async def _let_go(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._live.discard(socket)
        await socket.close()


def _frame(text: str) -> dict[str, Any]:
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError):  # the latter for what is nested too deeply
        return {}
    return frame if isinstance(frame, dict) else {}


def _headers(frame: Mapping[str, Any]) -> dict[str, str]:
    """Return what HTTP deliveries say about repeats."""
    told = {"x-slack-retry-num": frame.get("retry_attempt"), "x-slack-retry-reason": frame.get("retry_reason")}
    return {name: str(value) for name, value in told.items() if value}
