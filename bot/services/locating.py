"""Look where one repository, or one image of it, is: kept knowledge of every site, fresher where a site answers."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.both_ends import Control, Rules, inbound_rules, merged_feed, merged_rules
from bot.domain.comparing import Comparer, Critical
from bot.domain.explaining import Explainer
from bot.domain.filters import Match
from bot.domain.inventory import Listed, dated
from bot.domain.nearly import nearly
from bot.domain.rule_match import far_path, takes
from bot.domain.snapshot import SyncTask, TaskFeed, Unknown
from bot.domain.spread import Course, Holding, Spread, only
from bot.errors import StoreUnavailable, UsageError
from bot.ports import Ports
from bot.services import stock
from bot.services.stock import Seen
from bot.services.survey import observe

DEADLINE = timedelta(seconds=3)


async def locate(ports: Ports, path: str, tag: str | None) -> Spread:
    """Return what every site has of a repository, or of one tag of it, and what copies it.

    Raises UsageError when no site has such a thing, StoreUnavailable.
    """
    sites = tuple(ports.rules.topology.sites.values())
    async with _in_time():
        kept = [await stock.seen(ports.inventories, site, path) for site in sites]
    asked_at = ports.clock.now()
    async with asyncio.TaskGroup() as group:
        looks = [group.create_task(_refreshed(ports, each, path)) for each in kept]
        rules = [group.create_task(observe(ports.registries.sync_rules(site), DEADLINE)) for site in sites]
        feeds = [group.create_task(observe(ports.registries.sync_tasks(site), DEADLINE)) for site in sites]
    seen = [_narrowed(look.result(), tag) for look in looks]
    await _require_found(ports, seen, [look.result() for look in looks], path, tag, asked_at)
    told = {site.instance: task.result() for site, task in zip(sites, rules, strict=True)}
    feed = merged_feed([task.result() for task in feeds])
    holdings = tuple(map(_holding, seen))
    named = next((name for each in seen if each.repository for name in each.repository.tags), tag) if tag else None
    return Spread(path, named, holdings, tuple(_courses(ports, seen, path, told, feed)))


@asynccontextmanager
async def _in_time() -> AsyncIterator[None]:
    """Give the store little time: somebody waits. Raises StoreUnavailable."""
    try:
        async with asyncio.timeout(stock.ANSWERS_WITHIN):
            yield
    except TimeoutError:
        raise StoreUnavailable(
            f"Redis did not answer within {stock.ANSWERS_WITHIN:g} s.", code="E_STORE_DOWN"
        ) from None


async def _refreshed(ports: Ports, kept: Seen, path: str) -> Seen:
    """Return what the instance holds now where it answers in time, else what is kept.

    Of a repository that is gone that is what is kept as well: another may be there by now under its name.
    """
    if kept.repository is None:
        return await _found(ports, kept, path)
    asked_at = ports.clock.now()
    listed = Listed(path, kept.repository.id, is_immutable=kept.repository.is_immutable)
    tags = await observe(ports.catalogue.tags(kept.side.site, listed), DEADLINE)
    if isinstance(tags, Unknown):
        return replace(kept, silence=tags.reason)
    if tags is None:
        return kept
    read_at = dated(asked_at, ports.catalogue.ahead(kept.side.site))
    return replace(kept, repository=replace(kept.repository, tags=tags, read_at=read_at), at=read_at)


async def _found(ports: Ports, kept: Seen, path: str) -> Seen:
    """Return a repository that nothing is kept of, which may have come since, where the instance answers in time."""
    answer = await observe(ports.registries.inventory(kept.side.site, (path,)), DEADLINE)
    if isinstance(answer, Unknown):
        return replace(kept, silence=answer.reason)
    return replace(kept, repository=answer.repositories.get(path), at=answer.as_of)


def _holding(seen: Seen) -> Holding:
    return Holding(seen.side.site, seen.repository, seen.at, seen.side.coverage.trouble, seen.silence)


def _narrowed(seen: Seen, tag: str | None) -> Seen:
    if seen.repository is None:
        return seen
    return replace(seen, repository=replace(seen.repository, tags=only(seen.repository, tag)))


async def _require_found(
    ports: Ports, seen: list[Seen], whole: list[Seen], path: str, tag: str | None, asked_at: datetime
) -> None:
    """Tell a name that nothing has from one of which nothing is known. Raises UsageError for the first."""
    if any(each.at is None for each in seen) or any(each.repository and each.repository.tags for each in seen):
        return
    as_read = _kept(ports, whole, asked_at)
    known = sorted({name for each in whole if each.repository for name in each.repository.tags})
    if tag is not None and known:
        near = await asyncio.to_thread(nearly, tag, known)
        raise UsageError(f"No site has a tag '{tag}' of {path}, which has {len(known):,} of them.{as_read}{near}")
    if not any(each.repository for each in whole):
        paths = await stock.paths(ports.inventories, [each.side for each in whole])
        near = await asyncio.to_thread(nearly, path, paths)
        raise UsageError(f"None of {len(paths):,} repositories is called '{path[:200]}'.{as_read}{near}")


def _kept(ports: Ports, whole: list[Seen], asked_at: datetime) -> str:
    """Name the sites that are told from what was read before: what was pushed there since is not known."""
    now = {each.side.site.name: dated(asked_at, ports.catalogue.ahead(each.side.site)) for each in whole}
    old = [f"{name} at {each.at:%H:%M:%S}" for each in whole if each.at and each.at < now[name := each.side.site.name]]
    return f" That is as read of {', '.join(old)} UTC: what was pushed since is not in it." if old else ""


def _courses(
    ports: Ports, seen: list[Seen], path: str, told: Mapping[str, Rules], feed: TaskFeed | Unknown
) -> Iterable[Course]:
    """Return every direction to a standby, and every other one that a rule takes, from where there is anything."""
    holders = [each for each in seen if each.repository and each.repository.tags]
    pairs = [(here, there) for here in holders for there in seen if here is not there]
    for here, there in pairs:
        source, target = here.side.site, there.side.site
        ends = source.instance, target.instance
        rules = merged_rules([told[end] for end in ends], ends)
        taking = _taking(rules, here)
        if target.name in source.standby or (not isinstance(taking, Unknown) and taking):
            control = Control(rules, inbound_rules([*told.values()], source.instance), feed)
            yield _course(ports, here, there, path, taking, control)


def _course(ports: Ports, here: Seen, there: Seen, path: str, taking: Rules, control: Control) -> Course:
    source, target = here.side.site, there.side.site
    ends = source.instance, target.instance
    globs = ports.rules.topology.critical_globs(sorted({view.domain for view in source.views}))
    explain = Explainer(ends, control, there.side.namespaces)
    comparer = Comparer(here.side, there.side, Critical(globs), explain)
    comparer.add(path, here.repository, there.repository)
    return Course(source, target, comparer.result(), taking, _tasks(control.feed, ends, path, here, there))


def _taking(rules: Rules, here: Seen) -> Rules:
    """Return those rules that take any tag that is meant."""
    if isinstance(rules, Unknown) or here.repository is None:
        return rules if isinstance(rules, Unknown) else ()
    path, tags = here.repository.path, here.repository.tags
    return tuple(
        rule
        for rule in rules
        if far_path(rule, path) == path and any(takes(rule, path, tag) is not Match.NO for tag in tags)
    )


def _tasks(
    feed: TaskFeed | Unknown, ends: tuple[str, str], path: str, here: Seen, there: Seen
) -> tuple[SyncTask, ...] | Unknown:
    """Return the copies of what is meant, the last first."""
    if isinstance(feed, Unknown):
        return feed
    repositories = [each.repository for each in (here, there) if each.repository]
    images = {f"{path}:{tag}" for each in repositories for tag in each.tags}
    ours = [task for task in feed.tasks if (task.from_instance, task.to_instance) == ends and task.image in images]
    dated = sorted(ours, key=lambda task: task.created_at.timestamp() if task.created_at else 0.0, reverse=True)
    return tuple(dated)
