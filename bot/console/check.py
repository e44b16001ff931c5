"""`registry-bot check`: configuration, then Slack, Redis, PrivateZone and Container Registry; nothing is changed."""

import asyncio
import sys
from collections.abc import Iterable

from bot.app import kill_switch
from bot.configuration import Registry, load_registry
from bot.console.check_cloud import cloud_rows
from bot.console.check_redis import redis_rows
from bot.console.check_slack import slack_rows
from bot.console.cloud import quiet
from bot.console.policy import policies
from bot.console.table import Row, fail, failed, look, ok, render, warn
from bot.errors import InvalidConfiguration
from bot.settings import Settings, SiteSettings, load_settings, read_environment

_UNTRIED = (
    "Whether the bot may write a record cannot be tried without writing one: "
    "`registry-bot check --policy` prints the permissions that it takes."
)
_DEEP = (
    "cr:GetAuthorizationToken and cr:PullRepository, the last two statements, are for `/registry replication … deep` "
    "alone: it looks at images the way that pulls do. Leave them out where nobody is to ask for that."
)


async def check() -> int:
    """Print a row for each check; 0 when nothing failed, else 1."""
    quiet()
    rows = await _rows()
    print(render(rows))
    print(_UNTRIED)
    return 1 if failed(rows) else 0


def print_policy() -> int:
    """Print the RAM policy for exactly this configuration: on stdout nothing but JSON, a document an account.

    Raises InvalidConfiguration.
    """
    topology = load_registry(read_environment(SiteSettings).config).topology()
    for account, policy in policies(topology).items():
        print(f"RAM policy for the identity of account '{account}':", file=sys.stderr)
        print(policy)
    print(_DEEP, file=sys.stderr)
    for view in topology.views:
        if view.zone is None:
            print(f"{view} has no zone id in registry.yaml, so no permission to write it is listed.", file=sys.stderr)
    return 0


async def _rows() -> list[Row]:
    rows, settings, sites, registry = _configuration()
    if sites is None or registry is None:
        return rows
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(look("cloud", cloud_rows(sites, registry.topology())))]
        if settings is not None:
            slack = group.create_task(look("slack: token", slack_rows(settings, registry.access(""))))
            redis = group.create_task(look("redis", redis_rows(settings)))
            asked = [slack, redis, *asked]
    return [*rows, *(row for task in asked for row in task.result())]


def _configuration() -> tuple[list[Row], Settings | None, SiteSettings | None, Registry | None]:
    """Read all there is to read, so that one run reports the mistakes of environment and file together."""
    rows: list[Row] = []
    settings: Settings | None = None
    sites: SiteSettings | None = None
    registry: Registry | None = None
    try:
        sites = settings = load_settings()
        rows.append(ok("environment", f"complete; Slack in {settings.slack_mode} mode"))
        rows += [warn("frozen", why)] if (why := kill_switch(settings)) else []
    except InvalidConfiguration as error:
        rows += _mistakes("environment", error)
    try:
        sites = sites or read_environment(SiteSettings)
        registry = load_registry(sites.config)
        rows += [ok("registry.yaml", _size(registry)), *_simulation(sites)]
    except InvalidConfiguration as error:
        rows += _mistakes("registry.yaml", error) if sites else []
    return rows, settings, sites, registry


def _mistakes(what: str, error: InvalidConfiguration) -> Iterable[Row]:
    """Return a row for each mistake that the error lists."""
    head, *listed = str(error).split("\n- ")
    return [fail(what, mistake) for mistake in listed or [head]]


def _size(registry: Registry) -> str:
    topology = registry.topology()
    return f"{len(topology.sites)} sites, {len(tuple(topology.views))} views, {len(registry.people)} people"


def _simulation(settings: SiteSettings) -> list[Row]:
    if settings.connect_to or settings.alibaba_protocol == "http":
        return [warn("environment", "REGISTRY_BOT_CONNECT_TO or the http protocol is set: this is a SIMULATION")]
    return []
