"""Commands and clicks as Slack sends them in HTTP mode: signed, form-encoded, on a kept-alive connection."""

import hashlib
import hmac
import json
import time
from typing import Any
from urllib.parse import urlencode

from benchmarks.http_protocol import Caller
from benchmarks.layout import CHANNEL, CHANNEL_NAME, SIGNING_SECRET, TEAM

Wire = dict[str, Any]


def command(text: str, user: str, respond_at: int, channel: str = CHANNEL) -> bytes:
    """Return the body of a slash command whose answers go to this port."""
    return urlencode(
        {
            "team_id": TEAM,
            "channel_id": channel,
            "channel_name": CHANNEL_NAME,
            "user_id": user,
            "command": "/registry",
            "text": text,
            "api_app_id": "A01BENCH",
            "response_url": _response_url(respond_at),
            "trigger_id": "1.1.1",
        }
    ).encode()


def click(card: Wire, action_id: str, user: str, respond_at: int) -> bytes:
    """Return the body of a click on a button of a posted card."""
    return press(button_value(card, action_id), str(card["ts"]), action_id, user, respond_at)


def press(value: str, ts: str, action_id: str, user: str, respond_at: int) -> bytes:
    """Return the body of a click on a button that carries `value`, on message `ts`."""
    payload = {
        "type": "block_actions",
        "user": {"id": user, "team_id": TEAM},
        "team": {"id": TEAM, "domain": "bench"},
        "channel": {"id": CHANNEL, "name": CHANNEL_NAME},
        "container": {"type": "message", "message_ts": ts, "channel_id": CHANNEL},
        "response_url": _response_url(respond_at),
        "actions": [{"type": "button", "action_id": action_id, "block_id": "b", "value": value, "action_ts": "1.1"}],
    }
    return urlencode({"payload": json.dumps(payload)}).encode()


def button_value(card: Wire, action_id: str) -> str:
    """Return the value of a card's button."""
    elements = [element for block in card["blocks"] for element in block.get("elements", [])]
    return next(str(element["value"]) for element in elements if element.get("action_id") == action_id)


def signed(body: bytes) -> dict[str, str]:
    """Return the headers that prove that a body comes from Slack now."""
    stamp = str(int(time.time()))
    digest = hmac.new(SIGNING_SECRET.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": f"v0={digest}",
    }


async def deliver(caller: Caller, body: bytes) -> tuple[float, float, bytes]:
    """Send one delivery; return when it was sent, the seconds to its acknowledgement, and what that said."""
    headers = signed(body)
    sent = time.perf_counter()
    status, said = await caller.send("POST", "/slack/events", headers, body)
    took = time.perf_counter() - sent
    if status != 200:
        raise RuntimeError(f"a delivery was answered with HTTP {status}: {said[:200]!r}")
    return sent, took, said


def _response_url(port: int) -> str:
    return f"http://127.0.0.1:{port}/respond/once"
