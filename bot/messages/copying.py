"""How copying goes: the task feed by state, and what the rules leave open, the worst first."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from bot.domain.report import Report
from bot.domain.rule_audit import PairAudit, Possible, RuleUse, tasks_between
from bot.domain.rule_match import INSTANCE, NAMESPACE, REPO
from bot.domain.rule_reach import Named, NamespaceGap, Reached
from bot.domain.snapshot import SyncRule, SyncTask, TaskFeed, Unknown
from bot.domain.task_book import UNFINISHED
from bot.messages.text import ago, code, escape, listed, plural, sentence, short, unknown

MOST_NAMED = 3
MOST_RULES = 5
MOST_PAIRS = 12
EVERYTHING = ".*"
"""The filter that the console fills in where nobody wants one."""


def task_lines(report: Report, now: datetime) -> list[str]:
    """Return the copy tasks by state, with the oldest unfinished and the different reasons of failures."""
    feed = report.control.feed
    if isinstance(feed, Unknown):
        return [f"*Copy tasks* {unknown(feed)}"]
    tasks = tasks_between(feed, report.question.instances)
    states = Counter(task.status for task in tasks)
    said = listed((f"{count:,} {escape(short(state, 40))}" for state, count in sorted(states.items())), 8)
    return [f"*Copy tasks*: {said or 'none'}", *_oldest(tasks, now), *_issues(tasks), *_partial(feed)]


def _oldest(tasks: Iterable[SyncTask], now: datetime) -> list[str]:
    waiting = [(t.created_at, t.image) for t in tasks if t.status in UNFINISHED and t.created_at is not None]
    if not waiting:
        return []
    created_at, image = min(waiting)
    return [f"Oldest unfinished: {code(image, 150)}, begun {ago(created_at, now)}"]


def _issues(tasks: Iterable[SyncTask]) -> list[str]:
    """Name each reason once, with an image that it concerns."""
    failed = [task for task in tasks if task.status == "ERROR"]
    images = {task.issue or "no reason given": task.image for task in failed}
    counts = Counter(task.issue or "no reason given" for task in failed).most_common(MOST_RULES)
    said = [f"{count:,} {escape(short(issue, 100))} ({code(images[issue], 120)})" for issue, count in counts]
    left = len(images) - len(counts)
    return [f"Failed: {', '.join(said)}{f' and {left:,} more reasons' if left > 0 else ''}"] if said else []


def _partial(feed: TaskFeed) -> list[str]:
    if not feed.is_partial:
        return []
    return [f"Only {len(feed.tasks):,} of {plural(feed.total, 'task')} were read."]


def rule_lines(audit: PairAudit | Unknown, now: datetime) -> list[str]:
    """Return what stands in the way of copies in this direction, the worst first, or that nothing does."""
    if isinstance(audit, Unknown):
        return [f"*Rules* {unknown(audit)}"]
    found = [f"• {line}" for line in _findings(audit, now)]
    return [f"*Rules*: {_summary(audit, now)}", *found]


def pair_lines(audits: Sequence[PairAudit], now: datetime) -> list[str]:
    """Return a line for each direction: its rules, and what stands in the way first of all."""
    lines = [f"• {_pair(audit, now)}" for audit in audits[:MOST_PAIRS]]
    left = len(audits) - len(lines)
    return [*lines, *([f"and {plural(left, 'more direction')}"] if left > 0 else [])]


def _pair(audit: PairAudit, now: datetime) -> str:
    way = f"{escape(short(audit.source.name, 60))} to {escape(short(audit.target.name, 60))}"
    return " · ".join([f"{way}: {_summary(audit, now)}", *list(_findings(audit, now))[:1]])


def _summary(audit: PairAudit, now: datetime) -> str:
    if isinstance(audit.rules, Unknown):
        return unknown(audit.rules)
    if not audit.rules:
        return "none copies in this direction: what is pushed stays where it is."
    automatic = sum(use.rule.is_automatic for use in audit.rules)
    by_hand = len(audit.rules) - automatic
    kinds = [f"{automatic:,} on push" if automatic else "", f"{by_hand:,} only by hand" if by_hand else ""]
    last = f"last copy {ago(audit.last_success_at, now)}" if audit.last_success_at else "no finished copy is listed"
    return ", ".join([*filter(None, kinds), last])


def _findings(audit: PairAudit, now: datetime) -> Iterator[str]:
    feasibility = audit.feasibility
    if feasibility.possible is Possible.NO:
        yield f"*Not possible*: {sentence(feasibility.reason, 200)}"
    rules = () if isinstance(audit.rules, Unknown) else audit.rules
    yield from _failing([use for use in rules if use.is_failing], now)
    if isinstance(audit.reached, Unknown):
        if audit.reached != audit.rules:  # which is said already
            yield f"What the rules cover is {unknown(audit.reached)}"
    elif rules:
        yield from _reached(audit.reached, escape(short(audit.target.name, 60)))
    yield from _filters(rules)
    if feasibility.possible is Possible.UNKNOWN and not rules:
        yield f"Whether it is possible is unknown{_reason(audit, audit.source.name, feasibility.reason)}"
    yield from (
        f"Rules not listed by {escape(short(name, 60))}{_reason(audit, name, why)}" for name, why in audit.silent
    )


def _reason(audit: PairAudit, name: str, why: str) -> str:
    """End with the reason, unless a side tells nothing at all, of which the reason is said once and above."""
    return "." if any(name == mute for mute, _ in audit.mute) else f": {sentence(why, 200)}"


def rules_in_short(audit: PairAudit | Unknown, now: datetime) -> str:
    """Return each rule with its scope and filters, what starts it, and its last copy."""
    if isinstance(audit, Unknown) or isinstance(audit.rules, Unknown):
        return ""
    said = [_rule(use, audit.feed, now) for use in audit.rules[:MOST_RULES]]
    left = len(audit.rules) - len(said)
    return " · ".join([*said, *([f"and {plural(left, 'more rule')}"] if left > 0 else [])])


def _rule(use: RuleUse, feed: TaskFeed | Unknown, now: datetime) -> str:
    rule = use.rule
    said = [f"Rule {code(rule.name, 80)}: {_scope(rule)}", "on push" if rule.is_automatic else "by hand"]
    said += ["between accounts"] if rule.is_cross_account else []
    if use.last_success_at:
        said.append(f"last copy {ago(use.last_success_at, now)}")
    elif not isinstance(feed, Unknown):
        said.append("no finished copy is listed")
    return ", ".join(said)


def _scope(rule: SyncRule) -> str:
    """Say which images a rule takes, in the vendor's own filters."""
    if rule.scope == REPO:
        said = [f"repository {code(f'{rule.namespace}/{rule.repository}', 120)}"]
    elif rule.scope == NAMESPACE:
        said = [f"namespace {code(rule.namespace or '?', 80)}"]
    else:
        everything = [] if rule.namespace_filter else ["all namespaces"]
        said = everything if rule.scope == INSTANCE else [f"scope {code(rule.scope, 40)}"]
    filters = (
        ("namespaces", rule.namespace_filter),
        ("repositories", rule.repository_filter),
        ("tags", rule.tag_filter),
    )
    said += [f"{what} {code(pattern, 80)}" for what, pattern in filters if pattern and pattern != EVERYTHING]
    return " ".join(said)


