"""The judge: sees every commit, read, write, post and answer, knows what is true, and names what must never happen.

It goes by its own history and by what the world really holds, never by what a bot believes.
"""

import re
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import timedelta

from bot.domain.access import Access, Role
from bot.domain.freeze import Freeze, scopes_of, stopping
from bot.domain.operation import Operation, State, Verb
from bot.domain.plan import Change, Verdict
from bot.domain.record import Record
from bot.messages.headline import first_line
from bot.ports import Commit
from tests.simulation.bots import SimBot
from tests.simulation.cloud import Cloud
from tests.simulation.redis import Redis, WitnessedStore
from tests.simulation.slack import Posted, Slack

SEND_WITHIN = 10.0
HOLD = timedelta(seconds=120)
ANSWER_WITHIN = 2.5
CLOCK_TOLERANCE = timedelta(seconds=5)
PENDING_TOLERANCE = timedelta(seconds=20)
ASKED_AT_CLAIM = 30.0
"""Seconds from Slack's word on people before a claim to the last send under it, while nobody stands still."""
LAST_WORD = 150.0
"""The same while Slack is silent, or the bot stood still: its answer of up to 120 s stands."""
WORDS = {str(word) for word in (*State, *Verdict)}
NAMES = re.compile(r"`([a-z]{2}-[0-9a-z]{4})` plan")
"""How a card names its own operation; others may be mentioned on it too."""


