"""The part of `check` that looks at Slack: tokens, scopes, channels and people; nothing is posted."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import timedelta

import aiohttp

from bot.adapters.clock import SystemClock
from bot.adapters.slack import SlackIdentities, SlackWorkspace
from bot.adapters.slack_api import BotUser, SlackApi
from bot.console.placeholders import is_placeholder
from bot.console.table import Row, fail, ok, warn
from bot.domain.access import Access, Identity, People, Person
from bot.errors import ProviderError
from bot.settings import Settings

SCOPES = frozenset({"commands", "chat:write", "files:write", "im:write", "users:read", "channels:read", "groups:read"})
"""What manifest.yml asks for."""
CALL = timedelta(seconds=5)
_INVITE = "Type /invite @registry there."


async def slack_rows(settings: Settings, access: Access) -> list[Row]:
    """Look at the bot token, then at everything it opens. Raises ProviderError when the token opens nothing."""
    clock = SystemClock()
    async with aiohttp.ClientSession() as session:
        api = _api(session, settings, settings.slack_bot_token.get_secret_value())
        me = await api.who_am_i()
        workspace = SlackWorkspace(api, clock)
        async with asyncio.TaskGroup() as group:
            scopes = group.create_task(_scopes(session, settings))
            door = group.create_task(_door(session, settings))
            channels = [group.create_task(_channel(workspace, c, access)) for c in _channels(access)]
            people = group.create_task(_people(SlackIdentities(api, clock, me.team_id), me, access))
    return [
        ok("slack: token", f"workspace {me.team_id}, bot user {me.user_id}"),
        *scopes.result(),
        door.result(),
        *(task.result() for task in channels),
        *people.result(),
    ]


async def team_id(settings: Settings) -> str:
    """Return the workspace that the bot token belongs to. Raises ProviderError."""
    async with aiohttp.ClientSession() as session:
        return (await _api(session, settings, settings.slack_bot_token.get_secret_value()).who_am_i()).team_id


def scope_rows(granted: str | None) -> list[Row]:
    """Compare the scopes that Slack says it granted, if it says so, with those needed."""
    if granted is None:
        return []
    missing = SCOPES - {scope.strip() for scope in granted.split(",")}
    if missing:
        lack = ", ".join(sorted(missing))
        advice = "Add what is missing as manifest.yml has it, then install the app again."
        return [fail("slack: scopes", f"The app lacks {lack}. {advice}")]
    return [ok("slack: scopes", ", ".join(sorted(SCOPES)))]


def complaint(identity: Identity, workspace: str) -> str:
    """Say why this account cannot act, or nothing."""
    if identity.is_deleted:
        return "is deactivated"
    if identity.is_bot:
        return "is a bot"
    if identity.is_guest:
        return "is a guest"
    if identity.is_stranger or identity.team_id != workspace:
        return "belongs to another organisation"
    return ""


def _api(session: aiohttp.ClientSession, settings: Settings, token: str) -> SlackApi:
    return SlackApi(session, SystemClock(), token=token, base_url=settings.slack_api_url, proxy=settings.slack_proxy)


async def _scopes(session: aiohttp.ClientSession, settings: Settings) -> list[Row]:
    """Ask once more without the SDK, which does not show the header that lists the scopes."""
    headers = {"Authorization": f"Bearer {settings.slack_bot_token.get_secret_value()}"}
    limit = aiohttp.ClientTimeout(total=CALL.total_seconds())
    try:
        async with session.post(
            f"{settings.slack_api_url}auth.test", headers=headers, proxy=settings.slack_proxy, timeout=limit
        ) as answer:
            return scope_rows(answer.headers.get("x-oauth-scopes"))
    except (aiohttp.ClientError, TimeoutError):
        return [warn("slack: scopes", "Slack did not say which scopes the app has. Try again.")]


async def _door(session: aiohttp.ClientSession, settings: Settings) -> Row:
    if settings.slack_mode == "http":
        path = f"{settings.http_host}:{settings.http_port}/slack/events"
        return warn("slack: http", f"Only a delivery can prove that Slack reaches {path}; type /registry help.")
    assert settings.slack_app_token is not None
    try:
        await _api(session, settings, settings.slack_app_token.get_secret_value()).write("apps.connections.open", CALL)
    except ProviderError as error:
        advice = "The app-level token needs connections:write (Basic Information, App-Level Tokens)."
        return fail("slack: app token", f"{error} {advice}")
    return ok("slack: app token", "Socket Mode can be opened")


def _channels(access: Access) -> list[str]:
    """Return the home channel, then all others that the policy names by id."""
    named = [channel for channel in access.policy.channels if channel[:1] in "CG" and channel.isalnum()]
    return list(dict.fromkeys([access.policy.home_channel, *named]))


async def _channel(workspace: SlackWorkspace, channel_id: str, access: Access) -> Row:
    is_home = channel_id == access.policy.home_channel
    what = "slack: home channel" if is_home else f"slack: channel {channel_id}"
    problem = fail if is_home else warn
    if is_placeholder(channel_id):
        return fail(what, f"{channel_id} is still a placeholder. Put a channel's id there (its details show it).")
    try:
        channel = await workspace.channel(channel_id)
    except ProviderError as error:
        return problem(what, str(error))
    if channel.is_shared_externally:
        return problem(what, f"#{channel.name} is shared with another organisation. Use a channel of your own.")
    if not channel.has_bot:
        return problem(what, f"The bot is not a member of #{channel.name}. {_INVITE}")
    return ok(what, f"#{channel.name}")


async def _people(identities: SlackIdentities, me: BotUser, access: Access) -> list[Row]:
    persons = access.people.persons
    ids = [slack_id for person in persons for slack_id in person.slack]
    async with asyncio.TaskGroup() as group:
        asked = {slack_id: group.create_task(_trouble(identities, me, slack_id)) for slack_id in ids}
    troubles = {slack_id: task.result() for slack_id, task in asked.items()}
    return [*_person_rows(persons, troubles), *_quorum_row(access, troubles)]


async def _trouble(identities: SlackIdentities, me: BotUser, slack_id: str) -> str:
    if is_placeholder(slack_id):
        return "is still a placeholder; put a member's id there (their profile shows it)"
    try:
        return complaint(await identities.identity(slack_id, timedelta(0)), me.team_id)
    except ProviderError as error:
        return f"could not be looked up: {error}".rstrip(".")


def _person_rows(persons: Iterable[Person], troubles: Mapping[str, str]) -> list[Row]:
    rows = []
    for person in persons:
        wrong = [f"{slack_id} {troubles[slack_id]}." for slack_id in person.slack if troubles[slack_id]]
        roles = ", ".join(sorted(person.roles)) or "may only read"
        what = f"slack: person {person.name}"
        rows.append(warn(what, " ".join(wrong)) if wrong else ok(what, roles))
    return rows


def _quorum_row(access: Access, troubles: Mapping[str, str]) -> list[Row]:
    able = People(tuple(p for p in access.people.persons if not all(troubles[slack_id] for slack_id in p.slack)))
    if able.can_complete(access.policy.approvals):
        return []
    return [fail("slack: people", "With these accounts nobody could complete a failover. Correct people in the file.")]
