"""Methods that read channels and open direct messages."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from typing import Any

from simulator.slack.calls import Call, Methods
from simulator.slack.model import BOT_USER_ID, Channel, Json, Message
from simulator.slack.refusals import Refusal

methods = Methods()
READ = ("channels:read", "groups:read", "im:read", "mpim:read")
HISTORY = ("channels:history", "groups:history", "im:history", "mpim:history")


def _readable(call: Call, right: str) -> Channel:
    channel = call.visible_channel()
    call.require_scope(f"{channel.family}:{right}")
    return channel


def _historic(call: Call) -> Channel:
    channel = call.joined_channel()
    call.require_scope(f"{channel.family}:history")
    return channel


def _page(call: Call, rows: list[Any], most: int) -> tuple[list[Any], str]:
    """Return one page of the rows and the cursor of the next, empty after the last."""
    limit = call.arguments.integer("limit", 100)
    if not 1 <= limit <= most:
        raise Refusal("invalid_limit")
    start = _position(call.arguments.optional("cursor") or "")
    end = start + limit
    following = urlsafe_b64encode(f"next:{end}".encode()).decode() if end < len(rows) else ""
    return rows[start:end], following


def _position(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        return int(urlsafe_b64decode(cursor).decode().removeprefix("next:"))
    except (NotBase64, ValueError) as error:
        raise Refusal("invalid_cursor") from error


@methods.method("conversations.info", *READ, tier=3, takes_json=False)
def conversations_info(call: Call) -> Json:
    """Show one channel."""
    channel = _readable(call, "read")
    counted = {"num_members": len(channel.members)} if call.arguments.flag("include_num_members") else {}
    return {"channel": channel.wire() | counted}


@methods.method("conversations.members", *READ, tier=4, takes_json=False)
def conversations_members(call: Call) -> Json:
    """List who is in a channel."""
    members, cursor = _page(call, _readable(call, "read").members, 1000)
    return {"members": members, "response_metadata": {"next_cursor": cursor}}


@methods.method("conversations.open", "channels:manage", "groups:write", "im:write", "mpim:write", tier=3)
def conversations_open(call: Call) -> Json:
    """Open the direct messages with one person."""
    wanted = call.arguments.text("users")
    if "," in wanted:
        call.require_scope("mpim:write")
        raise Refusal("not_enough_users")
    call.require_scope("im:write")
    channel = call.site.workspace.direct(_reachable(call, wanted))
    shown = channel.wire() if call.arguments.flag("return_im") else {"id": channel.id}
    return {"channel": shown}


def _reachable(call: Call, user_id: str) -> str:
    user = call.site.workspace.users.get(user_id)
    if user is None:
        raise Refusal("user_not_found")
    if user.deleted:
        raise Refusal("user_disabled")
    if user.is_bot:
        raise Refusal("cannot_dm_bot")
    return user.id


@methods.method("conversations.history", *HISTORY, tier=3, takes_json=False)
def conversations_history(call: Call) -> Json:
    """List the messages of a channel, newest first, without the replies inside threads."""
    channel = _historic(call)
    rows = [m for m in call.site.workspace.history(channel.id) if m.thread_ts in (None, m.ts) or m.broadcast]
    messages, cursor = _page(call, [m for m in reversed(rows) if _within(call, m)], 999)
    shown = [_shown(call, message) for message in messages]
    return {"messages": shown, "has_more": bool(cursor), "pin_count": 0, "response_metadata": {"next_cursor": cursor}}


@methods.method("conversations.replies", *HISTORY, tier=3, takes_json=False)
def conversations_replies(call: Call) -> Json:
    """List a thread, its parent first."""
    channel = _historic(call)
    parent = call.site.workspace.find(channel.id, call.arguments.text("ts"))
    if parent is None or parent.ephemeral_to is not None:
        raise Refusal("thread_not_found")
    rows = [parent, *(m for m in call.site.workspace.replies(parent) if _within(call, m))]
    messages, cursor = _page(call, rows, 1000)
    shown = [_shown(call, message) for message in messages]
    return {"messages": shown, "has_more": bool(cursor), "response_metadata": {"next_cursor": cursor}}


def _within(call: Call, message: Message) -> bool:
    oldest, latest = call.arguments.optional("oldest") or "0", call.arguments.optional("latest") or "9999999999"
    if call.arguments.flag("inclusive"):
        return float(oldest) <= float(message.ts) <= float(latest)
    return float(oldest) < float(message.ts) < float(latest)


def _shown(call: Call, message: Message) -> Json:
    wire = call.site.workspace.wire(message)
    if message.metadata and message.user == BOT_USER_ID:
        full = call.arguments.flag("include_all_metadata")
        wire["metadata"] = message.metadata if full else {"event_type": message.metadata["event_type"]}
    return wire
