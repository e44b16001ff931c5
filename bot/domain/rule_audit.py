"""Whether replication between two sites is possible, set up, automatic and used, for every ordered pair of sites."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.rule_match import troubles
from bot.domain.rule_reach import Reached
from bot.domain.snapshot import Instance, SyncRule, SyncTask, TaskFeed, Unknown
from bot.domain.task_book import DONE, UNFINISHED
from bot.domain.topology import Site


class Cloud(StrEnum):
    """The clouds between which Container Registry copies nothing (its manual, replication within an account)."""

    PUBLIC = "public cloud"
    FINANCE = "finance cloud"
    GOVERNMENT = "government cloud"


class Possible(StrEnum):
    """Whether a source can replicate to a target at all."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Feasibility:
    """The answer, and where it is not yes the reason as a clause."""

    possible: Possible
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RuleUse:
    """One rule, whether its filters can be evaluated, and what the task feed shows of it.

    `failed` tasks are those since its last success, and `issues` the different reasons of theirs. All of it is None or
    nothing where the feed is unknown or holds no task of this rule.
    """

    rule: SyncRule
    troubles: tuple[tuple[str, str], ...] = ()
    last_success_at: datetime | None = None
    unfinished: int = 0
    failed: int = 0
    issues: tuple[str, ...] = ()

    @property
    def is_failing(self) -> bool:
        """Tell whether its copies have failed since the last one that did not."""
        return self.failed > 0


@dataclass(frozen=True, slots=True)
class PairAudit:
    """What is known of replication from one site to another.

    `last_success_at` is the last copy that any rule or person brought about; `silent` are the ends that did not list
    their rules, and `mute` those that answered nothing at all, each with the reason.
    """

    source: Site
    target: Site
    feasibility: Feasibility
    rules: tuple[RuleUse, ...] | Unknown
    feed: TaskFeed | Unknown
    reached: Reached | Unknown
    last_success_at: datetime | None = None
    silent: tuple[tuple[str, str], ...] = ()
    mute: tuple[tuple[str, str], ...] = ()

    @property
    def is_automatic(self) -> bool:
        """Tell whether any rule copies after a push."""
        return not isinstance(self.rules, Unknown) and any(use.rule.is_automatic for use in self.rules)


def cloud_of(region: str) -> Cloud:
    """Return the cloud that a region belongs to, which its id tells."""
    parts = region.split("-")
    if "finance" in parts:
        return Cloud.FINANCE
    return Cloud.GOVERNMENT if "gov" in parts else Cloud.PUBLIC


def feasibility(source: Site, target: Site, instance: Instance | Unknown) -> Feasibility:
    """Tell whether `source`, whose instance is given as far as it is known, can replicate to `target`."""
    if source.instance == target.instance:
        return Feasibility(Possible.NO, "both sites use the same instance")
    here, there = cloud_of(source.region), cloud_of(target.region)
    if here is not there:
        return Feasibility(Possible.NO, f"nothing is copied from {here} to {there}")
    if isinstance(instance, Unknown):
        return Feasibility(Possible.UNKNOWN, f"the edition of {source.name} is unknown: {instance.reason}")
    if not instance.can_replicate_out:
        return Feasibility(Possible.NO, f"edition {instance.edition} of {source.name} cannot be a source")
    return Feasibility(Possible.YES)


def uses(
    rules: tuple[SyncRule, ...] | Unknown, feed: TaskFeed | Unknown, ends: tuple[str, str]
) -> tuple[RuleUse, ...] | Unknown:
    """Return the rules between two instances with what the feed shows of each."""
    if isinstance(rules, Unknown):
        return rules
    tasks = tasks_between(feed, ends)
    ours = (rule for rule in rules if (rule.from_instance, rule.to_instance) == ends)
    return tuple(_use(rule, [task for task in tasks if task.rule_id == rule.rule_id]) for rule in ours)


def tasks_between(feed: TaskFeed | Unknown, ends: tuple[str, str]) -> tuple[SyncTask, ...]:
    """Return the tasks from one instance to another, none where the feed is unknown."""
    tasks = () if isinstance(feed, Unknown) else feed.tasks
    return tuple(task for task in tasks if (task.from_instance, task.to_instance) == ends)


def last_success(tasks: Iterable[SyncTask]) -> datetime | None:
    """Return when the last of these tasks came to a good end."""
    return max((at for task in tasks if task.status == DONE and (at := _ended_at(task))), default=None)


def _use(rule: SyncRule, tasks: list[SyncTask]) -> RuleUse:
    last = last_success(tasks)
    failed = [task for task in tasks if task.status == "ERROR" and _is_after(task, last)]
    return RuleUse(
        rule=rule,
        troubles=troubles(rule),
        last_success_at=last,
        unfinished=sum(task.status in UNFINISHED for task in tasks),
        failed=len(failed),
        issues=tuple(dict.fromkeys(task.issue for task in failed if task.issue)),
    )


def _ended_at(task: SyncTask) -> datetime | None:
    return task.changed_at or task.created_at


def _is_after(task: SyncTask, last: datetime | None) -> bool:
    at = _ended_at(task)
    return last is None or at is None or at > last
