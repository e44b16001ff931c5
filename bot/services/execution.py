"""Carry an approved operation out: claim, read, send once, read back, finish.

The five ingredients that keep it to one effect: a random token for each claim, the claim re-read before use, WAIT for
replicas where there are any, an own deadline for the send, and a hold on the record after any unclear write. Whatever
happens to this process, the next claimant finds enough in the store and the record to end the same way.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.operation import (
    LEASE,
    MAX_CLAIMS,
    START_WITHIN,
    Event,
    Lease,
    Operation,
    State,
    SubState,
    advance,
)
from bot.domain.plan import Kind
from bot.errors import Conflict, Frozen, ProviderError, RecordHeld, StoreUnavailable, Unreadable
from bot.ports import CLAIM_DURABLE_WITHIN, Commit, Ports
from bot.services.audit import entry
from bot.services.finishing import end, finish, give_up, save, wait_out
from bot.services.freezing import in_force, told
from bot.services.recheck import Recheck, recheck, recheck_authority
from bot.services.unfreezing import lift
from bot.services.verification import verify
from bot.services.watching import watch
from bot.services.writing import Result, Written, read_record, settle

NOT_DURABLE = "E_STORE_NOT_DURABLE"
"""The store's code for a write that too few replicas have."""
READ_AGAIN_FOR = timedelta(seconds=15)
"""After the approval: how long a silent control plane is asked again before people hear that nothing was done."""
TAKEOVERS = LEASE * MAX_CLAIMS
"""What follows a change that was begun in time. After that nobody waits for a write any more: when all bots, or Redis,
were away for longer, people have long acted by hand."""


async def step(ports: Ports, operation_id: str, owner: str) -> None:
    """Take the one step that is due for this operation; safe to call at any time, from any process."""
    operation = await ports.operations.get(operation_id)
    acts = _LIFTING if operation.plan.kind is Kind.UNFREEZE else _ACTS
    act = acts.get(operation.state)
    if act is not None:
        await act(ports, operation, owner)


async def _expire(ports: Ports, operation: Operation, _owner: str) -> None:
    if ports.clock.now() >= operation.expires_at:
        await end(ports, operation, Event.EXPIRE, _EXPIRED, operation.expires_at)


async def _start(ports: Ports, operation: Operation, owner: str) -> None:
    now = ports.clock.now()
    if now >= operation.lapses_at:
        await end(ports, operation, Event.EXPIRE, _LAPSED, operation.lapses_at)
        return
    found = await _recheck(ports, operation, now - operation.decided_at)
    if found.difference:
        await end(ports, operation, Event.DIFFER, f"Nothing was changed. {found.difference} Plan again.")
        return
    for note in found.notes:
        operation = operation.with_step(now, note)
    await _apply_all(ports, await _with_vantages(ports, operation), owner)


async def _recheck(ports: Ports, operation: Operation, waited: timedelta) -> Recheck:
    """Check everything again; what cannot be read is tried again for a while before it counts as different."""
    try:
        return await recheck(ports, operation)
    except Unreadable as error:
        if waited < READ_AGAIN_FOR:
            raise
        return Recheck(str(error))


async def _take_over(ports: Ports, operation: Operation, owner: str) -> None:
    if operation.lease is not None and ports.clock.now() < operation.lease.until:
        return
    await _apply_all(ports, operation, owner)


async def _apply_all(ports: Ports, operation: Operation, owner: str) -> None:
    """Apply the changes in order; a stopping process begins no further one, and another goes on from there."""
    current: Operation | None = operation
    while current is not None and not ports.is_stopping() and (index := current.next_change()) is not None:
        current = await _apply_one(ports, current, index, owner)


async def _apply_one(ports: Ports, operation: Operation, index: int, owner: str) -> Operation | None:
    """Apply one change; returns the operation when the next change may follow, else None.

    Raises StoreUnavailable, and claims nothing, while the store cannot be trusted.
    """
    if why := ports.store_trouble():
        raise StoreUnavailable(why)
    if _is_overdue(operation, index, ports.clock.now()):
        await give_up(ports, operation, index)
        return None
    started = ports.clock.monotonic()
    claimed = await _claim(ports, operation, index, owner)
    if claimed is None:
        return None
    if why := await _may_not_send(ports, claimed, index, is_first=operation.state is State.APPROVED):
        return await finish(ports, index, await _look_only(ports, claimed, index, why))
    return await finish(ports, index, await settle(ports, claimed, index, started, lambda op: save(ports, op)))


def _is_overdue(operation: Operation, index: int, now: datetime) -> bool:
    """Tell whether a change had its chances: so many claims, or so long without a single send."""
    progress = operation.progress[index]
    if progress.claims >= MAX_CLAIMS:
        return True
    is_untouched = operation.state is State.APPLYING and progress.state is SubState.WAITING and not progress.is_unclean
    return is_untouched and now >= operation.lapses_at + START_WITHIN * index


