"""The front desk of the Web API: tokens, scopes, bodies, rates and outages."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from simulator.slack import Limits
from tests.simulator.slack_desk import SCOPES, Desk, desk, manifest_document

GRANTED = [
    ("chat.postMessage", "chat:write"),
    ("chat.postEphemeral", "chat:write"),
    ("chat.update", "chat:write"),
    ("chat.delete", "chat:write"),
    ("users.info", "users:read"),
    ("usergroups.users.list", "usergroups:read"),
    ("pins.add", "pins:write"),
    ("files.getUploadURLExternal", "files:write"),
    ("files.completeUploadExternal", "files:write"),
]


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk(tmp_path) as running:
        yield running


async def test_the_bot_learns_who_it_is(at: Desk) -> None:
    who = await at.client.auth_test()

    assert (who["team_id"], who["user_id"], who["bot_id"]) == ("T01SIM", "U0REGBOT", "B0REGBOT")


@pytest.mark.parametrize(
    ("token", "error"),
    [("", "not_authed"), ("xoxb-of-somebody-else", "invalid_auth"), ("app", "not_allowed_token_type")],
)
async def test_a_token_that_does_not_fit_is_refused(at: Desk, token: str, error: str) -> None:
    spoken = at.slack.app_token if token == "app" else token
    headers = {"Authorization": f"Bearer {spoken}"} if token else {}

    async with at.http.post(f"{at.slack.api_url}chat.postMessage", headers=headers) as answer:
        assert (await answer.json())["error"] == error


async def test_a_removed_app_is_told_that_its_account_is_inactive(at: Desk) -> None:
    at.slack.installation.active = False

    assert await at.error("auth.test") == "account_inactive"


async def test_an_unknown_method_is_named(at: Desk) -> None:
    assert (await at.refusal("chat.teleport"))["req_method"] == "chat.teleport"


async def test_only_an_app_token_opens_a_socket(at: Desk) -> None:
    client = AsyncWebClient(base_url=at.slack.api_url, session=at.http)
    opened = await client.apps_connections_open(app_token=at.slack.app_token)

    assert str(opened["url"]).startswith("ws://127.0.0.1:")
    assert await at.error("apps.connections.open") == "not_allowed_token_type"


@pytest.mark.parametrize(("method", "scope"), GRANTED)
async def test_a_method_without_its_scope_says_which_one_is_missing(tmp_path: Path, method: str, scope: str) -> None:
    others = [granted for granted in SCOPES if granted != scope]
    async with desk(tmp_path, manifest=manifest_document(others)) as at:
        refusal = await at.refusal(method)

        assert (refusal["error"], refusal["needed"]) == ("missing_scope", scope)
        assert refusal["provided"] == ",".join(sorted(others))


async def test_a_private_channel_needs_the_scope_of_private_channels(tmp_path: Path) -> None:
    without = [scope for scope in SCOPES if scope != "groups:read"]
    async with desk(tmp_path, manifest=manifest_document(without)) as at:
        at.slack.change_channel("C05PRIVATE", {"members": ["U0REGBOT"]})

        assert (await at.refusal("conversations.info", channel="C05PRIVATE"))["needed"] == "groups:read"


@pytest.mark.parametrize(
    ("content_type", "body", "error"),
    [
        ("application/json", "{", "invalid_json"),
        ("application/json", "[1]", "json_not_object"),
        ("text/plain", "channel=C01OPS", "invalid_post_type"),
        ("application/json", '{"text": "no channel"}', "invalid_arguments"),
        ("application/json", '{"channel": "C01OPS", "text": {"a": 1}}', "invalid_arguments"),
    ],
)
async def test_a_body_that_cannot_be_read_is_refused(at: Desk, content_type: str, body: str, error: str) -> None:
    headers = {"Authorization": f"Bearer {at.slack.bot_token}", "Content-Type": content_type}

    async with at.http.post(f"{at.slack.api_url}chat.postMessage", data=body, headers=headers) as answer:
        assert (await answer.json())["error"] == error


async def test_a_token_inside_a_json_body_does_not_count(at: Desk) -> None:
    async with at.http.post(f"{at.slack.api_url}auth.test", json={"token": at.slack.bot_token}) as answer:
        assert (await answer.json())["error"] == "not_authed"


async def test_a_method_for_forms_does_not_look_into_json(at: Desk) -> None:
    headers = {"Authorization": f"Bearer {at.slack.bot_token}"}
    url = f"{at.slack.api_url}users.info"

    async with at.http.post(url, json={"user": "U01ONCALL"}, headers=headers) as as_json:
        assert (await as_json.json())["error"] == "invalid_arguments"
    async with at.http.post(url, data={"user": "U01ONCALL"}, headers=headers) as as_form:
        assert (await as_form.json())["ok"]


async def test_blocks_may_come_as_a_string_of_json_in_a_form(at: Desk) -> None:
    form = {"channel": "C01OPS", "blocks": json.dumps([{"type": "divider"}]), "token": at.slack.bot_token}

    async with at.http.post(f"{at.slack.api_url}chat.postMessage", data=form) as answer:
        assert (await answer.json())["message"]["blocks"][0]["type"] == "divider"


async def test_a_tier_is_so_many_calls_a_minute_for_each_method(tmp_path: Path) -> None:
    limits = Limits(tiers={1: 1, 2: 2, 3: 50, 4: 100, 5: 300})
    async with desk(tmp_path, limits=limits) as at:
        answers = [await at.error("usergroups.users.list", usergroup="S1") for _ in range(2)]
        third = await _status(at, "usergroups.users.list")

        assert answers == ["plan_upgrade_required"] * 2
        assert third == (429, "30", "ratelimited")
        assert (await at.client.auth_test())["ok"]


async def test_a_channel_takes_a_message_a_second_after_a_short_burst(tmp_path: Path) -> None:
    async with desk(tmp_path, limits=Limits(message_burst=2)) as at:
        await at.post()
        await at.post()
        async with at.http.post(f"{at.slack.api_url}chat.postMessage", data=_hello(at, "C01OPS")) as refused:
            assert (refused.status, refused.headers["Retry-After"]) == (429, "1")

        assert await at.post("C02INC")


async def test_the_fault_slack_429_refuses_everything_until_it_is_off(at: Desk) -> None:
    at.faults.set("slack_429", None, True)
    during = await _status(at, "auth.test")
    at.faults.set("slack_429", None, False)

    assert during == (429, "1", "ratelimited")
    assert at.slack.calls[-1].answer["error"] == "ratelimited"
    assert (await at.client.auth_test())["ok"]


async def test_while_slack_is_down_calls_meet_a_cut_connection_or_a_broken_answer(at: Desk) -> None:
    at.faults.set("slack_down", None, True)
    met: list[Any] = []
    for _ in range(2):
        try:
            async with at.http.post(f"{at.slack.api_url}auth.test") as answer:
                met.append((answer.status, answer.content_type))
        except aiohttp.ClientError as error:
            met.append(type(error))

    assert met == [aiohttp.ServerDisconnectedError, (503, "text/html")]


async def test_the_calls_of_the_app_can_be_read_without_its_token(at: Desk) -> None:
    await at.post(text="kept")

    seen = at.slack.calls[-1]
    assert (seen.method, seen.arguments["text"], seen.answer["ok"]) == ("chat.postMessage", "kept", True)
    assert at.slack.bot_token not in str(seen)


async def test_a_rule_of_another_workspace_can_be_lent_to_this_one(at: Desk) -> None:
    at.slack.refuse("chat.postMessage", "restricted_action")
    refused = await at.error("chat.postMessage", channel="C01OPS", text="x")
    at.slack.refuse("chat.postMessage", None)

    assert refused == "restricted_action"
    assert await at.post()


async def test_api_test_echoes_and_fails_on_demand(at: Desk) -> None:
    assert (await at.client.api_test(foo="bar"))["args"] == {"foo": "bar"}
    with pytest.raises(SlackApiError, match="my_error"):
        await at.client.api_test(error="my_error")


async def _status(at: Desk, method: str) -> tuple[int, str, str]:
    headers = {"Authorization": f"Bearer {at.slack.bot_token}"}
    async with at.http.post(f"{at.slack.api_url}{method}", headers=headers) as answer:
        return answer.status, answer.headers.get("Retry-After", ""), (await answer.json())["error"]


def _hello(at: Desk, channel: str) -> dict[str, str]:
    return {"channel": channel, "text": "hello", "token": at.slack.bot_token}
