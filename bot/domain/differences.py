"""How an image on one instance compares with another instance's, and how many do: the values of a comparison."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain.inventory import Coverage, Repository, Tag
from bot.domain.topology import Site


class Likeness(StrEnum):
    """How an image compares by digest."""

    IDENTICAL = "identical"
    MISSING = "missing"
    DIFFERENT = "different"
    EXTRA = "only at the target"


class Newer(StrEnum):
    """Which side of a different tag was pushed last; UNCLEAR where the times do not prove it."""

    SOURCE = "source"
    TARGET = "target"
    UNCLEAR = "unclear"


class Cause(StrEnum):
    """Why the target lacks what the source has, as far as rules, namespaces and tasks tell."""

    UNKNOWN = "unknown"
    WAITING = "its copy is not done yet"
    FAILED = "its copy failed"
    NOT_LANDED = "its copy was reported done and is not there"
    NO_RULE = "no rule copies it"
    BY_HAND = "its rules copy only by hand"
    OLDER_THAN_RULE = "it is older than its rule"
    NO_NAMESPACE = "the target has no such namespace"
    NO_REPOSITORY = "the target has no such repository and makes none by itself"
    IMMUTABLE = "the target's tag is immutable"


Namespaces = Mapping[str, bool] | None
"""Those of the target, each with whether a copy makes repositories there; None while they are not known."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is known of a difference beyond its digests; `reason` says in a clause what `newer` rests on.

    `is_untraced`: the target's was written after the source's, and too few tasks are known to tell whether by a copy.
    """

    cause: Cause = Cause.UNKNOWN
    newer: Newer = Newer.UNCLEAR
    reason: str = ""
    task_id: str | None = None
    is_untraced: bool = False


@dataclass(frozen=True, slots=True)
class Side:
    """One end of a comparison: a site, and how well its inventory is known."""

    site: Site
    coverage: Coverage
    unread: frozenset[str] = frozenset()

    @classmethod
    def of(cls, site: Site, coverage: Coverage) -> "Side":
        """Return the side of a site."""
        return cls(site, coverage, frozenset(coverage.unread))

    @property
    def is_whole(self) -> bool:
        """Tell whether every repository was gone through at least once, and none was left out of the list."""
        return self.coverage.as_of is not None and not self.coverage.unlisted

    @property
    def is_started(self) -> bool:
        """Tell whether anything is known at all."""
        return self.coverage.as_of is not None or self.coverage.repositories > 0 or self.pages_done > 0

    @property
    def pages_done(self) -> int:
        """Return how far the pass at hand has come."""
        return self.coverage.running.pages_done if self.coverage.running else 0

    @property
    def namespaces(self) -> Namespaces:
        """Return each namespace and whether copies create repositories there; None while that was not read.

        None at all are believed only of a pass that met no trouble, which the next one, while it goes on, forgets.
        """
        known = self.coverage
        is_sure = not known.trouble and known.running is None
        return known.namespaces if known.as_of and (known.namespaces or is_sure) else None

    @property
    def blind_for(self) -> timedelta | None:
        """Return how long before the instance fell silent it was last gone through: pushes since then are unknown."""
        as_of, silent = self.coverage.as_of, self.coverage.silent_since
        return max(silent - as_of, timedelta()) if as_of and silent else None

    def moment(self, path: str, kept: Repository | None) -> datetime | None:
        """Return when this side of a repository was last known to be so, None where nothing says so.

        A finished pass vouches for what it skipped and for what it did not find, but not for what it failed to read;
        and when its list came short, not for anything that it did not find.
        """
        as_of = None if path in self.unread else self.coverage.as_of
        if kept is None:
            return None if self.coverage.unlisted else as_of
        return max(kept.read_at, as_of) if as_of else kept.read_at


@dataclass(frozen=True, slots=True)
class Place:
    """One repository of both sides: the moments for which what is said of it holds, and what its target is like."""

    path: str
    source_at: datetime
    target_at: datetime
    target_has_repository: bool = True
    target_is_immutable: bool = False


def homeless(place: Place, namespaces: Namespaces) -> Cause | None:
    """Return why a copy would find no place at the target, if it would not."""
    if namespaces is None or place.target_has_repository:
        return None
    makes_repositories = namespaces.get(place.path.partition("/")[0])
    if makes_repositories is None:
        return Cause.NO_NAMESPACE
    return None if makes_repositories else Cause.NO_REPOSITORY


UNEXPLAINED = Explanation()


@dataclass(frozen=True, slots=True)
class Difference:
    """One image that is not the same on both sides."""

    place: Place
    tag: str
    likeness: Likeness
    source: Tag | None
    target: Tag | None
    is_critical: bool
    explanation: Explanation = UNEXPLAINED

    @property
    def path(self) -> str:
        """Return `namespace/repository`."""
        return self.place.path

    @property
    def image(self) -> str:
        """Return `namespace/repository:tag`."""
        return f"{self.path}:{self.tag}"

    @property
    def pushed_at(self) -> datetime | None:
        """Return the push of the source's image, or of the target's where only the target has one."""
        tag = self.source or self.target
        return tag.pushed_at if tag else None

    @property
    def is_loss(self) -> bool:
        """Tell whether pulls from the target would miss what the source serves."""
        return self.likeness in (Likeness.MISSING, Likeness.DIFFERENT)

    @property
    def is_unsettled(self) -> bool:
        """Tell whether the target was last looked at before this push, so that it may have arrived since."""
        return self.is_loss and self.pushed_at is not None and self.pushed_at >= self.place.target_at

    @property
    def is_overtaken(self) -> bool:
        """Tell whether the target's was written after the source was last looked at, which may have had it by then."""
        written_at = self.target.pushed_at if self.target and self.source else None
        return written_at is not None and written_at >= self.place.source_at

    def explained(self, explanation: Explanation) -> "Difference":
        """Return the same with its explanation; built by hand, as `replace` is slow and there may be many."""
        return Difference(self.place, self.tag, self.likeness, self.source, self.target, self.is_critical, explanation)


