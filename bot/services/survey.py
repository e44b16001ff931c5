"""Look at the world: every read short, in parallel, and optional; what does not answer becomes Unknown."""

import asyncio
from collections.abc import Awaitable, Iterable
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

from bot.domain.comparing import Critical
from bot.domain.freeze import ALL, Freeze
from bot.domain.moves import Move
from bot.domain.operation import Operation, SubState
from bot.domain.overview import Overview
from bot.domain.snapshot import (
    Answer,
    Endpoints,
    Replication,
    Silence,
    SiteState,
    Snapshot,
    Unknown,
    ViewState,
)
from bot.domain.topology import Route, Site, View
from bot.errors import BotError, NotMovable, ProviderError, UnknownSite
from bot.ports import Ports
from bot.services import copies, memory, stock
from bot.services.history import unavailable, unreadable

T = TypeVar("T")
RECENT_OPERATIONS = 50
VIEW_DEADLINE = timedelta(seconds=4)
"""For a zone and its records: `status` answers within 5 s whatever hangs."""
PLAN_DEADLINE = timedelta(seconds=9)
"""The same where a plan depends on it: three calls in a row, each of which may take its own 3 s."""


async def observe(read: Awaitable[T], limit: timedelta) -> T | Unknown:
    """Return what `read` gives, or Unknown with the reason when it fails or takes longer than `limit`."""
    try:
        async with asyncio.timeout(limit.total_seconds()):
            return await read
    except NotMovable as error:
        return Unknown(str(error).rstrip("."), is_silence=False)
    except ProviderError as error:
        return Unknown(str(error).rstrip("."))
    except TimeoutError:
        return Unknown(f"no answer within {limit.total_seconds():g} s")


async def survey_sites(ports: Ports, only: str | None = None) -> Overview:
    """Look at every view, or those of one site, domain or VPC; answers in time even when a region hangs.

    Raises UnknownSite when `only` names nothing.
    """
    views = _select(ports, only)
    async with asyncio.TaskGroup() as group:
        sites = [group.create_task(site_state(ports, site)) for site in ports.rules.topology.sites.values()]
        seen = [group.create_task(view_state(ports, view, VIEW_DEADLINE)) for view in views]
        store = group.create_task(_store_view(ports))
    operations, frozen, note = store.result()
    return Overview(
        taken_at=ports.clock.now(),
        sites={task.result().site.name: task.result() for task in sites},
        views=tuple(task.result() for task in seen),
        open_operations=operations,
        frozen=frozen,
        store_note=note,
        is_simulation=ports.rules.is_simulation,
    )


async def site_state(ports: Ports, site: Site) -> SiteState:
    """Look at one site's instance; endpoints fall back to the last ones known."""
    limit = ports.rules.read_deadline
    async with asyncio.TaskGroup() as group:
        instance = group.create_task(observe(ports.registries.instance(site), limit))
        endpoints = group.create_task(observe(ports.registries.endpoints(site), limit))
    found = endpoints.result()
    if isinstance(found, Unknown):
        last = await memory.last_endpoints(ports, site.instance)
        found = replace(last, silence=found.reason) if last else found
    else:
        await memory.keep_endpoints(ports, site.instance, found)
    return SiteState(site, instance.result(), found)


async def view_state(ports: Ports, view: View, within: timedelta) -> ViewState:
    """Look at one view's zone and records; both together `within` this time."""
    started = ports.clock.monotonic()
    zone = await observe(ports.zones.zone(view), within)
    if isinstance(zone, Unknown):
        return ViewState(view, zone, zone)
    left = within - timedelta(seconds=ports.clock.monotonic() - started)
    records = await observe(ports.zones.records(zone.zone_id), left)
    return ViewState(view, zone, records)


async def take_snapshot(
    ports: Ports, away: Site, to: Site, route: Route, views: tuple[View, ...], bystanders: tuple[View, ...] = ()
) -> Snapshot:
    """Gather all that a failover of `views` rests on."""
    domains = tuple(dict.fromkeys(view.domain for view in views))
    async with asyncio.TaskGroup() as group:
        home = group.create_task(_home_answer(ports, away, domains))
        sites = [group.create_task(site_state(ports, site)) for site in ports.rules.topology.sites.values()]
        seen = [group.create_task(view_state(ports, view, PLAN_DEADLINE)) for view in views]
        beside = [group.create_task(view_state(ports, view, VIEW_DEADLINE)) for view in bystanders]
        copied = group.create_task(survey_replication(ports, away, to, ports.rules.read_deadline, domains))
    states = {task.result().site.name: task.result() for task in sites}
    view_states = tuple(task.result() for task in seen)
    async with asyncio.TaskGroup() as group:
        standby = group.create_task(_standby_answer(ports, states[to.name], route, views, domains))
        recent = group.create_task(_recent(ports))
    return Snapshot(
        taken_at=ports.clock.now(),
        views=view_states,
        sites=states,
        standby_answer=standby.result(),
        home_answer=home.result(),
        replication=copied.result(),
        moves=_moves(recent.result(), view_states),
        bystanders=tuple(task.result() for task in beside),
        opposed_by=tuple(op.id for op in recent.result() if not op.is_terminal and op.plan.to == away.name),
    )


