"""Turn a wish into a plan: look, derive the value live, judge; nothing is stored and nothing changes."""

from dataclasses import replace

from bot import __version__
from bot.domain.draft import Draft
from bot.domain.grammar import Wish, select_views
from bot.domain.plan import Change, Kind, Plan, change_to, desired_value, movable_record
from bot.domain.preflight import Circumstances, preflight
from bot.domain.record import folded
from bot.domain.snapshot import Endpoints, Snapshot, Unknown
from bot.domain.topology import Route, Site, View
from bot.errors import NotMovable, Unreadable, UsageError
from bot.ports import Ports
from bot.services.survey import take_snapshot


async def draft(ports: Ports, wish: Wish) -> Draft:
    """Plan a failover.

    Raises UsageError for words that cannot be meant, NotMovable when no plan can be made; the sentence says why.
    """
    topology = ports.rules.topology
    away = topology.site(wish.away)
    to = _standby(away, wish.to, ports)
    views = views_of(ports, wish)
    bystanders = tuple(view for view in topology.views if view.site != away.name)
    drafted = await draft_for(ports, away, to, wish.route or away.route, views, bystanders)
    return replace(drafted, only=wish.only or "")


async def draft_for(
    ports: Ports, away: Site, to: Site, route: Route, views: tuple[View, ...], bystanders: tuple[View, ...] = ()
) -> Draft:
    """Plan to move exactly these views; `bystanders` are looked at, so that people hear of those left behind."""
    snapshot = await take_snapshot(ports, away, to, route, views, bystanders)
    changes = _changes(ports, snapshot, to, route)
    domains = tuple(dict.fromkeys(view.domain for view in views))
    access = ports.rules.access
    plan = Plan(
        kind=Kind.FAILOVER,
        workspace=access.workspace,
        away=away.name,
        to=to.name,
        route=route,
        changes=changes,
        findings=preflight(Circumstances(away, to, route, domains, changes, snapshot, access.policy)),
        policy_hash=access.policy_hash((away, to)),
        tool_version=__version__,
        nonce=ports.ids.token(),
        is_simulation=ports.rules.is_simulation,
    )
    return Draft(plan, snapshot)


def sites_of(ports: Ports, wish: Wish) -> tuple[str, str]:
    """Return the names of the sites between which a wish moves pulls. Raises as `draft` does."""
    away = ports.rules.topology.site(wish.away)
    return away.name, _standby(away, wish.to, ports).name


def views_of(ports: Ports, wish: Wish) -> tuple[View, ...]:
    """Return the views that a wish moves. Raises as `draft` does."""
    return select_views(ports.rules.topology.site(wish.away).views, wish.only)


def _standby(away: Site, named: str | None, ports: Ports) -> Site:
    if named == away.name:
        raise UsageError(f"{away.name} cannot take over from itself. Its standbys: {', '.join(away.standby)}.")
    if named is not None and named not in away.standby:
        raise UsageError(f"{named} is no standby of {away.name}. Its standbys: {', '.join(away.standby)}.")
    return ports.rules.topology.site(named or away.standby[0])


def _changes(ports: Ports, snapshot: Snapshot, to: Site, route: Route) -> tuple[Change, ...]:
    kind, value = desired_value(route, to, _live(snapshot, to), ports.rules.topology.internal_ranges)
    waiting = [state for state in snapshot.views if folded(movable_record(state)[1].value) != folded(value)]
    if not waiting:
        names = ", ".join(vpc for state in snapshot.views for vpc in state.view.vpcs)
        raise NotMovable(f"{names} already pulls from {to.name} ({kind} {value}): there is nothing to change.")
    return tuple(change_to(state, kind, value) for state in waiting)


def _live(snapshot: Snapshot, to: Site) -> Endpoints:
    endpoints = snapshot.sites[to.name].endpoints
    away = snapshot.views[0].view.site
    if isinstance(endpoints, Unknown):
        raise Unreadable(_unreachable(away, to, endpoints.reason))
    if not endpoints.is_live:
        why = f"{endpoints.silence} (last good answer: {endpoints.as_of:%H:%M} UTC)"
        raise Unreadable(_unreachable(away, to, why))
    return endpoints


def _unreachable(away: str, to: Site, reason: str) -> str:
    return (
        f"The value to write must come from {to.name} itself, and its region does not say: {reason}. "
        f"Nothing was changed. Ask again, or take the manual steps: `registry-bot manual {away}`."
    )
