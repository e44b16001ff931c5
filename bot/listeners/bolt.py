"""Bolt: every kind of payload that Slack may send has a listener, and every listener the same wrapper.

Bolt leaves a payload unanswered when nothing matches, when a listener raises before it acknowledges, and even when it
raises right after. So the last listener of each kind matches everything, and nothing that a listener does after its
acknowledgement can raise: what remains to be done runs in tasks of our own. `process_before_response` is on because
Bolt otherwise polls for the acknowledgement every 10 ms.

Bolt also parses a request before it looks at the signature, and raises on what it cannot parse. So the signature is
checked here first, and whatever Bolt makes of a payload that Slack would not send becomes a refusal.
"""

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.signature import SignatureVerifier

from bot.library_logs import discreet_logger
from bot.listeners.deliveries import click_of, command_of
from bot.listeners.desk import Desk
from bot.metrics import Metrics
from bot.ports import Clock, Message

ANY = re.compile(r".*", re.DOTALL)
Body = dict[str, Any]
Listener = Callable[[AsyncAck, Body], Awaitable[str]]
"""Acknowledges, and returns the outcome for the counters."""
SIGNATURE = "x-slack-signature"
_PLAIN = "text/plain"
_NO_SHORTCUTS = Message("This bot has no shortcuts or dialogs. Type `/registry help` to see what it does.")


