"""One failover from request to end.

Every move is in TRANSITIONS and nobody else assigns a state. Terminal states never change and there are no back
edges: what comes after the end (observations, card pointers) is written beside the state, never over it. Each change
of the plan has its own sub-state, so that a half-applied plan shows which half.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from bot.domain.observation import CONFIRMED, CONVERGED, Observation, Observed
from bot.domain.plan import Kind, Plan
from bot.domain.sighting import Sighting
from bot.errors import InvalidTransition

SCHEMA = 1
START_WITHIN = timedelta(seconds=120)
"""An approval that no worker started within this span lapses and must be given again."""
SEND_DEADLINE = timedelta(seconds=10)
"""Latest moment of a send after the worker began to claim, on its own monotonic clock."""
WRITE_TIMEOUT = timedelta(seconds=8)
LEASE = timedelta(seconds=30)
"""Longer than send deadline + write + read-back + finish (10 + 8 + 3 + 2 s): two owners never overlap."""
HOLD = timedelta(seconds=120)
"""Assumed longest life of a write in flight: how long a record rests after an unclear write."""
SECOND_READ_AFTER = timedelta(seconds=5)
READ_BACK_WITHIN = timedelta(seconds=30)
MAX_CLAIMS = 4
"""Claims of one change before a person is asked: four leases end within 180 s."""


class State(StrEnum):
    """Where an operation is; people see these words."""

    PENDING = "PENDING"
    APPROVED = "APPROVED"
    APPLYING = "APPLYING"
    VERIFYING = "VERIFYING"
    DONE = "DONE"
    REJECTED = "REJECTED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"
    STALE = "STALE"
    FAILED = "FAILED"
    PARTIAL = "PARTIAL"
    NEEDS_HUMAN = "NEEDS_HUMAN"

    @property
    def is_terminal(self) -> bool:
        """Tell whether nothing can follow."""
        return self not in _OPEN_STATES


class Event(StrEnum):
    """What happened to an operation."""

    APPROVE = "approve"
    REJECT = "reject"
    CANCEL = "cancel"
    EXPIRE = "expire"
    CLAIM = "claim"
    READ_BACK = "read back"
    CONFIRM = "second read-back"
    DIFFER = "differ"
    FAIL = "known not applied"
    APPLY_SOME = "some applied"
    LOSE_TRACK = "unknown"
    LIFT = "lift"


_OPEN_STATES = {State.PENDING, State.APPROVED, State.APPLYING, State.VERIFYING}

TRANSITIONS: dict[tuple[State, Event], State] = {
    (State.PENDING, Event.APPROVE): State.APPROVED,
    (State.PENDING, Event.REJECT): State.REJECTED,
    (State.PENDING, Event.CANCEL): State.CANCELLED,
    (State.PENDING, Event.EXPIRE): State.EXPIRED,
    (State.PENDING, Event.DIFFER): State.STALE,
    (State.APPROVED, Event.CLAIM): State.APPLYING,
    (State.APPROVED, Event.LIFT): State.DONE,
    (State.APPROVED, Event.CANCEL): State.CANCELLED,
    (State.APPROVED, Event.EXPIRE): State.EXPIRED,
    (State.APPROVED, Event.DIFFER): State.STALE,
    (State.APPLYING, Event.CLAIM): State.APPLYING,
    (State.APPLYING, Event.READ_BACK): State.VERIFYING,
    (State.APPLYING, Event.DIFFER): State.STALE,
    (State.APPLYING, Event.FAIL): State.FAILED,
    (State.APPLYING, Event.APPLY_SOME): State.PARTIAL,
    (State.APPLYING, Event.LOSE_TRACK): State.NEEDS_HUMAN,
    (State.VERIFYING, Event.CONFIRM): State.DONE,
    (State.VERIFYING, Event.LOSE_TRACK): State.NEEDS_HUMAN,
}


class SubState(StrEnum):
    """How far one change of the plan is."""

    WAITING = "WAITING"
    CLAIMED = "CLAIMED"
    APPLIED = "APPLIED"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"


class Verb(StrEnum):
    """What a vote says."""

    APPROVE = "approve"
    REJECT = "reject"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Requester:
    """Who asked: the person's name in registry.yaml and the Slack id they used."""

    person: str
    user_id: str
    mac: str = ""