async def survey_replication(
    ports: Ports, home: Site, standby: Site, limit: timedelta, domains: Iterable[str] | None = None
) -> Replication:
    """Compare the critical images of two sites by digest, and read rules and task feed, each within `limit`.

    A list of images that takes longer is replaced by what is kept of that site, which says how old it is.
    """
    critical = Critical(globs := ports.rules.topology.critical_globs(domains or {view.domain for view in home.views}))
    async with asyncio.TaskGroup() as group:
        rules = group.create_task(observe(ports.registries.sync_rules(home), limit))
        feed = group.create_task(observe(ports.registries.sync_tasks(home), limit))
        here = group.create_task(observe(ports.registries.inventory(home, globs), limit))
        there = group.create_task(observe(ports.registries.inventory(standby, globs), limit))
        kept = group.create_task(stock.sides(ports.inventories, home, standby))
    (known_home, known_standby), trouble = kept.result()
    ends = copies.end(here.result(), known_home, trouble), copies.end(there.result(), known_standby, trouble)
    return Replication(home, standby, rules.result(), feed.result(), await copies.compare(ports, critical, *ends))


def _select(ports: Ports, only: str | None) -> tuple[View, ...]:
    topology = ports.rules.topology
    if only is None:
        return tuple(topology.views)
    named = tuple(view for view in topology.views if only == view.domain or only in view.vpcs)
    if named:
        return named
    try:
        return topology.site(only).views
    except UnknownSite as error:
        raise UnknownSite(f"{error} A domain or a VPC id works too.") from None


async def _store_view(ports: Ports) -> tuple[tuple[Operation, ...], tuple[str, ...], str]:
    switch, local = ports.kill_switch(), ports.local_freezes.freezes()
    try:
        listing = await ports.operations.listing(RECENT_OPERATIONS)
        freezes = await ports.operations.freezes()
    except BotError as error:  # the rest of the picture must still be shown
        return (), _frozen_scopes(switch, local), unavailable(str(error))
    is_open = tuple(operation for operation in listing.operations if not operation.is_terminal)
    notes = (switch or ports.store_trouble(), unreadable(listing))
    return is_open, _frozen_scopes(switch, (*freezes, *local)), " ".join(filter(None, notes))


def _frozen_scopes(switch: str, freezes: tuple[Freeze, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*([ALL] if switch else []), *(freeze.scope for freeze in freezes))))


async def _standby_answer(
    ports: Ports, state: SiteState, route: Route, views: tuple[View, ...], domains: tuple[str, ...]
) -> Answer | Silence | Unknown:
    if isinstance(state.endpoints, Unknown):
        return state.endpoints
    if not state.endpoints.is_live:
        return Unknown("its region does not say where it is now")  # no plan can follow, so nobody waits for a probe
    if route is Route.INTERNET:
        return await _public_answer(ports, state, domains)
    return await _private_answer(ports, state.site, state.endpoints, views, domains)


async def _private_answer(
    ports: Ports, site: Site, endpoints: Endpoints, views: tuple[View, ...], domains: tuple[str, ...]
) -> Answer | Silence | Unknown:
    link = next((link for link in endpoints.links if link.vpc_id == site.internal_vpc), None)
    if link is None:
        return Unknown(f"{site.name} has no address in {site.internal_vpc}")
    if not all(ports.rules.topology.bot_vpc in view.vpcs for view in views):
        return Unknown("the bot runs outside these VPCs and cannot see their private route")
    return await _worst_answer(ports, site, domains, link.ip)


async def _home_answer(ports: Ports, away: Site, domains: tuple[str, ...]) -> Answer | Silence | Unknown:
    """Ask the failed side by its last known public endpoint: waiting for its region first would double the time."""
    endpoints = await memory.last_endpoints(ports, away.instance)
    if endpoints is None:
        return await _public_answer(ports, await site_state(ports, away), domains)
    return await _public_answer(ports, SiteState(away, Unknown("not asked"), endpoints), domains)


async def _public_answer(ports: Ports, state: SiteState, domains: tuple[str, ...]) -> Answer | Silence | Unknown:
    if isinstance(state.endpoints, Unknown):
        return state.endpoints
    internet = state.endpoints.internet
    if not internet.enabled or internet.system_domain is None:
        return Unknown(f"{state.site.name} has no public endpoint to ask")
    return await _worst_answer(ports, state.site, domains, internet.system_domain)


async def _worst_answer(ports: Ports, site: Site, domains: tuple[str, ...], dial: str) -> Answer | Silence:
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(ports.data_plane.challenge(domain, dial)) for domain in domains]
    answers = [task.result() for task in asked]
    bad = [a for a in answers if isinstance(a, Silence) or a.instance_id != site.instance]
    return (bad or answers)[0]


async def _recent(ports: Ports) -> tuple[Operation, ...]:
    try:
        return await ports.operations.recent(RECENT_OPERATIONS)
    except BotError:
        return ()  # nothing can be proposed without the store anyway; a plan says so


def _moves(recent: tuple[Operation, ...], views: tuple[ViewState, ...]) -> tuple[Move, ...]:
    """Return what recent operations wrote to the records of these views."""
    records = {r.record_id for state in views if not isinstance(state.records, Unknown) for r in state.records}
    return tuple(
        Move(record, operation.plan.away, operation.plan.to, progress.applied_at)
        for operation in recent
        for record, progress in zip(operation.plan.record_ids, operation.progress, strict=True)
        if record in records and progress.state is SubState.APPLIED and progress.applied_at
    )
