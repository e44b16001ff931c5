"""What copy tasks are known of each image, and what may have gone unseen: the vendor lists tasks in no order."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from bot.domain.snapshot import SyncTask, TaskFeed, Unknown

UNFINISHED = frozenset({"PENDING", "SYNCHRONIZING"})
DONE = "SUCCESS"
SAME_MOMENT = timedelta(minutes=2)
"""A copy is dated when it lands and its task a little later; writes this close to a task's end are taken for it."""
LONGEST_COPY = timedelta(days=1)
"""No copy is taken to be on its way for longer: the feed may have lost the task of one that ended within its reach."""


class TaskBook:
    """The tasks of a feed by image; `traced` are images whose own tasks were asked for beside it."""

    def __init__(self, feed: TaskFeed | Unknown, traced: Mapping[str, TaskFeed]) -> None:
        self._feed, self._traced = feed, traced
        feeds = [*traced.values()] if isinstance(feed, Unknown) else [feed, *traced.values()]
        made = (task.created_at for each in feeds for task in each.tasks if task.created_at)
        self._reach = min(made, default=None)
        self._listed: dict[str, list[SyncTask]] = {}
        for task in () if isinstance(feed, Unknown) else feed.tasks:
            self._listed.setdefault(task.image, []).append(task)

    def of(self, image: str) -> Sequence[SyncTask]:
        """Return the tasks of an image from anywhere to anywhere, in any order."""
        traced = self._traced.get(image)
        return traced.tasks if traced else self._listed.get(image, ())

    def shows_all(self, image: str) -> bool:
        """Tell whether every task of an image was read that the vendor still lists."""
        feed = self._traced.get(image, self._feed)
        return not isinstance(feed, Unknown) and not feed.is_partial

    def writer(self, image: str, instance: str, written_at: datetime) -> SyncTask | None:
        """Return the copy that may have written an image of an instance at this moment."""
        near = (
            task
            for task in self.of(image)
            if (task.to_instance, task.status) == (instance, DONE)
            and task.changed_at
            and abs(task.changed_at - written_at) <= SAME_MOMENT
        )
        return next(near, None)

    def gap(self, image: str, written_at: datetime) -> str:
        """Say in a clause why a copy of that moment may not be in here, or nothing.

        The oldest task of any image tells how far back the vendor lists them.
        """
        feed = self._traced.get(image, self._feed)
        if isinstance(feed, Unknown):
            return "copy tasks could not be read"
        if feed.is_partial:
            return "not all copy tasks were read"
        if feed.as_of < written_at or self._reach is None or self._reach > written_at - LONGEST_COPY:
            return "copy tasks of that time are not listed"
        return ""

    def is_under_way(self, image: str, instance: str) -> bool:
        """Tell whether an image is being copied to an instance."""
        return any(task.to_instance == instance and task.status in UNFINISHED for task in self.of(image))
