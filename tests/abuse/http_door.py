"""Signed requests as Slack sends them, and as somebody else might."""

import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import aiohttp

from bot.adapters.clock import SystemClock
from bot.server import EVENTS_PATH
from tests.builders import ON_CALL, WORKSPACE
from tests.office import Office

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Told:
    """What came back for one request."""

    status: int
    body: str


def now(seconds: int = 0) -> str:
    """Return a timestamp as Slack writes it, some seconds from now."""
    return str(int(SystemClock().now().timestamp()) + seconds)


def command(text: str, user: str = ON_CALL, **fields: Any) -> str:
    """Return the form of a slash command."""
    payload = {"user_id": user, "team_id": WORKSPACE, "channel_id": "C01OPS", "channel_name": "ops"}
    return urlencode(payload | {"command": "/registry", "text": text, "response_url": ""} | fields)


def interaction(payload: Any) -> str:
    """Return the form of a click."""
    return urlencode({"payload": payload if isinstance(payload, str) else json.dumps(payload)})


def signature(place: Office, body: str, timestamp: str) -> str:
    """Return what Slack would put into the header."""
    code = hmac.new(place.slack.signing_secret.encode(), f"v0:{timestamp}:{body}".encode(), hashlib.sha256)
    return f"v0={code.hexdigest()}"


async def post(place: Office, body: str, timestamp: str | None = None, kind: str = FORM, **headers: str) -> Told:
    """Send a request with a good signature; headers may replace what Slack would send."""
    at = now() if timestamp is None else timestamp
    sent = {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": signature(place, body, at), "Content-Type": kind}
    return await send(place, body, **(sent | headers))


async def send(place: Office, body: Any, **headers: str) -> Told:
    """Send a request with exactly these headers."""
    url = f"http://127.0.0.1:{place.server.port}{EVENTS_PATH}"
    async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers) as answer:
        return Told(answer.status, await answer.text())
