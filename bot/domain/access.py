"""Who may do what: people, roles, policy, and the one place that authorises."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from bot.domain.topology import Site
from bot.errors import NotPermitted


class Role(StrEnum):
    """What the people list gives; without a role a member may only read."""

    VIEWER = "viewer"
    REQUESTER = "requester"
    APPROVER = "approver"


class Act(StrEnum):
    """What somebody wants to do."""

    READ = "read"
    REQUEST = "request"
    APPROVE = "approve"
    REJECT = "reject"
    CANCEL = "cancel"
    FREEZE = "freeze"
    LIFT = "lift"
    WATCH = "watch"
    SYNC = "sync"


@dataclass(frozen=True, slots=True)
class Person:
    """One human with all their Slack ids."""

    name: str
    slack: tuple[str, ...]
    roles: frozenset[Role]


@dataclass(frozen=True, slots=True)
class Identity:
    """What Slack says about one user id, asked at `checked_at`."""

    user_id: str
    team_id: str
    checked_at: datetime
    is_deleted: bool = False
    is_bot: bool = False
    is_guest: bool = False
    is_stranger: bool = False
    is_of_organisation: bool = False
    """Belongs to this workspace through an Enterprise organisation, so deliveries may name another team of it."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of approval; spans are timedeltas.

    Channels that watch a site are told of critical images that wait longer than `replication_lag` for a standby.
    `soak` and `review_after` are for failbacks and reviews, which do not exist yet: nothing goes by them.
    """

    channels: tuple[str, ...]
    home_channel: str
    approvals: int = 1
    pending_for: timedelta = timedelta(minutes=15)
    soak: timedelta = timedelta(minutes=10)
    anti_flap: timedelta = timedelta(minutes=5)
    review_after: timedelta = timedelta(hours=24)
    replication_lag: timedelta = timedelta(minutes=15)

    def admits_channel(self, channel_id: str, name: str) -> bool:
        """Tell whether a card may be posted to this channel: by exact id, or by name pattern."""
        return any(pattern == channel_id or fnmatchcase(name, pattern) for pattern in self.channels)


@dataclass(frozen=True, slots=True)
class People:
    """The reviewed list of humans; an account outside it is nobody."""

    persons: tuple[Person, ...]

    def person(self, user_id: str) -> Person | None:
        """Return the human behind a Slack id; ids are opaque and compared whole."""
        return next((person for person in self.persons if user_id in person.slack), None)

    def slack_ids(self, role: Role) -> tuple[str, ...]:
        """Return every Slack id that carries a role."""
        return tuple(i for person in self.persons if role in person.roles for i in person.slack)

    def can_complete(self, approvals: int) -> bool:
        """Tell whether some requester has enough other people to approve."""
        approvers = {person.name for person in self.persons if Role.APPROVER in person.roles}
        return any(
            len(approvers - {person.name}) >= approvals for person in self.persons if Role.REQUESTER in person.roles
        )


@dataclass(frozen=True, slots=True)
class Access:
    """The workspace, its people and its policy: all that authorisation rests on."""

    workspace: str
    people: People
    policy: Policy

    def policy_hash(self, sites: Iterable[Site]) -> str:
        """Name exactly this policy, these people and these sites; a changed one voids open approvals."""
        return _policy_hash(self.policy, self.people, tuple(sorted(sites, key=lambda site: site.name)))

    def authorize(self, identity: Identity, act: Act, requester: str | None = None) -> Person | None:
        """Return the person who may do `act`, or None for a member without a role who reads.

        `requester` is the name of the person who asked for the operation at hand, where there is one.
        Raises NotPermitted with a stable code.
        """
        self._require_insider(identity)
        person = self.people.person(identity.user_id)
        if act is Act.READ:
            return person
        if person is None:
            raise lacking(act)
        _RULES[act](person, requester)
        return person

    def _require_insider(self, identity: Identity) -> None:
        if identity.is_deleted:
            raise NotPermitted("E_INACTIVE_USER", "This Slack account is deactivated, so it cannot use the bot.")
        if identity.is_bot:
            raise NotPermitted("E_NOT_HUMAN", "Only a person may do this; bots and workflows may not.")
        if identity.team_id != self.workspace or identity.is_stranger or identity.is_guest:
            raise NotPermitted(
                "E_EXTERNAL_USER",
                "Only full members of this workspace may use the registry bot. Ask a member of the on-call team.",
            )


def lacking(act: Act) -> NotPermitted:
    """Return the refusal of somebody without the role that an act takes."""
    return NotPermitted(*_NOBODY[act])


@lru_cache(maxsize=256)
def _policy_hash(policy: Policy, people: People, sites: tuple[Site, ...]) -> str:
    """Compute a policy hash once: it is compared several times on the way of an operation."""
    subject = {
        "policy": asdict(policy),
        "people": [asdict(person) for person in people.persons],
        "sites": [asdict(site) for site in sites],
    }
    return hashlib.sha256(canonical_json(subject)).hexdigest()


def canonical_json(value: object) -> bytes:
    """Serialise so that equal values have equal bytes: sorted keys, no spaces, UTF-8; sets are sorted."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain).encode()


