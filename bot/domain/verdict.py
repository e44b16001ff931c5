"""The verdict on a comparison: what its first line may claim, given how much of both sides is known."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain.differences import Difference, Side, Tally


class Verdict(StrEnum):
    """Whether the target has what the source has."""

    IN_STEP = "IN STEP"
    BEHIND = "BEHIND"
    UNKNOWN = "UNKNOWN"
    NOTHING_COMPARED = "NOTHING COMPARED"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict and the facts of its first line.

    `judged` are the images that count, the critical ones unless others were asked for. `lag` is the age of the oldest
    push among them that the target lacks, None where no such push is known. `is_whole`: nothing was left out.
    """

    verdict: Verdict
    judged: Tally
    oldest: Difference | None
    lag: timedelta | None
    is_whole: bool


def judge(judged: Tally, oldest: Difference | None, sides: tuple[Side, Side], now: datetime) -> Judgement:
    """Judge these images, of which `oldest` is the earliest push that the target lacks."""
    return _judgement(judged, oldest, now, is_whole=all(side.is_whole for side in sides) and not judged.unread)


def judge_so_far(judged: Tally, oldest: Difference | None, now: datetime) -> Judgement:
    """Judge images of which more are still to come."""
    return _judgement(judged, oldest, now, is_whole=False)


def _judgement(judged: Tally, oldest: Difference | None, now: datetime, *, is_whole: bool) -> Judgement:
    return Judgement(
        verdict=_verdict(judged, is_whole),
        judged=judged,
        oldest=oldest,
        lag=max(now - oldest.pushed_at, timedelta()) if oldest and oldest.pushed_at else None,
        is_whole=is_whole,
    )


def _verdict(judged: Tally, is_whole: bool) -> Verdict:
    """Name a loss as soon as one is seen; deny it only when all was seen."""
    if judged.lost:
        return Verdict.BEHIND
    if not is_whole:
        return Verdict.UNKNOWN
    return Verdict.IN_STEP if judged.compared else Verdict.NOTHING_COMPARED
