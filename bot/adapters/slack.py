"""Slack as a place to post, and as the one who knows people: Workspace and Identities over the Web API."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Generic, TypeVar
from weakref import WeakValueDictionary

from bot.adapters.slack_api import SlackApi
from bot.domain.access import Identity
from bot.errors import ProviderError, Refused, Unreachable
from bot.ports import Attachment, Channel, Clock, Message

POST_WITHIN = timedelta(seconds=10)
UPLOAD_WITHIN = timedelta(seconds=30)
"""For the content of a file; nobody waits for it but the message that announces it."""
LOOK_WITHIN = timedelta(seconds=1)
"""A command or click waits for this, inside the budget of its acknowledgement."""
CHANNEL_FRESH = timedelta(seconds=60)
CHANNEL_LAST_RESORT = timedelta(minutes=10)
"""How old an answer about a channel may be while Slack gives no new one."""
REMEMBERED = 2000
"""People and channels kept in memory; the oldest answer goes first."""
SLACKBOT = "USLACKBOT"
"""A bot for which Slack says is_bot false, as its user object documents."""
BOT_FLAGS = ("is_bot", "is_workflow_bot")
"""`is_app_user` is none of them: Slack documents it as an authorised user of the calling app, so mostly a human."""

T = TypeVar("T")


class _Memory(Generic[T]):
    """The last answers, each with the monotonic time of asking."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, T]] = {}

    def get(self, key: str, since: float = float("-inf")) -> T | None:
        asked_at, value = self._kept.get(key, (float("-inf"), None))
        return value if asked_at >= since else None

    def put(self, key: str, asked_at: float, value: T) -> None:
        self._kept.pop(key, None)
        self._kept[key] = (asked_at, value)
        if len(self._kept) > REMEMBERED:
            del self._kept[next(iter(self._kept))]


class SlackWorkspace:
    """Posts and edits as the bot; implements Workspace."""

    def __init__(self, api: SlackApi, clock: Clock) -> None:
        self._api = api
        self._clock = clock
        self._channels: _Memory[Channel] = _Memory()
        self._direct: _Memory[str] = _Memory()

    async def channel(self, channel_id: str) -> Channel:
        """Return what is known of a conversation, asked within the last minute; older while Slack does not answer."""
        now = self._clock.monotonic()
        if known := self._channels.get(channel_id, now - CHANNEL_FRESH.total_seconds()):
            return known
        try:
            said = await self._api.read("conversations.info", LOOK_WITHIN, channel=channel_id)
        except Refused:
            raise
        except ProviderError:
            if old := self._channels.get(channel_id, now - CHANNEL_LAST_RESORT.total_seconds()):
                return old
            raise
        channel = _channel_from_wire(said["channel"])
        self._channels.put(channel_id, now, channel)
        return channel

    async def post(self, channel: str, message: Message, thread_ts: str | None = None) -> str:
        """Post a message and return its ts; a thread reply `in_channel` is shown in the channel as well."""
        body = _body(message) | {"channel": channel, "unfurl_links": False, "unfurl_media": False}
        if thread_ts is not None:
            body |= {"thread_ts": thread_ts, "reply_broadcast": message.in_channel}
        said = await self._api.write("chat.postMessage", POST_WITHIN, **body)
        return str(said["ts"])

    async def update(self, channel: str, ts: str, message: Message) -> None:
        """Edit a message of ours in place; text and blocks go together, or Slack may keep old blocks."""
        await self._api.write("chat.update", POST_WITHIN, **_body(message), channel=channel, ts=ts)

    async def whisper(self, channel: str, user_id: str, message: Message) -> None:
        """Post a message that only one person sees."""
        await self._api.write("chat.postEphemeral", POST_WITHIN, **_body(message), channel=channel, user=user_id)

    async def share(self, channel: str, thread_ts: str, file: Attachment) -> None:
        """Put a file into the thread below a message: ask for an address, send the bytes there, show it."""
        asked = await self._api.read(
            "files.getUploadURLExternal", POST_WITHIN, filename=file.name, length=len(file.content)
        )
        await self._api.upload(str(asked["upload_url"]), UPLOAD_WITHIN, file.content)
        named = [{"id": str(asked["file_id"]), "title": file.title}]
        await self._api.write(
            "files.completeUploadExternal", POST_WITHIN, files=named, channel_id=channel, thread_ts=thread_ts
        )

    async def direct(self, user_id: str) -> str:
        """Return the id of the direct messages with one person, opened where they are not yet."""
        if known := self._direct.get(user_id):
            return known
        said = await self._api.write("conversations.open", POST_WITHIN, users=user_id)
        self._direct.put(user_id, self._clock.monotonic(), opened := str(said["channel"]["id"]))
        return opened

    async def permalink(self, channel: str, ts: str) -> str | None:
        """Return a link to a message, or None when Slack gives none."""
        try:
            said = await self._api.read("chat.getPermalink", LOOK_WITHIN, channel=channel, message_ts=ts)
        except ProviderError:
            return None  # a missing link is no reason to fail what it would have decorated
        return str(said["permalink"])


