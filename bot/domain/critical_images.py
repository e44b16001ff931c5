"""How the critical images of two sites compare, in a sentence that says how old each side is, and what it weighs."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from bot.domain.differences import Difference, Side, Span
from bot.domain.plan import Level
from bot.domain.snapshot import Comparison
from bot.domain.verdict import Verdict, judge

TOO_OLD = timedelta(days=1)
"""What is kept longer than this names losses, but it proves no more that there are none."""
_SHORT_LIST = 5


def weigh(comparison: Comparison, now: datetime) -> tuple[Level, str]:
    """Judge a comparison: a loss is one as soon as it is seen, and denied only when all was seen lately."""
    found, sides = comparison.found, (comparison.home, comparison.standby)
    judgement = judge(found.critical, found.oldest_critical, sides, now)
    gaps = "; ".join(_gaps(comparison, now))
    if judgement.verdict is Verdict.BEHIND:
        unknown = f"; not known: {gaps}" if gaps else ""
        return Level.FAIL, f"{_dated(comparison, _count(comparison, now), now)}{unknown}; {_losses(comparison, now)}."
    if gaps:
        return Level.UNKNOWN, _unproven(comparison, gaps, now)
    if judgement.verdict is Verdict.NOTHING_COMPARED:
        nothing = f"no image at {comparison.home.site.name} matches `critical` in registry.yaml, so none was compared."
        return Level.WARN, _dated(comparison, nothing, now)
    same = _dated(comparison, _count(comparison, now), now)
    if comparison.home_is_live and comparison.standby_is_live:
        return Level.PASS, f"{same}."
    return Level.WARN, f"{same}; what was pushed since is not known."


def _unproven(comparison: Comparison, gaps: str, now: datetime) -> str:
    doubt = f"Whether {comparison.standby.site.name} has all critical images is unknown: {gaps}."
    if not comparison.found.critical.compared:
        return doubt
    return f"{doubt} {_dated(comparison, _count(comparison, now), now)}."


def _dated(comparison: Comparison, told: str, now: datetime) -> str:
    """Begin with how old the home's side is, where it did not answer."""
    age = "" if comparison.home_is_live else _age(comparison.home, comparison.found.source_span, now)
    return f"As of {age}: {told}" if age else f"{told[0].upper()}{told[1:]}"


def _count(comparison: Comparison, now: datetime) -> str:
    tally = comparison.found.critical
    age = "" if comparison.standby_is_live else _age(comparison.standby, comparison.found.target_span, now)
    of_then = f" (as of {age})" if age else ""
    same = f"{tally.identical:,} of {tally.compared:,} critical images are identical"
    return f"{same} at {comparison.standby.site.name}{of_then}"


def _age(side: Side, span: Span | None, now: datetime) -> str:
    """Say for which moment a kept side holds, and how long before the first failure of its instance that was.

    Whoever asks about a kept side has just got no answer from it, so where nobody had noticed before, that was first.
    """
    at, silent = span.first if span else side.coverage.as_of, side.coverage.silent_since or now
    if at is None:
        return ""
    told = f"{_clock(at, now)} UTC"
    if silent <= at:
        return told
    return f"{told}, {_length(silent - at)} before {side.site.name} could no longer be read"


def _gaps(comparison: Comparison, now: datetime) -> Iterator[str]:
    """Name what keeps a comparison from being whole."""
    found = comparison.found
    ends = (
        (comparison.home, comparison.home_is_live, found.source_span),
        (comparison.standby, comparison.standby_is_live, found.target_span),
    )
    for side, is_live, span in ends:
        if not is_live:
            yield from _gaps_of(side, span, now)
    if found.critical.unread:
        shown = ", ".join(found.unread[: min(_SHORT_LIST, found.critical.unread)])
        yield f"critical repositories that could not be read on both sides: {found.critical.unread:,} ({shown})"


def _gaps_of(side: Side, span: Span | None, now: datetime) -> Iterator[str]:
    name, known = side.site.name, side.coverage
    at = span.first if span else known.as_of
    if known.as_of is None:
        yield f"{name} has not been read whole yet{_pages(side)}"
    elif known.unlisted:
        yield f"the repository list of {name} came {known.unlisted:,} short"
    if at is not None and now - at > TOO_OLD:
        yield f"{name} was last read {_length(now - at)} ago"


def _pages(side: Side) -> str:
    running = side.coverage.running
    if running is None or not running.pages_total:
        return ""
    return f" ({running.pages_done:,} of {running.pages_total:,} pages)"


def _losses(comparison: Comparison, now: datetime) -> str:
    found = comparison.found
    missing = [each for each in found.missing if each.is_critical][:_SHORT_LIST]
    different = [each for each in found.different if each.is_critical][: _SHORT_LIST - len(missing)]
    kinds = (("missing", missing), ("different", different))
    named = "; ".join(f"{kind}: {_images(images, now)}" for kind, images in kinds if images)
    left = found.critical.lost - len(missing) - len(different)
    return f"{named}{f' and {left:,} more' if left else ''}{_doubts(comparison)}"


def _images(lost: Iterable[Difference], now: datetime) -> str:
    return ", ".join(f"{each.image}{_pushed(each, now)}" for each in lost)


def _pushed(lost: Difference, now: datetime) -> str:
    return f" (pushed {_clock(lost.pushed_at, now)})" if lost.pushed_at else ""


def _doubts(comparison: Comparison) -> str:
    """Say which of the losses may be none, as one side was read before the other was written."""
    tally, home, standby = comparison.found.critical, comparison.home.site.name, comparison.standby.site.name
    pushed = f"; {tally.unsettled:,} pushed after {standby} was read, so they may be there by now"
    written = f"; {tally.overtaken:,} written at {standby} after {home} was read, so they may be newer there"
    return f"{pushed if tally.unsettled else ''}{written if tally.overtaken else ''}"


def _clock(at: datetime, now: datetime) -> str:
    """Write a time in UTC, with its day where that is another one."""
    return f"{at:%H:%M}" if at.date() == now.date() else f"{at:%Y-%m-%d %H:%M}"


def _length(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    if minutes < 1:
        return "less than a minute"
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days"