def _failing(uses: list[RuleUse], now: datetime) -> Iterator[str]:
    for use in uses[:MOST_RULES]:
        since = f" since its last success {ago(use.last_success_at, now)}" if use.last_success_at else ""
        why = f": {listed((escape(short(issue, 80)) for issue in use.issues), MOST_NAMED)}" if use.issues else ""
        yield f"Rule {code(use.rule.name, 80)} *fails*: {plural(use.failed, 'copy', 'copies')}{since}{why}"


def _reached(reached: Reached, target: str) -> Iterator[str]:
    """Return what keeps critical images from arriving, with some of them by name."""
    of_all = f"of {reached.repositories:,} critical repositories"
    if reached.uncovered.count:
        yield _named(f"{{}} {of_all} in no rule", reached.uncovered)
    gaps = [gap for gap in reached.gaps.values() if gap.lacking or not gap.exists]
    yield from (_gap(gap, target) for gap in gaps[:MOST_NAMED])
    if left := gaps[MOST_NAMED:]:
        yield f"and {plural(len(left), 'more namespace')} that stop copies"
    said = (
        (reached.conflicts, f"{{}} different at an immutable tag of {target}, copies of which fail"),
        (reached.by_hand, f"{{}} {of_all} copied only by hand"),
        (reached.elsewhere, f"{{}} {of_all} copied under another name"),
        (reached.partly, f"{{}} {of_all} with some tags in no rule"),
        (reached.older, "{} older than any rule for it, never copied by itself"),
        (reached.unsure, f"{{}} {of_all} depend on a filter that cannot be read"),
    )
    yield from (_named(words, names) for names, words in said if names.count)


def _gap(gap: NamespaceGap, target: str) -> str:
    state = "makes no repositories for copies" if gap.exists else "is missing"
    cannot = f": {plural(gap.lacking, 'critical repository', 'critical repositories')} cannot arrive"
    return f"Namespace {code(gap.name, 80)} {state} at {target}{cannot if gap.lacking else ''}"


def _named(words: str, named: Named) -> str:
    shown = [code(name, 120) for name in named.names[:MOST_NAMED]]
    left = f" and {named.count - len(shown):,} more" if named.count > len(shown) else ""
    return f"{words.format(f'{named.count:,}')}: {', '.join(shown)}{left}"


def _filters(uses: Iterable[RuleUse]) -> Iterator[str]:
    for use in [use for use in uses if use.troubles][:MOST_RULES]:
        pattern, why = use.troubles[0]
        yield f"Rule {code(use.rule.name, 80)} has the filter {code(pattern, 80)}: {sentence(why, 150)}"
