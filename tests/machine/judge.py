"""What must hold whatever happened, asked of the store, the audit and the cloud, and never of the bots."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import StrEnum

from bot.domain.freeze import stopping
from bot.domain.operation import TRANSITIONS, Operation, State, Verb
from bot.domain.plan import Change, Kind
from bot.ports import Rules
from bot.services.requests import policy_hash_now
from tests.machine.cloud import Cloud
from tests.machine.stores import Store
from tests.services.world import World

POSSIBLE = {(str(before), str(after)) for (before, _), after in TRANSITIONS.items()}
BEGINNING = ("", str(State.PENDING))


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


class Judge:
    """Judges every write at the moment when it is sent, and the whole history after every step."""

    def __init__(self, world: Callable[[], World], store: Store, cloud: Cloud) -> None:
        self._world, self._store, self._cloud = world, store, cloud
        self._ended: dict[str, State] = {}
        self._read = 0
        self._states: dict[str, str] = {}
        self.excuses: set[Meddling] = set()
        """What happened during the step that is under way, so that its last look may have come before it."""

    async def judge_write(self, change: Change, token: str) -> None:
        """Refuse a write that nobody may ever send."""
        operation = await self._operation(token)
        seen = self._cloud.seen[change.existing.record_id]
        assert change in operation.plan.changes, "a write that is in no plan"
        assert seen.agrees_with(change.existing), f"{seen.target} was overwritten knowingly"
        self._judge_shape(change)
        await self._judge_grounds(operation)
        self._judge_people(operation)

    async def judge_history(self) -> None:
        """Compare audit, documents and records after a step."""
        entries = await self._store.trail()
        assert [int(entry["seq"]) for entry in entries] == list(range(1, len(entries) + 1)), "the audit has a gap"
        for entry in entries[self._read :]:
            self._judge_entry(entry)
        self._read = len(entries)
        for operation in await self._store.everything():
            self._judge_operation(operation)

    async def _operation(self, token: str) -> Operation:
        digest = token.rpartition("-")[0]
        found = [op for op in await self._store.everything() if op.plan.digest.startswith(digest)]
        assert len(found) == 1, "a write for no operation"
        return found[0]

    def _judge_shape(self, change: Change) -> None:
        kept = replace(change.desired, type=change.existing.type, value=change.existing.value)
        assert kept == change.existing, "more than type and value was changed"

    async def _judge_grounds(self, operation: Operation) -> None:
        ports = self._world().ports
        assert operation.state is State.APPLYING, f"a write while {operation.state}"
        assert operation.lease is not None, "a write without a claim"
        if Meddling.FREEZE not in self.excuses:
            assert not stopping(await self._store.freezes(), operation.plan.stopped_by), "a write while frozen"
        if Meddling.POLICY not in self.excuses:
            assert policy_hash_now(ports, operation) == operation.plan.policy_hash, "a write under another policy"

    def _judge_people(self, operation: Operation) -> None:
        rules: Rules = self._world().ports.rules
        asked = rules.access.people.person(operation.requester.user_id)
        assert asked is not None, "a write for nobody"
        votes = [v for v in operation.votes if v.verb is Verb.APPROVE and v.digest == operation.plan.digest]
        approved = {rules.access.people.person(vote.user_id) for vote in votes}
        assert asked not in approved, "the requester approved"
        if Meddling.POLICY not in self.excuses:
            assert len(approved - {None}) >= rules.access.policy.approvals, "too few people approved"
        for user_id in (operation.requester.user_id, *(vote.user_id for vote in votes)):
            identity = self._world().identities.cached(user_id)
            assert identity is not None, "a write on the word of a stranger"
            is_excused = Meddling.ACCOUNT in self.excuses
            assert is_excused or not identity.is_deleted, "a write on the word of a deactivated account"

    def _judge_entry(self, entry: Mapping[str, str]) -> None:
        if "after" not in entry:
            return
        before, after, name = entry["before"], entry["after"], entry["operation"]
        assert before == self._states.get(name, ""), f"{name} went from {before} without having come there"
        assert before == after or (before, after) in {*POSSIBLE, BEGINNING}, f"{name} went from {before} to {after}"
        self._states[name] = after

    def _judge_operation(self, operation: Operation) -> None:
        assert self._states.get(operation.id) == operation.state, f"the audit does not know {operation.id} as it is"
        ended = self._ended.get(operation.id)
        assert ended in (None, operation.state), f"{operation.id} was {ended} and is {operation.state}"
        if operation.is_terminal:
            self._ended[operation.id] = operation.state
        counts = [self._effects(operation, index) for index in range(len(operation.plan.changes))]
        assert all(count <= 1 for count in counts), f"{operation.id} took effect twice"
        if operation.state is State.DONE and operation.plan.kind is Kind.FAILOVER:
            assert all(counts), f"{operation.id} is DONE and was not applied"
        if operation.state in (State.REJECTED, State.CANCELLED, State.EXPIRED, State.STALE, State.FAILED):
            assert not any(counts), f"{operation.id} is {operation.state} and took effect"

    def _effects(self, operation: Operation, index: int) -> int:
        token = f"{operation.plan.digest[:40]}-{index}"
        return self._cloud.effects.get((token, operation.plan.changes[index].existing.record_id), 0)