class Violation(Exception):
    """Something happened that must never happen."""

    def __init__(self, invariant: str, sentence: str, at: float) -> None:
        super().__init__(f"{invariant} at {at:.3f} s: {sentence}")
        self.invariant = invariant


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim as the store took it."""

    operation_id: str
    token: str
    owner: str
    version: int
    store: str
    at: float
    frozen: tuple[Freeze, ...]


@dataclass
class Judge:
    """Watches one run; `found` holds the first violation."""

    redis: Redis
    cloud: Cloud
    slack: Slack
    accesses: list[Access]
    bots: dict[str, SimBot] = field(default_factory=dict)
    found: Violation | None = None
    versions: dict[str, list[Operation]] = field(default_factory=lambda: defaultdict(list))
    claims: list[Claim] = field(default_factory=list)
    sends: int = 0
    effects: int = 0
    _by_digest: dict[str, str] = field(default_factory=dict)
    _reads: dict[tuple[str, str], tuple[float, Record]] = field(default_factory=dict)
    _sent_at: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    _effective: dict[str, int] = field(default_factory=dict)
    _edits: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    @property
    def now(self) -> float:
        """Return the virtual time."""
        return self.redis.loop.time()

    def require(self, is_so: bool, invariant: str, sentence: str) -> None:
        """Remember the first thing that is not as it must be."""
        if not is_so and self.found is None:
            self.found = Violation(invariant, sentence, self.now)

    def committed(self, store: WitnessedStore, before: Operation | None, commit: Commit, after: Operation) -> None:
        """Judge one commit as the store took it."""
        self.versions[after.id].append(after)
        self._by_digest[after.plan.digest[:40]] = after.id
        was = before.state if before else ""
        is_final = before is None or not before.is_terminal or before.state is after.state
        self.require(is_final, "I9", f"{after.id} was {was} and became {after.state}")
        entry = store.audit[-1] if store.audit else {}
        told = (entry.get("operation"), entry.get("version"), entry.get("before"), entry.get("after"))
        is_told = told == (after.id, str(after.version), was, after.state) and bool(entry.get("event"))
        self.require(is_told, "I4", f"{after.id} went from {was or 'nothing'} to {after.state}, the audit says {told}")
        if after.lease and (before is None or before.lease is None or before.lease.token != after.lease.token):
            self._claimed(store, after)

    def _claimed(self, store: WitnessedStore, operation: Operation) -> None:
        assert operation.lease is not None
        lease = operation.lease
        now, mine = store.clock.now(), set(operation.plan.record_ids)
        for stored in list(store._stored.values()):
            other = stored.operation()
            if other.id == operation.id or mine.isdisjoint(other.plan.record_ids):
                continue
            is_at_it = other.state in (State.APPLYING, State.VERIFYING)
            self.require(not is_at_it, "I14", f"{operation.id} was claimed while {other.id} is {other.state}")
            rests_until = other.ended_at + HOLD - CLOCK_TOLERANCE if other.ended_at else now
            is_resting = other.has_unclean_write and now < rests_until
            is_first = sum(progress.claims for progress in operation.progress) == 1
            self.require(
                not (is_first and is_resting), "I14", f"{operation.id} was claimed in the hold that {other.id} left"
            )
        frozen = _frozen(store, operation)
        identity = self.redis.serving.identity
        self.claims.append(Claim(operation.id, lease.token, lease.owner, operation.version, identity, self.now, frozen))

    def read(self, who: str, record: Record) -> None:
        """Remember what a bot last read."""
        self._reads[who, record.record_id] = (self.now, record)

    def sent(self, who: str, change: Change, token: str) -> None:
        """Judge a write at the moment of sending."""
        self.sends += 1
        found = self._by_digest.get(token[:40])
        self._sent_at[token].append(self.now)
        if found is None:
            self.require(False, "I1", f"{who} sent a write that belongs to no operation")
            return
        operation = self.versions[found][-1]
        self._judge_what(operation, change, int(token[41:]))
        self._judge_people(operation, self.bots[who])
        claim = next((c for c in reversed(self.claims) if (c.operation_id, c.owner) == (found, who)), None)
        if claim is None:
            self.require(False, "I10", f"{who} sent a write of {found} without a claim")
            return
        self._judge_moment(operation, claim, change, self.bots[who])

    def _judge_what(self, operation: Operation, change: Change, index: int) -> None:
        ids = operation.plan.record_ids
        is_planned = index < len(ids) and change.existing.record_id == change.desired.record_id == ids[index]
        self.require(is_planned, "I6", f"{operation.id} may not write {change.desired.record_id}")
        if not is_planned:
            return
        planned = operation.plan.changes[index]
        kept = replace(change.desired, type=planned.existing.type, value=planned.existing.value)
        self.require(kept == planned.existing, "I5", f"{operation.id} would change more than type and value: {kept}")
        self.require(
            change.desired.target == planned.desired.target, "I2", f"{operation.id} sent {change.desired.target}"
        )

    def _judge_people(self, operation: Operation, bot: SimBot) -> None:
        plan, sites = operation.plan, bot.ports.rules.topology.sites
        own = bot.access.policy_hash((sites[plan.away], sites[plan.to]))
        self.require(own == plan.policy_hash, "I10", f"{bot.name} obeys another policy than {operation.id} was made by")
        access = next(a for a in self.accesses if a.policy_hash((sites[plan.away], sites[plan.to])) == plan.policy_hash)
        asker = access.people.person(operation.requester.user_id)
        voters = {
            person.name
            for vote in operation.votes
            if vote.verb is Verb.APPROVE and vote.digest == plan.digest and self._is_active(vote.user_id, bot)
            if (person := access.people.person(vote.user_id)) and Role.APPROVER in person.roles and person != asker
        }
        is_asked = asker is not None and Role.REQUESTER in asker.roles
        is_asked = is_asked and self._is_active(operation.requester.user_id, bot)
        is_approved = len(voters) >= access.policy.approvals
        self.require(
            is_asked and is_approved,
            "I1",
            f"{operation.id}: asked by {asker and asker.name}, approved by {sorted(voters)}",
        )

    def _is_active(self, user_id: str, bot: SimBot) -> bool:
        user = self.slack.users.get(user_id)
        if user is None or user.left_at is None:
            return user is not None and not user.is_guest
        is_troubled = self.slack.weather.troubled_since(self.now - LAST_WORD) or bot.was_paused_since(
            self.now - LAST_WORD
        )
        return user.left_at >= self.now - (LAST_WORD if is_troubled else ASKED_AT_CLAIM)

    def _judge_moment(self, operation: Operation, claim: Claim, change: Change, bot: SimBot) -> None:
        record_id = change.existing.record_id
        self.require(self.now - claim.at <= SEND_WITHIN, "I10", f"{operation.id}: sent long after its claim")
        frozen = set(claim.frozen) & set(_frozen(self.redis.server_of(bot.name).store, operation))
        self.require(not frozen, "I10", f"{operation.id} was sent in a freeze that was on before its claim")
        off = bot.switched_off_at
        self.require(off is None or off >= claim.at, "I10", f"{operation.id} was sent by a bot that is switched off")
        held = self.redis.serving
        if held.identity == claim.store:
            stored = held.store._stored.get(operation.id)
            is_kept = stored is not None and stored.version >= claim.version
            self.require(is_kept, "I10", f"the store no longer has the claim by which {operation.id} was sent")
        at, seen = self._reads.get((bot.owner, record_id), (-1.0, None))
        is_fresh = seen is not None and at >= claim.at and seen.agrees_with(change.existing)
        self.require(is_fresh, "I8", f"{operation.id} was sent over {seen and seen.target}, read at {at:.3f}")
        later = self._claimed_by_another(operation, record_id, claim.at)
        self.require(later is None, "I14", f"{operation.id} was sent after {later} claimed the record")

    def _claimed_by_another(self, operation: Operation, record_id: str, since: float) -> str | None:
        for claim in reversed(self.claims):
            if claim.at <= since:
                return None
            is_other = claim.operation_id != operation.id
            if is_other and record_id in self.versions[claim.operation_id][-1].plan.record_ids:
                return claim.operation_id
        return None

    def edited(self, record_id: str) -> None:
        """Remember that a person changed a record at the console."""
        self._edits[record_id] += 1

    def took_effect(self, who: str, change: Change, token: str, before: Record) -> None:
        """Judge a write at the moment it reaches the record."""
        found, record_id = self._by_digest.get(token[:40]), change.existing.record_id
        if found is None or before.target == change.desired.target:
            return
        self.effects += 1
        operation = self.versions[found][-1]
        later = self._claimed_by_another(operation, record_id, self._sent_at[token][-1])
        if later is not None:
            name = "I7" if self.versions[later][-1].state is State.DONE else "I14"
            self.require(False, name, f"a write of {found} took effect after {later} claimed the record")
        edits = self._edits[record_id]
        self.require(self._effective.get(token, -1) != edits, "I2", f"{found} changed {record_id} twice")
        self._effective[token] = edits

    def shown(self, post: Posted) -> None:
        """Judge what a card says at the moment people see it."""
        word = post.text.partition(":")[0]
        if post.thread_ts is not None or word not in WORDS:
            return
        named = NAMES.search(repr(post.blocks))
        if named is None or named[1] not in self.versions:
            return
        told = {_word(version) for version in self.versions[named[1]]}
        self.require(word in told, "I11", f"the card of {named[1]} says {word}, which it never was")

    def answered(self, bot: SimBot, since: float, outcome: str | None) -> None:
        """Judge an answer to a delivery, or that there is none yet."""
        if not bot.is_alive or bot.was_paused_since(since):
            return
        self.require(outcome is not None, "I12", f"{bot.name} did not answer within {ANSWER_WITHIN} s")
        self.require(outcome != "failed", "I12", f"{bot.name} met a bug and could only apologise")
        self.require(self.now - since <= ANSWER_WITHIN, "I12", f"{bot.name} took {self.now - since:.1f} s to answer")

    def require_none(self, wrong: list[str], invariant: str) -> None:
        """Remember the first of these, if there are any."""
        self.require(not wrong, invariant, next(iter(wrong), ""))

    def unended(self) -> list[str]:
        """Return which operations are under way, or wait longer than anybody may decide."""
        now = self.redis.serving.store.clock.now()
        operations = (stored.operation() for stored in self.redis.serving.store._stored.values())
        return [
            f"{operation.id} is still {operation.state}"
            for operation in operations
            if not operation.is_terminal
            and (operation.state is not State.PENDING or operation.expires_at + PENDING_TOLERANCE < now)
        ]

    def unshown(self, moment: float) -> list[str]:
        """Return which operations that had ended by a moment have a card that says something else."""
        store = self.redis.serving.store
        latest = store.clock.now() - timedelta(seconds=self.now - moment) - CLOCK_TOLERANCE
        operations = (stored.operation() for stored in store._stored.values())
        ended = [operation for operation in operations if operation.ended_at and operation.ended_at <= latest]
        return [wrong for operation in ended if (wrong := self._wrong_card(store, operation))]

    def _wrong_card(self, store: WitnessedStore, operation: Operation) -> str:
        card = store._cards.get(operation.id)
        post = self.slack.posts.get(card.ts) if card else None
        if post is None:
            return f"{operation.id} is {operation.state} and has no card"
        is_true = post.text.partition(":")[0] == _word(operation) and not post.buttons()
        return "" if is_true else f"{operation.id} is {operation.state}, its card says {post.text}"


def _frozen(store: WitnessedStore, operation: Operation) -> tuple[Freeze, ...]:
    now = store.clock.now()
    stops = stopping(store._freezes.values(), scopes_of(operation.plan.away, operation.plan.to))
    return tuple(freeze for freeze in stops if not freeze.is_over(now))


def _word(operation: Operation) -> str:
    """Return the word with which a card begins."""
    return first_line(operation, operation.created_at).partition(":")[0]