@dataclass(frozen=True, slots=True)
class Vote:
    """One person's word on exactly one plan."""

    person: str
    user_id: str
    verb: Verb
    digest: str
    at: datetime
    identity_checked_at: datetime
    mac: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How one change went; `request_ids` are the vendor's names for our writes.

    `claims` are those that may have been used to write, `releases` those that certainly were not.
    `is_vantage`: the view's resolver showed the value before the write, so its answer afterwards counts.
    """

    state: SubState = SubState.WAITING
    is_unclean: bool = False
    is_vantage: bool = False
    claims: int = 0
    releases: int = 0
    sent_at: datetime | None = None
    applied_at: datetime | None = None
    request_ids: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Lease:
    """The worker's expiring claim; `token` is random, so a returning owner never mistakes another's for its own."""

    token: str
    owner: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the story, for the card's thread."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One failover; `version` counts commits, and a commit compares it with its `stamp`.

    `only` is what its asker narrowed it down to, for asking again: the plan itself names the records.
    The stamp is the token of the commit that wrote this version. A number may come twice, when a failover of Redis
    loses a commit that was acknowledged; a token never does, so a copy from before the loss cannot be written back.
    """

    id: str
    plan: Plan
    state: State
    requester: Requester
    channel: str
    created_at: datetime
    expires_at: datetime
    reason: str = ""
    only: str = ""
    approvals_needed: int = 1
    version: int = 0
    stamp: str = field(default="", compare=False)
    votes: tuple[Vote, ...] = ()
    progress: tuple[Progress, ...] = ()
    lease: Lease | None = None
    approved_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: str = ""
    watch_until: datetime | None = None
    observations: tuple[Observation, ...] = ()
    steps: tuple[Step, ...] = field(default=())
    sightings: tuple[Sighting, ...] = ()
    schema: int = SCHEMA

    @property
    def is_terminal(self) -> bool:
        """Tell whether nothing can follow."""
        return self.state.is_terminal

    @property
    def decided_at(self) -> datetime:
        """Return when it was approved; without that moment when it was asked for, which is earlier in any case."""
        return self.approved_at or self.created_at

    @property
    def lapses_at(self) -> datetime:
        """Return when an approval that nobody has begun to carry out is over."""
        return self.decided_at + START_WITHIN

    @property
    def approvals(self) -> tuple[Vote, ...]:
        """Return the votes that approve exactly this plan, one a person."""
        digest = self.plan.digest
        given = {v.person: v for v in self.votes if v.verb is Verb.APPROVE and v.digest == digest}
        return tuple(given.values())

    @property
    def has_unclean_write(self) -> bool:
        """Tell whether some write's fate was unclear at any time."""
        return any(progress.is_unclean for progress in self.progress)

    @property
    def has_failed_observation(self) -> bool:
        """Tell whether the latest look at some change went wrong."""
        return any(seen.outcome is Observed.FAILED for seen in self.observations)

    @property
    def is_seen_working(self) -> bool:
        """Tell whether for every change both DNS and the answering instance were seen to be as planned."""
        seen = {(o.name, o.change) for o in self.observations if o.outcome is Observed.OK}
        return all((name, index) in seen for name in (CONVERGED, CONFIRMED) for index in range(len(self.progress)))

    @property
    def is_observed(self) -> bool:
        """Tell whether every change was seen to work or not, or is known to be invisible from here."""
        return all(self.is_change_observed(index) for index in range(len(self.progress)))

    def is_change_observed(self, index: int) -> bool:
        """Tell whether nothing is waited for that one change should do."""
        settled = {o.name for o in self.observations if o.change == index and o.outcome is not Observed.WAITING}
        return {CONVERGED, CONFIRMED} <= settled

    def with_vote(self, vote: Vote) -> Self:
        """Add one person's word; a repeat of the same word by the same person changes nothing."""
        if any((v.person, v.verb, v.digest) == (vote.person, vote.verb, vote.digest) for v in self.votes):
            return self
        return replace(self, votes=(*self.votes, vote))

    def with_progress(self, index: int, progress: Progress) -> Self:
        """Replace the progress of one change."""
        return replace(self, progress=(*self.progress[:index], progress, *self.progress[index + 1 :]))

    def with_step(self, at: datetime, text: str) -> Self:
        """Add a line to the story."""
        return replace(self, steps=(*self.steps, Step(at, text)))

    def with_observation(self, observation: Observation) -> Self:
        """Put in the latest look at one change in place of the one before."""
        kept = [o for o in self.observations if (o.name, o.change) != (observation.name, observation.change)]
        return replace(self, observations=(*kept, observation))

    def next_change(self) -> int | None:
        """Return the index of the first change not yet applied."""
        return next((i for i, p in enumerate(self.progress) if p.state is not SubState.APPLIED), None)


def _is_for(event: Event, kind: Kind) -> bool:
    """Tell whether an event can happen to this kind: what lifts a freeze writes nothing, and nothing else lifts."""
    if event in (Event.LIFT, Event.CLAIM):
        return (event is Event.LIFT) is (kind is Kind.UNFREEZE)
    return True


def advance(operation: Operation, event: Event, now: datetime, outcome: str = "") -> Operation:
    """Return the operation after `event`.

    Raises InvalidTransition, and nothing changes, when the table has no such move.
    """
    after = TRANSITIONS.get((operation.state, event))
    if after is None or not _is_for(event, operation.plan.kind):
        raise InvalidTransition(f"{operation.id} is {operation.state}: it can no longer {event}.")
    moved = replace(operation, state=after, outcome=outcome or operation.outcome)
    if event is Event.APPROVE:
        moved = replace(moved, approved_at=now)
    if after.is_terminal:
        moved = replace(moved, ended_at=now, lease=None)
    return moved
