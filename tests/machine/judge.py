"""What must hold whatever happened, asked of the store, the audit and the cloud, and never of the bots."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from bot.domain.freeze import stopping
from bot.domain.operation import SEND_DEADLINE, TRANSITIONS, Operation, State, Verb
from bot.domain.plan import Change, Kind
from bot.domain.record import Record
from bot.services.requests import policy_hash_now
from tests.machine.cloud import Cloud
from tests.machine.stores import Store
from tests.services.world import World

POSSIBLE = {(str(before), str(after)) for (before, _), after in TRANSITIONS.items()}
BEGINNING = ("", str(State.PENDING))
FINAL = {str(state) for state in State if state.is_terminal}


class Meddling(StrEnum):
    """What may happen in the middle of a bot's step."""

    EDIT = "edit"
    FREEZE = "freeze"
    POLICY = "policy"
    ACCOUNT = "account"
    CANCEL = "cancel"
    SHORT_PAUSE = "short pause"
    LONG_PAUSE = "long pause"
    OTHER_BOT = "other bot"
    TAKEOVER = "takeover"


PAUSES = {Meddling.SHORT_PAUSE, Meddling.LONG_PAUSE, Meddling.OTHER_BOT, Meddling.TAKEOVER}


class Breach(AssertionError):
    """An act after which something was not as it must be; `invariants` names all that were broken in it."""

    def __init__(self, found: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{invariant}: {sentence}" for invariant, sentence in found))
        self.invariants = {invariant for invariant, _ in found}


@dataclass(frozen=True, slots=True)
class Claim:
    """By which token and since when a bot may send."""

    token: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Look:
    """What a bot last read of a record, and when."""

    record: Record
    at: datetime


@dataclass(slots=True)
class Sender:
    """What a bot may go by when it sends: its claims, its looks since, and what came after them."""

    claims: dict[str, Claim] = field(default_factory=dict)
    looks: dict[str, Look] = field(default_factory=dict)
    excuses: set[Meddling] = field(default_factory=set)
    """What happened during the step that is under way and after the look that would have shown it."""

    def look(self, record: Record, at: datetime) -> None:
        """Note what was shown; an excuse ends with a look at the record, and at the clock behind it."""
        self.looks[record.record_id] = Look(record, at)
        self.excuses -= {Meddling.EDIT, *PAUSES}

    def claim(self, operation: Operation, at: datetime) -> None:
        """Note a claim: what was looked at before counts no more, and freezes are asked for after it."""
        assert operation.lease is not None
        self.claims[operation.id] = Claim(operation.lease.token, at)
        for change in operation.plan.changes:
            self.looks.pop(change.existing.record_id, None)
        self.excuses -= {Meddling.FREEZE}


class Judge:
    """Judges every write at the moment when it is sent, and the whole history after every step.

    It remembers what it finds instead of raising it: a bot survives what is raised under it.
    """

    def __init__(self, world: Callable[[], World], store: Store, cloud: Cloud) -> None:
        self._world, self._store, self._cloud = world, store, cloud
        self._ended: dict[str, State] = {}
        self._read = 0
        self._states: dict[str, str] = {}
        self.found: list[tuple[str, str]] = []

    def require(self, is_so: bool, invariant: str, sentence: str) -> None:
        """Remember what is not as it must be."""
        if not is_so:
            self.found.append((invariant, sentence))

    async def judge_write(self, change: Change, token: str, sender: Sender) -> None:
        """Look at a write that is about to be sent; each needs a look of its own before it."""
        look = sender.looks.pop(change.existing.record_id, None)
        digest, _, index = token.rpartition("-")
        found = [op for op in await self._store.everything() if op.plan.digest.startswith(digest)]
        if len(found) != 1:
            self.require(False, "I1", "a write that belongs to no operation")
            return
        operation, planned = found[0], found[0].plan.changes[int(index)]
        self._judge_what(operation, planned, change)
        is_seen = look is not None and look.record.agrees_with(planned.existing)
        self.require(is_seen, "I8", f"{operation.id} was sent over {look and look.record.target}")
        self._judge_moment(operation, look, sender)
        await self._judge_grounds(operation, sender.excuses)
        self._judge_people(operation, sender.excuses)

    async def judge_history(self) -> None:
        """Compare audit, documents and records after a step. Raises Breach with all that was found in it."""
        entries = await self._store.trail()
        numbers = [int(entry["seq"]) for entry in entries]
        self.require(numbers == list(range(1, len(entries) + 1)), "I4", "the audit has a gap")
        for entry in entries[self._read :]:
            self._judge_entry(entry)
        self._read = len(entries)
        for operation in await self._store.everything():
            self._judge_operation(operation)
        self.require(not self._cloud.undone, "I7", "a late write undid what a later operation had done")
        if self.found:
            raise Breach(self.found)

    def _judge_what(self, operation: Operation, planned: Change, change: Change) -> None:
        is_planned = change.existing.record_id == change.desired.record_id == planned.existing.record_id
        self.require(is_planned, "I6", f"{operation.id} may not write {change.desired.record_id}")
        kept = replace(planned.existing, type=change.desired.type, value=change.desired.value)
        self.require(change.desired == kept or not is_planned, "I5", f"{operation.id} changed more than type and value")
        is_value_planned = change.desired.target == planned.desired.target
        self.require(is_value_planned, "I6", f"{operation.id} sent {change.desired.target}")

    def _judge_moment(self, operation: Operation, look: Look | None, sender: Sender) -> None:
        claim = sender.claims.get(operation.id)
        if claim is None:
            self.require(False, "I10", f"{operation.id} was sent without a claim")
            return
        since = (look.at if look else self._world().clock.now()) - claim.at
        self.require(since < SEND_DEADLINE, "I10", f"{operation.id} was sent {since} after its claim")
        if not sender.excuses & PAUSES:
            kept = operation.lease
            is_mine = operation.state is State.APPLYING and kept is not None and kept.token == claim.token
            self.require(is_mine, "I10", f"{operation.id} was sent by a claim that is no longer in force")

    async def _judge_grounds(self, operation: Operation, excuses: set[Meddling]) -> None:
        if Meddling.FREEZE not in excuses:
            frozen = stopping(await self._store.freezes(), operation.plan.stopped_by)
            self.require(not frozen, "I10", f"{operation.id} was sent in a freeze")
        if Meddling.POLICY not in excuses:
            is_same = policy_hash_now(self._world().ports, operation) == operation.plan.policy_hash
            self.require(is_same, "I10", f"{operation.id} was sent under another policy")

    def _judge_people(self, operation: Operation, excuses: set[Meddling]) -> None:
        access = self._world().ports.rules.access
        votes = [v for v in operation.votes if v.verb is Verb.APPROVE and v.digest == operation.plan.digest]
        asked, *approved = [access.people.person(i) for i in (operation.requester.user_id, *(v.user_id for v in votes))]
        self.require(asked not in approved, "I1", "the requester approved")
        if Meddling.POLICY not in excuses:
            is_enough = len({*approved} - {None, asked}) >= access.policy.approvals
            self.require(asked is not None and is_enough, "I1", "a write without enough people's words")
        if Meddling.ACCOUNT not in excuses:
            gone = {i for i, identity in self._world().identities.known.items() if identity.is_deleted}
            is_active = not gone & {operation.requester.user_id, *(vote.user_id for vote in votes)}
            self.require(is_active, "I1", "a write on the word of a deactivated account")

    def _judge_entry(self, entry: Mapping[str, str]) -> None:
        if "after" not in entry:
            return
        before, after, name = entry["before"], entry["after"], entry["operation"]
        was = self._states.get(name, "")
        self.require(was not in FINAL or was == after, "I9", f"{name} was {was} and became {after}")
        self.require(before == was, "I4", f"{name} went from {before} and was {was}")
        is_move = before == after or (before, after) in {*POSSIBLE, BEGINNING}
        self.require(is_move, "I4", f"{name} went from {before} to {after}")
        self._states[name] = after

    def _judge_operation(self, operation: Operation) -> None:
        name, state = operation.id, operation.state
        self.require(self._states.get(name) == state, "I4", f"the audit does not know {name} as it is")
        ended = self._ended.get(name)
        self.require(ended in (None, state), "I9", f"{name} was {ended} and is {state}")
        if operation.is_terminal:
            self._ended[name] = state
        writes = [
            (f"{operation.plan.digest[:40]}-{index}", change.existing.record_id)
            for index, change in enumerate(operation.plan.changes)
        ]
        self.require(all(self._cloud.effects.get(w, 0) <= 1 for w in writes), "I2", f"{name} took effect twice")
        changed = [write in self._cloud.changed for write in writes]
        if state is State.DONE and operation.plan.kind is Kind.FAILOVER:
            self.require(all(changed), "P5", f"{name} is DONE and was not applied")
        if state in (State.REJECTED, State.CANCELLED, State.EXPIRED, State.STALE, State.FAILED):
            self.require(not any(changed), "P5", f"{name} is {state} and took effect")
