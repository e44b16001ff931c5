"""What is known about copies between two sites, each fact with its age and where it comes from."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from bot.domain.snapshot import Replication, SyncRule, SyncTask, TaskFeed, Unknown
from bot.messages.blocks import Block, compose, context, divider, section, sections
from bot.messages.text import ago, code, escape, listed, plural, short, unknown
from bot.ports import Message

MOST_LISTED = 10
EVERY_TAG = ".*"
UNFINISHED = ("PENDING", "SYNCHRONIZING")


def replication(replication: Replication, now: datetime) -> Message:
    """Return whether the standby has what the home has, and how the copying goes."""
    headline = _headline(replication)
    return compose(
        headline,
        [
            section(f"*{headline}*"),
            *_comparison(replication),
            *sections(_feed_lines(replication, now)),
            *sections(_rule_lines(replication)),
            context(_sources(replication, now)),
        ],
    )


def replications(surveys: Sequence[Replication], now: datetime) -> Message:
    """Return the same for several pairs of sites, one below the other."""
    parts = [replication(survey, now) for survey in surveys]
    blocks = [block for part in parts for block in (divider(), *map(dict, part.blocks))]
    return compose("\n".join(part.text for part in parts), blocks[1:])


def _headline(replication: Replication) -> str:
    names = f"{escape(short(replication.home.name, 60))} to {escape(short(replication.standby.name, 60))}"
    comparison = replication.comparison
    if isinstance(comparison, Unknown):
        return f"UNKNOWN: critical images {names} could not be compared"
    if comparison.total == 0:
        return f"NOTHING COMPARED: no image matches `critical`, {names}"
    lost = len(comparison.missing) + len(comparison.different)
    old = "" if comparison.home_is_live and comparison.standby_is_live else ", by a remembered list"
    if lost:
        return f"BEHIND: {lost:,} of {plural(comparison.total, 'critical image')} differ, {names}{old}"
    return f"IN STEP: all {plural(comparison.total, 'critical image')} identical, {names}{old}"


def _comparison(replication: Replication) -> list[Block]:
    """Return what differs; where nothing does, the first line has said it all."""
    comparison = replication.comparison
    if isinstance(comparison, Unknown):
        return [section(f"*Critical images* {unknown(comparison)}")]
    if not comparison.missing and not comparison.different:
        return []
    counts = (
        f"{len(comparison.identical):,} identical, {len(comparison.missing):,} missing, "
        f"{len(comparison.different):,} different"
    )
    standby = escape(short(replication.standby.name, 60))
    return sections(
        [
            f"*Critical images*: {counts} at {standby}",
            *_images("Missing", comparison.missing),
            *_images("Different", comparison.different),
        ]
    )


def _images(word: str, images: tuple[str, ...]) -> list[str]:
    return [f"{word}: {listed((code(image, 150) for image in images), MOST_LISTED)}"] if images else []


def _sources(replication: Replication, now: datetime) -> str:
    home, standby = (escape(short(site.name, 60)) for site in (replication.home, replication.standby))
    comparison, feed = replication.comparison, replication.feed
    said = ["Compared by digest"]
    if not isinstance(comparison, Unknown):
        remembered = "" if comparison.home_is_live else "remembered, "
        said.append(f"{home} {remembered}read {ago(comparison.home_as_of, now)}")
        remembered = "" if comparison.standby_is_live else "remembered, "
        said.append(f"{standby} {remembered}read {ago(comparison.standby_as_of, now)}")
    if not isinstance(feed, Unknown):
        said.append(f"tasks of {home} read {ago(feed.as_of, now)}")
    return " · ".join(said)


def _feed_lines(replication: Replication, now: datetime) -> list[str]:
    feed = replication.feed
    if isinstance(feed, Unknown):
        return [f"*Copy tasks* {unknown(feed)}"]
    tasks = [task for task in feed.tasks if _is_ours(replication, task)]
    by_state = listed((f"{_count(tasks, s)} {escape(short(s, 40))}" for s in sorted({t.status for t in tasks})), 8)
    lines = [f"*Copy tasks*: {by_state or 'none'}", *_oldest(tasks, now), *_failed(tasks)]
    return [*lines, *_partial(feed)]


def _is_ours(replication: Replication, task: SyncTask) -> bool:
    return (task.from_instance, task.to_instance) == (replication.home.instance, replication.standby.instance)


def _count(tasks: Iterable[SyncTask], status: str) -> str:
    return f"{sum(task.status == status for task in tasks):,}"


def _oldest(tasks: Iterable[SyncTask], now: datetime) -> list[str]:
    waiting = [(t.created_at, t.image) for t in tasks if t.status in UNFINISHED and t.created_at is not None]
    if not waiting:
        return []
    created_at, image = min(waiting)
    return [f"Oldest unfinished: {code(image, 150)}, begun {ago(created_at, now)}"]


def _failed(tasks: Iterable[SyncTask]) -> list[str]:
    failed = [f"{code(t.image, 150)} {escape(short(t.issue or '', 120))}".strip() for t in tasks if t.status == "ERROR"]
    return [f"Failed: {listed(failed, MOST_LISTED)}"] if failed else []


def _partial(feed: TaskFeed) -> list[str]:
    if not feed.is_partial:
        return []
    return [f"Only the newest {len(feed.tasks):,} of {plural(feed.total, 'task')} were read."]


def _rule_lines(replication: Replication) -> list[str]:
    if isinstance(replication.rules, Unknown):
        return [f"*Rules* {unknown(replication.rules)}"]
    here, there = replication.home.instance, replication.standby.instance
    ours = [rule for rule in replication.rules if (rule.from_instance, rule.to_instance) == (here, there)]
    lines = [f"• {_rule(rule)}" for rule in ours[:MOST_LISTED]]
    left = len(ours) - len(lines)
    if not ours:
        lines = ["• No rule copies in this direction: what is pushed stays where it is."]
    return ["*Rules*", *lines, *([f"and {left:,} more"] if left > 0 else [])]


def _rule(rule: SyncRule) -> str:
    what = "/".join(part for part in (rule.namespace, rule.repository) if part) or rule.scope
    chosen = rule.tag_filter or EVERY_TAG
    tags = "" if chosen == EVERY_TAG else f", tags {code(chosen, 100)}"
    start = "on push" if rule.is_automatic else "only by hand"
    return f"{code(what, 150)}{tags}, {start} ({escape(short(rule.name, 80))})"
