"""Which images a replication rule copies, by its scope and its filters."""

from collections.abc import Iterable, Iterator

from bot.domain.filters import Match, matches, trouble
from bot.domain.snapshot import SyncRule

INSTANCE, NAMESPACE, REPO = "INSTANCE", "NAMESPACE", "REPO"
"""Scopes as ListRepoSyncRule names them."""


def takes_repository(rule: SyncRule, path: str) -> Match:
    """Tell whether a rule copies from this repository, as far as names go."""
    namespace, _, name = path.partition("/")
    if rule.scope == INSTANCE:
        return both(matches(rule.namespace_filter, namespace), matches(rule.repository_filter, name))
    if rule.scope == NAMESPACE:
        return both(_equal(rule.namespace, namespace), matches(rule.repository_filter, name))
    if rule.scope == REPO:
        return both(_equal(rule.namespace, namespace), _equal(rule.repository, name))
    return Match.UNKNOWN


def reaching(rules: Iterable[SyncRule], path: str) -> Iterator[tuple[SyncRule, Match]]:
    """Return the rules that may copy from this repository to one of the same name, as far as names go."""
    for rule in rules:
        match = takes_repository(rule, path)
        if match is not Match.NO and far_path(rule, path) == path:
            yield rule, match


def takes(rule: SyncRule, path: str, tag: str) -> Match:
    """Tell whether a rule copies this image."""
    return both(takes_repository(rule, path), matches(rule.tag_filter, tag))


def far_path(rule: SyncRule, path: str) -> str:
    """Return where a rule puts what it copies from this repository: under the same names unless it says otherwise."""
    namespace, _, name = path.partition("/")
    into = rule.to_namespace if rule.scope in (NAMESPACE, REPO) else None
    called = rule.to_repository if rule.scope == REPO else None
    return f"{into or namespace}/{called or name}"


def troubles(rule: SyncRule) -> tuple[tuple[str, str], ...]:
    """Return each filter of a rule that cannot be evaluated, with the reason."""
    filters = (rule.namespace_filter, rule.repository_filter, rule.tag_filter)
    return tuple((pattern, why) for pattern in filters if pattern and (why := trouble(pattern)))


def both(first: Match, second: Match) -> Match:
    """Return what holds when both must match: one clear no is enough for a no."""
    if Match.NO in (first, second):
        return Match.NO
    return Match.UNKNOWN if Match.UNKNOWN in (first, second) else Match.YES


def _equal(wanted: str | None, name: str) -> Match:
    if not wanted:
        return Match.UNKNOWN
    return Match.YES if wanted == name else Match.NO
