"""Slack in memory: people, channels and posts."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count

from bot.domain.access import Identity
from bot.errors import BotError, Refused, Unreachable
from bot.ports import Attachment, Channel, Clock, Message
from tests import builders


class FakeIdentities:
    """Everybody is a full member, asked just now, unless `known` says otherwise; `down` makes Slack unreachable."""

    def __init__(self, clock: Clock, *known: Identity) -> None:
        self._clock = clock
        self.known = {identity.user_id: identity for identity in known}
        self.down = False

    async def identity(self, user_id: str, max_age: timedelta) -> Identity:
        """Return what Slack says."""
        if self.down:
            raise Unreachable("Slack does not answer.")
        return self._member(user_id)

    def cached(self, user_id: str) -> Identity | None:
        """Return the last answer."""
        return self._member(user_id)

    def _member(self, user_id: str) -> Identity:
        known = self.known.get(user_id)
        return known or builders.an_identity(user_id, checked_at=self._clock.now())


@dataclass(frozen=True, slots=True)
class Post:
    """One message in the fake workspace; `seen_by` names the only reader of a whisper."""

    channel: str
    ts: str
    message: Message
    thread_ts: str | None = None
    seen_by: str | None = None


class FakeWorkspace:
    """Channels and posts; `fail_next` makes the next post or edit raise."""

    def __init__(self, *channels: Channel) -> None:
        known = channels or (Channel(builders.CHANNEL, "ops", True, False), Channel("C02INC", "inc-1", True, False))
        self.channels = {channel.id: channel for channel in known}
        self.posts: list[Post] = []
        self.files: list[tuple[str, str, Attachment]] = []
        self.updates = 0
        self._failures: list[BotError] = []
        self._next = count(1)

    def fail_next(self, *errors: BotError) -> None:
        """Raise these out of the next posts or edits, one each."""
        self._failures.extend(errors)

    def cards(self) -> list[Post]:
        """Return what stands in channels, outside threads, for all to see."""
        return [post for post in self.posts if post.thread_ts is None and post.seen_by is None and _is_open(post)]

    def told(self, user_id: str) -> list[str]:
        """Return what one person was told directly."""
        return [post.message.text for post in self.posts if post.channel == f"D{user_id[1:]}"]

    async def channel(self, channel_id: str) -> Channel:
        """Return what is known of a conversation."""
        if channel_id not in self.channels:
            raise Refused("Slack knows no such channel.", code="channel_not_found")
        return self.channels[channel_id]

    async def post(self, channel: str, message: Message, thread_ts: str | None = None) -> str:
        """Post a message and return its ts."""
        self._fail_if_due()
        ts = f"1793674800.{next(self._next):06d}"
        self.posts.append(Post(channel, ts, message, thread_ts))
        return ts

    async def update(self, channel: str, ts: str, message: Message) -> None:
        """Edit a message of ours in place."""
        self._fail_if_due()
        index = next((i for i, post in enumerate(self.posts) if (post.channel, post.ts) == (channel, ts)), None)
        if index is None:
            raise Refused("Slack knows no such message.", code="message_not_found")
        self.posts[index] = replace(self.posts[index], message=message)
        self.updates += 1

    async def whisper(self, channel: str, user_id: str, message: Message) -> None:
        """Post a message that only one person sees."""
        self._fail_if_due()
        self.posts.append(Post(channel, "", message, seen_by=user_id))

    async def share(self, channel: str, thread_ts: str, file: Attachment) -> None:
        """Put a file into a thread."""
        self._fail_if_due()
        self.files.append((channel, thread_ts, file))

    async def direct(self, user_id: str) -> str:
        """Return the id of the direct messages with one person."""
        return f"D{user_id[1:]}"

    async def permalink(self, channel: str, ts: str) -> str | None:
        """Return a link to a message."""
        return f"https://workspace.example/archives/{channel}/p{ts.replace('.', '')}"

    def _fail_if_due(self) -> None:
        if self._failures:
            raise self._failures.pop(0)


class EditedWorkspace(FakeWorkspace):
    """One that remembers when each message was to be edited, and to what; `now` tells the seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__()
        self._now = now
        self.edits: list[tuple[float, str, str]] = []

    async def update(self, channel: str, ts: str, message: Message) -> None:
        """Edit a message of ours in place."""
        self.edits.append((self._now(), ts, message.text))
        await super().update(channel, ts, message)


def _is_open(post: Post) -> bool:
    return not post.channel.startswith("D")
