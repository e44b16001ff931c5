"""The state of the workspace: who is there, what was said, and who must hear of a change."""

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import asdict, fields
from typing import Any
from uuid import uuid4

from simulator.slack import seed
from simulator.slack.model import BOT_USER_ID, Channel, Json, Message, User

TIMESTAMP = re.compile(r"\d{10}\.\d{6}")


class Workspace:
    """People, channels and messages; every change wakes those who watch."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._latest = 0
        self._watchers: set[asyncio.Event] = set()
        self.users: dict[str, User] = {}
        self.channels: dict[str, Channel] = {}
        self._messages: dict[str, list[Message]] = {}
        self.reset()

    def reset(self) -> None:
        """Forget everything said, and put people and channels back as they began."""
        self.users = seed.people()
        self.channels = seed.channels()
        self._messages = {}
        self.changed()

    def change_user(self, user_id: str, changes: Mapping[str, object]) -> dict[str, object]:
        """Change flags of a user, or add one with a name; refuse a flag that Slack does not have."""
        if user_id not in self.users:
            name = _name_of_new(user_id, changes)
            self.users[user_id] = User(user_id, name, name)
        return self._changed(self.users[user_id], changes)

    def change_channel(self, channel_id: str, changes: Mapping[str, object]) -> dict[str, object]:
        """Change flags or members of a channel, or add one with a name."""
        if channel_id not in self.channels:
            self.channels[channel_id] = Channel(channel_id, _name_of_new(channel_id, changes))
        return self._changed(self.channels[channel_id], changes)

    def _changed(self, target: User | Channel, changes: Mapping[str, object]) -> dict[str, object]:
        _assign(target, {name: value for name, value in changes.items() if name != "id"})
        self.changed()
        return asdict(target)

    def direct(self, user_id: str) -> Channel:
        """Return the conversation between the app and one person, opened when it is not there yet."""
        channel_id = f"D{user_id[1:]}"
        known = self.channels.get(channel_id)
        if known is None:
            known = Channel(channel_id, "", [user_id, BOT_USER_ID], is_im=True, user=user_id)
            self.channels[channel_id] = known
        return known

    def next_ts(self) -> str:
        """Return a message timestamp: the clock, but never the same twice."""
        self._latest = max(self._latest + 1, int(self._clock() * 1_000_000))
        return f"{self._latest // 1_000_000}.{self._latest % 1_000_000:06d}"

    def post(self, channel: str, user: str, text: str, blocks: list[Json] | None = None, **more: Any) -> Message:
        """Add a message, with the ids that Slack fills in where the sender gave none."""
        message = Message(self.next_ts(), channel, user, text, completed(blocks or []), **more)
        self._messages.setdefault(channel, []).append(message)
        self.changed()
        return message

    def remove(self, message: Message) -> None:
        """Take a message away."""
        self._messages[message.channel].remove(message)
        self.changed()

    def find(self, channel: str, ts: str) -> Message | None:
        """Return the message with this timestamp, ephemeral ones included."""
        return next((message for message in self._messages.get(channel, []) if message.ts == ts), None)

    def history(self, channel: str) -> list[Message]:
        """Return what everybody in the channel can read, oldest first."""
        return [message for message in self._messages.get(channel, []) if message.ephemeral_to is None]

    def seen(self, channel: str, viewer: str | None) -> list[Message]:
        """Return what one viewer sees; without a viewer everything, also what is meant for one person only."""
        everything = self._messages.get(channel, [])
        return [m for m in everything if viewer is None or m.ephemeral_to in (None, viewer)]

    def replies(self, parent: Message) -> list[Message]:
        """Return the replies of a thread, oldest first."""
        return [m for m in self.history(parent.channel) if m.thread_ts == parent.ts and m.ts != parent.ts]

    def wire(self, message: Message) -> Json:
        """Return a message as the API shows it, the parent of a thread with its counts."""
        wire = message.wire()
        replies = self.replies(message)
        if not replies:
            return wire
        users = list(dict.fromkeys(reply.user for reply in replies))
        wire |= {"thread_ts": message.ts, "reply_count": len(replies), "reply_users": users}
        return wire | {"reply_users_count": len(users), "latest_reply": replies[-1].ts}

    def may_see(self, user: User, channel: Channel) -> bool:
        """Tell whether Slack shows the channel: public ones to every full member, the others to who is in them."""
        if user.id in channel.members:
            return True
        full = user.is_member and not (user.is_restricted or user.is_ultra_restricted)
        return full and not channel.is_private and not channel.is_im

    def watch(self) -> asyncio.Event:
        """Return an event that is set at each change; the caller clears it, and gives it back to `unwatch`."""
        event = asyncio.Event()
        self._watchers.add(event)
        return event

    def unwatch(self, event: asyncio.Event) -> None:
        """Stop setting this event."""
        self._watchers.discard(event)

    def changed(self) -> None:
        """Wake everybody who watches."""
        for event in self._watchers:
            event.set()


def _name_of_new(identifier: str, changes: Mapping[str, object]) -> str:
    name = changes.get("name")
    if not isinstance(name, str):
        raise ValueError(f"Nothing here has the id {identifier!r}; to add it, give it a name.")
    return name


def _assign(target: User | Channel, flags: Json) -> None:
    known = {field.name for field in fields(target)} - {"id"}
    if unknown := sorted(set(flags) - known):
        raise ValueError(f"Slack knows no {', '.join(unknown)} here. Known: {', '.join(sorted(known))}.")
    for name, value in flags.items():
        setattr(target, name, value)


def completed(blocks: list[Json]) -> list[Json]:
    """Return a copy with the ids and defaults that Slack adds to what it stores."""
    stored = deepcopy(blocks)
    for block in stored:
        block.setdefault("block_id", uuid4().hex[:5])
        for element in elements_of(block):
            if element.get("type") not in ("image", "mrkdwn", "plain_text"):
                element.setdefault("action_id", uuid4().hex[:5])
    _default_texts(stored)
    return stored


def elements_of(block: Json) -> list[Json]:
    """Return what can be pressed in a block, and what stands beside it in the same list."""
    found = block.get("elements", []) if block.get("type") in ("actions", "context") else []
    return [*found, *([block["accessory"]] if "accessory" in block else [])]


def _default_texts(node: Any) -> None:
    if isinstance(node, list):
        for child in node:
            _default_texts(child)
    elif isinstance(node, dict):
        if node.get("type") == "plain_text":
            node.setdefault("emoji", True)
        elif node.get("type") == "mrkdwn":
            node.setdefault("verbatim", False)
        for child in node.values():
            _default_texts(child)
