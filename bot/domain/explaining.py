"""Say why a target lacks an image, and which side of a different one is newer."""

from datetime import timedelta

from bot.domain.both_ends import Control
from bot.domain.differences import Cause, Difference, Explanation, Likeness, Namespaces, homeless
from bot.domain.filters import Match, matches
from bot.domain.recency import Recency
from bot.domain.rule_match import both, reaching
from bot.domain.snapshot import SyncRule, SyncTask, Unknown
from bot.domain.task_book import DONE, UNFINISHED, TaskBook

CONFLICT = "TAG_CONFLICT"
"""The issue of a task that met an immutable tag (ListRepoSyncTask)."""
CLOCKS = timedelta(seconds=5)
"""How much later than the push that caused it a task may seem to have been made before it."""
GRACE = timedelta(minutes=15)
"""For so long a push that a rule copies may be on its way without a task to be seen; then nobody knows."""

Matched = tuple[tuple[SyncRule, Match], ...]


class Explainer:
    """What rules, tasks and namespaces say about differences between two instances.

    `namespaces` are the target's, each with whether a copy creates repositories there; None when they are not known.
    """

    def __init__(self, ends: tuple[str, str], control: Control, namespaces: Namespaces) -> None:
        self._ends, self._rules, self._namespaces = ends, control.rules, namespaces
        self._tasks = TaskBook(control.feed, control.traced)
        self._recency = Recency(ends, control.inbound, self._tasks)
        self._near: tuple[str, Matched] = ("", ())

    def __call__(self, difference: Difference) -> Explanation:
        """Explain one difference in which the target lacks the source's image."""
        cause, task = self._cause(difference)
        if difference.likeness is not Likeness.DIFFERENT:
            return Explanation(cause, task_id=task.task_id if task else None)
        newer, reason, writer, is_untraced = self._recency(difference)
        told = task or writer
        return Explanation(cause, newer, reason, told.task_id if told else None, is_untraced)

    def _cause(self, difference: Difference) -> tuple[Cause, SyncTask | None]:
        task = self._task_of(difference)
        if task is not None:
            outcome = _outcome(task, difference)
            if outcome is Cause.FAILED:
                outcome = _by_place(difference) or homeless(difference.place, self._namespaces) or outcome
            return outcome, task
        if by_place := _by_place(difference):
            return by_place, None
        rules = self._matched(difference)
        by_rules = None if rules is None else _without_automatic(rules)
        return by_rules or homeless(difference.place, self._namespaces) or self._by_age(difference, rules or ()), None

    def _by_age(self, difference: Difference, rules: Matched) -> Cause:
        """Tell a push before all rules that may take it from one that a rule should have copied."""
        pushed_at = difference.pushed_at
        if pushed_at is None or all(match is not Match.YES for rule, match in rules if rule.is_automatic):
            return Cause.UNKNOWN
        automatic = [(rule.created_at, match) for rule, match in rules if rule.is_automatic]
        then = [match for made_at, match in automatic if made_at is None or made_at <= pushed_at]
        if not then:
            return Cause.OLDER_THAN_RULE
        is_young = difference.place.target_at - pushed_at <= GRACE and self._tasks.shows_all(difference.image)
        return Cause.WAITING if Match.YES in then and is_young else Cause.UNKNOWN

    def _matched(self, difference: Difference) -> Matched | None:
        """Return the rules that may copy this image to the same name, or None when rules are not known."""
        if isinstance(self._rules, Unknown):
            return None
        path, tag = difference.path, difference.tag
        if self._near[0] != path:
            self._near = path, tuple(reaching(self._rules, path))
        answers = ((rule, both(match, matches(rule.tag_filter, tag))) for rule, match in self._near[1])
        return tuple((rule, match) for rule, match in answers if match is not Match.NO)

    def _task_of(self, difference: Difference) -> SyncTask | None:
        """Return the last task that was made for the source's image; a later one belongs to a push not seen yet."""
        pushed_at = difference.pushed_at
        if pushed_at is None:
            return None
        made = [
            (task.created_at, task)
            for task in self._tasks.of(difference.image)
            if (task.from_instance, task.to_instance) == self._ends
            and task.created_at is not None
            and pushed_at - CLOCKS <= task.created_at <= difference.place.source_at
        ]
        return max(made, key=lambda each: each[0])[1] if made else None


def _without_automatic(rules: Matched) -> Cause | None:
    if any(rule.is_automatic for rule, _ in rules):
        return None
    return Cause.BY_HAND if rules else Cause.NO_RULE


def _by_place(difference: Difference) -> Cause | None:
    is_fixed = difference.likeness is Likeness.DIFFERENT and difference.place.target_is_immutable
    return Cause.IMMUTABLE if is_fixed else None


def _outcome(task: SyncTask, difference: Difference) -> Cause:
    """Say what a task means for an image that was not there when the target was looked at."""
    if task.status in UNFINISHED:
        return Cause.WAITING
    if task.status != DONE:
        is_kept = task.issue == CONFLICT and difference.likeness is Likeness.DIFFERENT
        return Cause.IMMUTABLE if is_kept else Cause.FAILED
    if task.changed_at is None:
        return Cause.UNKNOWN
    return Cause.NOT_LANDED if task.changed_at < difference.place.target_at else Cause.WAITING
