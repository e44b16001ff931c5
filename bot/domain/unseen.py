"""Pushes that a source's inventory does not know yet, but of which copy tasks tell.

What was pushed between the last reading and the outage is in no inventory; its copy may have failed or never begun, and
then it is lost without being in any list.
"""

from collections.abc import Callable, Iterable
from datetime import datetime

from bot.domain.comparing import Critical
from bot.domain.report import Question
from bot.domain.snapshot import SyncTask, TaskFeed, Unknown
from bot.domain.task_book import DONE

Moment = Callable[[str], datetime | None]


def later_tasks(feed: TaskFeed | Unknown, ends: tuple[str, str], since: datetime | None) -> tuple[SyncTask, ...]:
    """Return the last task of every image between two instances that was made after `since`, if that is known."""
    if isinstance(feed, Unknown) or since is None:
        return ()
    ours = (task for task in feed.tasks if (task.from_instance, task.to_instance) == ends)
    dated = sorted(
        (task.created_at, task.task_id, task) for task in ours if task.created_at and task.created_at > since
    )
    return tuple({task.image: task for _, _, task in dated}.values())


def path_of(task: SyncTask) -> str:
    """Return the repository whose image a task copies."""
    return task.image.rpartition(":")[0]


def unseen(tasks: Iterable[SyncTask], moment: Moment) -> tuple[SyncTask, ...]:
    """Return the tasks made after their repository was last looked at, whose moment is given; the newest first."""
    found = [
        (task.created_at, task.task_id, task)
        for task in tasks
        if task.created_at and ((seen := moment(path_of(task))) is None or task.created_at > seen)
    ]
    return tuple(task for _, _, task in sorted(found, reverse=True))


def uncopied(tasks: Iterable[SyncTask], asked: Question) -> tuple[SyncTask, ...]:
    """Return the tasks that are not done of images that count: all that were asked for by name, else critical ones."""
    tags_of = Critical(asked.critical).tags_of
    every = asked.repositories is not None
    open_tasks = (task for task in tasks if task.status != DONE)
    return tuple(t for t in open_tasks if every or tags_of(path_of(t))(t.image.rpartition(":")[2]))
