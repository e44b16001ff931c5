"""Audit the replication rules of every ordered pair of sites, from what the ends list now and what is kept of them."""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.domain.both_ends import merged_feed, merged_rules
from bot.domain.comparing import Critical
from bot.domain.differences import Side
from bot.domain.rule_audit import PairAudit, feasibility, last_success, tasks_between, uses
from bot.domain.rule_reach import ReachAudit, Reached
from bot.domain.snapshot import Instance, SyncRule, TaskFeed, Unknown
from bot.domain.topology import Site
from bot.errors import StoreUnavailable
from bot.ports import Ports
from bot.services import stock
from bot.services.survey import observe

DEADLINE = timedelta(seconds=3)


@dataclass(frozen=True, slots=True)
class _Told:
    """What one site tells of itself, and what is kept of it."""

    instance: Instance | Unknown
    rules: tuple[SyncRule, ...] | Unknown
    feed: TaskFeed | Unknown
    side: Side

    @property
    def silence(self) -> str:
        """Return why it tells nothing at all; nothing where it tells anything."""
        answers = (self.instance, self.rules, self.feed)
        reasons = [answer.reason for answer in answers if isinstance(answer, Unknown)]
        return reasons[0] if len(reasons) == len(answers) else ""


async def audit_rules(ports: Ports, beside: Collection[tuple[Site, Site]] = ()) -> tuple[PairAudit, ...]:
    """Return the audit of every ordered pair of sites beside these; what does not answer is unknown in it."""
    sites = ports.rules.topology.sites.values()
    pairs = [(source, target) for source in sites for target in sites if source is not target]
    return await _audits(ports, [pair for pair in pairs if pair not in beside])


async def audit_pair(ports: Ports, source: Site, target: Site) -> PairAudit:
    """Return the audit of one direction."""
    return (await _audits(ports, [(source, target)]))[0]


async def _audits(ports: Ports, pairs: Sequence[tuple[Site, Site]]) -> tuple[PairAudit, ...]:
    """Ask each site once, however many pairs it is in."""
    sites = {site.name: site for pair in pairs for site in pair}
    async with asyncio.TaskGroup() as group:
        asked = {name: group.create_task(_ask(ports, site)) for name, site in sites.items()}
    told = {name: task.result() for name, task in asked.items()}
    return tuple([await _audit(ports, told, source, target) for source, target in pairs])


async def _ask(ports: Ports, site: Site) -> _Told:
    async with asyncio.TaskGroup() as group:
        instance = group.create_task(observe(ports.registries.instance(site), DEADLINE))
        rules = group.create_task(observe(ports.registries.sync_rules(site), DEADLINE))
        feed = group.create_task(observe(ports.registries.sync_tasks(site), DEADLINE))
        side = group.create_task(stock.side(ports.inventories, site))
    return _Told(instance.result(), rules.result(), feed.result(), side.result())


async def _audit(ports: Ports, told: dict[str, _Told], source: Site, target: Site) -> PairAudit:
    here, there = told[source.name], told[target.name]
    ends = source.instance, target.instance
    rules, feed = merged_rules([here.rules, there.rules], ends), merged_feed([here.feed, there.feed])
    return PairAudit(
        source=source,
        target=target,
        feasibility=feasibility(source, target, here.instance),
        rules=uses(rules, feed, ends),
        feed=feed,
        reached=await _reached(ports, here.side, there.side, rules),
        last_success_at=last_success(tasks_between(feed, ends)),
        silent=tuple(_silences(((source, here), (target, there)))),
        mute=tuple((site.name, why) for site, each in ((source, here), (target, there)) if (why := each.silence)),
    )


def _silences(ends: Iterable[tuple[Site, _Told]]) -> Iterable[tuple[str, str]]:
    return ((site.name, told.rules.reason) for site, told in ends if isinstance(told.rules, Unknown))


async def _reached(
    ports: Ports, source: Side, target: Side, rules: tuple[SyncRule, ...] | Unknown
) -> Reached | Unknown:
    """Go through the kept critical repositories of the source."""
    if isinstance(rules, Unknown):
        return rules
    if not source.is_started:
        return Unknown(source.coverage.trouble.rstrip(".") or f"{source.site.name} has not been read yet")
    domains = sorted({view.domain for view in source.site.views})
    critical = Critical(ports.rules.topology.critical_globs(domains))
    audit = ReachAudit(source, target, critical, rules)
    instances = source.site.instance, target.site.instance
    try:
        kept = await ports.inventories.paths(source.site.instance)
        chosen = [path for path in kept if critical.touches(path)]
        async for _done in stock.compared(ports.inventories, instances, chosen, audit, ports.clock, ports.turns):
            pass
        await stock.require_kept(ports.inventories, (source, target))
    except StoreUnavailable as error:
        return Unknown(str(error).rstrip("."))
    return audit.reached
