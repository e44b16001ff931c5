"""The Slack manifest asks for what the code uses: every scope has its use, every use its scope."""

import ast
import inspect
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from slack_sdk.web.async_client import AsyncWebClient

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "manifest.yml").read_text(encoding="utf-8")
MANIFEST: dict[str, Any] = yaml.safe_load(TEXT)
GRANTED = set(MANIFEST["oauth_config"]["scopes"]["bot"])

# What each Web API method asks of a bot token, by Slack's reference page of that method. The socket is opened with the
# app-level token, whose scope is not in a manifest.
SCOPES: dict[str, set[str]] = {
    "apps.connections.open": set(),
    "auth.test": set(),
    "chat.getPermalink": set(),
    "chat.postEphemeral": {"chat:write"},
    "chat.postMessage": {"chat:write"},
    "chat.update": {"chat:write"},
    "conversations.info": {"channels:read", "groups:read"},
    "conversations.open": {"im:write"},
    "files.completeUploadExternal": {"files:write"},
    "files.getUploadURLExternal": {"files:write"},
    "users.info": {"users:read"},
}


def _methods_of_the_client() -> dict[str, str]:
    found: dict[str, str] = {}
    for name, function in inspect.getmembers(AsyncWebClient, inspect.isfunction):
        calls = re.findall(r'api_call\(\s*"([A-Za-z.]+)"', inspect.getsource(function))
        if len(calls) == 1:
            found[name] = calls[0]
    return found


def _named_by(node: ast.AST, client: dict[str, str]) -> Iterator[str]:
    match node:
        case ast.Attribute(attr=name) if name in client:
            yield client[name]
        case ast.Constant(value=str(name)) if name in client.values():
            yield name
        case ast.Call(func=ast.Attribute(attr="api_call"), args=[ast.Constant(value=str(name)), *_]):
            yield name


@cache  # not at import: every process of a run imports this file, and one needs the answer
def _methods_in_use() -> set[str]:
    client = _methods_of_the_client()
    files = [path for package in ("bot", "handlers") for path in (ROOT / package).rglob("*.py")]
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in files]
    return {name for tree in trees for node in ast.walk(tree) for name in _named_by(node, client)}


def test_the_code_is_seen_to_post_messages_and_to_look_people_up() -> None:
    assert {"chat.postMessage", "chat.update", "users.info"} <= _methods_in_use()


def test_every_method_that_the_code_calls_is_known_with_its_scopes() -> None:
    assert _methods_in_use() - set(SCOPES) == set()


def test_the_manifest_grants_exactly_the_scopes_that_the_code_needs() -> None:
    needed = set().union(*(SCOPES.get(method, set()) for method in _methods_in_use()))

    assert needed | {"commands"} == GRANTED


@pytest.mark.parametrize("scope", sorted(GRANTED))
def test_a_scope_says_what_it_is_for(scope: str) -> None:
    assert re.search(rf"^ *- {re.escape(scope)} +# \w.{{10,}}$", TEXT, flags=re.MULTILINE)


def test_nobody_acts_with_a_persons_token() -> None:
    assert set(MANIFEST["oauth_config"]["scopes"]) == {"bot"}


def test_one_command_and_the_buttons_arrive_through_the_socket_without_an_address() -> None:
    assert [command["command"] for command in MANIFEST["features"]["slash_commands"]] == ["/registry"]
    assert MANIFEST["settings"]["interactivity"] == {"is_enabled": True}
    assert MANIFEST["settings"]["socket_mode_enabled"] is True
    assert re.search(r"^ *(request_)?url:", TEXT, flags=re.MULTILINE) is None


def test_the_app_speaks_to_people_directly_but_has_no_home_and_hears_no_events() -> None:
    assert MANIFEST["features"]["app_home"]["home_tab_enabled"] is False
    assert MANIFEST["features"]["app_home"]["messages_tab_enabled"] is True
    assert MANIFEST["features"]["app_home"]["messages_tab_read_only_enabled"] is False
    assert "event_subscriptions" not in MANIFEST["settings"]


def test_the_bot_goes_by_the_name_that_its_invitations_use() -> None:
    assert MANIFEST["features"]["bot_user"]["display_name"] == "registry"
