"""Which pass over an instance comes next, what it has to read, and what is known once it is over.

A pass lists all repositories and reads the tags of those that may have changed. It skips a repository whose
modification time is the one it had when its tags were last read. Three things keep that sound. A repository that was
modified shortly before its tags were read is read again, as its time may be coarser or later than its content. A full
pass at an interval reads everything. And where a full pass finds that an instance changed tags behind an unmoved time,
nothing of that instance is ever skipped again.

A pass that ends early is taken up where it stopped: whatever bears its number has been read by it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.comparing import Critical
from bot.domain.inventory import Coverage, Listed, Repository, Scan
from bot.domain.topology import Topology

SETTLED = timedelta(seconds=60)
"""How long before the reading of its tags a repository must have been modified to count as known."""
RESUMABLE = timedelta(hours=1)
"""A pass older than this is begun anew: what it read at its start says too little about now."""


@dataclass(frozen=True, slots=True)
class Yield:
    """What a finished pass came to."""

    repositories: int
    tags: int
    unread: tuple[str, ...] = ()
    unlisted: int = 0
    trouble: str = ""
    distrusts_modified: bool = False


def next_scan(coverage: Coverage, now: datetime, full_every: timedelta) -> Scan:
    """Return the pass to take up: the one that was broken off, or a new one, numbered by its first millisecond."""
    running = coverage.running
    if running is not None and timedelta(0) <= now - running.started_at < RESUMABLE:
        return replace(running, pages_done=0, pages_total=None)
    last = coverage.full_as_of
    is_full = coverage.distrusts_modified or last is None or now - last >= full_every
    return Scan(int(now.timestamp() * 1000), is_full, now)


def must_read(listed: Listed, kept: Repository | None, scan: Scan) -> bool:
    """Tell whether this pass has to read the tags of a repository."""
    if kept is None or kept.id != listed.id:
        return True
    if kept.scan == scan.number:
        return False  # this very pass has read it before it was broken off
    return scan.is_full or not _is_known(listed, kept)


def contradicts(listed: Listed, kept: Repository | None, found: Repository) -> bool:
    """Tell whether tags changed though an incremental pass would have skipped the repository."""
    return kept is not None and _is_known(listed, kept) and _digests(kept) != _digests(found)


def finished(coverage: Coverage, scan: Scan, came_to: Yield, as_of: datetime) -> Coverage:
    """Return what is known once a pass is over that read nothing before `as_of`."""
    return replace(
        coverage,
        as_of=as_of,
        full_as_of=as_of if scan.is_full else coverage.full_as_of,
        running=None,
        repositories=came_to.repositories,
        tags=came_to.tags,
        silent_since=None,
        trouble=came_to.trouble,
        distrusts_modified=coverage.distrusts_modified or came_to.distrusts_modified,
        unread=came_to.unread,
        unlisted=came_to.unlisted,
    )


def silent(coverage: Coverage, now: datetime, why: str) -> Coverage:
    """Return what is known of an instance that does not answer, or refuses to: the rest stays, and so does its age."""
    return replace(coverage, silent_since=coverage.silent_since or now, trouble=why)


def borne_out(coverage: Coverage, stored: Coverage) -> Coverage:
    """Return what is known while a pass goes on: of earlier passes no more than the store, once emptied, still has."""
    return replace(
        coverage,
        as_of=stored.as_of,
        full_as_of=stored.full_as_of,
        unread=stored.unread,
        unlisted=stored.unlisted,
    )


def alive(listed: Iterable[Listed]) -> dict[str, Listed]:
    """Return the repositories by path, without those that are being deleted."""
    return {each.path: each for each in listed if not each.is_going}


def urgent_first(listed: Iterable[Listed], topology: Topology) -> list[Listed]:
    """Return repositories of critical images before all others: somebody may ask in the midst of a pass."""
    critical = Critical(topology.critical_globs(topology.critical))
    return sorted(listed, key=lambda each: not critical.touches(each.path))


def _is_known(listed: Listed, kept: Repository) -> bool:
    """Tell whether the tags kept are those of now, as far as modification times can be believed."""
    if kept.modified_at is None or listed.modified_at != kept.modified_at:
        return False
    is_same = (kept.id, kept.is_immutable) == (listed.id, listed.is_immutable)
    return is_same and kept.read_at - kept.modified_at >= SETTLED


def _digests(repository: Repository) -> dict[str, str]:
    return {name: tag.digest for name, tag in repository.tags.items()}