class SlackIdentities:
    """Asks users.info and remembers; implements Identities. Any doubt is Unreachable, so that nobody passes by it."""

    def __init__(self, api: SlackApi, clock: Clock, workspace: str) -> None:
        self._api = api
        self._clock = clock
        self._workspace = workspace
        self._known: _Memory[Identity] = _Memory()
        self._asking: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def identity(self, user_id: str, max_age: timedelta) -> Identity:
        """Return what Slack says, from memory when younger than `max_age`; many askers at once share one call."""
        if known := self._fresh(user_id, max_age):
            return known
        lock = self._asking.setdefault(user_id, asyncio.Lock())
        async with lock:
            return self._fresh(user_id, max_age) or await self._ask(user_id)

    def cached(self, user_id: str) -> Identity | None:
        """Return the last answer of any age, without asking."""
        return self._known.get(user_id)

    def _fresh(self, user_id: str, max_age: timedelta) -> Identity | None:
        return self._known.get(user_id, self._clock.monotonic() - max_age.total_seconds())

    async def _ask(self, user_id: str) -> Identity:
        asked_at, now = self._clock.monotonic(), self._clock.now()
        try:
            said = await self._api.read("users.info", LOOK_WITHIN, user=user_id)
        except Refused as error:
            raise Unreachable(str(error), code=error.code, request_id=error.request_id) from None
        user = said.get("user")
        if not isinstance(user, Mapping) or not _is_whole(user, user_id):
            raise Unreachable("Slack's answer about this person is incomplete.")
        is_of_organisation = self._workspace in _teams(user)
        identity = Identity(
            user_id=user_id,
            team_id=self._workspace if is_of_organisation else str(user["team_id"]),
            checked_at=now,
            is_deleted=bool(user["deleted"]),
            is_bot=user_id == SLACKBOT or any(user.get(flag) for flag in BOT_FLAGS),
            is_guest=bool(user.get("is_restricted") or user.get("is_ultra_restricted")),
            is_stranger=bool(user.get("is_stranger")),
            is_of_organisation=is_of_organisation,
        )
        self._known.put(user_id, asked_at, identity)
        return identity


def _is_whole(user: Mapping[str, Any], user_id: str) -> bool:
    """Tell whether every flag is there that Slack always sends; a deactivated account has lost most of them."""
    if user.get("id") != user_id or not user.get("team_id") or not isinstance(user.get("deleted"), bool):
        return False
    return user["deleted"] or all(isinstance(user.get(flag), bool) for flag in ("is_bot", "is_restricted"))


def _teams(user: Mapping[str, Any]) -> Sequence[str]:
    """Return the workspaces of a person of an Enterprise organisation; nobody else has such a list."""
    member = user.get("enterprise_user")
    teams = member.get("teams") if isinstance(member, Mapping) else None
    return teams if isinstance(teams, list) else ()


def _channel_from_wire(wire: Mapping[str, Any]) -> Channel:
    return Channel(
        id=str(wire["id"]),
        name=str(wire.get("name") or ""),
        has_bot=bool(wire.get("is_member")),
        is_shared_externally=bool(wire.get("is_ext_shared")),
    )


def _body(message: Message) -> dict[str, object]:
    return {"text": message.text, "blocks": list(message.blocks)}
