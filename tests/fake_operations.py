"""The store of operations in memory, with the decisions of commit.lua; the contract suite holds both to the same."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.adapters import documents
from bot.adapters.redis_commit import refusal, unknown
from bot.adapters.redis_freeze import already_frozen, encode
from bot.domain.freeze import SET_BY_HAND, Freeze
from bot.domain.operation import Operation
from bot.errors import BotError, Unconfirmed
from bot.ports import Card, Claims, Clock, Commit, IndexMove, Listing, words_of


@dataclass
class Stored:
    """One operation with what is kept beside it."""

    body: str = ""
    plan: str = ""
    version: int = 0
    digest: str = ""
    attempts: dict[str, int] = field(default_factory=dict)
    is_released: bool = False

    def operation(self) -> Operation:
        """Return it as a reader would get it."""
        return documents.decode(self.body, self.plan)


class FakeOperations:
    """Operations in memory; `fail_next` makes the next call raise, before or after it took effect."""

    def __init__(self, clock: Clock, *operations: Operation) -> None:
        self.audit: list[Mapping[str, str]] = []
        self._freezes: dict[str, Freeze] = {}
        self._freezing_fails: tuple[BotError | None, bool] = (None, False)
        self._clock = clock
        self._stored: dict[str, Stored] = {}
        self._open: dict[str, str] = {}
        self._held: dict[str, datetime] = {}
        self._watched: dict[str, str] = {}
        self._due: dict[str, datetime] = {}
        self._news: dict[str, tuple[int, datetime | None]] = {}
        self._posting: dict[str, tuple[str, datetime]] = {}
        self._cards: dict[str, Card] = {}
        self._last: dict[str, str] = {}
        self._watches: set[tuple[str, str]] = set()
        self._told: dict[str, int] = {}
        self._asked: dict[tuple[str, datetime], int] = {}
        self._failures: list[tuple[BotError, bool]] = []
        self.is_replica_behind = False
        for operation in operations:
            self.put(operation)

    def put(self, operation: Operation, due_at: datetime | None = None) -> Operation:
        """Have an operation in store, whatever its state, with its records taken while it is open."""
        stored = self._stored[operation.id] = Stored(
            documents.encode(operation),
            documents.encode_plan(operation),
            operation.version,
            operation.plan.digest,
            is_released=operation.is_terminal,
        )
        if not stored.is_released:
            self._open |= dict.fromkeys(operation.plan.subjects, operation.id)
        if due_at is not None:
            self._due[operation.id] = due_at
        return operation

    def forget(self, operation_id: str) -> None:
        """Lose an operation, but not what is kept beside it."""
        del self._stored[operation_id]

    async def freezes(self) -> tuple[Freeze, ...]:
        """Return what is frozen now."""
        now = self._clock.now()
        every = self._freezes.values()
        return tuple(sorted((f for f in every if not f.is_over(now)), key=lambda f: (f.at, f.scope)))

    async def freeze(self, freeze: Freeze, entry: Mapping[str, str]) -> None:
        """Freeze and append the entry in one step; the same freeze again changes nothing."""
        error, is_after = self._freezing_fails
        if error is not None and not is_after:
            raise error
        self._freeze(freeze, entry)
        if error is not None:
            raise error
        self._require_replica()

    def _freeze(self, freeze: Freeze, entry: Mapping[str, str]) -> None:
        held = self._freezes.get(freeze.scope)
        if held and held.outlasts(freeze) and not held.is_over(self._clock.now()):
            raise already_frozen(held)
        if held != freeze:
            self._append(entry)
        self._freezes[freeze.scope] = freeze

    async def freeze_by_hand(self) -> None:
        """Turn the kill switch on past the bot."""
        self.put_freeze(SET_BY_HAND)

    def fail_freezing(self, error: BotError | None, *, after: bool = False) -> None:
        """Raise `error` out of every freeze, after it took effect if `after`, until it is None again."""
        self._freezing_fails = (error, after)

    def put_freeze(self, freeze: Freeze) -> None:
        """Have a freeze in store."""
        self._freezes[freeze.scope] = freeze

    async def thaw_by_hand(self) -> None:
        """Turn the kill switch off past the bot."""
        self._freezes.clear()

    def hold(self, record_id: str, span: timedelta) -> None:
        """Put a record on hold from now."""
        self._held[record_id] = self._clock.now() + span

    def fail_next(self, error: BotError, *, after: bool = False) -> None:
        """Raise `error` out of the next commit, after it took effect if `after`."""
        self._failures.append((error, after))

    async def get(self, operation_id: str) -> Operation:
        """Return an operation. Raises UnknownOperation."""
        self._require(operation_id)
        return self._stored[operation_id].operation()

    def _require(self, operation_id: str) -> None:
        if operation_id not in self._stored:
            raise unknown(operation_id)

    async def commit(self, commit: Commit) -> Operation:
        """Check and write in one step; returns the operation with its new version."""
        error, after = self._failures.pop(0) if self._failures else (None, False)
        if error is not None and not after:
            raise error
        operation = self._decide(commit)
        if error is not None:
            raise error
        if commit.durable_within is not None:
            self._require_replica()
        return operation

    async def confirm(self, operation: Operation, within: timedelta) -> None:
        """Return once the replicas have an operation as it was read."""
        stored = self._stored.get(operation.id, Stored())
        if operation.stamp and operation.stamp not in stored.attempts:
            raise refusal("VERSION" if stored.body else "GONE", operation.id)
        self._require_replica()

    def _require_replica(self) -> None:
        if self.is_replica_behind:
            raise Unconfirmed("Only 0 of 1 Redis replicas have this (E_STORE_NOT_DURABLE).", code="E_STORE_NOT_DURABLE")

    async def record(self, entry: Mapping[str, str]) -> None:
        """Append one entry to the audit that belongs to no commit."""
        self._append(entry)

    async def entries(self) -> list[Mapping[str, str]]:
        """Return the audit."""
        return list(self.audit)

    async def due(self, now: datetime, limit: int = 20) -> tuple[str, ...]:
        """Return ids of operations with a step to take now."""
        return tuple(sorted((i for i, at in self._due.items() if at <= now), key=lambda i: self._due[i])[:limit])

    async def news(self, limit: int = 20) -> tuple[str, ...]:
        """Return ids of operations whose card is behind."""
        now = self._clock.now()
        return tuple(i for i, (_, at) in self._news.items() if at is None or at <= now)[:limit]

    async def recent(self, limit: int = 50) -> tuple[Operation, ...]:
        """Return the newest operations that can be read, newest first."""
        return (await self.listing(limit)).operations

    async def listing(self, limit: int = 50) -> Listing:
        """Return the newest operations, and name those that cannot be read."""
        read, unreadable = [], []
        for operation_id, stored in list(reversed(self._stored.items()))[:limit]:
            try:
                read.append(stored.operation())
            except BotError:
                unreadable.append(operation_id)
        return Listing(tuple(read), tuple(unreadable))

    async def count_request(self, person: str) -> int:
        """Count one more request of this person in the clock hour at hand, and return how many there are by now."""
        hour = (person, self._clock.now().replace(minute=0, second=0, microsecond=0))
        self._asked[hour] = self._asked.get(hour, 0) + 1
        return self._asked[hour]

    async def spoil(self, operation_id: str) -> None:
        """Have somebody write nonsense over a document."""
        self._stored[operation_id].body = "nonsense"

    async def open_on(self, record_id: str) -> str | None:
        """Return the id of the open operation that wants this record."""
        return self._open.get(record_id)

    async def held_for(self, record_id: str) -> int:
        """Return the seconds for which this record is still on hold, 0 when it is not."""
        left = self._held.get(record_id, self._clock.now()) - self._clock.now()
        return max(0, math.ceil(left.total_seconds()))

    async def card(self, operation_id: str) -> Card | None:
        """Return where the operation's card stands."""
        return self._cards.get(operation_id) if operation_id in self._stored else None

    async def save_card(self, operation_id: str, card: Card) -> None:
        """Remember where the card stands; clears the news mark when it shows the latest version."""
        self._require(operation_id)
        self._cards[operation_id] = card
        if operation_id in self._news and self._news[operation_id][0] <= card.rendered:
            del self._news[operation_id]

    async def owe_words(self, operation_id: str, count: int) -> None:
        """Have `news` name the words of this operation until people were told of so many directly."""
        if operation_id in self._stored:
            self._news[words_of(operation_id)] = (count, None)

    async def words_told(self, operation_id: str) -> int:
        """Return how many of an operation's words people were told of."""
        return self._told.get(operation_id, 0)

    async def save_words_told(self, operation_id: str, count: int) -> None:
        """Remember of how many words people were told."""
        self._require(operation_id)
        self._told[operation_id] = count
        if self._news.get(words_of(operation_id), (count + 1, None))[0] <= count:
            del self._news[words_of(operation_id)]

    async def draw_again(self, operation_id: str) -> None:
        """Have `news` name this operation once more, though it did not move."""
        if operation_id in self._stored and operation_id not in self._news:
            self._news[operation_id] = (self._stored[operation_id].version, None)

    async def postpone_step(self, operation_id: str, until: datetime) -> None:
        """Leave a step that cannot be taken now until then."""
        if operation_id in self._due:
            self._due[operation_id] = until

    async def postpone_news(self, operation_id: str, until: datetime) -> None:
        """Try the card again at `until`."""
        if operation_id in self._news:
            self._news[operation_id] = (self._news[operation_id][0], until)

    async def claim_news(self, operation_id: str, owner: str, until: datetime) -> bool:
        """Take the drawing of a card until then, anew where this owner has it; False when another has."""
        now = self._clock.now()
        holder, ends = self._posting.get(operation_id, (owner, now))
        if holder != owner and ends > now:
            return False
        self._posting[operation_id] = (owner, until)
        return True

    async def release_news(self, operation_id: str) -> None:
        """Give the drawing of a card back."""
        self._posting.pop(operation_id, None)

    async def claims(self, record_id: str) -> Claims:
        """Return which operations have to do with a record."""
        return Claims(self._open.get(record_id), self._watched.get(record_id))

    async def subscribe(self, site: str, channel: str, user_id: str) -> bool:
        """Have a channel told of a site."""
        is_new = (site, channel) not in self._watches
        self._watches.add((site, channel))
        return is_new

    async def unsubscribe(self, site: str, channel: str) -> bool:
        """Have a channel told no more of a site."""
        was_there = (site, channel) in self._watches
        self._watches.discard((site, channel))
        return was_there

    async def subscriptions(self) -> Mapping[str, tuple[str, ...]]:
        """Return the channels that are told of each site."""
        sites = {site for site, _ in self._watches}
        return {name: tuple(sorted(channel for site, channel in self._watches if site == name)) for name in sites}

    async def remember(self, key: str, value: str) -> None:
        """Keep a last good answer (JSON) under a name."""
        self._last[key] = value

    async def recall(self, key: str) -> str | None:
        """Return a last good answer."""
        return self._last.get(key)

    def _decide(self, commit: Commit) -> Operation:
        operation = commit.operation
        stored = self._stored.get(operation.id, Stored())
        if commit.attempt in stored.attempts:
            return replace(operation, version=stored.attempts[commit.attempt], stamp=commit.attempt)
        self._require_version(stored, operation)
        self._require_moment(commit)
        self._require_records(commit, stored)
        if _is_forged(stored, commit):
            raise refusal("FORGED", operation.id)
        return self._write(commit, stored)

    def _require_version(self, stored: Stored, operation: Operation) -> None:
        if stored.version == 0 and operation.version > 0 and not stored.body:
            raise refusal("GONE", operation.id)
        if stored.body:
            held = stored.operation()  # refuses a newer schema
            if operation.stamp not in ("", held.stamp):
                raise refusal("VERSION", operation.id)
            if stored.version != operation.version or (operation.version == 0 and stored.attempts):
                raise refusal("VERSION", operation.id)

    def _require_moment(self, commit: Commit) -> None:
        now = self._clock.now()
        if commit.not_before and now < commit.not_before:
            raise refusal("EARLY", commit.operation.id)
        if commit.not_after and now > commit.not_after:
            raise refusal("LATE", commit.operation.id)
        self._require_unfrozen(commit)

    def _require_unfrozen(self, commit: Commit) -> None:
        for freeze in self._freezes.values():
            is_stopping = freeze.is_by_hand or freeze.scope in commit.unless_frozen
            if commit.unless_frozen and is_stopping and not freeze.is_over(self._clock.now()):
                raise refusal("FROZEN", commit.operation.id, encode(freeze))
        if any(self._freezes.get(lifted.scope) != lifted for lifted in commit.lifts):
            raise refusal("LIFTED", commit.operation.id)

    def _require_records(self, commit: Commit, stored: Stored) -> None:
        wants = commit.index is IndexMove.TAKE or (commit.index is IndexMove.KEEP and not stored.is_released)
        for record in commit.operation.plan.subjects:
            owner = self._open.get(record, commit.operation.id)
            if wants and owner != commit.operation.id:
                raise refusal("OPEN", commit.operation.id, owner)
            left = self._held.get(record, self._clock.now()) - self._clock.now()
            if commit.unless_held and left > timedelta():
                raise refusal("HELD", commit.operation.id, math.ceil(left.total_seconds()))

    def _write(self, commit: Commit, stored: Stored) -> Operation:
        written = replace(commit.operation, version=commit.operation.version + 1, stamp=commit.attempt)
        self._stored[written.id] = Stored(
            documents.encode(written),
            stored.plan or documents.encode_plan(written),
            written.version,
            written.plan.digest,
            {**stored.attempts, commit.attempt: written.version},
            stored.is_released or commit.index is IndexMove.RELEASE,
        )
        self._append({**commit.audit, "operation": written.id, "version": str(written.version)})
        self._write_records(commit)
        self._mark_work(commit, written)
        return written

    def _append(self, entry: Mapping[str, str]) -> None:
        at = int(self._clock.now().timestamp() * 1000)
        self.audit.append({**entry, "seq": str(len(self.audit) + 1), "at": str(at)})

    def _write_records(self, commit: Commit) -> None:
        mine = commit.operation.id
        for lifted in commit.lifts:
            self._freezes.pop(lifted.scope, None)
        for record in commit.operation.plan.subjects:
            if commit.index is IndexMove.TAKE:
                self._open[record] = mine
            if commit.index is IndexMove.RELEASE and self._open.get(record) == mine:
                del self._open[record]
            if commit.hold_for:
                until = self._clock.now() + commit.hold_for
                self._held[record] = max(self._held.get(record, until), until)

        self._watched |= {r: mine for r in commit.operation.plan.record_ids if r in commit.watch}
        for record in commit.leave:
            if self._watched.get(record) == mine:
                del self._watched[record]

    def _mark_work(self, commit: Commit, written: Operation) -> None:
        self._due.pop(written.id, None)
        if commit.due_at is not None:
            self._due[written.id] = commit.due_at
        if commit.is_news:
            self._news[written.id] = (written.version, None)


def _is_forged(stored: Stored, commit: Commit) -> bool:
    operation = commit.operation
    if stored.digest not in ("", operation.plan.digest):
        return True
    if operation.approved_at is None and operation.lease is None and not commit.lifts:
        return False
    asked = operation.requester
    approvals = operation.approvals
    own = any(vote.person == asked.person or vote.user_id == asked.user_id for vote in approvals)
    return own or not approvals
