"""Bugs put in on purpose, one or more for each invariant: what the judge does not find here, it would not find at all.

Each bends what the bots are given, never the judge and never what the world really does.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from bot.domain.access import Access, Act, Identity, Person
from bot.domain.freeze import Freeze
from bot.domain.operation import Operation, State
from bot.domain.plan import Change
from bot.domain.record import Record
from bot.errors import OutcomeUnknown, Unconfirmed
from bot.ports import Card, Commit, IndexMove, Message, Ports, Written
from tests.builders import APPROVER, GUEST, RECORD_ID
from tests.simulation.words import is_claim
from tests.simulation.world import Mode, Planted


class Bent:
    """A port that does as the one behind it, but for what a subclass bends."""

    def __init__(self, port: Any) -> None:
        self.port = port

    def __getattr__(self, name: str) -> Any:
        return getattr(self.port, name)


def bend(part: str, how: Callable[[Any], object]) -> Planted:
    """Plant a bug in one port of every bot."""

    def alter(ports: Ports) -> Ports:
        bent: dict[str, Any] = {part: how(getattr(ports, part))}
        return replace(ports, **bent)

    return Planted(alter=alter)


class _TrustsGuests(Access):
    """Takes a guest for the approver."""

    def authorize(self, identity: Identity, act: Act, requester: str | None = None) -> Person | None:
        if identity.user_id == GUEST:
            return self.people.person(APPROVER)
        return super().authorize(identity, act, requester)


def _trust_guests(ports: Ports) -> Ports:
    access = ports.rules.access
    lenient = _TrustsGuests(access.workspace, access.people, access.policy)
    return replace(ports, rules=replace(ports.rules, access=lenient))


class _RollsBack(Bent):
    """Writes the old value back when no clear answer came to a write."""

    async def apply(self, change: Change, token: str) -> Written:
        try:
            written = await self.port.apply(change, token)
        except OutcomeUnknown:
            written = await self.port.apply(replace(change, desired=change.existing), token)
        return written  # type: ignore[no-any-return]


class _ForgetsAudit(Bent):
    """Leaves the state before a claim out of the audit."""

    async def commit(self, commit: Commit) -> Operation:
        entry = {**commit.audit, "before": ""} if is_claim(commit) else commit.audit
        return await self.port.commit(replace(commit, audit=entry))  # type: ignore[no-any-return]


class _ShortensTtl(Bent):
    """Sends a shorter TTL, so that the way back is quicker."""

    async def apply(self, change: Change, token: str) -> Written:
        return await self.port.apply(replace(change, desired=replace(change.desired, ttl=5)), token)  # type: ignore[no-any-return]


class _WritesElsewhere(Bent):
    """Writes the record of the other site."""

    async def apply(self, change: Change, token: str) -> Written:
        other = next(record for record in RECORD_ID.values() if record != change.existing.record_id)
        moved = replace(
            change, existing=replace(change.existing, record_id=other), desired=replace(change.desired, record_id=other)
        )
        return await self.port.apply(moved, token)  # type: ignore[no-any-return]


class _ForgetsHolds(Bent):
    """Lets a record rest no time after an unclear write."""

    async def commit(self, commit: Commit) -> Operation:
        return await self.port.commit(replace(commit, hold_for=None, unless_held=False))  # type: ignore[no-any-return]


class _RemembersRecords(Bent):
    """Answers reads of a record from memory for a while."""

    def __init__(self, port: Any) -> None:
        super().__init__(port)
        self._kept: dict[str, Record] = {}

    async def record(self, record_id: str) -> Record:
        if record_id not in self._kept:
            self._kept[record_id] = await self.port.record(record_id)
        return self._kept[record_id]

    async def apply(self, change: Change, token: str) -> Written:
        self._kept.clear()
        return await self.port.apply(change, token)  # type: ignore[no-any-return]


class _ForgetsFreezes(Bent):
    """Sees no freeze and asks the store for none."""

    async def freezes(self) -> tuple[()]:
        return ()

    async def commit(self, commit: Commit) -> Operation:
        return await self.port.commit(replace(commit, unless_frozen=()))  # type: ignore[no-any-return]


class _Dawdles(Bent):
    """Takes three seconds to find an operation."""

    async def get(self, operation_id: str) -> Operation:
        await asyncio.sleep(3)
        return await self.port.get(operation_id)  # type: ignore[no-any-return]


class _SwallowsEdits(Bent):
    """Takes an edit of a message and does nothing."""

    async def update(self, channel: str, ts: str, message: Message) -> None:
        """Do nothing."""


class _BelievesCardsShown(Bent):
    """Takes a card for shown as soon as it was posted once, and for good."""

    async def save_card(self, operation_id: str, card: Card) -> None:
        await self.port.save_card(operation_id, replace(card, rendered=card.rendered + 1000))

    async def draw_again(self, operation_id: str) -> None:
        """Do nothing."""


class _LosesClaims(Bent):
    """Sets no time at which somebody else takes a claim over."""

    async def commit(self, commit: Commit) -> Operation:
        return await self.port.commit(replace(commit, due_at=None if is_claim(commit) else commit.due_at))  # type: ignore[no-any-return]


class _WaitsForClaimsOnly(Bent):
    """Tells people that their word counts before the replica has it."""

    async def commit(self, commit: Commit) -> Operation:
        within = commit.durable_within if is_claim(commit) else None
        return await self.port.commit(replace(commit, durable_within=within))  # type: ignore[no-any-return]


class _BelievesFreezesKept(Bent):
    """Takes a freeze for safe that its replica does not have."""

    async def freeze(self, freeze: Freeze, entry: Mapping[str, str]) -> None:
        with suppress(Unconfirmed):
            await self.port.freeze(freeze, entry)


class _RevivesEnded(Bent):
    """Takes a rejected or cancelled operation for one that nobody has decided on."""

    async def get(self, operation_id: str) -> Operation:
        found = await self.port.get(operation_id)
        if found.state in (State.REJECTED, State.CANCELLED):
            found = replace(found, state=State.PENDING, ended_at=None, votes=())
        return found  # type: ignore[no-any-return]


class _TakesNothing(Bent):
    """Keeps no record for the operation that wants it."""

    async def commit(self, commit: Commit) -> Operation:
        return await self.port.commit(replace(commit, index=IndexMove.RELEASE))  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Bug:
    """A planted bug, the invariants of which one must be found broken, and where to look for it."""

    planted: Planted
    breaks: tuple[str, ...]
    mode: Mode = Mode.SAFETY
    seeds: range = range(40)


LATE = (("cloud", "late", 0.5), ("cloud", "lose_reply", 0.2))
BUGS = {
    "a guest counts as the approver": Bug(Planted(alter=_trust_guests), ("I1",)),
    "an unclear write is rolled back": Bug(replace(bend("zones", _RollsBack), storms=LATE), ("I2",)),
    "a claim never runs out": Bug(replace(bend("operations", _LosesClaims), strikes="kill"), ("I3",), Mode.LIVENESS),
    "the audit leaves something out": Bug(bend("operations", _ForgetsAudit), ("I4",)),
    "a write shortens the TTL": Bug(bend("zones", _ShortensTtl), ("I5",)),
    "a write goes to another record": Bug(bend("zones", _WritesElsewhere), ("I6",)),
    "a record does not rest": Bug(replace(bend("operations", _ForgetsHolds), storms=LATE), ("I7", "I14")),
    "reads come from memory": Bug(bend("zones", _RemembersRecords), ("I8",)),
    "freezes are not asked for": Bug(replace(bend("operations", _ForgetsFreezes), strikes="freeze"), ("I10",)),
    "a send may come at any time": Bug(
        Planted(
            constants=(("bot.services.writing", "SEND_DEADLINE", timedelta(hours=1)),), storms=(("cloud", "late", 1.0),)
        ),
        ("I10",),
    ),
    "an ended operation is decided again": Bug(bend("operations", _RevivesEnded), ("I9", "I4")),
    "a vote is not waited for": Bug(
        replace(bend("operations", _WaitsForClaimsOnly), strikes="failover"), ("I16",), seeds=range(80)
    ),
    "a freeze is not waited for": Bug(
        replace(bend("operations", _BelievesFreezesKept), strikes="failover"), ("I16",), seeds=range(80)
    ),
    "several operations want one record": Bug(
        replace(bend("operations", _TakesNothing), storms=(("cloud", "late", 1.0),)), ("I14",)
    ),
    "edits of cards get lost": Bug(bend("workspace", _SwallowsEdits), ("I11",), Mode.LIVENESS),
    "a card is believed shown": Bug(bend("operations", _BelievesCardsShown), ("I11",), Mode.LIVENESS),
    "a click may take 30 seconds": Bug(
        replace(bend("operations", _Dawdles), desk_budget=timedelta(seconds=30)), ("I12",)
    ),
}