def _plain(value: object) -> Any:
    if isinstance(value, (frozenset, set)):
        return sorted(value)
    if isinstance(value, timedelta):
        return int(value.total_seconds())
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no canonical form")


def _may_request(person: Person, _requester: str | None) -> None:
    if Role.REQUESTER not in person.roles:
        raise lacking(Act.REQUEST)


def _may_approve(person: Person, requester: str | None) -> None:
    if person.name == requester:
        raise NotPermitted("E_SELF_APPROVAL", "You asked for this change. Another person must approve it.")
    if Role.APPROVER not in person.roles:
        raise lacking(Act.APPROVE)


def _may_reject(person: Person, _requester: str | None) -> None:
    if Role.APPROVER not in person.roles:
        raise lacking(Act.REJECT)


def _may_freeze(person: Person, _requester: str | None) -> None:
    if not person.roles & {Role.REQUESTER, Role.APPROVER}:
        raise lacking(Act.FREEZE)


def _may_watch(person: Person, _requester: str | None) -> None:
    if not person.roles & {Role.REQUESTER, Role.APPROVER}:
        raise lacking(Act.WATCH)


def _may_sync(person: Person, _requester: str | None) -> None:
    if Role.REQUESTER not in person.roles:
        raise lacking(Act.SYNC)


def _may_lift(person: Person, requester: str | None) -> None:
    if person.name == requester:
        raise NotPermitted(
            "E_SECOND_PERSON_NEEDED",
            "You asked to lift this freeze. One person turns the kill switch on; turning it off takes a second one.",
        )
    _may_approve(person, requester)


def _may_cancel(person: Person, requester: str | None) -> None:
    if person.name != requester and Role.APPROVER not in person.roles:
        raise lacking(Act.CANCEL)


_LIST = "Ask whoever keeps registry.yaml to add you."
_NOBODY = {
    Act.REQUEST: ("E_NOT_REQUESTER", f"You are not on the requester list of this registry. {_LIST}"),
    Act.APPROVE: ("E_NOT_APPROVER", f"You are not on the approver list of this registry. {_LIST}"),
    Act.REJECT: ("E_NOT_APPROVER", f"You are not on the approver list of this registry. {_LIST}"),
    Act.FREEZE: ("E_NO_ROLE", f"Only requesters and approvers may freeze, or ask to lift that. {_LIST}"),
    Act.LIFT: ("E_NOT_APPROVER", f"You are not on the approver list of this registry. {_LIST}"),
    Act.WATCH: ("E_NO_ROLE", f"Only requesters and approvers may say what a channel watches. {_LIST}"),
    Act.SYNC: (
        "E_NOT_REQUESTER",
        f"You are not on the requester list of this registry, so you may not have images copied. {_LIST}",
    ),
    Act.CANCEL: ("E_NOT_REQUESTER", "Only the person who asked, or an approver, may cancel this."),
}
_RULES = {
    Act.REQUEST: _may_request,
    Act.APPROVE: _may_approve,
    Act.REJECT: _may_reject,
    Act.CANCEL: _may_cancel,
    Act.FREEZE: _may_freeze,
    Act.WATCH: _may_watch,
    Act.SYNC: _may_sync,
    Act.LIFT: _may_lift,
}
