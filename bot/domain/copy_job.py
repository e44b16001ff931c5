"""A copy job: images that one person has confirmed to be copied from one site to another, and what became of each.

It is no operation: it rewrites no record, so it takes one person, and it must never lead through the states and the
script whose promise is two. An image counts as copied when the target shows its digest, never by a task's word.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain.access import canonical_json

PREFIX = "sy"
VALID_FOR = timedelta(minutes=15)
"""How long an offer may be confirmed; what it lists is looked at once more when it is sent, however soon."""
STALLED_AFTER = timedelta(minutes=30)
"""Without any progress for so long a job ends, and what is open is unknown: there is no published time for a copy."""
MOST_ASKED = 500
"""Images of one job: its list can still be read by a person, and its document written within milliseconds."""
MOST_UNFINISHED = 20
"""Copies of one job under way at once, so that those that rules bring about are not kept waiting behind them."""


class Fate(StrEnum):
    """What became of one image; ASKED: the call may have been sent and no answer was kept."""

    WAITING = "waiting"
    ASKED = "asked"
    ENQUEUED = "enqueued"
    COPIED = "copied"
    FAILED = "failed"
    UNKNOWN = "unknown"


UNDER_WAY = frozenset({Fate.ASKED, Fate.ENQUEUED})
OPEN = UNDER_WAY | {Fate.WAITING}


class Phase(StrEnum):
    """Where a job stands."""

    OFFERED = "offered"
    DISMISSED = "dismissed"
    EXPIRED = "expired"
    RUNNING = "running"
    ENDED = "ended"


LIVE = frozenset({Phase.OFFERED, Phase.RUNNING})


class Verdict(StrEnum):
    """How a job ended; THERE: the target had all of it without any copy of this job."""

    COPIED = "COPIED"
    THERE = "THERE ALREADY"
    PARTIAL = "PARTIAL"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Copy:
    """One image by the digest that the source showed, and the target's digest that it was confirmed to replace.

    Digests are hex. `since` is when it came to its state, `done_since` when its task first said that it was done,
    `why` what the lists say of it not being there, `reason` why it failed, `sent` how often it was asked for.
    """

    path: str
    tag: str
    digest: str
    replaces: str = ""
    why: str = ""
    state: Fate = Fate.WAITING
    since: datetime | None = None
    task_id: str = ""
    done_since: datetime | None = None
    reason: str = ""
    sent: int = 0

    @property
    def image(self) -> str:
        """Return `namespace/repository:tag`."""
        return f"{self.path}:{self.tag}"

    @property
    def is_open(self) -> bool:
        """Tell whether anything is still to come of it."""
        return self.state in OPEN

    @property
    def was_there(self) -> bool:
        """Tell whether the target has it although nobody asked for it."""
        return self.state is Fate.COPIED and not self.sent

    def to(self, state: Fate, at: datetime, reason: str = "", task_id: str = "") -> "Copy":
        """Return the same in another state."""
        return replace(self, state=state, since=at, reason=reason, task_id=task_id or self.task_id)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An image that is not copied, and why."""

    image: str
    reason: str


@dataclass(frozen=True, slots=True)
class Started:
    """Who confirmed a job, and our code over that."""

    person: str
    user_id: str
    at: datetime
    mac: str = ""


