"""One repository, or one image of it, at every site: what each holds, and what is between them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.differences import Differences
from bot.domain.inventory import Repository, Tag
from bot.domain.snapshot import SyncRule, SyncTask, Unknown
from bot.domain.topology import Site


class Agreement(StrEnum):
    """How the sites compare."""

    SAME = "same"
    MISSING = "missing"
    DIFFERENT = "different"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Holding:
    """What one site has of it, None where it has nothing, and when that held; None where nobody knows, and why not.

    `silence` says why the site could not be asked just now, so that this is what was kept.
    """

    site: Site
    repository: Repository | None
    at: datetime | None
    trouble: str = ""
    silence: str = ""

    @property
    def tags(self) -> Mapping[str, Tag]:
        """Return its tags."""
        return self.repository.tags if self.repository else {}


@dataclass(frozen=True, slots=True)
class Course:
    """One direction in which it may be copied: what the target lacks, the rules that take it, and its last tasks."""

    source: Site
    target: Site
    found: Differences
    rules: tuple[SyncRule, ...] | Unknown
    tasks: tuple[SyncTask, ...] | Unknown


@dataclass(frozen=True, slots=True)
class Spread:
    """What is known of `path`, or of its one image `tag`, at every site."""

    path: str
    tag: str | None
    holdings: tuple[Holding, ...]
    courses: tuple[Course, ...]

    @property
    def name(self) -> str:
        """Return `namespace/repository`, with the tag if only one is meant."""
        return f"{self.path}:{self.tag}" if self.tag else self.path

    @property
    def known(self) -> tuple[Holding, ...]:
        """Return those sites of which something is known."""
        return tuple(holding for holding in self.holdings if holding.at is not None)

    @property
    def tags(self) -> tuple[str, ...]:
        """Return every tag that any site has."""
        return tuple(sorted({tag for holding in self.known for tag in holding.tags}))

    def agreement(self, tag: str) -> Agreement:
        """Tell how the sites compare in one tag; a difference is one whatever the silent ones have."""
        found = [holding.tags.get(tag) for holding in self.known]
        if len({each.digest for each in found if each}) > 1:
            return Agreement.DIFFERENT
        if None in found:
            return Agreement.MISSING
        return Agreement.SAME if len(self.known) == len(self.holdings) > 1 else Agreement.UNKNOWN

    def holders(self, tag: str) -> Sequence[Site]:
        """Return the sites that have a tag."""
        return [holding.site for holding in self.known if tag in holding.tags]


def only(repository: Repository | None, tag: str | None) -> Mapping[str, Tag]:
    """Return the tags that are meant; typed words have lost their capitals."""
    tags = repository.tags if repository else {}
    return tags if tag is None else {name: image for name, image in tags.items() if name.lower() == tag}
