"""Which images a target lacks, has differently or has alone: counts first, then a few by name, with the reason."""

from collections.abc import Iterable
from datetime import datetime

from bot.domain.differences import Cause, Difference, Likeness, Newer, Tally
from bot.domain.report import Report
from bot.domain.verdict import Verdict
from bot.messages.text import ago, code, escape, listed, plural, short

MOST_EXTRA = 3


def image_lines(report: Report, now: datetime, most: int) -> list[str]:
    """Return the judged images with those that would be lost, then all the others in numbers."""
    found, judged, target = report.found, report.judgement.judged, _target(report)
    what = "Images" if report.question.repositories else "Critical images"
    losses = [each for each in (*found.missing, *found.different) if each.is_critical or report.question.repositories]
    if report.judgement.verdict is Verdict.UNKNOWN:
        what += " so far"  # the first line gives no number then
    is_news = judged.lost or judged.extra or (report.judgement.verdict is Verdict.UNKNOWN and judged.compared)
    lines = [f"*{what}*: {_counts(judged, target)}"] if is_news else []
    lines += [*_losses(losses, judged, most, now), *_unsettled(judged, report), *_causes(judged, most)]
    return [*lines, *_rest(report)]


def _target(report: Report) -> str:
    return escape(short(report.target.site.name, 60))


def _counts(tally: Tally, target: str) -> str:
    counts = ((tally.missing, "missing"), (tally.different, "different"), (tally.extra, "only there"))
    others = [f"{count:,} {word}" for count, word in counts if count]
    return f"{', '.join([f'{tally.identical:,} identical', *others])} at {target}"


def _losses(losses: list[Difference], judged: Tally, most: int, now: datetime) -> list[str]:
    """Name the first of those that would be lost, the ones pushed last before the others."""
    newest = sorted(losses, key=_importance, reverse=True)
    shown = [f"• {_loss(each, now)}" for each in newest[:most]]
    left = judged.lost - len(shown)
    return [*shown, *([f"and {left:,} more"] if shown and left > 0 else [])]


def _importance(loss: Difference) -> tuple[bool, float]:
    return loss.is_critical, loss.pushed_at.timestamp() if loss.pushed_at else 0.0


def _loss(loss: Difference, now: datetime) -> str:
    said = [f"{code(loss.image, 150)} {'missing' if loss.likeness is Likeness.MISSING else 'different'}"]
    said += [f"pushed {ago(loss.pushed_at, now)}"] if loss.pushed_at else []
    said += [NEWER[loss.explanation.newer]] if loss.likeness is Likeness.DIFFERENT else []
    said += [str(loss.explanation.cause)] if loss.explanation.cause is not Cause.UNKNOWN else []
    return ", ".join(said)


NEWER = {
    Newer.SOURCE: "newer at the source",
    Newer.TARGET: "newer at the target",
    Newer.UNCLEAR: "unclear which is newer",
}


def _unsettled(judged: Tally, report: Report) -> list[str]:
    """Say which of the losses may be none, as one side was read before the other was written."""
    source, target = escape(short(report.source.site.name, 60)), _target(report)
    arrived = f"{judged.unsettled:,} of them came after {target} was last read and may have arrived since."
    newer = (
        f"{judged.overtaken:,} of them were written at {target} after {source} was last read and may be newer there."
    )
    return [*([arrived] if judged.unsettled else []), *([newer] if judged.overtaken else [])]


def _causes(judged: Tally, most: int) -> list[str]:
    """Say why, where it is not said beside each image anyway, as not all are named."""
    causes = sorted(judged.causes.items(), key=lambda each: -each[1])
    said = [f"{'unexplained' if cause is Cause.UNKNOWN else cause} ({count:,})" for cause, count in causes]
    return [f"Why: {' · '.join(said)}"] if judged.lost > most and said else []


def _rest(report: Report) -> list[str]:
    """Return what was not judged: all images beside critical ones, or critical ones beside those asked for."""
    found, target = report.found, _target(report)
    extra = _named("Only there", found.extra, found.all.extra)
    if report.question.repositories:
        critical = found.critical
        return [f"Critical among them: {_counts(critical, target)}", *extra] if critical.lost else extra
    if found.all.compared + found.all.extra == found.critical.compared + found.critical.extra:
        return extra
    others = [each for each in (*found.missing, *found.different) if not each.is_critical]
    lost = found.all.lost - found.critical.lost
    every = [f"All by name: {code(f'/registry replication {report.question.way} repo *', 200)}"]
    more = every if lost > MOST_EXTRA or found.all.extra > MOST_EXTRA else []
    return [
        f"*{_how_many(report)}*: {_counts(found.all, target)}{_left_out(report)}",
        *_named("Lost beside critical ones", others, lost),
        *extra,
        *more,
    ]


def _how_many(report: Report) -> str:
    """Call them all only where nothing was left out."""
    found = report.found.all
    images = plural(found.compared, "image")
    return f"All {images}" if report.judgement.is_whole and not found.unread else f"{images} compared"


def _left_out(report: Report) -> str:
    """Count the repositories of no critical image that were not compared; the others are told first of all."""
    left = report.found.all.unread - report.found.critical.unread
    return f"; {plural(left, 'repository', 'repositories')} not compared" if left else ""


def _named(word: str, images: Iterable[Difference], count: int) -> list[str]:
    shown = [code(each.image, 150) for each in images][:MOST_EXTRA]
    left = f" and {count - len(shown):,} more" if count > len(shown) else ""
    return [f"{word}: {listed(shown, MOST_EXTRA)}{left}"] if shown else []
