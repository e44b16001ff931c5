"""What the app's manifest grants: its scopes, its commands, and whether buttons work."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True, slots=True)
class SlashCommand:
    """One command of the manifest."""

    command: str
    description: str
    usage_hint: str
    should_escape: bool


@dataclass(frozen=True, slots=True)
class Manifest:
    """The parts of a manifest that Slack enforces at run time."""

    name: str
    scopes: frozenset[str]
    commands: tuple[SlashCommand, ...]
    socket_mode: bool
    interactive: bool
    messages_tab: bool

    def command(self, name: str) -> SlashCommand | None:
        """Return the command of this name, if the app has it."""
        return next((command for command in self.commands if command.command == name), None)


def read_manifest(path: Path) -> Manifest:
    """Read a manifest in YAML or JSON; refuse one without bot scopes, as Slack does."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    features, settings = document.get("features", {}), document.get("settings", {})
    scopes = document.get("oauth_config", {}).get("scopes", {}).get("bot")
    if not scopes:
        raise ValueError(f"{path} grants the bot no scopes: oauth_config.scopes.bot is missing or empty.")
    return Manifest(
        name=document["display_information"]["name"],
        scopes=frozenset(scopes),
        commands=tuple(_command(entry) for entry in features.get("slash_commands", [])),
        socket_mode=bool(settings.get("socket_mode_enabled", False)),
        interactive=bool(settings.get("interactivity", {}).get("is_enabled", False)),
        messages_tab=bool(features.get("app_home", {}).get("messages_tab_enabled", True)),
    )


def _command(entry: dict[str, Any]) -> SlashCommand:
    hint, escape = entry.get("usage_hint", ""), bool(entry.get("should_escape", False))
    return SlashCommand(entry["command"], entry["description"], hint, escape)
