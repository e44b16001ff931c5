"""`registry-bot manual <site>`: the failover by hand, for when the bot, Slack or Redis is what has failed."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

from bot.adapters.clock import SystemClock
from bot.configuration import load_registry
from bot.console.cloud import cloud
from bot.domain.plan import change_to, desired_value, movable_record
from bot.domain.record import folded
from bot.domain.snapshot import SiteState, Unknown, ViewState
from bot.domain.topology import Route, Site, Topology
from bot.errors import NotMovable, UnknownSite
from bot.messages import manual_outline, manual_steps
from bot.settings import SiteSettings, read_environment


@dataclass(frozen=True, slots=True)
class Move:
    """What to move where, with what is known of the standby now."""

    topology: Topology
    away: Site
    standby: SiteState
    route: Route

    def desired(self) -> tuple[str, str]:
        """Return type and value to set. Raises NotMovable."""
        site, endpoints = self.standby.site, self.standby.endpoints
        if isinstance(endpoints, Unknown):
            raise NotMovable(f"The endpoints of {site.name} could not be read: {endpoints.reason}.")
        return desired_value(self.route, site, endpoints, self.topology.internal_ranges)


async def manual(name: str, to: str | None = None, route: Route | None = None) -> int:
    """Print the steps that fail a site over, with live values where the cloud answers.

    Raises InvalidConfiguration or UnknownSite.
    """
    settings = read_environment(SiteSettings)
    topology = load_registry(settings.config).topology()
    away = topology.site(name)
    standby = _standby(topology, away, to)
    accounts = {account.name: account.role_arn for account in topology.accounts.values()}
    async with cloud(settings, accounts) as reached, asyncio.TaskGroup() as group:
        target = group.create_task(reached.site_state(standby))
        views = [group.create_task(reached.view_state(view)) for view in away.views]
    move = Move(topology, away, target.result(), route or away.route)
    if settings.connect_to:
        print("SIMULATION: these values come from a simulated cloud.")
    print("\n".join([*_heading(move), *(line for task in views for line in _steps(move, task.result()))]))
    return 0


def _standby(topology: Topology, away: Site, to: str | None) -> Site:
    standby = topology.site(to or away.standby[0])
    if standby.name not in away.standby:
        raise UnknownSite(f"{standby.name} is no standby of {away.name}. Its standbys: {', '.join(away.standby)}.")
    return standby


def _heading(move: Move) -> Iterator[str]:
    standby = move.standby.site.name
    yield f"Fail {move.away.name} over to {standby} by {move.route}, by hand. Let a second person read each command."
    yield f"As of {SystemClock().now():%Y-%m-%d %H:%M:%S} UTC. {_health(move.standby)}"
    yield ""


def _health(standby: SiteState) -> str:
    instance = standby.instance
    if isinstance(instance, Unknown):
        return f"Whether the instance of {standby.site.name} runs is not known: {instance.reason}."
    advice = "" if instance.is_running else " Do not move pulls there before it is RUNNING."
    return f"The instance of {standby.site.name}, {instance.instance_id}, is {instance.status}.{advice}"


def _steps(move: Move, state: ViewState) -> list[str]:
    """Return one view's steps: with every value, or how to find each, headed by those that are known."""
    try:
        kind, value = move.desired()
        _zone, record = movable_record(state)
        if (record.type, folded(record.value)) == (kind, folded(value)):
            return [f"{state.view} already points at {record.target}: there is nothing to change.", ""]
        return manual_steps([change_to(state, kind, value)])
    except NotMovable as error:
        outline = manual_outline(replace(move.away, views=(state.view,)), move.standby.site, move.route)
        return [f"Not every value is known. {error}", *_known(move, state), *outline]


def _known(move: Move, state: ViewState) -> Iterator[str]:
    if not isinstance(state.records, Unknown):
        for record in state.records:
            at = f"record {record.record_id} in zone {record.zone_id}"
            yield f"Present, so the way back: {record.target}, TTL {record.ttl} s ({at})."
    with suppress(NotMovable):
        yield f"To set: {' '.join(move.desired())}."
