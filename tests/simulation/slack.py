"""Slack as it fails: people, one channel, posts and edits, late or twice, behind the real adapter's own rules."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from typing import Any

from bot.adapters.slack_api import SlackApi
from bot.errors import Refused, Throttled, Unanswered, Unreachable
from bot.ports import Message
from tests.builders import CHANNEL, WORKSPACE
from tests.simulation.clock import SimClock
from tests.simulation.loop import SimLoop
from tests.simulation.network import SWALLOWED, Fate, in_calm, travel
from tests.simulation.weather import Weather


@dataclass(slots=True)
class User:
    """One account as users.info tells of it; `left_at` is when it was deactivated."""

    id: str
    is_guest: bool = False
    team: str = WORKSPACE
    left_at: float | None = None

    def wire(self) -> dict[str, Any]:
        """Return the user object."""
        is_gone = self.left_at is not None
        flags = {"is_bot": False, "is_restricted": self.is_guest, "is_ultra_restricted": False}
        return {"id": self.id, "team_id": self.team, "deleted": is_gone, **flags}


@dataclass(frozen=True, slots=True)
class Posted:
    """One message that stands in a channel."""

    channel: str
    ts: str
    text: str
    blocks: tuple[Mapping[str, Any], ...]
    thread_ts: str | None

    def buttons(self) -> list[tuple[str, str]]:
        """Return action id and value of every button."""
        rows = (block["elements"] for block in self.blocks if block["type"] == "actions")
        return [(e["action_id"], e.get("value", "")) for row in rows for e in row if e["type"] == "button"]


@dataclass(slots=True)
class Slack:
    """The workspace; `on_shown` sees every message as it comes to stand."""

    loop: SimLoop
    chance: random.Random
    on_shown: Callable[[Posted], None]
    users: dict[str, User] = field(default_factory=dict)
    posts: dict[str, Posted] = field(default_factory=dict)
    weather: Weather = field(init=False)
    _serial: "count[int]" = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.weather = Weather(self.chance)

    def cards(self) -> list[Posted]:
        """Return what stands in the channel outside threads."""
        return [post for post in self.posts.values() if post.thread_ts is None and post.channel == CHANNEL]

    def do(self, method: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Carry a method out."""
        act = getattr(self, "_" + method.replace(".", "_").lower())
        return act(**arguments)  # type: ignore[no-any-return]

    def _users_info(self, user: str) -> dict[str, Any]:
        if user not in self.users:
            raise Refused("No such person.", code="user_not_found")
        return {"user": self.users[user].wire()}

    def _conversations_info(self, channel: str, **_rest: Any) -> dict[str, Any]:
        return {"channel": {"id": channel, "name": "ops", "is_member": True, "is_ext_shared": False}}

    def _conversations_open(self, users: str, **_rest: Any) -> dict[str, Any]:
        return {"channel": {"id": f"D{users}"}}

    def _chat_getpermalink(self, channel: str, message_ts: str) -> dict[str, Any]:
        return {"permalink": f"https://workspace.example/archives/{channel}/p{message_ts}"}

    def _chat_postmessage(
        self, channel: str, text: str, blocks: Any = (), thread_ts: str | None = None, **_rest: Any
    ) -> dict[str, Any]:
        ts = f"1793674800.{next(self._serial):06d}"
        self._show(Posted(channel, ts, text, tuple(blocks or ()), thread_ts))
        return {"ts": ts}

    def _chat_update(self, channel: str, ts: str, text: str, blocks: Any = (), **_rest: Any) -> dict[str, Any]:
        if ts not in self.posts:
            raise Refused("No such message.", code="message_not_found")
        self._show(replace(self.posts[ts], text=text, blocks=tuple(blocks or ())))
        return {"ts": ts}

    def _chat_postephemeral(self, **_body: Any) -> dict[str, Any]:
        return {}

    def _show(self, post: Posted) -> None:
        self.posts[post.ts] = post
        self.on_shown(post)

    def fate(self, who: str) -> Fate:
        """Draw what becomes of one call."""
        trouble = TROUBLES.get(self.weather.draw(who))
        return trouble(self.chance.uniform) if trouble else in_calm(self.chance, 0.05)


TROUBLES: dict[str, Callable[[Callable[[float, float], float]], Fate]] = {
    "refuse": lambda _: Fate(None, 0.01, Unreachable("Slack cannot be reached.")),
    "partition": lambda _: Fate(None, 0.01, Unreachable("Slack cannot be reached.")),
    "throttle": lambda _: Fate(None, 0.05, Throttled("Slow down.", code="ratelimited", retry_after=30.0)),
    "swallow": lambda _: SWALLOWED,
    "lose_reply": lambda draw: Fate(draw(0, 1), None),
    "late": lambda draw: Fate(draw(5, 15), draw(0, 1)),
    "slow": lambda draw: Fate(draw(0, 1), draw(0, 1)),
}


class SimSlackApi(SlackApi):
    """The Web API as one bot reaches it, with the pauses that the real one keeps."""

    def __init__(self, slack: Slack, who: str, clock: SimClock) -> None:
        self._slack, self._who, self._clock = slack, who, clock
        self._quiet_until: dict[str, float] = {}

    async def read(self, method: str, within: timedelta, **query: str | int) -> Mapping[str, Any]:
        """Call a method that changes nothing."""
        return await self._travel(method, within, query)

    async def write(self, method: str, within: timedelta, **body: object) -> Mapping[str, Any]:
        """Call a method with a body."""
        return await self._travel(method, within, body)

    async def _travel(self, method: str, within: timedelta, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        self._require_turn(method)
        fate = self._slack.fate(self._who)
        try:
            said = await travel(
                self._slack.loop, fate, lambda: self._slack.do(method, arguments), within.total_seconds()
            )
        except TimeoutError:
            raise Unanswered(f"Slack did not answer {method}.") from None
        except Throttled as error:
            raise self._throttled(method, {"Retry-After": f"{error.retry_after:.0f}"}, None) from None
        return said  # type: ignore[no-any-return]


async def answer(slack: Slack, who: str, message: Message) -> None:
    """Show a message by response_url."""
    try:
        await travel(slack.loop, slack.fate(who), lambda: message, 3.0)
    except TimeoutError:
        raise Unreachable("Slack did not take the answer.") from None
