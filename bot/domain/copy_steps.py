"""What the next step for each image of a copy job is, given what both sides and its task say at the moment."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.copy_job import Copy, Fate
from bot.domain.explaining import CLOCKS, CONFLICT
from bot.domain.inventory import Repository
from bot.domain.snapshot import SyncTask
from bot.domain.task_book import DONE, UNFINISHED

SETTLES = timedelta(seconds=30)
"""After so long a call without an answer has come into force or never will: it is sent within 10 s, and lasts 8."""
SHOWS_WITHIN = timedelta(seconds=20)
"""How long a list of tags may come behind the task that is done."""
MOST_SENT = 3
"""How often a copy is asked for whose task never shows."""
Shelves = Mapping[str, Repository]
"""Repositories of one instance by path, as it answered just now."""


@dataclass(frozen=True, slots=True)
class Ends:
    """What the two sites are called, for sentences."""

    source: str
    target: str


def ready(copy: Copy, here: Shelves, there: Shelves, ends: Ends, now: datetime) -> Copy:
    """Return an image that waits as it is, or as it ends where sending it makes no sense or was not confirmed."""
    held, present = _digest(copy, here), _digest(copy, there)
    if present == copy.digest:
        return copy.to(Fate.COPIED, now)
    if held is None:
        return copy.to(Fate.FAILED, now, f"{ends.source} no longer has it")
    if held != copy.digest:
        return copy.to(Fate.FAILED, now, f"pushed anew at {ends.source} since the list was made")
    if present is not None and present != copy.replaces:
        return copy.to(Fate.FAILED, now, f"{ends.target} has got another image under this tag since the list was made")
    return copy


def overrides(copy: Copy, there: Shelves) -> bool:
    """Tell whether the copy is to replace what the target's tag names: only what was confirmed to be replaced."""
    return bool(copy.replaces) and _digest(copy, there) == copy.replaces


def followed(copy: Copy, task: SyncTask | None, there: Shelves, ends: Ends, now: datetime) -> Copy:
    """Return an image whose task has ended, or is gone, by what the target shows of it."""
    if _digest(copy, there) == copy.digest:
        return copy.to(Fate.COPIED, now)
    if task is None:
        return copy.to(Fate.FAILED, now, f"task {copy.task_id} is gone, and {ends.target} does not have it")
    if task.status != DONE:
        return copy.to(Fate.FAILED, now, _failure(task, ends))
    if copy.done_since is None:
        return replace(copy, done_since=now)
    if now - copy.done_since < SHOWS_WITHIN:
        return copy
    has = "has another image" if _digest(copy, there) else "does not have it"
    return copy.to(Fate.FAILED, now, f"task {copy.task_id} says SUCCESS, {ends.target} {has}")


def is_over(task: SyncTask | None) -> bool:
    """Tell whether nothing more comes of a task, None being one that is gone."""
    return task is None or task.status not in UNFINISHED


def is_settled(copy: Copy, now: datetime) -> bool:
    """Tell whether a call without an answer must have come into force by now if it ever does."""
    return copy.since is None or now - copy.since >= SETTLES


def recovered(
    copy: Copy, tasks: Iterable[SyncTask], target: str, now: datetime, ahead: timedelta = timedelta(0)
) -> Copy:
    """Return an image that was asked for without an answer: with the task that came of it, else to be sent again.

    `target` is the instance, and `now` by a clock that is `ahead` of the one that dates tasks. A rule's task for the
    same tag, made since, is as good: what counts is the digest.
    """
    begun = (copy.since or now) - ahead
    found = [t for t in tasks if t.to_instance == target and t.created_at and t.created_at >= begun - CLOCKS]
    if found:
        first = min(found, key=lambda task: (task.created_at or now, task.task_id))
        return copy.to(Fate.ENQUEUED, now, task_id=first.task_id)
    if copy.sent >= MOST_SENT:
        return copy.to(Fate.FAILED, now, f"asked for {copy.sent} times without an answer, and no task is listed")
    return copy.to(Fate.WAITING, now)


def arrived(copy: Copy, there: Shelves, now: datetime) -> Copy:
    """Return an image as copied where the target shows it."""
    return copy.to(Fate.COPIED, now) if _digest(copy, there) == copy.digest else copy


def _digest(copy: Copy, shelves: Shelves) -> str | None:
    repository = shelves.get(copy.path)
    tag = repository.tags.get(copy.tag) if repository else None
    return tag.digest if tag else None


def _failure(task: SyncTask, ends: Ends) -> str:
    if task.issue == CONFLICT:
        return f"{ends.target} refused it: the tag there is immutable or names another image ({CONFLICT})"
    return f"task {task.task_id} ended {task.status}{f' ({task.issue})' if task.issue else ''}"
