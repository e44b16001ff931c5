"""What an instance holds: repository → tag → digest, how much of it a pass has read, and since when it is silent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta


def dated(at: datetime, ahead: timedelta) -> datetime:
    """Return the moment for which a reading holds that began `at` by a clock that is `ahead` of the instance's.

    Never later than that clock says: what is dated too early is only looked at again.
    """
    return at - max(ahead, timedelta(0))


@dataclass(frozen=True, slots=True)
class Tag:
    """What one tag names; `digest` is hex without its `sha256:` prefix, `pushed_at` the last push where it is told."""

    digest: str
    pushed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Repository:
    """One repository of one instance with all its tags, read at `read_at` in pass number `scan`.

    `path` is `namespace/name`. `modified_at` is what the repository list said when the tags were read.
    """

    path: str
    id: str
    tags: Mapping[str, Tag]
    read_at: datetime
    scan: int
    modified_at: datetime | None = None
    is_immutable: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of a repository list: what is known before the tags are read; `is_going` while it is being deleted."""

    path: str
    id: str
    modified_at: datetime | None = None
    is_immutable: bool = False
    is_going: bool = False


@dataclass(frozen=True, slots=True)
class Scan:
    """One pass over an instance, in calls: `pages_done` of `pages_total` as far as that can be told."""

    number: int
    is_full: bool
    started_at: datetime
    pages_done: int = 0
    pages_total: int | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Coverage:
    """How well an instance's inventory is known.

    `as_of`: everything in it was seen at this moment or later (the start of the last finished pass), None before the
    first; `full_as_of` the same for passes that read every repository. `running` is the pass at hand. `namespaces`
    maps a name to whether pushes there create repositories. `silent_since` is when the instance first failed to
    answer, None while it answers; `trouble` says why. `distrusts_modified`: a full pass found a repository whose tags
    had changed while its modification time had not, so passes skip nothing. `unread` are the repositories whose tags
    the last finished pass could not read: what is kept of them is older than `as_of`, or nothing is. `unlisted` is by
    how much its repository list came short of the vendor's own count: so many repositories may be there unseen.
    """

    instance: str
    as_of: datetime | None = None
    full_as_of: datetime | None = None
    running: Scan | None = None
    repositories: int = 0
    tags: int = 0
    namespaces: Mapping[str, bool] = field(default_factory=dict)
    silent_since: datetime | None = None
    trouble: str = ""
    distrusts_modified: bool = False
    unread: tuple[str, ...] = ()
    unlisted: int = 0
