"""What the channels that watch a site are told of its copies: each concern once, and once when it is over."""

from bisect import insort
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from bot.domain.differences import Cause, Difference, Newer, Side
from bot.domain.report import Assessment, Report
from bot.domain.rule_audit import PairAudit, RuleUse
from bot.domain.rule_reach import Reached
from bot.domain.snapshot import TaskFeed, Unknown

NEVER_COPIED = frozenset({Cause.NO_RULE, Cause.BY_HAND, Cause.OLDER_THAN_RULE})
"""Why something is not copied by itself at all; it would hide for ever that other copies lag."""
NOT_ARRIVING = frozenset(
    {Cause.FAILED, Cause.NOT_LANDED, Cause.NO_NAMESPACE, Cause.NO_REPOSITORY, Cause.IMMUTABLE},
)
"""Why something was to be copied and does not arrive unless a person does something; it would hide others as well."""
TRIED = "an earlier copy did not bring it"
"""Of what was told to be stuck and is copied anew, or whose failure is told no more, to who begins to watch then."""
MOST_WAITING = 1_000
DAY = timedelta(days=1)
LATELY = timedelta(minutes=1)
"""As long as there is between two looks: a copy within it came after whoever was told was told."""
FAILS_AFTER = 3
"""Copies of a rule that failed since its last success, before anybody is told: one may fail for once."""


Push = tuple[float, str, Cause]
"""When an image was pushed, its name, and why the target lacks it."""


class Kind(StrEnum):
    """What there is to be concerned about; the values are kept in the store."""

    LAG = "lag"
    STUCK = "stuck"
    UNCOVERED = "uncovered"
    FAILING = "failing"
    BLIND = "blind"


WAITS = (Kind.LAG, Kind.STUCK)
"""What concerns single images, which go from one to the other."""


@dataclass(frozen=True, slots=True, order=True)
class Concern:
    """One of them: for copies to `target`; `subject` names an image, a repository, a rule or a site, lag has none."""

    kind: Kind
    target: str
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Lookout:
    """What is to be told of a site now, each concern with its particulars, and which kinds are known for sure.

    A concern that is not there any more is over only where its kind is in `sure`, and it is not itself in `doubtful`:
    what cannot be seen is not over.
    """

    concerns: Mapping[Concern, str] = field(default_factory=dict)
    sure: frozenset[tuple[Kind, str]] = frozenset()
    doubtful: frozenset[Concern] = frozenset()

    def begun(self, told: Collection[Concern]) -> tuple[Concern, ...]:
        """Return what nobody was told of yet."""
        return tuple(sorted(set(self.concerns) - set(told)))

    def over(self, told: Collection[Concern]) -> tuple[Concern, ...]:
        """Return what people were told of and is over."""
        gone = set(told) - set(self.concerns) - self.doubtful
        return tuple(sorted(each for each in gone if (each.kind, each.target) in self.sure))


def is_news(begun: Collection[Concern], over: Collection[Concern], left: Collection[Concern]) -> bool:
    """Tell whether something came up, or the last of its kind in its direction is over, which people wait for."""
    going_on = {(each.kind, each.target) for each in left}
    return bool(begun) or any((each.kind, each.target) not in going_on for each in over)


def joined(lookouts: Collection[Lookout]) -> Lookout:
    """Return several directions as one."""
    concerns = {concern: detail for each in lookouts for concern, detail in each.concerns.items()}
    return Lookout(
        concerns,
        frozenset(pair for each in lookouts for pair in each.sure),
        frozenset(concern for each in lookouts for concern in each.doubtful),
    )


class Waiting:
    """Takes in differences, and keeps what rules should have brought to the target and have not.

    `stuck` are the images that people were told of: as long as one is lost, it is stuck, whatever is tried meanwhile.
    """

    def __init__(self, stuck: Collection[str] = ()) -> None:
        self._pushes: dict[Kind, list[Push]] = {kind: [] for kind in WAITS}  # the oldest first
        self._unsettled = 0
        self._stuck = frozenset(stuck)
        self.still_stuck: set[str] = set()

    def add(self, difference: Difference) -> None:
        """Take in one more; what no rule copies by itself does not lag, however old it is."""
        explanation, pushed_at = difference.explanation, difference.pushed_at
        if not (difference.is_critical and difference.is_loss):
            return
        if explanation.newer is Newer.TARGET:
            return
        is_told = difference.image in self._stuck
        if is_told:
            self.still_stuck.add(difference.image)
        if explanation.cause in NEVER_COPIED:
            return
        if explanation.is_untraced and not is_told:
            return  # it may have ended as newer at the target; nor does such a doubt keep what lags from being over
        if pushed_at is None or difference.is_unsettled or difference.is_overtaken:
            self._unsettled += 1
        else:
            kind = Kind.STUCK if is_told or explanation.cause in NOT_ARRIVING else Kind.LAG
            self._keep(kind, (pushed_at.timestamp(), difference.image, explanation.cause))

    def _keep(self, kind: Kind, push: Push) -> None:
        """Keep the oldest: dropping one of those would hide that anything is overdue."""
        insort(self._pushes[kind], push)
        del self._pushes[kind][MOST_WAITING:]

    def overdue(self, kind: Kind, now: datetime, limit: timedelta) -> list[Push]:
        """Return the pushes that wait longer than that, or are stuck for longer, the oldest first."""
        since = (now - limit).timestamp()
        return [push for push in self._pushes[kind] if push[0] < since]

    @property
    def is_settled(self) -> bool:
        """Tell whether each loss has a date, and each side was looked at after whatever was written to the other."""
        return not self._unsettled


