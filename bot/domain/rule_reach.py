"""Which critical images of a source its rules can bring to a target, and what stands in the way of the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from bot.domain.comparing import MOST_LISTED, Critical
from bot.domain.differences import Side
from bot.domain.filters import Match
from bot.domain.inventory import Repository, Tag
from bot.domain.rule_match import far_path, takes, takes_repository
from bot.domain.snapshot import SyncRule


class Reach(IntEnum):
    """How the best rule for an image would copy it."""

    NONE = 0
    BY_HAND = 1
    UNSURE = 2
    AUTOMATIC = 3


@dataclass(slots=True)
class Named:
    """How many there are, and the first few by name."""

    count: int = 0
    names: list[str] = field(default_factory=list)

    def add(self, name: str) -> None:
        """Count one more."""
        self.count += 1
        if len(self.names) < MOST_LISTED:
            self.names.append(name)


@dataclass(slots=True)
class NamespaceGap:
    """A namespace of critical repositories that stops copies: it is not at the target, or makes no repositories.

    `lacking` critical repositories are not there yet, so that their copies fail.
    """

    name: str
    exists: bool
    lacking: int = 0


@dataclass(slots=True)
class Reached:
    """What rules do for critical repositories.

    `uncovered` have no rule for any critical tag, `partly` for some; `by_hand` are copied only when somebody asks,
    `unsure` depend on a filter that cannot be evaluated, `elsewhere` arrive under another name, which nobody pulls.
    `older` are images that the target lacks and that were pushed before every rule for them was made, so that none
    copies them by itself. `conflicts` are different at a target whose tags are immutable, so that their copies fail.
    """

    repositories: int = 0
    uncovered: Named = field(default_factory=Named)
    partly: Named = field(default_factory=Named)
    by_hand: Named = field(default_factory=Named)
    unsure: Named = field(default_factory=Named)
    elsewhere: Named = field(default_factory=Named)
    older: Named = field(default_factory=Named)
    conflicts: Named = field(default_factory=Named)
    gaps: dict[str, NamespaceGap] = field(default_factory=dict)


class ReachAudit:
    """Takes in one critical repository of both sides after the other, and tells what rules do for them."""

    def __init__(self, source: Side, target: Side, critical: Critical, rules: Sequence[SyncRule]) -> None:
        ends = source.site.instance, target.site.instance
        self._rules = tuple(rule for rule in rules if (rule.from_instance, rule.to_instance) == ends)
        self._critical, self._target = critical, target
        self.reached = Reached()

    def add(self, path: str, here: Repository | None, there: Repository | None) -> None:
        """Look at one repository of the source; what only the target has needs no rule."""
        is_critical = self._critical.tags_of(path)
        tags = {tag: image for tag, image in here.tags.items() if is_critical(tag)} if here else {}
        if not tags:
            return
        self.reached.repositories += 1
        near = [rule for rule in self._rules if takes_repository(rule, path) is not Match.NO]
        rules = [rule for rule in near if far_path(rule, path) == path]
        self._file(path, {_reach(rules, path, tag) for tag in tags}, is_elsewhere=bool(near) and not rules)
        if self._target.moment(path, there) is not None:
            self._compare(path, tags, there, rules)
            self._look_for_namespace(path, there)

    def _file(self, path: str, reaches: set[Reach], *, is_elsewhere: bool) -> None:
        """Put a repository where its worst tag belongs."""
        reached = self.reached
        if reaches == {Reach.NONE}:
            (reached.elsewhere if is_elsewhere else reached.uncovered).add(path)
            return
        lists = {Reach.NONE: reached.partly, Reach.BY_HAND: reached.by_hand, Reach.UNSURE: reached.unsure}
        if (worst := min(reaches)) in lists:
            lists[worst].add(path)

    def _compare(self, path: str, tags: Mapping[str, Tag], there: Repository | None, rules: Sequence[SyncRule]) -> None:
        theirs = there.tags if there else {}
        for tag, image in tags.items():
            target = theirs.get(tag)
            if target is not None and target.digest == image.digest:
                continue
            if target is not None and there is not None and there.is_immutable:
                self.reached.conflicts.add(f"{path}:{tag}")
            elif _is_older(image, [rule for rule in rules if takes(rule, path, tag) is not Match.NO]):
                self.reached.older.add(f"{path}:{tag}")

    def _look_for_namespace(self, path: str, there: Repository | None) -> None:
        """Note a namespace in which a copy makes no repository; one that exists takes copies nevertheless."""
        known, name = self._target.namespaces, path.partition("/")[0]
        if known is None or known.get(name):
            return
        gap = self.reached.gaps.setdefault(name, NamespaceGap(name, name in known))
        gap.lacking += there is None


def _reach(rules: Sequence[SyncRule], path: str, tag: str) -> Reach:
    return max((_by_rule(rule, takes(rule, path, tag)) for rule in rules), default=Reach.NONE)


def _by_rule(rule: SyncRule, match: Match) -> Reach:
    if match is Match.NO:
        return Reach.NONE
    if not rule.is_automatic:
        return Reach.BY_HAND
    return Reach.AUTOMATIC if match is Match.YES else Reach.UNSURE


def _is_older(image: Tag, rules: Sequence[SyncRule]) -> bool:
    """Tell whether every automatic rule that may take an image was made after its push."""
    made = [rule.created_at for rule in rules if rule.is_automatic]
    pushed_at = image.pushed_at
    return bool(made) and pushed_at is not None and all(at is not None and at > pushed_at for at in made)
