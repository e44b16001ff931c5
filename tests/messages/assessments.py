"""Whole answers about copies, made of what two instances hold, as the services make them."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from bot.domain.both_ends import control_of
from bot.domain.comparing import Comparer, Critical
from bot.domain.differences import Side
from bot.domain.explaining import Explainer
from bot.domain.inventory import Repository, Tag
from bot.domain.report import Assessment, Question, Report
from bot.domain.rule_audit import Feasibility, PairAudit, Possible, last_success, tasks_between, uses
from bot.domain.rule_reach import ReachAudit
from bot.domain.snapshot import SyncRule, TaskFeed, Unknown
from bot.domain.verdict import judge
from tests.builders import NOW, a_site
from tests.domain.stocks import ENDS, SOURCE, TARGET, a_feed, a_repository, a_rule, a_side

CRITICAL = ("core/*",)
Tags = Mapping[str, Tag]


def an_assessment(
    here: Mapping[str, Tags] | None = None,
    there: Mapping[str, Tags] | None = None,
    *,
    repositories: str | None = None,
    rules: tuple[SyncRule, ...] | Unknown | None = None,
    feed: TaskFeed | Unknown | None = None,
    sides: tuple[Side, Side] | None = None,
    is_immutable: bool = False,
    **fields: Any,
) -> Assessment:
    """Return what is answered about two instances that hold these tags; without any, both hold nothing."""
    source, target = sides or (a_side(), a_side(TARGET))
    rules = (a_rule(),) if rules is None else rules
    feed = a_feed() if feed is None else feed
    control = replace(control_of((rules,), (feed,), ENDS), feed=feed)
    explain = Explainer(ENDS, control, target.namespaces)
    comparer = Comparer(source, target, Critical(CRITICAL), explain)
    reach = ReachAudit(source, target, Critical(CRITICAL), () if isinstance(rules, Unknown) else rules)
    for path, ours, theirs in _pairs(here or {}, there or {}, is_immutable):
        comparer.add(path, ours, theirs)
        reach.add(path, ours, theirs)
    found = comparer.result()
    judged = (found.all, found.oldest) if repositories else (found.critical, found.oldest_critical)
    report = Report(
        question=Question(a_site(SOURCE), a_site(TARGET), CRITICAL, repositories),
        source=source,
        target=target,
        found=found,
        judgement=judge(*judged, (source, target), NOW),
        taken_at=NOW,
        control=control,
        done=found.repositories,
        total=found.repositories,
        is_final=True,
    )
    audit = PairAudit(
        source=source.site,
        target=target.site,
        feasibility=Feasibility(Possible.YES),
        rules=uses(rules, feed, ENDS),
        feed=feed,
        reached=rules if isinstance(rules, Unknown) else reach.reached,
        last_success_at=last_success(tasks_between(feed, ENDS)),
    )
    return Assessment(replace(report, **fields), audit)


def _pairs(
    here: Mapping[str, Tags], there: Mapping[str, Tags], is_immutable: bool
) -> Iterable[tuple[str, Repository | None, Repository | None]]:
    for path in sorted({*here, *there}):
        ours = a_repository(path, here[path]) if path in here else None
        theirs = a_repository(path, there[path], is_immutable=is_immutable) if path in there else None
        yield path, ours, theirs
