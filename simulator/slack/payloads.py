"""What Slack sends for a typed command and for a pressed button."""

import re
import secrets
import time
from typing import Any

from simulator.slack.calls import Installation
from simulator.slack.manifest import SlashCommand
from simulator.slack.model import APP_ID, TEAM_DOMAIN, TEAM_ID, Channel, Json, Message, User
from simulator.slack.workspace import Workspace

MENTION = re.compile(r"(?<![\w<])([@#])([\w.-]+)")


def command_payload(installation: Installation, command: SlashCommand, text: str, user: User, channel: Channel) -> Json:
    """Return the fields of a slash command, without its response_url; a member's names the workspace typed in."""
    return _organisation(user) | {
        "token": installation.verification_token,
        "team_id": TEAM_ID if user.is_member else user.team_id,
        "team_domain": TEAM_DOMAIN if user.is_member else "partner",
        "channel_id": channel.id,
        "channel_name": _channel_name(channel),
        "user_id": user.id,
        "user_name": user.name,
        "command": command.command,
        "text": text,
        "api_app_id": APP_ID,
        "is_enterprise_install": "false",
        "trigger_id": trigger_id(),
    }


def click_payload(
    installation: Installation, user: User, channel: Channel, message: Message, action: Json, shown: Json
) -> Json:
    """Return a block_actions payload, without its response_url; an ephemeral message is not sent along."""
    payload: Json = {
        "type": "block_actions",
        "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": user.team_id},
        "api_app_id": APP_ID,
        "token": installation.verification_token,
        "container": _container(channel, message),
        "trigger_id": trigger_id(),
        "team": {"id": TEAM_ID, "domain": TEAM_DOMAIN},
        "enterprise": _enterprise(user),
        "is_enterprise_install": False,
        "channel": {"id": channel.id, "name": _channel_name(channel)},
        "state": {"values": {}},
        "actions": [action],
    }
    return payload if message.ephemeral_to else payload | {"message": shown}


def pressed(element: Json, block_id: str) -> Json:
    """Return the entry in `actions` for one pressed button."""
    kept = ("action_id", "text", "value", "style", "type", "url")
    action = {name: element[name] for name in kept if name in element}
    return {"block_id": block_id, **action, "action_ts": f"{time.time():.6f}"}


def escaped(text: str, workspace: Workspace) -> str:
    """Turn typed mentions of people and channels that exist into Slack's form; leave everything else as typed."""
    people = {user.name: f"<@{user.id}|{user.name}>" for user in workspace.users.values()}
    rooms = {channel.name: f"<#{channel.id}|{channel.name}>" for channel in workspace.channels.values()}
    known = {"@": people, "#": rooms}

    def mention(match: re.Match[str]) -> str:
        return known[match[1]].get(match[2], match[0])

    return MENTION.sub(mention, text)


def trigger_id() -> str:
    """Return a fresh trigger id."""
    return f"{secrets.randbelow(10**12)}.{secrets.randbelow(10**10)}.{secrets.token_hex(16)}"


def _organisation(user: User) -> Json:
    enterprise = _enterprise(user)
    return {f"enterprise_{name}": value for name, value in enterprise.items()} if enterprise else {}


def _enterprise(user: User) -> Json | None:
    """Return the Enterprise organisation that the installed workspace shares with this person."""
    known = user.enterprise_user if user.is_member else None
    return {"id": known["enterprise_id"], "name": known["enterprise_name"]} if known else None


def _channel_name(channel: Channel) -> str:
    if channel.is_im:
        return "directmessage"
    return "privategroup" if channel.is_private else channel.name


def _container(channel: Channel, message: Message) -> Json:
    container: Json = {"type": "message", "message_ts": message.ts, "channel_id": channel.id}
    container["is_ephemeral"] = message.ephemeral_to is not None
    thread: Any = message.thread_ts
    return container | ({"thread_ts": thread} if thread else {})
