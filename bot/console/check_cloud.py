"""The part of `check` that looks at Alibaba Cloud: it changes nothing, everything side by side."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping

from bot.adapters.clock import SystemClock
from bot.adapters.resolver import DnsResolver
from bot.console.cloud import MAIN, Cloud, cloud, seen
from bot.console.table import Row, fail, ok, warn
from bot.domain.comparing import Critical
from bot.domain.plan import desired_value, movable_record
from bot.domain.record import Zone
from bot.domain.snapshot import Endpoints, Instance, Inventory, SiteState, SyncRule, TaskFeed, Unknown, ViewState
from bot.domain.topology import Site, Topology, View
from bot.errors import NotMovable, Unreachable
from bot.settings import CloudSettings

_LOG = "change log"


async def cloud_rows(settings: CloudSettings, topology: Topology) -> list[Row]:
    """Look at credentials, zones, instances, routes and resolvers."""
    accounts = {account.name: account.role_arn for account in topology.accounts.values()}
    async with cloud(settings, accounts) as reached:
        views = [view for view in topology.views if MAIN not in reached.keyless]
        sites = [site for site in topology.sites.values() if site.account not in reached.keyless]
        async with asyncio.TaskGroup() as group:
            zones = [group.create_task(reached.view_state(view)) for view in views]
            states = [group.create_task(reached.site_state(site)) for site in sites]
            copies = [group.create_task(_copies(reached, site)) for site in sites]
            images = [group.create_task(_images(reached, topology, site)) for site in sites]
            resolvers = [group.create_task(_resolver(view)) for view in topology.views if view.resolver]
        change_log = await _change_log_rows(reached, [task.result() for task in zones])
    found = {task.result().site.name: task.result() for task in states}
    return [
        *_key_rows(topology, reached.keyless),
        *(view_row(task.result()) for task in zones),
        *change_log,
        *(site_row(state) for state in found.values()),
        *(row for state in found.values() for row in route_rows(topology, state.site, found)),
        *(task.result() for task in images),
        *(task.result() for task in copies),
        *(task.result() for task in resolvers),
    ]


def view_row(state: ViewState) -> Row:
    """Say whether the bot could rewrite a view's record."""
    what = f"zone: {state.view.site} ({', '.join(state.view.vpcs)})"
    try:
        zone, record = movable_record(state)
    except NotMovable as error:
        return fail(what, f"{error}{_zone_hint(state)}")
    return ok(what, f"{zone.zone_id}, @ {record.target}, TTL {record.ttl} s")


def site_row(state: SiteState) -> Row:
    """Say whether a site's instance runs and where it can be reached."""
    what = f"instance: {state.site.name}"
    instance, endpoints = state.instance, state.endpoints
    if isinstance(instance, Unknown):
        return fail(what, f"{instance.reason}.")
    if not instance.is_running:
        return fail(what, f"{instance.instance_id} is {instance.status}, not RUNNING. Look at it in the console.")
    if isinstance(endpoints, Unknown):
        return fail(what, f"{instance.instance_id} runs, but its endpoints could not be read: {endpoints.reason}.")
    edition = instance.edition.removeprefix("Enterprise_") or "unknown"
    return ok(what, f"{instance.instance_id} ({edition} edition) runs; {', '.join(_reached_by(endpoints))}")


def route_rows(topology: Topology, site: Site, states: Mapping[str, SiteState]) -> Iterator[Row]:
    """Say for each standby that could be read whether it could take over."""
    for name in site.standby:
        state = states.get(name)
        if state is not None and isinstance(state.endpoints, Endpoints):
            yield _route_row(topology, site, state.site, state.endpoints)


