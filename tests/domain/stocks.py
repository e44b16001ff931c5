"""Values of kept inventories for tests: digests by a letter, times in minutes after NOW."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bot.domain.differences import Difference, Likeness, Place, Side
from bot.domain.inventory import Coverage, Repository, Tag
from bot.domain.snapshot import SyncRule, SyncTask, TaskFeed
from tests.builders import INSTANCE_ID, NOW, a_site

SOURCE, TARGET = "zhangjiakou", "hangzhou"
ENDS = INSTANCE_ID[SOURCE], INSTANCE_ID[TARGET]
API = "core/api"


def at(minutes: float) -> datetime:
    """Return so many minutes after NOW, which are before it when negative."""
    return NOW + timedelta(minutes=minutes)


def a_tag(letter: str = "a", pushed: float | None = -60) -> Tag:
    """Return a tag whose digest is one letter over and over."""
    return Tag(letter * 64, None if pushed is None else at(pushed))


def a_repository(path: str = API, tags: Mapping[str, Tag] | None = None, **fields: Any) -> Repository:
    """Return a repository that was read now."""
    return replace(Repository(path, f"crr-{path}", dict(tags or {}), NOW, 1), **fields)


def a_side(site: str = SOURCE, *, as_of: float | None = 0, **fields: Any) -> Side:
    """Return a side that was gone through, unless `as_of` is None."""
    coverage = Coverage(INSTANCE_ID[site], None if as_of is None else at(as_of), namespaces={"core": True})
    return Side.of(a_site(site), replace(coverage, **fields))


def a_difference(source: Tag | None = None, target: Tag | None = None, **place: Any) -> Difference:
    """Return a difference of `core/api:1`; without tags one that is missing at the target."""
    source = source or (None if target else a_tag())
    likeness = Likeness.EXTRA if source is None else Likeness.DIFFERENT if target else Likeness.MISSING
    return Difference(replace(Place(API, NOW, NOW), **place), "1", likeness, source, target, is_critical=True)


def a_rule(**fields: Any) -> SyncRule:
    """Return an automatic rule for the namespace `core`, made a day ago."""
    rule = SyncRule("rule-1", "core", *ENDS, "NAMESPACE", True, "core", created_at=at(-24 * 60))
    return replace(rule, **fields)


def a_task(status: str = "SUCCESS", *, made: float = -59, changed: float = -58, **fields: Any) -> SyncTask:
    """Return a task for `core/api:1`."""
    task = SyncTask("task-1", status, f"{API}:1", at(made), at(changed), *ENDS, rule_id="rule-1")
    return replace(task, **fields)


def a_feed(*tasks: SyncTask, **fields: Any) -> TaskFeed:
    """Return a feed that was read whole now."""
    return replace(TaskFeed(tasks, len(tasks), NOW), **fields)
