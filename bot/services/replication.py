"""Tell what the target of a failover has of its source, from what is kept of both, whoever of them answers now."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from bot.domain.both_ends import Control, control_of
from bot.domain.comparing import Comparer, Critical, unheard
from bot.domain.differences import Difference, Differences, Side, Tally
from bot.domain.explaining import Explainer
from bot.domain.nearly import nearly
from bot.domain.report import Question, Report
from bot.domain.snapshot import SyncTask, Unknown
from bot.domain.topology import Site
from bot.domain.unseen import later_tasks, path_of, unseen
from bot.domain.verdict import judge, judge_so_far
from bot.errors import NotReadYet, StoreUnavailable, UsageError
from bot.ports import Ports
from bot.services import stock
from bot.services.live_stock import read_live
from bot.services.stock import Stock
from bot.services.survey import observe

CONTROL_DEADLINE = timedelta(seconds=3)
"""For rules and tasks, which are asked of the instances themselves, one of which may be what failed."""


def question(ports: Ports, source: Site, target: Site, domain: str | None, repositories: str | None) -> Question:
    """Return the question for the critical images of one domain, or of all domains that the source serves."""
    domains = {domain} if domain else {view.domain for view in source.views}
    critical = ports.rules.topology.critical_globs(sorted(domains))
    return Question(source, target, critical, repositories, domain=domain)


async def report(ports: Ports, asked: Question, each: Callable[[Difference], None] = unheard) -> Report:
    """Return the whole answer; `each` hears of every image that is not the same on both sides.

    Raises UsageError when no repository is called so.
    """
    answers = reports(ports, asked, each)
    last = await anext(answers)
    async for following in answers:
        last = following
    return last


async def reports(ports: Ports, asked: Question, each: Callable[[Difference], None] = unheard) -> AsyncIterator[Report]:
    """Yield the answer as far as it is known, at once and after every batch; the last one is final.

    Everything about images comes from the store, so a dead source costs no time, and only without the store from the
    instances themselves; rules and tasks are asked of those within a deadline. Raises UsageError when no repository is
    called so.
    """
    (here, there), trouble = await stock.sides(ports.inventories, asked.source, asked.target)
    sides = here, there
    now = _now(ports, asked)
    blank = judge_so_far(Tally(), None, now)
    frame = Report(asked, *sides, Differences(), blank, now)
    known: Stock = ports.inventories
    if trouble:
        live = await read_live(ports, asked)
        if isinstance(live, Unknown):
            yield replace(await _with_control(ports, frame), interrupted=trouble, is_final=True)
            return
        sides, known = live
        frame = replace(frame, source=sides[0], target=sides[1], live_because=trouble)
    try:
        chosen = await _chosen(known, asked, sides)
        frame = replace(frame, total=len(chosen))
        yield frame
        frame = await _with_control(ports, frame)
        comparer = Comparer(*sides, Critical(asked.critical), _explainer(frame), each)
        async for done in stock.compared(known, asked.instances, chosen, comparer, ports.clock, ports.turns):
            frame = _so_far(frame, comparer, done, _now(ports, asked))
            yield frame
        frame = replace(frame, unseen=await _unseen(known, frame))
        if not trouble:
            await stock.require_kept(ports.inventories, sides)
        yield _final(frame, comparer, _now(ports, asked))
    except stock.Emptied as error:
        yield replace(frame, found=Differences(), judgement=blank, interrupted=str(error), is_final=True)
    except StoreUnavailable as error:
        yield replace(frame, interrupted=str(error), is_final=True)


def _now(ports: Ports, asked: Question) -> datetime:
    """Return what time it is at the source, whose pushes are dated by that: what lags must not lag by a wrong clock."""
    return ports.clock.now() - ports.catalogue.ahead(asked.source)


def _explainer(frame: Report) -> Explainer:
    return Explainer(frame.question.instances, frame.control, frame.target.namespaces)


def _so_far(frame: Report, comparer: Comparer, done: int, now: datetime) -> Report:
    found = comparer.result()
    judgement = judge_so_far(*_judged(frame.question, found), now)
    return replace(frame, found=found, judgement=judgement, done=done, taken_at=now)


def _final(frame: Report, comparer: Comparer, now: datetime) -> Report:
    found = comparer.result()
    judgement = judge(*_judged(frame.question, found), (frame.source, frame.target), now)
    return replace(frame, found=found, judgement=judgement, done=frame.total, taken_at=now, is_final=True)


def _judged(asked: Question, found: Differences) -> tuple[Tally, Difference | None]:
    """Choose what the verdict is about: what was asked for by name, else the critical images."""
    return (found.all, found.oldest) if asked.repositories else (found.critical, found.oldest_critical)


async def _unseen(known: Stock, frame: Report) -> tuple[SyncTask, ...]:
    """Ask when the repositories of the latest tasks were last looked at; there are no more of them than tasks read."""
    asked, side = frame.question, frame.source
    tasks = later_tasks(frame.control.feed, asked.instances, side.coverage.as_of)
    named = sorted({path for task in tasks if _is_asked_for(asked, path := path_of(task))})
    kept = await known.repositories(asked.source.instance, named)
    moments = {path: side.moment(path, each) for path, each in zip(named, kept, strict=True)}
    return unseen((task for task in tasks if path_of(task) in moments), moments.get)


def _is_asked_for(asked: Question, path: str) -> bool:
    return asked.repositories is None or fnmatchcase(path, asked.repositories)


async def _chosen(held: Stock, asked: Question, sides: tuple[Side, Side]) -> Sequence[str]:
    known = await stock.paths(held, sides)
    critical = Critical(asked.critical)
    if asked.only_critical:
        return [path for path in known if critical.touches(path)]
    chosen = [path for path in known if _is_asked_for(asked, path)]
    if asked.repositories and known and not chosen:
        raise await asyncio.to_thread(_no_such_repository, asked.repositories, known, sides)
    return chosen


def _no_such_repository(glob: str, known: Sequence[str], sides: tuple[Side, Side]) -> UsageError:
    hint = nearly(glob, known)
    unread = [side.site.name for side in sides if not side.is_whole]
    if unread:
        are = "is" if len(unread) == 1 else "are"
        partly = f"{' and '.join(unread)} {are} not read to the end, so it may be there: ask again later"
        return NotReadYet(f"None of {len(known):,} repositories known so far is called '{glob}'; {partly}.{hint}")
    said = f"None of {len(known):,} repositories is called '{glob}'.{hint} Use namespace/name, * for any part of it."
    return UsageError(said)


async def _with_control(ports: Ports, frame: Report) -> Report:
    return replace(frame, control=await control(ports, frame.question))


async def control(ports: Ports, asked: Question) -> Control:
    """Ask both ends at once for rules and tasks, so that what the source cannot tell the target may."""
    async with asyncio.TaskGroup() as group:
        rules = [
            group.create_task(observe(ports.registries.sync_rules(site), CONTROL_DEADLINE))
            for site in (asked.source, asked.target)
        ]
        feeds = [
            group.create_task(observe(ports.registries.sync_tasks(site), CONTROL_DEADLINE))
            for site in (asked.source, asked.target)
        ]
    return control_of([task.result() for task in rules], [task.result() for task in feeds], asked.instances)