def look_out(known: Assessment, waiting: Waiting, limit: timedelta) -> Lookout:
    """Return what there is to be concerned about in one direction, when critical pushes may wait up to `limit`."""
    target = known.report.target.site.name
    parts = [_blind(known.report, limit), _lag(known, waiting, limit)]
    if not isinstance(known.audit, Unknown):
        parts += [_uncovered(known.audit, known.report.source, target), _failing(known.audit, target)]
    return joined(parts)


def _blind(report: Report, limit: timedelta) -> Lookout:
    """Return what could not be read for longer than a push may wait: nobody is told of what lags meanwhile."""
    target, now, found = report.target.site.name, report.taken_at, dict[Concern, str]()
    for side in (report.source, report.target):
        silent_since = side.coverage.silent_since
        if silent_since and now - silent_since > limit:
            found[Concern(Kind.BLIND, target, side.site.name)] = f"{side.site.name} {_since(silent_since, now)}"
    return Lookout(found, frozenset() if report.interrupted else frozenset({(Kind.BLIND, target)}))


def _since(at: datetime, now: datetime) -> str:
    return f"since {at:%H:%M} UTC" if now - at < DAY else f"since {at:%Y-%m-%d %H:%M} UTC"


def _lag(known: Assessment, waiting: Waiting, limit: timedelta) -> Lookout:
    """Return what lags, all of a direction as one, and what is stuck, each image by itself."""
    report, target = known.report, known.report.target.site.name
    due = {kind: [] if report.interrupted else waiting.overdue(kind, report.taken_at, limit) for kind in WAITS}
    found = {Concern(Kind.STUCK, target, push[1]): _stuck(push, report.taken_at) for push in due[Kind.STUCK]}
    if due[Kind.LAG]:
        found[Concern(Kind.LAG, target)] = _lagging(due[Kind.LAG], report.taken_at)
    if not report.judgement.is_whole or report.source.coverage.silent_since:
        return Lookout(found)
    doubtful = frozenset(Concern(Kind.STUCK, target, image) for image in waiting.still_stuck)
    sure = WAITS if waiting.is_settled else (Kind.STUCK,)
    return Lookout(found, frozenset((kind, target) for kind in sure), doubtful)


def _lagging(due: Sequence[Push], now: datetime) -> str:
    (at, image, _cause), more = due[0], len(due) - 1
    count = f"{'at least ' if len(due) == MOST_WAITING else ''}{more:,} more"
    return f"{image}{f' and {count}' if more else ''} {_since(datetime.fromtimestamp(at, UTC), now)}"


def _stuck(push: Push, now: datetime) -> str:
    at, image, cause = push
    why = cause if cause in NOT_ARRIVING else TRIED
    return f"{image} {_since(datetime.fromtimestamp(at, UTC), now)}, {why}"


def _uncovered(audit: PairAudit, source: Side, target: str) -> Lookout:
    """Return what no rule copies; what some rule copies in part, by hand or to elsewhere is not known to be over."""
    if isinstance(audit.reached, Unknown):
        return Lookout()
    reached = audit.reached
    found = {Concern(Kind.UNCOVERED, target, name): name for name in reached.uncovered.names}
    lists = reached.uncovered, reached.partly, reached.by_hand, reached.unsure, reached.elsewhere
    is_complete = _has_looked(reached, source) and all(named.count == len(named.names) for named in lists)
    left = {name for named in lists for name in named.names} | source.unread
    doubtful = frozenset(Concern(Kind.UNCOVERED, target, name) for name in left)
    return Lookout(found, frozenset({(Kind.UNCOVERED, target)} if is_complete else ()), doubtful)


def _has_looked(reached: Reached, source: Side) -> bool:
    """Tell whether all critical repositories were looked at, and were any: an emptied store proves nothing."""
    return source.is_whole and reached.repositories > 0


def _failing(audit: PairAudit, target: str) -> Lookout:
    if isinstance(audit.rules, Unknown) or isinstance(audit.feed, Unknown):
        return Lookout()
    failing = [use for use in audit.rules if use.failed >= FAILS_AFTER]
    found = {Concern(Kind.FAILING, target, use.rule.rule_id): _failure(use) for use in failing}
    unproven = (use.rule.rule_id for use in audit.rules if not _copies(use, audit.feed))
    doubtful = frozenset(Concern(Kind.FAILING, target, rule_id) for rule_id in unproven)
    return Lookout(found, frozenset({(Kind.FAILING, target)}), doubtful)


def _copies(use: RuleUse, feed: TaskFeed) -> bool:
    """Tell whether a rule is seen to copy: where failures only left the feed, or the part that was read, it is not."""
    if use.last_success_at is None:
        return False
    return not feed.is_partial or use.last_success_at >= feed.as_of - LATELY


def _failure(use: RuleUse) -> str:
    why = f": {use.issues[0]}" if use.issues else ""
    return f"{use.rule.name}, {use.failed:,} copies in a row{why}"
