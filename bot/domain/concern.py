"""What the channels that watch a site are told of its copies: each concern once, and once when it is over."""

from bisect import insort
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from bot.domain.differences import Cause, Difference, Newer
from bot.domain.report import Assessment
from bot.domain.rule_audit import PairAudit, RuleUse
from bot.domain.rule_reach import Reached
from bot.domain.snapshot import Unknown

NEVER_COPIED = frozenset({Cause.NO_RULE, Cause.BY_HAND, Cause.OLDER_THAN_RULE})
"""Why something is not copied by itself at all; it would hide for ever that other copies lag."""
MOST_WAITING = 1_000
DAY = timedelta(days=1)
FAILS_AFTER = 3
"""Copies of a rule that failed since its last success, before anybody is told: one may fail for once."""


class Kind(StrEnum):
    """What there is to be concerned about; the values are kept in the store."""

    LAG = "lag"
    UNCOVERED = "uncovered"
    FAILING = "failing"


@dataclass(frozen=True, slots=True, order=True)
class Concern:
    """One of them: for copies to `target`; `subject` names the repository or the rule, the lag has none."""

    kind: Kind
    target: str
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Lookout:
    """What is to be told of a site now, each concern with its particulars, and which kinds are known for sure.

    A concern that is not there any more is over only where its kind is in `sure`: what cannot be seen is not over.
    """

    concerns: Mapping[Concern, str] = field(default_factory=dict)
    sure: frozenset[tuple[Kind, str]] = frozenset()

    def begun(self, told: Collection[Concern]) -> tuple[Concern, ...]:
        """Return what nobody was told of yet."""
        return tuple(sorted(set(self.concerns) - set(told)))

    def over(self, told: Collection[Concern]) -> tuple[Concern, ...]:
        """Return what people were told of and is over."""
        gone = set(told) - set(self.concerns)
        return tuple(sorted(each for each in gone if (each.kind, each.target) in self.sure))


def joined(lookouts: Collection[Lookout]) -> Lookout:
    """Return several directions as one."""
    concerns = {concern: detail for each in lookouts for concern, detail in each.concerns.items()}
    return Lookout(concerns, frozenset(pair for each in lookouts for pair in each.sure))


class Waiting:
    """Takes in differences, and keeps what rules should have brought to the target and have not."""

    def __init__(self) -> None:
        self._pushes: list[tuple[float, str]] = []  # the oldest first
        self._unsettled = 0

    def add(self, difference: Difference) -> None:
        """Take in one more; what no rule copies by itself does not lag, however old it is."""
        explanation, pushed_at = difference.explanation, difference.pushed_at
        if not (difference.is_critical and difference.is_loss) or pushed_at is None:
            return
        if explanation.cause in NEVER_COPIED or explanation.newer is Newer.TARGET:
            return
        if difference.is_unsettled:
            self._unsettled += 1
        else:
            self._keep((pushed_at.timestamp(), difference.image))

    def _keep(self, push: tuple[float, str]) -> None:
        """Keep the oldest: dropping one of those would hide that anything is overdue."""
        insort(self._pushes, push)
        del self._pushes[MOST_WAITING:]

    def overdue(self, now: datetime, limit: timedelta) -> list[tuple[datetime, str]]:
        """Return the pushes that have waited longer than that, the oldest first."""
        since = (now - limit).timestamp()
        return [(datetime.fromtimestamp(at, UTC), image) for at, image in self._pushes if at < since]

    @property
    def is_settled(self) -> bool:
        """Tell whether the target was looked at after every push."""
        return not self._unsettled


def look_out(known: Assessment, waiting: Waiting, limit: timedelta) -> Lookout:
    """Return what there is to be concerned about in one direction, when critical pushes may wait up to `limit`."""
    target = known.report.target.site.name
    parts = [_lag(known, waiting, target, limit)]
    if not isinstance(known.audit, Unknown):
        parts += [_uncovered(known.audit, target), _failing(known.audit, target)]
    return joined(parts)


def _lag(known: Assessment, waiting: Waiting, target: str, limit: timedelta) -> Lookout:
    due = waiting.overdue(known.report.taken_at, limit)
    if due:
        (pushed_at, image), more = due[0], len(due) - 1
        when = f"{pushed_at:%H:%M}" if known.report.taken_at - pushed_at < DAY else f"{pushed_at:%Y-%m-%d %H:%M}"
        detail = f"{image}{f' and {more:,} more' if more else ''} since {when} UTC"
        return Lookout({Concern(Kind.LAG, target): detail}, frozenset({(Kind.LAG, target)}))
    is_sure = known.report.judgement.is_whole and waiting.is_settled
    return Lookout(sure=frozenset({(Kind.LAG, target)} if is_sure else ()))


def _uncovered(audit: PairAudit, target: str) -> Lookout:
    if isinstance(audit.reached, Unknown):
        return Lookout()
    named = audit.reached.uncovered
    found = {Concern(Kind.UNCOVERED, target, name): name for name in named.names}
    is_complete = named.count == len(named.names) and _has_looked(audit.reached)
    return Lookout(found, frozenset({(Kind.UNCOVERED, target)} if is_complete else ()))


def _has_looked(reached: Reached) -> bool:
    """Tell whether there was any critical repository to look at: an emptied store proves nothing."""
    return reached.repositories > 0


def _failing(audit: PairAudit, target: str) -> Lookout:
    if isinstance(audit.rules, Unknown) or isinstance(audit.feed, Unknown):
        return Lookout()
    failing = [use for use in audit.rules if use.failed >= FAILS_AFTER]
    found = {Concern(Kind.FAILING, target, use.rule.rule_id): _failure(use) for use in failing}
    return Lookout(found, frozenset({(Kind.FAILING, target)}))


def _failure(use: RuleUse) -> str:
    why = f": {use.issues[0]}" if use.issues else ""
    return f"{use.rule.name}, {use.failed:,} copies in a row{why}"