def _route_row(topology: Topology, site: Site, standby: Site, endpoints: Endpoints) -> Row:
    what = f"failover: {site.name} to {standby.name}"
    try:
        kind, value = desired_value(site.route, standby, endpoints, topology.internal_ranges)
    except NotMovable as error:
        return fail(what, str(error))
    domains = dict.fromkeys(view.domain for view in site.views)
    absent = [domain for domain in domains if domain not in endpoints.internet.custom_domains]
    if absent:
        return fail(what, f"{standby.name} does not carry {', '.join(absent)}. Add the custom domain to its instance.")
    return ok(what, f"by {site.route}: {kind} {value}")


def _zone_hint(state: ViewState) -> str:
    if state.view.zone is None and not isinstance(state.zone, Unknown):
        return f" The zone bound there now is {state.zone.zone_id}; name it as `zone` of this view."
    return ""


def _reached_by(endpoints: Endpoints) -> Iterator[str]:
    internet = endpoints.internet
    yield f"public {internet.system_domain}" if internet.is_open else f"public endpoint {internet.status or 'off'}"
    yield from (f"{link.vpc_id} {link.ip} {link.status}" for link in endpoints.links)


def _key_rows(topology: Topology, keyless: Mapping[str, str]) -> Iterator[Row]:
    for account in dict.fromkeys([MAIN, *topology.accounts]):
        what = f"access key: {account}"
        yield fail(what, keyless[account]) if account in keyless else ok(what, "found")


async def _images(reached: Cloud, topology: Topology, site: Site) -> Row:
    what, registries = f"images: {site.name}", reached.registries
    globs = topology.critical_globs({view.domain for view in topology.views})
    async with asyncio.TaskGroup() as group:
        rules = group.create_task(seen(registries.sync_rules(site)))
        feed = group.create_task(seen(registries.sync_tasks(site)))
        images = group.create_task(seen(registries.inventory(site, globs)))
    found: tuple[tuple[SyncRule, ...] | TaskFeed | Inventory | Unknown, ...]
    found = (images.result(), rules.result(), feed.result())
    match found:
        case (Inventory() as inventory, tuple() as known, TaskFeed()):
            count = Critical(globs).count(inventory.repositories.values())
            return ok(what, f"{count} critical images and {len(known)} replication rules can be read")
    return warn(what, f"{_first_reason(found)}. Plans will say that replication is unknown.")


async def _copies(reached: Cloud, site: Site) -> Row:
    what = f"copies: {site.name}"
    instance = await seen(reached.registries.instance(site))
    if isinstance(instance, Instance) and not instance.can_replicate_out:
        return ok(what, "none, as its edition cannot be a source")
    lacking = await seen(reached.copier.lacks_right(site))
    if isinstance(lacking, Unknown):
        return warn(what, f"{lacking.reason}.")
    if lacking:
        return warn(what, f"{lacking} Only `/registry sync` needs it.")
    return ok(what, "may be asked for, by `/registry sync`")


async def _change_log_rows(reached: Cloud, states: Iterable[ViewState]) -> list[Row]:
    """Say whether somebody who changes a record behind the bot's back can be named; one zone stands for all."""
    zone = next((state.zone for state in states if isinstance(state.zone, Zone)), None)
    if zone is None:
        return []
    found = await seen(reached.zones.changes(zone.zone_id, SystemClock().now()))
    if isinstance(found, Unknown):
        return [warn(_LOG, f"{found.reason}. When others change a record, the bot will tell that, but not who did.")]
    return [ok(_LOG, "can be read: when others change a record, the bot tells who")]


def _first_reason(found: Iterable[object]) -> str:
    return next(part.reason for part in found if isinstance(part, Unknown))


async def _resolver(view: View) -> Row:
    what = f"resolver: {view.site} ({', '.join(view.vpcs)})"
    assert view.resolver is not None
    try:
        answer = await DnsResolver(SystemClock().now).resolve(view.domain, view.resolver)
    except Unreachable as error:
        return warn(what, f"{error} Without it nobody sees from here whether a failover has arrived in the VPC.")
    return ok(what, f"{view.resolver} answers {', '.join([*answer.names, *answer.addresses]) or 'nothing'}")
