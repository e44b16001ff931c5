"""Answers that need no token: what comes with an acknowledgement, and what comes to a response_url."""

import json
import time
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from simulator.canary import secret
from simulator.slack.blockkit import check_blocks
from simulator.slack.limits import Limits
from simulator.slack.model import BOT_USER_ID, Json, Message
from simulator.slack.refusals import Refusal
from simulator.slack.workspace import Workspace, completed


@dataclass(slots=True)
class Grant:
    """One response_url: for whom, where, about which message, and how much of it is left."""

    user: str
    channel: str
    message: Message | None
    expires_at: float
    uses: int


class Responses:
    """Gives out response_urls and carries out what an app posts to them."""

    def __init__(self, workspace: Workspace, limits: Limits) -> None:
        self._workspace = workspace
        self._limits = limits
        self._grants: dict[str, Grant] = {}
        self.base_url = ""

    def reset(self) -> None:
        """Forget every response_url given out."""
        self._grants.clear()

    def url(self, user: str, channel: str, message: Message | None = None) -> str:
        """Give out a response_url."""
        token = secret()
        expires_at = time.monotonic() + self._limits.response_seconds
        self._grants[token] = Grant(user, channel, message, expires_at, self._limits.response_uses)
        return f"{self.base_url}/response/{token}"

    async def handle(self, request: web.Request) -> web.Response:
        """Take one message for a response_url."""
        try:
            grant = self._use(request.match_info["token"])
            self.answer(grant.user, grant.channel, _message_of(await request.text()), grant.message)
        except Refusal as refusal:
            gone = refusal.code in ("expired_url", "used_url")
            return web.json_response(refusal.answer(), status=404 if gone else 400)
        grant.uses -= 1
        return web.json_response({"ok": True})

    def _use(self, token: str) -> Grant:
        grant = self._grants.get(token)
        if grant is None or time.monotonic() > grant.expires_at:
            raise Refusal("expired_url")
        if grant.uses < 1:
            raise Refusal("used_url")
        return grant

    def answer(self, user: str, channel: str, said: Json, about: Message | None) -> None:
        """Post, replace or delete, as the app's answer says."""
        if said.get("delete_original"):
            self._delete(about)
            return
        text, blocks = str(said.get("text") or ""), check_blocks(said.get("blocks") or [])
        if not text and not blocks:
            raise Refusal("no_text")
        if said.get("replace_original") and about is not None:
            self._replace(about, text, blocks)
            return
        hidden = None if said.get("response_type") == "in_channel" else user
        thread = said.get("thread_ts")
        self._workspace.post(channel, BOT_USER_ID, text, blocks, ephemeral_to=hidden, thread_ts=thread)

    def _delete(self, about: Message | None) -> None:
        if about is None or self._workspace.find(about.channel, about.ts) is None:
            raise Refusal("message_not_found")
        self._workspace.remove(about)

    def _replace(self, about: Message, text: str, blocks: list[Json]) -> None:
        if self._workspace.find(about.channel, about.ts) is None:
            raise Refusal("message_not_found")
        about.text, about.blocks = text, completed(blocks)
        about.edited_ts = self._workspace.next_ts()
        self._workspace.changed()


def _message_of(body: str) -> Json:
    try:
        said: Any = json.loads(body)
    except ValueError as error:
        raise Refusal("invalid_payload") from error
    if not isinstance(said, dict):
        raise Refusal("invalid_payload")
    return said