class Listeners:
    """The Bolt app, with both doors: `socket` for envelopes, `http` for signed requests."""

    def __init__(
        self,
        desk: Desk,
        metrics: Metrics,
        clock: Clock,
        *,
        team_id: str,
        bot_user_id: str,
        bot_id: str,
        signing_secret: str = "",
    ) -> None:
        self._desk = desk
        self._metrics = metrics
        self._clock = clock
        self._verifier = SignatureVerifier(signing_secret) if signing_secret else None
        known = AuthorizeResult(enterprise_id=None, team_id=team_id, bot_user_id=bot_user_id, bot_id=bot_id)

        async def authorize() -> AuthorizeResult:
            return known  # asked of Slack once, at start: a delivery must not wait for auth.test

        self._bolt = AsyncApp(
            name="registry-bot",
            logger=discreet_logger("registry-bot.bolt"),
            signing_secret=signing_secret,
            authorize=authorize,
            process_before_response=True,
            ssl_check_enabled=False,
            ignoring_self_events_enabled=False,
            attaching_function_token_enabled=False,
            attaching_conversation_kwargs_enabled=False,
        )
        self._listen()

    async def socket(self, payload: Mapping[str, Any], headers: Mapping[str, str]) -> Mapping[str, Any] | None:
        """Take one envelope's payload and return what goes back with its acknowledgement."""
        response = await self._dispatch("socket_mode", dict(payload), headers)
        if isinstance(response, Exception):
            return {"text": self._desk.unexpected(response, "dispatch").text}
        return _json(response.body)

    async def http(self, body: str, headers: Mapping[str, str]) -> tuple[int, str, str]:
        """Take one HTTP request, verify its signature before anything else, and return status, content type, body."""
        if not self._is_slacks(body, headers):
            return 401, _PLAIN, ""
        response = await self._dispatch("http", body, headers)
        if isinstance(response, Exception):
            self._desk.unexpected(response, "dispatch")
            return 400, _PLAIN, ""
        content_type = str(response.headers.get("content-type", [_PLAIN])[0]).partition(";")[0]
        return response.status, content_type, response.body

    def _is_slacks(self, body: str, headers: Mapping[str, str]) -> bool:
        if self._verifier is None:
            return False  # in socket mode nobody may come by this door
        # the comparison behind this raises on a signature that is not ASCII
        is_ascii = all(value.isascii() for name, value in headers.items() if name.lower() == SIGNATURE)
        return is_ascii and self._verifier.is_valid_request(body, dict(headers))

    async def _dispatch(self, mode: str, body: str | Body, headers: Mapping[str, str]) -> BoltResponse | Exception:
        """Let Bolt answer; for a payload that it cannot read, return what it raised, which may be anything."""
        try:
            request = AsyncBoltRequest(mode=mode, body=body, headers=dict(headers))
            response: BoltResponse = await self._bolt.async_dispatch(request)
        except Exception as error:  # noqa: BLE001 - whatever it is, the sender gets an answer and the log a reference
            return error
        return response if response.status in (200, 401) else RuntimeError(f"Bolt gave status {response.status}")

    def _listen(self) -> None:
        bolt = self._bolt
        bolt.command(ANY)(self._wrapped("command", self._command))
        bolt.action(ANY)(self._wrapped("click", self._click))
        bolt.shortcut(ANY)(self._wrapped("shortcut", self._nothing_here))
        bolt.view_submission(ANY)(self._wrapped("view", self._close_view))
        bolt.view_closed(ANY)(self._wrapped("view_closed", self._ignore))
        bolt.options(ANY)(self._wrapped("options", self._no_options))
        bolt.event(ANY)(self._wrapped("event", self._ignore))

    def _wrapped(self, kind: str, listener: Listener) -> Callable[[AsyncAck, Body], Awaitable[None]]:
        async def wrapper(ack: AsyncAck, body: Body) -> None:
            began = self._clock.monotonic()
            try:
                outcome = await listener(ack, body)
            except Exception as error:  # noqa: BLE001 - Bolt would leave the payload unanswered
                outcome = "failed"
                words = self._desk.unexpected(error, kind)
                if ack.response is None:
                    await ack(text=words.text)
            self._metrics.deliveries.labels(kind, outcome).inc()
            self._metrics.acks.labels(kind).observe(self._clock.monotonic() - began)

        return wrapper

    async def _command(self, ack: AsyncAck, body: Body) -> str:
        delivery = command_of(body)
        reply = await self._desk.command(delivery)
        await _acknowledge(ack, reply.message)
        if reply.later is not None:
            self._desk.follow_up(delivery, reply.later)
        return reply.outcome

    async def _click(self, ack: AsyncAck, body: Body) -> str:
        delivery = click_of(body)
        if not delivery.value:  # a link button: Slack reports the click, the browser does the rest
            await ack()
            return "ignored"
        reply = await self._desk.click(delivery)
        await ack()
        if reply.message is not None:
            self._desk.tell(delivery, reply.message)
        if reply.later is not None:
            self._desk.follow_up(delivery, reply.later)
        return reply.outcome

    async def _nothing_here(self, ack: AsyncAck, body: Body) -> str:
        await ack()
        delivery = click_of(body)
        if delivery.response_url:
            self._desk.tell(delivery, _NO_SHORTCUTS)
        return "ignored"

    async def _close_view(self, ack: AsyncAck, body: Body) -> str:  # noqa: ARG002 - Bolt passes by name
        text = {"type": "plain_text", "text": _NO_SHORTCUTS.text}
        title = {"type": "plain_text", "text": "Registry"}
        view = {"type": "modal", "title": title, "blocks": [{"type": "section", "text": text}]}
        await ack(response_action="update", view=view)
        return "ignored"

    async def _no_options(self, ack: AsyncAck, body: Body) -> str:  # noqa: ARG002
        await ack(options=[])
        return "ignored"

    async def _ignore(self, ack: AsyncAck, body: Body) -> str:  # noqa: ARG002
        await ack()
        return "ignored"


async def _acknowledge(ack: AsyncAck, message: Message | None) -> None:
    if message is None:
        await ack()
        return
    visible = "in_channel" if message.in_channel else "ephemeral"
    blocks = [dict(block) for block in message.blocks]
    await ack(text=message.text, blocks=blocks or None, response_type=visible)


def _json(body: str | None) -> Mapping[str, Any] | None:
    if not body:
        return None
    said = json.loads(body) if body.startswith("{") else {"text": body}
    return said if isinstance(said, dict) else None
