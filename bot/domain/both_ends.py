"""Rules and tasks are listed at both ends of a replication: put together what each end told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from bot.domain.snapshot import SyncRule, TaskFeed, Unknown

Rules = tuple[SyncRule, ...] | Unknown
Feed = TaskFeed | Unknown
NOT_YET = Unknown("not read yet")


@dataclass(frozen=True, slots=True)
class Control:
    """What instances tell of copies from one to another.

    `rules` go that way; by `inbound` ones, from anywhere to the source, its own images may be copies. `traced` are
    images whose own tasks were asked for, as the feed may not have them all.
    """

    rules: Rules = NOT_YET
    inbound: Rules = NOT_YET
    feed: Feed = NOT_YET
    traced: Mapping[str, TaskFeed] = field(default_factory=dict)


def control_of(listings: Sequence[Rules], feeds: Sequence[Feed], ends: tuple[str, str]) -> Control:
    """Put together what both ends told, or, where more were asked, all of them."""
    return Control(merged_rules(listings, ends), inbound_rules(listings, ends[0]), merged_feed(feeds))


def merged_rules(listings: Sequence[Rules], ends: tuple[str, str]) -> Rules:
    """Return each rule from one instance to another once, as the first end to list it tells it.

    Which fields the far end fills, or whether it lists every rule, is not documented. So what the first leaves out is
    taken from the other, and where an end does not answer and the other lists no rule this is Unknown.
    """
    rules: dict[str, SyncRule] = {}
    for rule in (rule for listing in listings if not isinstance(listing, Unknown) for rule in listing):
        if (rule.from_instance, rule.to_instance) == ends:
            rules[rule.rule_id] = _completed(rules[rule.rule_id], rule) if rule.rule_id in rules else rule
    silent = [listing for listing in listings if isinstance(listing, Unknown)]
    return tuple(rules.values()) if rules or not silent else silent[0]


def inbound_rules(listings: Sequence[Rules], instance: str) -> Rules:
    """Return every rule that copies to an instance, Unknown where nobody told any rule.

    A rule from a third instance is told by that and by the target alone; while these are silent it is not seen.
    """
    told = [listing for listing in listings if not isinstance(listing, Unknown)]
    rules = {rule.rule_id: rule for listing in told for rule in listing if rule.to_instance == instance}
    silent = [listing for listing in listings if isinstance(listing, Unknown)]
    return tuple(rules.values()) if told or not silent else silent[0]


def merged_feed(feeds: Sequence[Feed]) -> Feed:
    """Return each task once, in the state it was seen in last; Unknown when no end answered.

    The feed is as old as the oldest part of it, and partial as soon as one of its parts is.
    """
    told = [feed for feed in feeds if not isinstance(feed, Unknown)]
    if not told:
        return next(feed for feed in feeds if isinstance(feed, Unknown))
    tasks = {task.task_id: task for feed in sorted(told, key=lambda feed: feed.as_of) for task in feed.tasks}
    unread = max(feed.total - len(feed.tasks) for feed in told)
    return TaskFeed(tuple(tasks.values()), len(tasks) + max(unread, 0), min(feed.as_of for feed in told))


def _completed(rule: SyncRule, other: SyncRule) -> SyncRule:
    return replace(
        rule,
        namespace=rule.namespace or other.namespace,
        repository=rule.repository or other.repository,
        tag_filter=rule.tag_filter or other.tag_filter,
        namespace_filter=rule.namespace_filter or other.namespace_filter,
        repository_filter=rule.repository_filter or other.repository_filter,
        to_namespace=rule.to_namespace or other.to_namespace,
        to_repository=rule.to_repository or other.to_repository,
        created_at=rule.created_at or other.created_at,
        is_cross_account=rule.is_cross_account or other.is_cross_account,
    )
