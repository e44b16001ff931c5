"""Compare two instances repository by repository, in memory that does not grow with the number of tags."""

import heapq
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from fnmatch import fnmatchcase

from bot.domain.copy_choice import hindrance
from bot.domain.differences import (
    UNEXPLAINED,
    Difference,
    Differences,
    Explain,
    Explanation,
    Likeness,
    Newer,
    Place,
    Side,
    Span,
    Tally,
)
from bot.domain.inventory import Repository, Tag

MOST_LISTED = 20
"""How many images of each kind are kept by name; all are counted, and handed on as they are found."""
_NO_TAGS: Mapping[str, Tag] = {}


class Critical:
    """The images that a failover must not lose: globs over `namespace/repository`, with a tag or for every tag."""

    def __init__(self, globs: Iterable[str]) -> None:
        globs = tuple(globs)
        self._whole = tuple(glob for glob in globs if ":" not in glob)
        self._tagged = tuple((glob.partition(":")[0], glob) for glob in globs if ":" in glob)

    def touches(self, path: str) -> bool:
        """Tell whether any tag of this repository could be critical."""
        return any(fnmatchcase(path, glob) for glob in (*self._whole, *(name for name, _ in self._tagged)))

    def tags_of(self, path: str) -> Callable[[str], bool]:
        """Return what tells whether a tag of this repository is critical."""
        if any(fnmatchcase(path, glob) for glob in self._whole):
            return lambda _tag: True
        globs = tuple(glob for name, glob in self._tagged if fnmatchcase(path, name))
        return lambda tag: any(fnmatchcase(f"{path}:{tag}", glob) for glob in globs)

    def count(self, repositories: Iterable[Repository]) -> int:
        """Return how many of their images are critical."""
        return sum(sum(map(self.tags_of(each.path), each.tags)) for each in repositories)


class Shortlist:
    """The first few of many differences: critical ones first, then those pushed last."""

    def __init__(self, most: int = MOST_LISTED) -> None:
        self._most = most
        self._taken = 0
        self._heap: list[tuple[tuple[bool, float, int], Difference]] = []

    def add(self, difference: Difference) -> None:
        """Take a difference in if it is among the first."""
        self._taken += 1
        pushed = difference.pushed_at.timestamp() if difference.pushed_at else 0.0
        entry = ((difference.is_critical, pushed, -self._taken), difference)
        if len(self._heap) < self._most:
            heapq.heappush(self._heap, entry)
        else:
            heapq.heappushpop(self._heap, entry)

    def items(self) -> tuple[Difference, ...]:
        """Return them in order."""
        return tuple(difference for _, difference in sorted(self._heap, key=lambda entry: entry[0], reverse=True))


def unexplained(_difference: Difference) -> Explanation:
    """Say nothing beyond the digests."""
    return UNEXPLAINED


def unheard(_difference: Difference) -> None:
    """Let a difference pass by."""


class Comparer:
    """Takes in one repository of both sides after the other, and tells at any time how they compare so far.

    `explain` says why an image differs; `each` hears of every image that does, in the order of the repositories.
    """

    def __init__(
        self,
        source: Side,
        target: Side,
        critical: Critical,
        explain: Explain = unexplained,
        each: Callable[[Difference], None] = unheard,
    ) -> None:
        self._source, self._target, self._critical = source, target, critical
        self._namespaces = target.namespaces
        self._explain, self._each = explain, each
        self._all, self._of_critical = Tally(), Tally()
        self._lists = {likeness: Shortlist() for likeness in Likeness}
        self._oldest: dict[bool, Difference] = {}
        self._spans: tuple[Span, Span] | None = None
        self._repositories = 0
        self._unread: dict[bool, list[str]] = {True: [], False: []}  # critical or not

    def add(self, path: str, here: Repository | None, there: Repository | None) -> None:
        """Compare one repository; None stands for a side that keeps nothing of it."""
        self._repositories += 1
        source_at, target_at = self._source.moment(path, here), self._target.moment(path, there)
        if source_at is None or target_at is None:
            self._leave_open(path, here or there)
            return
        self._stretch(source_at, target_at)
        is_critical = self._critical.tags_of(path)
        ours = here.tags if here else _NO_TAGS
        theirs = there.tags if there else _NO_TAGS
        place = Place(path, source_at, target_at, there is not None, there is not None and there.is_immutable)
        self._compare(place, ours, theirs, is_critical)

    def result(self) -> Differences:
        """Return how both sides compare so far."""
        source_span, target_span = self._spans or (None, None)
        return Differences(
            all=self._all.copy(),
            critical=self._of_critical.copy(),
            missing=self._lists[Likeness.MISSING].items(),
            different=self._lists[Likeness.DIFFERENT].items(),
            extra=self._lists[Likeness.EXTRA].items(),
            oldest=min(self._oldest.values(), key=_age, default=None),
            oldest_critical=self._oldest.get(True),
            source_span=source_span,
            target_span=target_span,
            repositories=self._repositories,
            unread=tuple(self._unread[True] + self._unread[False])[:MOST_LISTED],
        )

    def _compare(
        self, place: Place, ours: Mapping[str, Tag], theirs: Mapping[str, Tag], is_critical: Callable[[str], bool]
    ) -> None:
        for tag, source in ours.items():
            target = theirs.get(tag)
            if target is not None and target.digest == source.digest:
                self._all.identical += 1
                self._of_critical.identical += is_critical(tag)
                continue
            likeness = Likeness.MISSING if target is None else Likeness.DIFFERENT
            self._take(Difference(place, tag, likeness, source, target, is_critical(tag)))
        for tag, target in theirs.items():
            if tag not in ours:
                self._take(Difference(place, tag, Likeness.EXTRA, None, target, is_critical(tag)))

    def _take(self, difference: Difference) -> None:
        if difference.is_loss:
            difference = difference.explained(self._explain(difference))
        is_copyable = not hindrance(difference, self._namespaces)
        self._all.count(difference, is_copyable)
        if difference.is_critical:
            self._of_critical.count(difference, is_copyable)
        self._lists[difference.likeness].add(difference)
        self._keep_if_oldest(difference)
        self._each(difference)

    def _keep_if_oldest(self, difference: Difference) -> None:
        """Remember the earliest push that did not arrive; what was overwritten at the target may well have."""
        is_overwritten = difference.explanation.newer is Newer.TARGET or difference.is_overtaken
        if not difference.is_loss or difference.pushed_at is None or is_overwritten:
            return
        before = self._oldest.get(difference.is_critical)
        if before is None or _age(difference) < _age(before):
            self._oldest[difference.is_critical] = difference

    def _stretch(self, source_at: datetime, target_at: datetime) -> None:
        source, target = self._spans or (Span(source_at, source_at), Span(target_at, target_at))
        self._spans = source.with_moment(source_at), target.with_moment(target_at)

    def _leave_open(self, path: str, kept: Repository | None) -> None:
        """Count what cannot be compared: taking the unread side for empty would name losses that are none."""
        is_critical = self._critical.tags_of(path)
        tags = kept.tags if kept else _NO_TAGS
        self._all.unread += 1
        self._all.unjudged += len(tags)
        concerns_critical = any(map(is_critical, tags)) if kept else self._critical.touches(path)
        self._of_critical.unread += concerns_critical
        self._of_critical.unjudged += sum(map(is_critical, tags))
        if len(named := self._unread[concerns_critical]) < MOST_LISTED:
            named.append(path)


def _age(difference: Difference) -> float:
    """Order by the time of the push, which only dated differences are asked for."""
    return difference.pushed_at.timestamp() if difference.pushed_at else float("inf")
