"""Rules and tasks are listed at both ends of a replication: put together what each end told."""

from collections.abc import Sequence
from dataclasses import replace

from bot.domain.snapshot import SyncRule, TaskFeed, Unknown


def merged_rules(
    listings: Sequence[tuple[SyncRule, ...] | Unknown], ends: tuple[str, str]
) -> tuple[SyncRule, ...] | Unknown:
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


def merged_feed(feeds: Sequence[TaskFeed | Unknown]) -> TaskFeed | Unknown:
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