async def _claim(ports: Ports, operation: Operation, index: int, owner: str) -> Operation | None:
    """Claim one change under a fresh random token and read the claim back; None when somebody else has it."""
    now, token = ports.clock.now(), ports.ids.token()
    before = operation.progress[index]
    is_takeover = before.state is SubState.CLAIMED
    is_first = operation.state is State.APPROVED
    progress = replace(
        before,
        state=SubState.CLAIMED,
        is_unclean=before.is_unclean or is_takeover,
        claims=before.claims + 1,
        note="" if is_first else before.note,
    )
    wanted = replace(
        advance(operation, Event.CLAIM, now).with_progress(index, progress), lease=Lease(token, owner, now + LEASE)
    )
    commit = Commit(
        wanted,
        attempt=token,
        audit=entry("claimed", wanted, "bot", owner, before=operation.state),
        not_before=operation.lease.until if operation.lease else None,
        not_after=operation.lapses_at if is_first else None,
        unless_held=is_first,
        unless_frozen=operation.plan.stopped_by if is_first else (),
        due_at=now + LEASE,
        durable_within=CLAIM_DURABLE_WITHIN,
    )
    try:
        await ports.operations.commit(commit)
    except Frozen as error:
        await end(ports, operation, Event.DIFFER, f"Nothing was changed. {error}")
        return None
    except RecordHeld as held:
        await wait_out(ports, operation.id, index, held)
        return None
    except Conflict:
        return None
    except StoreUnavailable as error:
        if error.code == NOT_DURABLE:
            await _release_unused(ports, operation.id, index, token, str(error))
        raise
    return await _reread(ports, operation.id, token)


async def _reread(ports: Ports, operation_id: str, token: str) -> Operation | None:
    """Return the operation if the claim under this token is what the store holds."""
    stored = await ports.operations.get(operation_id)
    return stored if stored.lease is not None and stored.lease.token == token else None


async def _release_unused(ports: Ports, operation_id: str, index: int, token: str, why: str) -> None:
    """Give a claim back that the replicas do not have: it was certainly not used, so it is not unclean."""
    claimed = await _reread(ports, operation_id, token)
    if claimed is not None:
        await finish(ports, index, Written(claimed, Result.RELEASED, why))


async def _may_not_send(ports: Ports, operation: Operation, index: int, *, is_first: bool) -> str:
    """Return why a claim may not be used to write; before the first one people were asked about a moment ago."""
    if why := ports.kill_switch():
        return why
    if found := await in_force(ports, operation.plan.stopped_by):
        return told(ports, found)
    if is_first:
        return ""
    if ports.clock.now() >= operation.lapses_at + START_WITHIN * index + TAKEOVERS:
        return _OUTLIVED
    return (await recheck_authority(ports, operation)).difference


async def _look_only(ports: Ports, operation: Operation, index: int, why: str) -> Written:
    """Settle a claim that may no longer send: only what the record says counts."""
    change, progress = operation.plan.changes[index], operation.progress[index]
    try:
        record = await read_record(ports, change)
    except ProviderError as error:
        return Written(operation, Result.UNKNOWN, f"{why} The record cannot be read: {error}")
    if record.agrees_with(change.desired):
        return Written(operation, Result.APPLIED, why)
    is_untouched = record.agrees_with(change.existing) and not progress.is_unclean
    return Written(operation, Result.DIFFERS if is_untouched else Result.UNKNOWN, why)


async def _with_vantages(ports: Ports, operation: Operation) -> Operation:
    """Note which views' resolvers show the value before the write; only those count as witnesses afterwards."""
    for index, change in enumerate(operation.plan.changes):
        is_vantage = await _shows_before_image(ports, change.view.resolver, change.view.domain, operation, index)
        operation = operation.with_progress(index, replace(operation.progress[index], is_vantage=is_vantage))
    return operation


async def _shows_before_image(
    ports: Ports, resolver: str | None, domain: str, operation: Operation, index: int
) -> bool:
    if resolver is None:
        return False
    try:
        answer = await ports.resolver.resolve(domain, resolver)
    except ProviderError:
        return False  # a resolver that does not answer now is no witness later; the card says "not observed"
    return answer.shows(operation.plan.changes[index].existing)


_EXPIRED = "Nobody decided in time, so it expired. Nothing was changed. Start a new request."
_LAPSED = "The approval was not started within 120 s, so it lapsed. Nothing was changed. Start a new request."
_OUTLIVED = "The approval is too old to be acted upon now: this bot, or its Redis, was away for too long."
_LIFTING = {State.PENDING: _expire, State.APPROVED: lift}
_ACTS = {
    State.PENDING: _expire,
    State.APPROVED: _start,
    State.APPLYING: _take_over,
    State.VERIFYING: verify,
    **dict.fromkeys((State.DONE, State.PARTIAL, State.FAILED, State.NEEDS_HUMAN), watch),
}
