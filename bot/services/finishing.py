"""End a claim, a change or a whole operation: one commit each, with its audit entry and what is due next."""

from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.drift import watched_records
from bot.domain.operation import HOLD, SECOND_READ_AFTER, Event, Operation, State, SubState, advance
from bot.errors import RecordHeld
from bot.ports import Commit, IndexMove, Ports
from bot.services.audit import entry
from bot.services.writing import Result, Written

RETRY_AFTER = timedelta(seconds=2)
LONGEST_RETRY = timedelta(seconds=30)
"""Each claim given back unused doubles the pause up to this: every one of them is two lines of the audit."""


async def finish(ports: Ports, index: int, written: Written) -> Operation | None:
    """Store how a claim on one change ended; returns the operation when the next change may follow."""
    return await _FINISHES[written.result](ports, written.operation, index, written.sentence)


async def end(
    ports: Ports, operation: Operation, event: Event, sentence: str, not_before: datetime | None = None
) -> None:
    """End the operation, not before a moment of the store's clock. Raises a Conflict when somebody else was first."""
    moved = advance(_as_decided(operation), event, ports.clock.now(), sentence)
    plain = move(ports, moved, event, operation.state)
    await ports.operations.commit(replace(ending(ports, plain), not_before=not_before))


def _as_decided(operation: Operation) -> Operation:
    """Take back an approval that no second person gave: the store keeps nothing that claims one, not even its end."""
    asked, approvals = operation.requester, operation.approvals
    is_own = any(vote.person == asked.person or vote.user_id == asked.user_id for vote in approvals)
    return replace(operation, approved_at=None) if is_own or not approvals else operation


def ending(ports: Ports, commit: Commit) -> Commit:
    """Let go of the records with the operation's end: they rest after doubt, and those it touched are watched."""
    operation, records = commit.operation, watched_records(commit.operation)
    return replace(
        commit,
        index=IndexMove.RELEASE,
        hold_for=HOLD if operation.has_unclean_write else None,
        watch=records,
        due_at=ports.clock.now() if records else None,
    )


async def give_up(ports: Ports, operation: Operation, index: int) -> None:
    """End an operation whose change brought no clear result in all its claims."""
    progress = operation.progress[index]
    why = f"It was tried until its time was up. {progress.note}".strip()
    if progress.is_unclean:
        await _unknown(ports, operation, index, why)
    else:
        await _failed(ports, operation, index, why)


async def wait_out(ports: Ports, operation_id: str, index: int, held: RecordHeld) -> None:
    """Leave an approval until the hold that it met is over, and let its card say why and until when."""
    operation = await ports.operations.get(operation_id)
    until = ports.clock.now() + timedelta(seconds=held.seconds)
    why = f"An earlier write may still be in flight, so this one waits until {until:%H:%M:%S} UTC"
    if until >= operation.lapses_at:
        why += f", by when the approval has lapsed ({operation.lapses_at:%H:%M:%S} UTC): ask again after that"
    moved = operation.with_progress(index, replace(operation.progress[index], note=f"{why}."))
    due_at = min(until, operation.lapses_at)
    await ports.operations.commit(replace(move(ports, moved, "held", operation.state), due_at=due_at))


async def save(ports: Ports, operation: Operation) -> Operation:
    """Store progress under the running lease; the next claimant comes when it ends."""
    until = operation.lease.until if operation.lease else ports.clock.now()
    return await ports.operations.commit(replace(move(ports, operation, "progress", operation.state), due_at=until))


def move(ports: Ports, operation: Operation, event: str, before: State) -> Commit:
    """Return the plain commit of an operation: no further step due, checks and index as they are."""
    return Commit(operation, attempt=ports.ids.token(), audit=entry(event, operation, "bot", "", before=before))


async def _applied(ports: Ports, operation: Operation, index: int, sentence: str) -> Operation | None:
    now = ports.clock.now()
    progress = replace(operation.progress[index], state=SubState.APPLIED, applied_at=now, note=sentence)
    change = operation.plan.changes[index]
    moved = replace(operation.with_progress(index, progress), lease=None)
    moved = moved.with_step(now, f"{change.view} now holds {change.desired.target}, read back.")
    if moved.next_change() is not None:
        return await ports.operations.commit(replace(move(ports, moved, "applied", operation.state), due_at=now))
    moved = advance(moved, Event.READ_BACK, now)
    await ports.operations.commit(
        replace(move(ports, moved, Event.READ_BACK, operation.state), due_at=now + SECOND_READ_AFTER)
    )
    return None


async def _released(ports: Ports, operation: Operation, index: int, sentence: str) -> None:
    """Give a claim back that was certainly never used, and try again soon; it does not count as an attempt."""
    now = ports.clock.now()
    before = operation.progress[index]
    pause = min(RETRY_AFTER * 2**before.releases, LONGEST_RETRY)
    progress = replace(
        before, state=SubState.WAITING, note=sentence, claims=before.claims - 1, releases=before.releases + 1
    )
    moved = replace(operation.with_progress(index, progress), lease=None)
    await ports.operations.commit(replace(move(ports, moved, "released", operation.state), due_at=now + pause))


async def _later(ports: Ports, operation: Operation, index: int, sentence: str) -> None:
    """Leave an unclear write to the next claimant, who comes when the lease has run out."""
    progress = replace(operation.progress[index], is_unclean=True, note=sentence)
    await save(ports, operation.with_progress(index, progress))


async def _failed(ports: Ports, operation: Operation, index: int, sentence: str) -> None:
    await _end_change(ports, operation, index, SubState.FAILED, Event.FAIL, sentence)


async def _differs(ports: Ports, operation: Operation, index: int, sentence: str) -> None:
    await _end_change(ports, operation, index, SubState.WAITING, Event.DIFFER, sentence)


async def _unknown(ports: Ports, operation: Operation, index: int, sentence: str) -> None:
    await _end_change(ports, operation, index, SubState.UNKNOWN, Event.LOSE_TRACK, sentence)


async def _end_change(
    ports: Ports, operation: Operation, index: int, state: SubState, event: Event, sentence: str
) -> None:
    """End the whole operation at this change; what was applied before makes it PARTIAL, doubt makes it NEEDS_HUMAN."""
    moved = operation.with_progress(index, replace(operation.progress[index], state=state, note=sentence))
    has_applied = any(p.state is SubState.APPLIED for p in moved.progress)
    if has_applied and event is not Event.LOSE_TRACK:
        event = Event.APPLY_SOME
    await end(ports, moved, event, sentence)


_FINISHES = {
    Result.APPLIED: _applied,
    Result.RELEASED: _released,
    Result.LATER: _later,
    Result.FAILED: _failed,
    Result.DIFFERS: _differs,
    Result.UNKNOWN: _unknown,
}
