"""What `replication` answers: a verdict, what would be lost and why, how copying goes, and how old each fact is."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from bot.domain.differences import Side, Span
from bot.domain.report import Assessment, Report
from bot.domain.rule_audit import PairAudit, Possible
from bot.domain.snapshot import Unknown
from bot.domain.unseen import uncopied
from bot.domain.verdict import Verdict
from bot.messages.blocks import Block, compose, context, divider, section, sections
from bot.messages.copying import pair_lines, rule_lines, rules_in_short, task_lines
from bot.messages.losses import image_lines
from bot.messages.pulls import broken, looking, pull_lines
from bot.messages.text import ago, code, escape, listed, plural, sentence, short, span, stamp
from bot.ports import Message

MOST_LISTED = 10
MOST_UNREAD = 3
FULL_IS_NEWS = timedelta(minutes=10)
"""How much older a reading of every repository must be than the last look before it is told by itself."""
MOST_LISTED_OF_SEVERAL = 3
"""Images named for each of several directions: whoever wants more asks for one."""
_WORST_FIRST = (Verdict.BEHIND, Verdict.UNKNOWN, Verdict.NOTHING_COMPARED, Verdict.IN_STEP)


def replication(known: Assessment, now: datetime, most: int = MOST_LISTED) -> Message:
    """Return whether the target has what the source has, and how the copying goes."""
    report = known.report
    said = headline(known, now)
    return compose(
        said,
        [
            section(_bold(said)),
            *sections([*_gaps(known, now), *_unseen(report)]),
            *sections(image_lines(report, now, most)),
            *sections(pull_lines(known.deep, now)),
            *sections(task_lines(report, now)),
            *sections(rule_lines(known.audit, now)),
            context(_sources(report, now), rules_in_short(known.audit, now), _remedy(known)),
        ],
    )


def replications(answers: Sequence[Assessment], now: datetime, others: Sequence[PairAudit] = ()) -> Message:
    """Return the same for several directions, one below the other, the worst first; of others their rules alone."""
    if len(answers) == 1 and not others:
        return replication(answers[0], now)
    ordered = sorted(answers, key=_urgency)
    parts = [replication(answer, now, MOST_LISTED_OF_SEVERAL) for answer in ordered]
    rest = [divider(), *sections(["*Rules of other directions*", *pair_lines(others, now)])] if others else []
    return _below_each_other(parts, [*rest, context(f"One direction in full: {_in_full(ordered[0].report)}")])


def _urgency(known: Assessment) -> tuple[int, ...]:
    """Order the worst first, and of equals that which loses more, then that in which anything can be copied."""
    judgement, is_broken = known.report.judgement, bool(broken(known.deep))
    rank = _WORST_FIRST.index(judgement.verdict)
    return not is_broken, rank, -judgement.judged.lost, bool(_impossible(known.audit))


def _in_full(report: Report) -> str:
    """Return the command for this direction alone, to be typed as it is."""
    return code(f"/registry {report.question.words}", 200)


def worst_first(answers: Sequence[tuple[Message, Assessment | None]]) -> Message:
    """Return answers that were given one by one, those told in the channel first, then the worst."""
    ordered = sorted(answers, key=lambda answer: () if answer[1] is None else _urgency(answer[1]))
    parts = [told for told, _ in ordered]
    return parts[0] if len(parts) == 1 else _below_each_other(parts, [])


def _below_each_other(parts: Sequence[Message], rest: Sequence[Block]) -> Message:
    blocks: list[Block] = [block for part in parts for block in (divider(), *map(dict, part.blocks))]
    return compose("\n".join(part.text for part in parts), [*blocks[1:], *rest])


def comparing(known: Assessment, now: datetime) -> Message:
    """Return how far a comparison has come, and what it has found by now."""
    if known.deep:
        return looking(known.deep, now)
    report = known.report
    done = f": {report.done:,} of {_repositories(report.total)}" if report.total else ""  # not counted yet
    lost = report.judgement.judged.lost
    found = f", {plural(lost, 'loss', 'losses')} so far" if lost else ""
    said = f"COMPARING {_way(report)}{done}{found}"
    return compose(said, [section(f"*{said}*"), context(f"As of {stamp(now)}")])


def published(known: Assessment, link: str | None) -> Message:
    """Tell the asker where the answer is given."""
    is_link = link and not set("|>") & set(link)
    here = f"<{link}|in this channel, with the full list in its thread>" if is_link else "in this channel"
    way = _way(known.report)
    return compose(f"{way}: the answer is given in this channel", [section(f"{way}: the answer is given {here}.")])


def headline(known: Assessment, now: datetime) -> str:
    """Return the verdict, the direction and the age in one line."""
    report, judged = known.report, known.report.judgement.judged
    images = _images(report, judged.compared)
    age = f"{_age(report, now)}{_hushed(known)}{_later(report)}"
    match report.judgement.verdict:
        case Verdict.BEHIND:
            partial = "" if report.judgement.is_whole else ", partial"
            lag = f", lag {'unknown' if report.judgement.lag is None else span(report.judgement.lag)}"
            said = f"BEHIND: {judged.lost:,} of {images} would be lost, {_way(report)}{lag}{age}{partial}"
        case Verdict.IN_STEP:
            said = f"IN STEP: {'all ' if judged.compared > 1 else ''}{images} identical, {_way(report)}{age}"
        case Verdict.NOTHING_COMPARED:
            said = f"NOTHING COMPARED: {_nothing(report)}, {_way(report)}{age}"
        case Verdict.UNKNOWN:
            said = f"UNKNOWN: {_way(report)}, {_missing(known)}"
    return f"{broken(known.deep)}{said}{_impossible(known.audit)}"


def _bold(said: str) -> str:
    """Put the first line in bold; where it has a star of its own, as a glob has, that would end there."""
    verdict, colon, rest = said.partition(":")
    return f"*{verdict}*{colon}{rest}" if "*" in said else f"*{said}*"


def _way(report: Report) -> str:
    return f"{_name(report.source)} to {_name(report.target)}"


def _name(side: Side) -> str:
    return escape(short(side.site.name, 60))


def _images(report: Report, count: int) -> str:
    asked = report.question.repositories
    return f"{plural(count, 'image')} in {code(asked, 80)}" if asked else plural(count, "critical image")


def _nothing(report: Report) -> str:
    asked = report.question.repositories
    return f"no image in {code(asked, 80)}" if asked else "no image matches `critical`"


def _impossible(audit: PairAudit | Unknown) -> str:
    is_impossible = not isinstance(audit, Unknown) and audit.feasibility.possible is Possible.NO
    return ". Nothing can be replicated this way" if is_impossible else ""


def _age(report: Report, now: datetime) -> str:
    oldest = min((each.first for each in (report.found.source_span, report.found.target_span) if each), default=None)
    return "" if oldest is None else f", as of {ago(oldest, now)}"


def _hushed(known: Assessment) -> str:
    """Name the ends that cannot be read: what was pushed there since is in no list, so no verdict can speak of it."""
    ends = (known.report.source, known.report.target)
    silent = [_name(side) for side in ends if _is_silent(side, known)]
    return f", {' and '.join(silent)} cannot be read" if silent else ""


def _later(report: Report) -> str:
    """Count the judged pushes that no list knows and no copy task calls done: a verdict without them is about less."""
    count = len(uncopied(report.unseen, report.question))
    return f", {plural(count, 'later push', 'later pushes')} not copied" if count else ""


def _is_silent(side: Side, known: Assessment) -> bool:
    return side.coverage.silent_since is not None or side.site.name in _mute(known)


def _missing(known: Assessment) -> str:
    """Name in a clause the first thing for want of which nothing can be said."""
    return next(_parts(known), "some repositories could not be compared")


def _mute(known: Assessment) -> Mapping[str, str]:
    """Return the sides that answered nothing just now, with the reason."""
    return {} if isinstance(known.audit, Unknown) else dict(known.audit.mute)


def _parts(known: Assessment) -> Iterator[str]:
    """Return each reason for which something is unknown, as a clause."""
    report, mute = known.report, _mute(known)
    if report.interrupted:
        yield f"the kept lists cannot be read: {sentence(report.interrupted, 200).rstrip('.')}"
    else:
        yield from (part for side in (report.source, report.target) for part in _blanks(side, mute))
    judged = report.judgement.judged
    if judged.unread:
        yield f"{_repositories(judged.unread)} could not be compared{_named(report.found.unread, judged.unread)}"
    if report.done < report.total:
        yield f"{report.done:,} of {_repositories(report.total)} compared"


def _named(paths: Sequence[str], count: int) -> str:
    """Name the first few of so many repositories."""
    shown = paths[: min(MOST_UNREAD, count)]
    left = f" and {count - len(shown):,} more" if count > len(shown) else ""
    return f": {', '.join(code(path, 100) for path in shown)}{left}" if shown else ""


def _blanks(side: Side, mute: Mapping[str, str]) -> Iterator[str]:
    known, at_hand = side.coverage, side.coverage.running
    if known.as_of is None and side.site.name in mute:
        yield f"{_name(side)} was never read and cannot be now"
    elif known.as_of is None:
        total = f" of {at_hand.pages_total:,}" if at_hand and at_hand.pages_total else ""
        calls = f", {side.pages_done:,}{total} calls done" if side.pages_done else ""
        how_far = f"is being read{calls}" if at_hand else "was never read"
        yield f"{_name(side)} {how_far}"
    if known.unlisted:
        yield f"{_repositories(known.unlisted)} of {_name(side)} did not appear in its list"


def _repositories(count: int) -> str:
    return plural(count, "repository", "repositories")


def _gaps(known: Assessment, now: datetime) -> list[str]:
    """Return what is not known, and since when an end cannot be read."""
    report, parts = known.report, list(_parts(known))
    partial = [f"*Partial*: {'; '.join(parts)}."] if parts else []
    silent = [line for side in (report.source, report.target) for line in _silence(side, _mute(known), now)]
    return [*_live(report), *partial, *silent]


def _live(report: Report) -> list[str]:
    if not report.live_because:
        return []
    return [f"*Asked of both sites just now*, of what counts alone: {sentence(report.live_because, 200)}"]


def _silence(side: Side, mute: Mapping[str, str], now: datetime) -> list[str]:
    """Tell of a side that could not be read for a while, or cannot be now and could when it was last tried.

    Why that is so, the reason says: it may answer nothing, refuse, ask for less, or be gone.
    """
    since, blind = side.coverage.silent_since, side.blind_for
    if since is None:
        return _silence_now(side, mute)
    why = f": {sentence(side.coverage.trouble, 250)}" if side.coverage.trouble else "."
    last = f"; it was last read {span(blind)} before that" if blind else ""
    return [f"*Cannot be read*: {_name(side)}, for {span(now - since)}{last}{why}"]


def _silence_now(side: Side, mute: Mapping[str, str]) -> list[str]:
    why = mute.get(side.site.name)
    return [f"*Cannot be read*: {_name(side)}, now: {sentence(why, 250)}"] if why else []


def _unseen(report: Report) -> list[str]:
    """Name the pushes that no list knows."""
    tasks = report.unseen
    if not tasks:
        return []
    named = listed((f"{code(task.image, 120)} {escape(short(task.status, 30))}" for task in tasks), 5)
    pushes = plural(len(tasks), "push", "pushes")
    return [f"*In no list yet*: {pushes} since {_name(report.source)} was read, told by copy tasks alone: {named}"]


def _remedy(known: Assessment) -> str:
    """Say how to have copied what a copy brings, while both ends answer: it takes the two of them."""
    report = known.report
    judged = report.judgement.judged
    can_copy = judged.copyable > 0 and report.question.repositories is None
    if not can_copy or _hushed(known) or _impossible(known.audit):
        return ""
    words = f"/registry sync missing from {report.source.site.name} to {report.target.site.name}"
    some = "it" if judged.copyable == judged.lost else f"{judged.copyable:,} of {judged.lost:,}"
    return f"To have {some} copied: {code(words, 150)}"


def _sources(report: Report, now: datetime) -> str:
    found = report.found
    sides = ((report.source, found.source_span), (report.target, found.target_span))
    said = ["Compared by digest", *(_read(side, seen, now) for side, seen in sides)]
    if not isinstance(report.control.feed, Unknown):
        said.append(f"tasks read {ago(report.control.feed.as_of, now)}")
    said.append(f"told {stamp(now)}")  # it may stay in a channel, and ages count from then
    return " · ".join(said)


def _read(side: Side, seen: Span | None, now: datetime) -> str:
    """Say when a side was looked at: from when to when, as repositories are read one after the other."""
    if seen is None:
        return f"{_name(side)} not compared"
    until = f" to {ago(seen.last, now)}" if ago(seen.last, now) != ago(seen.first, now) else ""
    full = side.coverage.full_as_of
    whole = f", in full {ago(full, now)}" if full and seen.first - full >= FULL_IS_NEWS else ""
    return f"{_name(side)} read {ago(seen.first, now)}{until}{whole}"