Explain = Callable[[Difference], Explanation]


@dataclass(slots=True)
class Tally:
    """How many images compare how.

    Of those that would be lost, `unsettled` were pushed after the target was last looked at, `overtaken` written there
    after the source was, `undated` have no push time, and `copyable` are taken by `sync` without being named; `causes`
    counts all of them. `unjudged` images are known on one side while nothing is known about the other; `unread`
    repositories are those that this concerns.
    """

    identical: int = 0
    missing: int = 0
    different: int = 0
    extra: int = 0
    unsettled: int = 0
    overtaken: int = 0
    undated: int = 0
    copyable: int = 0
    unjudged: int = 0
    unread: int = 0
    causes: dict[Cause, int] = field(default_factory=dict)

    @property
    def compared(self) -> int:
        """Return how many images of the source were compared."""
        return self.identical + self.missing + self.different

    @property
    def lost(self) -> int:
        """Return how many images pulls would miss at the target."""
        return self.missing + self.different

    def count(self, difference: Difference, is_copyable: bool) -> None:
        """Count one image that is not the same on both sides."""
        if not difference.is_loss:
            self.extra += 1
            return
        self.missing += difference.likeness is Likeness.MISSING
        self.different += difference.likeness is Likeness.DIFFERENT
        self.unsettled += difference.is_unsettled
        self.overtaken += difference.is_overtaken
        self.undated += difference.pushed_at is None
        self.copyable += is_copyable
        cause = difference.explanation.cause
        self.causes[cause] = self.causes.get(cause, 0) + 1

    def copy(self) -> "Tally":
        """Return the counts as they are now."""
        return replace(self, causes=dict(self.causes))


@dataclass(frozen=True, slots=True)
class Span:
    """From the earliest to the latest of several moments."""

    first: datetime
    last: datetime

    def with_moment(self, moment: datetime) -> "Span":
        """Return the span stretched to this moment."""
        return Span(min(self.first, moment), max(self.last, moment))


@dataclass(frozen=True, slots=True)
class Differences:
    """How two inventories compare, as far as they were gone through.

    The lists are short: critical images first, then those pushed last. `oldest` and `oldest_critical` are the earliest
    dated pushes that the target lacks. The spans tell for which moments of each side all of this holds. `unread` names
    some of the repositories of which one side is unknown, those with critical images first.
    """

    all: Tally = field(default_factory=Tally)
    critical: Tally = field(default_factory=Tally)
    missing: tuple[Difference, ...] = ()
    different: tuple[Difference, ...] = ()
    extra: tuple[Difference, ...] = ()
    oldest: Difference | None = None
    oldest_critical: Difference | None = None
    source_span: Span | None = None
    target_span: Span | None = None
    repositories: int = 0
    unread: tuple[str, ...] = ()
