"""Say why a target lacks an image and which side of a different one is newer, and say it only where it is proven.

The push time of an image that was copied is the time of the copy. So a target whose image is dated later than the
source's last push may hold something newer, or an older image that arrived late: only when the task feed reaches back
far enough before that moment for every copy of then, and shows none, whoever sent it, is the target called newer.
"""

from datetime import datetime, timedelta

from bot.domain.differences import Cause, Difference, Explanation, Likeness, Namespaces, Newer, homeless
from bot.domain.filters import Match, matches
from bot.domain.rule_match import both, reaching
from bot.domain.snapshot import SyncRule, SyncTask, TaskFeed, Unknown

UNFINISHED = frozenset({"PENDING", "SYNCHRONIZING"})
DONE = "SUCCESS"
CONFLICT = "TAG_CONFLICT"
"""The issue of a task that met an immutable tag (ListRepoSyncTask)."""
SAME_MOMENT = timedelta(minutes=2)
"""A copy is dated when it lands and its task a little later; writes this close to a task's end are taken for it."""
CLOCKS = timedelta(seconds=5)
"""How much later than the push that caused it a task may seem to have been made before it."""
LONGEST_COPY = timedelta(days=1)
"""No copy is taken to be on its way for longer: the feed may have lost the task of one that ended within its reach."""
GRACE = timedelta(minutes=15)
"""For so long a push that a rule copies may be on its way without a task to be seen; then nobody knows."""
_NO_TASKS = "copy tasks could not be read, so a late copy may explain it"
_FEW_TASKS = "not all copy tasks were read, so a late copy may explain it"
_LATER_TASKS = "copy tasks of that time are not listed, so a late copy may explain it"
_UNTRACED = frozenset({_NO_TASKS, _FEW_TASKS, _LATER_TASKS})
"""Why it is not told whether the target's later image came by a copy."""

Matched = tuple[tuple[SyncRule, Match], ...]


class Explainer:
    """What rules, tasks and namespaces say about differences between two instances.

    `namespaces` are the target's, each with whether a copy creates repositories there; None when they are not known.
    """

    def __init__(
        self,
        ends: tuple[str, str],
        rules: tuple[SyncRule, ...] | Unknown,
        feed: TaskFeed | Unknown,
        namespaces: Namespaces,
    ) -> None:
        self._rules = rules if isinstance(rules, Unknown) else tuple(rule for rule in rules if _ends(rule) == ends)
        self._feed, self._namespaces = feed, namespaces
        tasks = () if isinstance(feed, Unknown) else feed.tasks
        self._tasks: dict[str, list[SyncTask]] = {}
        self._source = ends[0]
        self._near: tuple[str, Matched] = ("", ())
        for task in tasks:
            if task.to_instance == ends[1]:
                self._tasks.setdefault(task.image, []).append(task)
        self._reach = min((task.created_at for task in tasks if task.created_at), default=None)

    def __call__(self, difference: Difference) -> Explanation:
        """Explain one difference in which the target lacks the source's image."""
        cause, task = self._cause(difference)
        if difference.likeness is not Likeness.DIFFERENT:
            return Explanation(cause, task_id=task.task_id if task else None)
        newer, reason, writer = self._newer(difference)
        told = task or writer
        return Explanation(cause, newer, reason, told.task_id if told else None, reason in _UNTRACED)

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
        is_young = difference.place.target_at - pushed_at <= GRACE and self._shows_all_since(pushed_at)
        return Cause.WAITING if Match.YES in then and is_young else Cause.UNKNOWN

    def _shows_all_since(self, moment: datetime) -> bool:
        """Tell whether the feed is known back to a moment; a copy that failed since may be in what was not read."""
        if isinstance(self._feed, Unknown):
            return False
        return not self._feed.is_partial or (self._reach is not None and self._reach <= moment)

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
            for task in self._tasks.get(difference.image, ())
            if task.from_instance == self._source
            and task.created_at is not None
            and pushed_at - CLOCKS <= task.created_at <= difference.place.source_at
        ]
        return max(made, key=lambda each: each[0])[1] if made else None

    def _newer(self, difference: Difference) -> tuple[Newer, str, SyncTask | None]:
        pushed_at, written_at = (tag.pushed_at if tag else None for tag in (difference.source, difference.target))
        if pushed_at is None or written_at is None:
            return Newer.UNCLEAR, "a push time is missing", None
        if written_at < pushed_at:
            return Newer.SOURCE, "the target's image was written before the source's last push", None
        writer = self._writer(difference.image, written_at)
        if writer is not None:
            return Newer.UNCLEAR, "a copy may have written the target's image", writer
        return (*self._without_copy(difference, written_at), None)

    def _writer(self, image: str, written_at: datetime) -> SyncTask | None:
        """Return the copy that may have written an image at this moment."""
        near = (
            task
            for task in self._tasks.get(image, ())
            if task.status == DONE and task.changed_at and abs(task.changed_at - written_at) <= SAME_MOMENT
        )
        return next(near, None)

    def _without_copy(self, difference: Difference, written_at: datetime) -> tuple[Newer, str]:
        feed = self._feed
        if isinstance(feed, Unknown):
            return Newer.UNCLEAR, _NO_TASKS
        if feed.is_partial:
            return Newer.UNCLEAR, _FEW_TASKS
        if feed.as_of < written_at or self._reach is None or self._reach > written_at - LONGEST_COPY:
            return Newer.UNCLEAR, _LATER_TASKS
        if any(task.status in UNFINISHED for task in self._tasks.get(difference.image, ())):
            return Newer.UNCLEAR, "a copy is under way and may explain it"
        return Newer.TARGET, "the target's image was written after the source's last push, and no copy explains it"


def _without_automatic(rules: Matched) -> Cause | None:
    if any(rule.is_automatic for rule, _ in rules):
        return None
    return Cause.BY_HAND if rules else Cause.NO_RULE


def _ends(rule: SyncRule) -> tuple[str, str]:
    return rule.from_instance, rule.to_instance


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
