"""Slack's payloads in our words; whatever is missing or of another type becomes empty, and empty is refused later."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.domain.access import Identity, Person
from bot.routing import Call
from bot.services.admission import Visitor

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One command or click: who and where, how to answer, and what was typed or pressed."""

    visitor: Visitor
    response_url: str
    text: str = ""
    action_id: str = ""
    value: str = ""
    message_ts: str = ""


def command_of(body: Json) -> Delivery:
    """Read a slash command. Its team is where it was typed."""
    visitor = Visitor(
        _text(body, "user_id"), _text(body, "team_id"), _text(body, "channel_id"), _text(body, "channel_name")
    )
    return Delivery(visitor, _text(body, "response_url"), text=_text(body, "text"))


def click_of(body: Json) -> Delivery:
    """Read a click.

    The person's team is in `user`: what Bolt calls the actor's team is ours whoever clicked. Channel and message come
    from `container`, because `message` may be absent.
    """
    user, container, channel = _part(body, "user"), _part(body, "container"), _part(body, "channel")
    channel_id = _text(container, "channel_id") or _text(channel, "id")
    visitor = Visitor(_text(user, "id"), _text(user, "team_id"), channel_id, _text(channel, "name"))
    action = _first_action(body)
    return Delivery(
        visitor,
        _text(body, "response_url"),
        action_id=_text(action, "action_id"),
        value=_text(action, "value"),
        message_ts=_text(container, "message_ts"),
    )


def call_of(delivery: Delivery, verb: str, identity: Identity, person: Person | None) -> Call:
    """Return what a handler is given of a delivery by somebody who was let in; the words are still to come."""
    visitor = delivery.visitor
    return Call(
        verb=verb,
        words=(),
        reason="",
        user_id=visitor.user_id,
        team_id=visitor.team_id,
        channel_id=visitor.channel_id,
        channel_name=visitor.channel_name,
        identity=identity,
        person=person,
        response_url=delivery.response_url,
        value=delivery.value,
        message_ts=delivery.message_ts,
    )


def _first_action(body: Json) -> Json:
    actions = body.get("actions")
    first = actions[0] if isinstance(actions, list) and actions else {}
    return first if isinstance(first, Mapping) else {}


def _part(body: Json, key: str) -> Json:
    part = body.get(key)
    return part if isinstance(part, Mapping) else {}


def _text(body: Json, key: str) -> str:
    value = body.get(key)
    return value if isinstance(value, str) else ""
