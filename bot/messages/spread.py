"""What `diff` answers: what each site has of a repository or an image, which is newer, and what copies it."""

from collections import Counter
from datetime import datetime

from bot.domain.differences import Cause, Difference, Likeness, Newer
from bot.domain.snapshot import SyncRule, SyncTask, Unknown
from bot.domain.spread import Agreement, Course, Holding, Spread
from bot.messages.blocks import compose, context, section, sections
from bot.messages.losses import NEWER
from bot.messages.text import ago, code, escape, listed, plural, sentence, short, unknown
from bot.ports import Message

MOST_TAGS = 10
MOST_RULES = 3
DIGEST = 12
"""Hex digits that tell digests apart at a glance."""


def spread(spread: Spread, now: datetime) -> Message:
    """Return what every site has, then each direction of copies with what it lacks and why."""
    said = f"{_headline(spread)}{_as_of(spread, now)}"
    rows = [_row(spread, holding, now) for holding in spread.holdings]
    lines = [line for course in spread.courses for line in _course(spread, course, now)]
    note = "Asked of each site just now where it answers, else as the bot read it last."
    return compose(said, [section(f"*{said}*"), *sections(rows), *sections(lines), context(note)])


def _site(holding: Holding) -> str:
    return escape(short(holding.site.name, 60))


def _as_of(spread: Spread, now: datetime) -> str:
    """Return since when the first line may not hold any more, and of which sides it is told from what is kept."""
    oldest = min((holding.at for holding in spread.holdings if holding.at is not None), default=now)
    as_of = f", as of {age}" if (age := ago(oldest, now)) != ago(now, now) else ""
    silent = listed((_site(holding) for holding in spread.known if holding.silence), 3)
    return f"{as_of}{f', {silent} cannot be read' if silent else ''}"


def _headline(spread: Spread) -> str:
    name = escape(short(spread.name, 200))
    if spread.tag is not None:
        return _of_image(spread, spread.tag, name)
    counts = Counter(spread.agreement(tag) for tag in spread.tags)
    off = counts[Agreement.DIFFERENT] + counts[Agreement.MISSING]
    lacking = listed((_site(holding) for holding in spread.known if holding.repository is None), 3)
    if off and lacking:
        return f"MISSING: {name} is not at {lacking}"
    if off:
        return f"DIFFERENT: {off:,} of {plural(len(spread.tags), 'tag')} of {name} not the same at every site"
    if counts[Agreement.UNKNOWN] or not spread.tags:
        return f"UNKNOWN: {name}, nothing is known of {_blind(spread)}"
    return f"SAME: {plural(len(spread.tags), 'tag')} of {name}, identical at every site"


def _of_image(spread: Spread, tag: str, name: str) -> str:
    match spread.agreement(tag):
        case Agreement.DIFFERENT:
            return f"DIFFERENT: {name} is not the same at every site{_newest(spread)}"
        case Agreement.MISSING:
            lacking = [_site(holding) for holding in spread.known if tag not in holding.tags]
            return f"MISSING: {name} is not at {listed(lacking, 3)}"
        case Agreement.SAME:
            return f"SAME: {name} is identical at every site"
        case Agreement.UNKNOWN:
            return f"UNKNOWN: {name}, nothing is known of {_blind(spread)}"


def _blind(spread: Spread) -> str:
    return listed((_site(holding) for holding in spread.holdings if holding.at is None), 3) or "any image of it"


def _newest(spread: Spread) -> str:
    """Name the site of which it is proven that it is newer than another, and of which the contrary is not."""
    pairs = set()
    for course in spread.courses:
        ways = {loss.explanation.newer for loss in course.found.different}
        pairs |= {(course.source.name, course.target.name)} if Newer.SOURCE in ways else set()
        pairs |= {(course.target.name, course.source.name)} if Newer.TARGET in ways else set()
    newest = {newer for newer, _ in pairs} - {older for _, older in pairs}
    return f", newer at {escape(short(newest.pop(), 60))}" if len(newest) == 1 else ""


def _row(spread: Spread, holding: Holding, now: datetime) -> str:
    if holding.at is None:
        why = f": {sentence(holding.trouble, 250)}" if holding.trouble else ""
        return f"*{_site(holding)}* *UNKNOWN*: not read yet{why}"
    silence = f"; *cannot be read* now: {sentence(holding.silence, 250)}" if holding.silence else ""
    read = f"read {ago(holding.at, now)}{silence}"
    if spread.tag is None and holding.repository is None:
        return f"*{_site(holding)}* *no such repository*, {read}"
    if spread.tag is None:
        return f"*{_site(holding)}* {plural(len(holding.tags), 'tag')}, {read}"
    tag = holding.tags.get(spread.tag)
    if tag is None:
        return f"*{_site(holding)}* *missing*, {read}"
    pushed = f" pushed {ago(tag.pushed_at, now)}," if tag.pushed_at else ""
    return f"*{_site(holding)}* {code(f'sha256:{tag.digest[:DIGEST]}…')}{pushed} {read}"


def _course(spread: Spread, course: Course, now: datetime) -> list[str]:
    way = f"*{escape(short(course.source.name, 60))} to {escape(short(course.target.name, 60))}*"
    losses = [*course.found.missing, *course.found.different]
    lines = [_loss(spread, loss, now) for loss in losses[:MOST_TAGS]]
    left = course.found.all.lost - len(lines)
    more = [f"and {plural(left, 'more tag')}"] if left > 0 else []
    state = "nothing is lost" if course.found.all.compared and not losses else ""
    told = [part for part in (state, _rules(course.rules), *_task(course.tasks, now)) if part]
    return [f"{way}: {' · '.join(told)}", *lines, *more]


def _loss(spread: Spread, loss: Difference, now: datetime) -> str:
    said = ["missing" if loss.likeness is Likeness.MISSING else "different"]
    said += [f"pushed {ago(loss.pushed_at, now)}"] if loss.pushed_at else []
    if loss.likeness is Likeness.DIFFERENT:
        said.append(f"{NEWER[loss.explanation.newer]}: {escape(loss.explanation.reason)}")
    said += [str(loss.explanation.cause)] if loss.explanation.cause is not Cause.UNKNOWN else []
    return f"• {'' if spread.tag else f'{code(loss.tag, 130)} '}{', '.join(said)}"


def _rules(rules: tuple[SyncRule, ...] | Unknown) -> str:
    if isinstance(rules, Unknown):
        return f"rules {unknown(rules)}"
    said = (f"{code(rule.name, 80)} {'on push' if rule.is_automatic else 'by hand'}" for rule in rules)
    return f"rule {listed(said, MOST_RULES)}" if rules else "no rule copies it"


def _task(tasks: tuple[SyncTask, ...] | Unknown, now: datetime) -> list[str]:
    """Tell the last copy of what is meant."""
    if isinstance(tasks, Unknown):
        return [f"tasks {unknown(tasks)}"]
    if not tasks:
        return ["no copy of it is listed"]
    last = tasks[0]
    when = f" {ago(at, now)}" if (at := last.changed_at or last.created_at) else ""
    issue = f" {escape(short(last.issue, 100))}" if last.issue else ""
    return [f"last copy {code(last.task_id, 60)} {escape(short(last.status, 40))}{issue}{when}"]
