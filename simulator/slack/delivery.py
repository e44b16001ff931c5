"""How a payload reaches the app, by socket or by signed HTTP, and what the person is told when it does not."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import aiohttp

from simulator.slack.limits import Limits
from simulator.slack.model import Json
from simulator.slack.signing import signed_headers
from simulator.slack.sockets import NoConnection, SocketMode

OK = "ok"
TIMED_OUT = "operation_timeout"
NOT_DISPATCHED = "dispatch_failed"
SERVICE_ERROR = "http_service_error"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a delivery: a status in Slack's words, how long it took, what came with the acknowledgement."""

    status: str
    ack_ms: float
    response: Json | None = None

    def wire(self) -> Json:
        """Return it as a plain object."""
        return {"status": self.status, "ack_ms": round(self.ack_ms, 3), "response": self.response}


@dataclass(frozen=True, slots=True)
class Parcel:
    """One payload, as a socket and as a form carry it."""

    kind: str
    payload: Json
    form: dict[str, str]
    takes_response: bool


class Delivery:
    """Delivers by socket while one is open, else by HTTP to `request_url`, else not at all."""

    def __init__(self, sockets: SocketMode, limits: Limits, signing_secret: str, down: Callable[[], bool]) -> None:
        self._sockets = sockets
        self._limits = limits
        self._signing_secret = signing_secret
        self._down = down
        self._session: aiohttp.ClientSession | None = None
        self._last: Parcel | None = None
        self.request_url: str | None = None

    async def start(self) -> None:
        """Open the session that signed requests go through."""
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self._limits.ack_seconds))

    async def close(self) -> None:
        """Close it."""
        if self._session is not None:
            await self._session.close()

    async def command(self, payload: Json) -> Outcome:
        """Deliver a slash command."""
        form = {key: _spelt(value) for key, value in payload.items()}
        return await self._deliver(Parcel("slash_commands", payload, form, takes_response=True))

    async def interaction(self, payload: Json) -> Outcome:
        """Deliver a click."""
        form = {"payload": json.dumps(payload)}
        return await self._deliver(Parcel("interactive", payload, form, takes_response=False))

    async def again(self) -> Outcome | None:
        """Deliver the latest payload once more, word for word, as Slack sometimes does."""
        return await self._deliver(self._last) if self._last else None

    async def _deliver(self, parcel: Parcel) -> Outcome:
        self._last = parcel
        started = time.perf_counter()
        status, response = await self._try(parcel)
        return Outcome(status, (time.perf_counter() - started) * 1000, response or None)

    async def _try(self, parcel: Parcel) -> tuple[str, Json | None]:
        if self._down():
            return NOT_DISPATCHED, None
        try:
            return OK, await self._sockets.deliver(parcel.kind, parcel.payload, parcel.takes_response)
        except TimeoutError:
            return TIMED_OUT, None
        except NoConnection:
            return await self._post(parcel.form)

    async def _post(self, form: dict[str, str]) -> tuple[str, Json | None]:
        if self.request_url is None or self._session is None:
            return NOT_DISPATCHED, None
        body = urlencode(form)
        headers = signed_headers(self._signing_secret, int(time.time()), body)
        headers |= {"Content-Type": "application/x-www-form-urlencoded"}
        headers |= {"User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)"}
        try:
            async with self._session.post(self.request_url, data=body, headers=headers) as answer:
                return _judged(answer.status, answer.content_type, await answer.text())
        except TimeoutError:
            return TIMED_OUT, None
        except aiohttp.ClientError:
            return NOT_DISPATCHED, None


def _judged(status: int, content_type: str, body: str) -> tuple[str, Json | None]:
    if 400 <= status < 500:
        return NOT_DISPATCHED, None
    if status != 200:
        return SERVICE_ERROR, None
    if not body.strip():
        return OK, None
    if content_type != "application/json":
        return OK, {"text": body}
    try:
        answer: Any = json.loads(body)
    except ValueError:
        return SERVICE_ERROR, None
    return OK, answer if isinstance(answer, dict) else None


def _spelt(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
