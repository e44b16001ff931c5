"""Carry an approved operation out: claim, read, send once, read back, finish.

The five ingredients that keep it to one effect: a random token for each claim, the claim re-read before use, WAIT for
replicas where there are any, an own deadline for the send, and a hold on the record after any unclear write. Whatever
happens to this process, the next claimant finds enough in the store and the record to end the same way.
"""

from dataclasses import replace
from datetime import datetime

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
from bot.errors import Conflict, ProviderError
from bot.ports import Commit, Ports
from bot.services.audit import entry
from bot.services.finishing import end, finish, give_up, save
from bot.services.recheck import authority_lost, difference
from bot.services.verification import verify
from bot.services.watching import watch
from bot.services.writing import Result, Written, read_record, settle


async def step(ports: Ports, operation_id: str, owner: str) -> None:
    """Take the one step that is due for this operation; safe to call at any time, from any process."""
    operation = await ports.operations.get(operation_id)
    act = _ACTS.get(operation.state)
    if act is not None:
        await act(ports, operation, owner)


async def _expire(ports: Ports, operation: Operation, _owner: str) -> None:
    if ports.clock.now() >= operation.expires_at:
        await end(ports, operation, Event.EXPIRE, _EXPIRED, operation.expires_at)


async def _start(ports: Ports, operation: Operation, owner: str) -> None:
    now = ports.clock.now()
    lapses_at = (operation.approved_at or now) + START_WITHIN
    if now >= lapses_at:
        await end(ports, operation, Event.EXPIRE, _LAPSED, lapses_at)
    elif why := await difference(ports, operation):
        await end(ports, operation, Event.DIFFER, f"Nothing was changed. {why} Plan again.")
    else:
        await _apply_all(ports, await _with_vantages(ports, operation), owner)


async def _take_over(ports: Ports, operation: Operation, owner: str) -> None:
    if operation.lease is not None and ports.clock.now() < operation.lease.until:
        return
    await _apply_all(ports, operation, owner)


async def _apply_all(ports: Ports, operation: Operation, owner: str) -> None:
    current: Operation | None = operation
    while current is not None and (index := current.next_change()) is not None:
        current = await _apply_one(ports, current, index, owner)


async def _apply_one(ports: Ports, operation: Operation, index: int, owner: str) -> Operation | None:
    """Apply one change; returns the operation when the next change may follow, else None."""
    if operation.progress[index].claims >= MAX_CLAIMS:
        await give_up(ports, operation, index)
        return None
    started = ports.clock.monotonic()
    claimed = await _claim(ports, operation, index, owner)
    if claimed is None:
        return None
    if operation.state is State.APPLYING and (why := await _may_not_send(ports, claimed)):
        return await finish(ports, index, await _look_only(ports, claimed, index, why))
    return await finish(ports, index, await settle(ports, claimed, index, started, lambda op: save(ports, op)))


async def _claim(ports: Ports, operation: Operation, index: int, owner: str) -> Operation | None:
    """Claim one change under a fresh random token and read the claim back; None when somebody else has it."""
    now, token = ports.clock.now(), ports.ids.token()
    before = operation.progress[index]
    is_takeover = before.state is SubState.CLAIMED
    progress = replace(
        before, state=SubState.CLAIMED, is_unclean=before.is_unclean or is_takeover, claims=before.claims + 1
    )
    wanted = replace(
        advance(operation, Event.CLAIM, now).with_progress(index, progress), lease=Lease(token, owner, now + LEASE)
    )
    is_first = operation.state is State.APPROVED
    try:
        await ports.operations.commit(
            Commit(
                wanted,
                attempt=token,
                audit=entry("claimed", wanted, "bot", owner, before=operation.state),
                not_before=operation.lease.until if operation.lease else None,
                not_after=_lapses_at(operation) if is_first else None,
                unless_held=is_first,
                unless_frozen=is_first,
                due_at=now + LEASE,
                durable=True,
            )
        )
    except Conflict:
        return None
    stored = await ports.operations.get(operation.id)
    return stored if stored.lease is not None and stored.lease.token == token else None


def _lapses_at(operation: Operation) -> datetime | None:
    return operation.approved_at + START_WITHIN if operation.approved_at else None


async def _may_not_send(ports: Ports, operation: Operation) -> str:
    if why := ports.write_refusal():
        return why
    if await ports.operations.is_frozen():
        return "The kill switch is on."
    return await authority_lost(ports, operation)


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
_ACTS = {
    State.PENDING: _expire,
    State.APPROVED: _start,
    State.APPLYING: _take_over,
    State.VERIFYING: verify,
    State.DONE: watch,
}
