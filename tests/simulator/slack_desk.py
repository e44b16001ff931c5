"""A running Slack stand-in with a manifest of our choice, and the official clients that point at it."""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from simulator.faults import Faults
from simulator.slack import Limits, Slack

SCOPES = [
    "commands",
    "chat:write",
    "users:read",
    "usergroups:read",
    "channels:read",
    "groups:read",
    "im:read",
    "im:write",
    "channels:history",
    "groups:history",
    "pins:write",
    "files:write",
]
WORLD: dict[str, object] = {"views": [], "sites": [], "replication": []}


@dataclass
class Desk:
    """What a test needs: the workspace, its faults, a bot's client, a bare HTTP session."""

    slack: Slack
    faults: Faults
    client: AsyncWebClient
    http: aiohttp.ClientSession

    async def refusal(self, method: str, **arguments: Any) -> dict[str, Any]:
        """Call a method that must be refused, and return the answer."""
        try:
            answer = await self.client.api_call(method, data=_form(arguments))
        except SlackApiError as error:
            return dict(error.response.data)
        raise AssertionError(f"{method} was not refused: {answer.data!r}")

    async def error(self, method: str, **arguments: Any) -> str:
        """Return only the code of a refusal."""
        return str((await self.refusal(method, **arguments))["error"])

    async def post(self, channel: str = "C01OPS", **arguments: Any) -> str:
        """Post as the bot and return the timestamp."""
        answer = await self.client.chat_postMessage(channel=channel, **{"text": "hello", **arguments})
        return str(answer["ts"])

    def said(self, channel: str = "C01OPS", viewer: str | None = None) -> list[str]:
        """Return the texts that a viewer sees."""
        return [str(message["text"]) for message in self.slack.messages(channel, viewer)]

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait for a change of the workspace that makes this hold."""
        changed = self.slack.workspace.watch()
        while not holds():
            await changed.wait()
            changed.clear()
        self.slack.workspace.unwatch(changed)


def _form(arguments: dict[str, Any]) -> dict[str, str]:
    return {
        key: json.dumps(value) if isinstance(value, list | dict) else str(value) for key, value in arguments.items()
    }


def manifest_document(scopes: Sequence[str] = SCOPES, **settings: Any) -> dict[str, Any]:
    """Return a manifest with these scopes."""
    command = {
        "command": "/registry",
        "description": "Move pulls",
        "should_escape": settings.pop("should_escape", False),
    }
    return {
        "display_information": {"name": "registry"},
        "features": {"slash_commands": [command], "app_home": {"messages_tab_enabled": settings.pop("tab", True)}},
        "oauth_config": {"scopes": {"bot": list(scopes)}},
        "settings": {"socket_mode_enabled": True, "interactivity": {"is_enabled": True}, **settings},
    }


@asynccontextmanager
async def desk(
    directory: Path,
    *,
    manifest: dict[str, Any] | None = None,
    limits: Limits | None = None,
    picture: Callable[[], dict[str, object]] = lambda: WORLD,
) -> AsyncIterator[Desk]:
    """Run a workspace for as long as the context lasts."""
    path = directory / "manifest.yml"
    path.write_text(json.dumps(manifest or manifest_document()), encoding="utf-8")
    faults = Faults()
    slack = Slack(manifest=path, faults=faults, picture=picture, limits=limits)
    await slack.start("127.0.0.1", 0)
    try:
        async with aiohttp.ClientSession() as http:
            client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url, session=http, retry_handlers=[])
            yield Desk(slack, faults, client, http)
    finally:
        await slack.close()


def button(action_id: str = "operation.approve", **more: Any) -> dict[str, Any]:
    """Return a button element."""
    return {"type": "button", "text": {"type": "plain_text", "text": "Approve"}, "action_id": action_id, **more}


def card(*buttons: dict[str, Any]) -> list[dict[str, Any]]:
    """Return blocks with buttons."""
    return [{"type": "actions", "elements": list(buttons) or [button(value="v1")]}]
