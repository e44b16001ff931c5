"""Methods that post, change and remove messages."""

import json
from typing import Any

from simulator.slack.blockkit import check_blocks
from simulator.slack.calls import Call, Methods
from simulator.slack.model import BOT_USER_ID, PERMALINK_ARCHIVE, Channel, Json, Message
from simulator.slack.refusals import Refusal, invalid_arguments
from simulator.slack.workspace import TIMESTAMP, completed

methods = Methods()
LONGEST_POSTED_TEXT = 40_000
LONGEST_UPDATED_TEXT = 4_000
LONGEST_METADATA = 8_000


@methods.method("chat.postMessage", "chat:write", tier=5)
def post_message(call: Call) -> Json:
    """Post to a channel, a thread, or a person's direct messages."""
    channel = call.writable_channel()
    text, blocks, metadata = _text(call), _blocks(call), _metadata(call)
    _refuse_empty(text, blocks)
    parent = _thread(call, channel)
    message = call.site.workspace.post(
        channel.id,
        BOT_USER_ID,
        text[:LONGEST_POSTED_TEXT],
        blocks,
        thread_ts=parent,
        metadata=metadata,
        broadcast=bool(parent) and call.arguments.flag("reply_broadcast"),
    )
    return {"channel": channel.id, "ts": message.ts, "message": _stored(message), **_warnings(text)}


@methods.method("chat.postEphemeral", "chat:write", tier=4)
def post_ephemeral(call: Call) -> Json:
    """Post what one member of the channel sees and nobody else."""
    channel = call.writable_channel()
    user = call.site.workspace.users.get(call.arguments.text("user"))
    if user is None or user.id not in channel.members or user.deleted:
        raise Refusal("user_not_in_channel")
    text, blocks = _text(call), _blocks(call)
    _refuse_empty(text, blocks)
    parent = _thread(call, channel)
    message = call.site.workspace.post(channel.id, BOT_USER_ID, text, blocks, thread_ts=parent, ephemeral_to=user.id)
    return {"message_ts": message.ts}


@methods.method("chat.update", "chat:write", tier=3)
def update(call: Call) -> Json:
    """Change one of the app's own messages; what is left out stays as it was."""
    channel = call.visible_channel()
    message = call.message(channel, "ts")
    if not message.by_app:
        raise Refusal("cant_update_message")
    if channel.is_archived:
        raise Refusal("is_archived")
    text, blocks, metadata = _text(call), _blocks(call), _metadata(call)
    if len(text) > LONGEST_UPDATED_TEXT:
        raise Refusal("msg_too_long")
    _change(message, call, text, blocks, metadata)
    call.site.workspace.changed()
    return {"channel": channel.id, "ts": message.ts, "text": message.text, "message": _stored(message)}


@methods.method("chat.delete", "chat:write", tier=3)
def delete(call: Call) -> Json:
    """Remove one of the app's own messages."""
    channel = call.visible_channel()
    message = call.message(channel, "ts")
    if not message.by_app:
        raise Refusal("cant_delete_message")
    call.site.workspace.remove(message)
    return {"channel": channel.id, "ts": message.ts}


@methods.method("chat.getPermalink", tier=5, takes_json=False)
def get_permalink(call: Call) -> Json:
    """Give the address of a message, which here leads to the workspace page."""
    channel = call.joined_channel()
    message = call.message(channel, "message_ts")
    address = f"{call.site.base_url}/{PERMALINK_ARCHIVE}/{channel.id}/p{message.ts.replace('.', '')}"
    if message.thread_ts and message.thread_ts != message.ts:
        address += f"?thread_ts={message.thread_ts}&cid={channel.id}"
    return {"channel": channel.id, "permalink": address}


def _text(call: Call) -> str:
    return call.arguments.optional("text") or ""


def _blocks(call: Call) -> list[Json]:
    return check_blocks(call.arguments.structure("blocks", "invalid_blocks_format") or [])


def _refuse_empty(text: str, blocks: list[Json]) -> None:
    if not text and not blocks:
        raise Refusal("no_text")


def _change(message: Message, call: Call, text: str, blocks: list[Json], metadata: Json | None) -> None:
    given = call.arguments.values.keys()
    new_text = text if "text" in given else message.text
    new_blocks = completed(blocks) if "blocks" in given else message.blocks
    if not given & {"text", "blocks", "metadata"} or not (new_text or new_blocks):
        raise Refusal("no_text")
    message.text, message.blocks = new_text, new_blocks
    if metadata is not None:
        message.metadata = metadata
    message.edited_ts = call.site.workspace.next_ts()


def _thread(call: Call, channel: Channel) -> str | None:
    """Return the parent's timestamp; a reply is no parent, and what is not there has no thread."""
    ts = call.arguments.optional("thread_ts")
    if ts is None:
        return None
    if not TIMESTAMP.fullmatch(ts):
        raise Refusal("invalid_thread_ts")
    parent = call.site.workspace.find(channel.id, ts)
    if parent is None or parent.ephemeral_to is not None:
        raise Refusal("thread_not_found")
    if parent.thread_ts not in (None, parent.ts):
        raise Refusal("cannot_reply_to_message")
    return ts


def _metadata(call: Call) -> Json | None:
    metadata: Any = call.arguments.structure("metadata", "invalid_metadata_format")
    if not metadata:
        return None
    if not isinstance(metadata, dict):
        raise Refusal("invalid_metadata_format")
    if not isinstance(metadata.get("event_type"), str) or not isinstance(metadata.get("event_payload"), dict):
        raise Refusal("invalid_metadata_schema")
    if unknown := sorted(set(metadata) - {"event_type", "event_payload", "entities"}):
        raise invalid_arguments(f"invalid additional property: {unknown[0]} [json-pointer:/metadata]")
    if len(json.dumps(metadata["event_payload"])) > LONGEST_METADATA:
        raise Refusal("metadata_too_large")
    return metadata


def _stored(message: Message) -> Json:
    return message.wire() | ({"metadata": message.metadata} if message.metadata else {})


def _warnings(text: str) -> Json:
    if len(text) <= LONGEST_POSTED_TEXT:
        return {}
    return {"warning": "message_truncated", "response_metadata": {"warnings": ["message_truncated"]}}