@dataclass(frozen=True, slots=True)
class CopyJob:
    """One job. `source` and `target` are sites, `instances` theirs when it was offered.

    `asked` is what was typed. `identical` images are there already, `rest` were too many for one job; `left_out` are
    the first of those that are not copied, `left_counts` all of them by reason. `seen` says in a clause how what it
    lists is known. `trouble` is why it does not go on just now. `is_told` once its end was shown.
    """

    id: str
    asked: str
    source: str
    target: str
    instances: tuple[str, str]
    person: str
    user_id: str
    channel: str
    created_at: datetime
    copies: tuple[Copy, ...]
    left_out: tuple[LeftOut, ...] = ()
    left_counts: Mapping[str, int] | None = None
    identical: int = 0
    rest: int = 0
    seen: str = ""
    ts: str = ""
    phase: Phase = Phase.OFFERED
    started: Started | None = None
    progressed_at: datetime | None = None
    ended_at: datetime | None = None
    trouble: str = ""
    is_told: bool = False
    version: int = 0

    @property
    def digest(self) -> str:
        """Name exactly what was offered: whatever happens later leaves it as it is."""
        copies = [[copy.path, copy.tag, copy.digest, copy.replaces] for copy in self.copies]
        ends = [self.source, self.target, *self.instances]
        return hashlib.sha256(canonical_json([self.id, ends, copies])).hexdigest()

    @property
    def expires_at(self) -> datetime:
        """Return until when it may be confirmed."""
        return self.created_at + VALID_FOR

    @property
    def replaced(self) -> int:
        """Return how many tags of the target name another image so far."""
        return sum(bool(copy.replaces) for copy in self.copies)

    @property
    def found(self) -> int:
        """Return how many images the target has without a copy of this job."""
        return sum(copy.was_there for copy in self.copies)

    def counts(self) -> Counter[Fate]:
        """Return how many images are in each state."""
        return Counter(copy.state for copy in self.copies)

    def of(self, *states: Fate) -> tuple[Copy, ...]:
        """Return the images in these states."""
        return tuple(copy for copy in self.copies if copy.state in states)

    @property
    def is_live(self) -> bool:
        """Tell whether anything is to come of it: it may go on, or its end is still to be shown."""
        return not self.is_told

    @property
    def verdict(self) -> Verdict:
        """Return how it ended, or would if it ended now."""
        counts = self.counts()
        if counts[Fate.COPIED] == len(self.copies):
            return Verdict.THERE if self.found == len(self.copies) else Verdict.COPIED
        if any(counts[state] for state in (Fate.UNKNOWN, *UNDER_WAY)):
            return Verdict.UNKNOWN
        return Verdict.PARTIAL if counts[Fate.COPIED] else Verdict.FAILED

    def changed(self, copies: Iterable[Copy], now: datetime) -> "CopyJob":
        """Return the job with these in place of its own of the same name; any other state is progress."""
        new = {copy.image: copy for copy in copies}
        merged = tuple(new.get(copy.image, copy) for copy in self.copies)
        moved = any(a.state is not b.state for a, b in zip(self.copies, merged, strict=True))
        return replace(self, copies=merged, progressed_at=now if moved else self.progressed_at)

    def ended(self, now: datetime) -> "CopyJob":
        """Return the job as it ends: what is under way is unknown from now on."""
        last = tuple(copy.to(Fate.UNKNOWN, now) if copy.state in UNDER_WAY else copy for copy in self.copies)
        return replace(self, copies=last, phase=Phase.ENDED, ended_at=now)

    def over(self, phase: Phase, now: datetime) -> "CopyJob":
        """Return an offer that nobody will confirm any more."""
        return replace(self, phase=phase, ended_at=now)

    def told(self) -> "CopyJob":
        """Return the job after its end was shown, so that nothing more is to come of it."""
        return replace(self, is_told=True)

    def is_stalled(self, now: datetime) -> bool:
        """Tell whether nothing has moved for too long."""
        began_at = self.started.at if self.started else self.created_at
        return now - (self.progressed_at or began_at) >= STALLED_AFTER

    def failing(self, why: str, now: datetime) -> "CopyJob":
        """Return the job with all that was never sent given up, for one reason."""
        return self.changed((copy.to(Fate.FAILED, now, why) for copy in self.of(Fate.WAITING)), now)


def confirmation(job: CopyJob, workspace: str) -> tuple[str, ...]:
    """Return what the code of a confirmed job covers; raises ValueError where nobody confirmed it."""
    if job.started is None:
        raise ValueError("nobody has confirmed this job")
    at = job.started.at.isoformat()
    return (workspace, "copy job", job.id, job.digest, job.started.person, job.started.user_id, at)
