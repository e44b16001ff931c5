"""What an ended operation left in its records, how long they are watched, and what another value in them means.

The bot's own late writes and other people's edits look alike: a value that the operation did not leave. Neither is ever
overwritten; what was wanted and what the change log says tell them apart as far as they can be told.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.operation import READ_BACK_WITHIN, Operation, Progress, State, SubState
from bot.domain.plan import Change
from bot.domain.record import ChangeLogLine, Record, folded
from bot.domain.sighting import Sight, Sighting

WATCH_CLOSELY_FOR = timedelta(minutes=15)
"""The longest life of a signature: no write that was signed before can take effect later (OpenAPI error centre)."""
LONGEST_CACHE = timedelta(minutes=10)
"""Of the record's TTL at most this is added."""
MOST_SIGHTINGS = 20
"""News of one operation; a record that flaps for days must fill neither the thread nor the store."""
NOTHING = "no record"
_CHANGED = {State.DONE, State.PARTIAL, State.FAILED, State.NEEDS_HUMAN}
_TRIED = {SubState.APPLIED, SubState.FAILED, SubState.UNKNOWN}
_COMPARED = ("ttl", "line", "weight", "priority", "status")


def watched_changes(operation: Operation) -> tuple[int, ...]:
    """Return the indexes of the changes that were sent or applied: their records are watched after the end."""
    if operation.state not in _CHANGED:
        return ()
    return tuple(index for index, progress in enumerate(operation.progress) if _was_tried(progress))


def watched_records(operation: Operation) -> tuple[str, ...]:
    """Return the ids of the records that are watched after the end."""
    return tuple(operation.plan.record_ids[index] for index in watched_changes(operation))


def close_until(operation: Operation) -> datetime:
    """Return until when the records are looked at closely: no write of ours is in flight and no cache is old then."""
    ended_at = operation.ended_at or operation.created_at
    ttl = max((change.existing.ttl for change in operation.plan.changes), default=0)
    return ended_at + WATCH_CLOSELY_FOR + min(timedelta(seconds=ttl), LONGEST_CACHE)


def left_by(operation: Operation, index: int) -> Record:
    """Return the record as the operation left it, as far as it knows."""
    change = operation.plan.changes[index]
    return change.desired if operation.progress[index].state is SubState.APPLIED else change.existing


def astray(operation: Operation) -> tuple[Sighting, ...]:
    """Return the latest sighting of each record that does not hold what the operation left."""
    latest = {sighting.change: sighting for sighting in operation.sightings}
    return tuple(sighting for sighting in latest.values() if sighting.holds)


def news(operation: Operation, index: int, record: Record | None, now: datetime) -> Sighting | None:
    """Return what a reading adds to what was told before, without saying who; None when it adds nothing.

    `record` is None for one that does not exist any more.
    """
    left = left_by(operation, index)
    holds = _difference(left, record)
    known = next((seen.holds for seen in reversed(operation.sightings) if seen.change == index), "")
    if holds == known or len(operation.sightings) >= MOST_SIGHTINGS:
        return None
    change, progress = operation.plan.changes[index], operation.progress[index]
    if record is not None and _may_be_stale(change, progress, record, now):
        return None
    sight = _sight(change, left, record) if holds else Sight.RESTORED
    is_last = len(operation.sightings) == MOST_SIGHTINGS - 1
    told = f"{_told(change, left, holds, sight)}{_NO_MORE if is_last else ''}"
    return Sighting(index, sight, holds, told, now)


def attributed(sighting: Sighting, line: ChangeLogLine | None) -> Sighting:
    """Return the sighting with what the change log says about who, when and what."""
    if line is None:
        return replace(sighting, sentence=f"{sighting.sentence} The change log does not say who.")
    who, address = line.person or "somebody", f" from {line.address}" if line.address else ""
    said = f"Change log: {who}{address} at {line.at:%H:%M:%S} UTC: {line.content or line.action or 'no words'}"
    return replace(sighting, sentence=f"{sighting.sentence} {said.rstrip('.')}.", person=line.person or "")


def explaining(lines: Iterable[ChangeLogLine], left: Record, record: Record | None) -> ChangeLogLine | None:
    """Return the line of the change log that tells of this reading: free text, so by the value that it names.

    `lines` are newest first. Without such a line, the newest that does not speak of the value left counts.
    """
    known = tuple(lines)
    if record is not None and record.value != left.value:
        named = next((line for line in known if record.value.lower() in line.content.lower()), None)
        if named is not None:
            return named
    return next((line for line in known if left.value.lower() not in line.content.lower()), None)


def _was_tried(progress: Progress) -> bool:
    return progress.state in _TRIED or progress.is_unclean or progress.sent_at is not None


def _sight(change: Change, left: Record, record: Record | None) -> Sight:
    is_ours = record is not None and left is not change.desired and record.agrees_with(_bare(change.desired))
    return Sight.LATE if is_ours else Sight.FOREIGN


def _may_be_stale(change: Change, progress: Progress, record: Record, now: datetime) -> bool:
    """Tell whether an answer may be older than our write: the vendor promises no read-after-write."""
    written_at = progress.applied_at or progress.sent_at
    if written_at is None or now - written_at >= READ_BACK_WITHIN:
        return False
    return progress.state is SubState.APPLIED and record.agrees_with(change.existing)


def _bare(record: Record) -> Record:
    """Leave the remark out: it steers nothing."""
    return replace(record, remark=None)


def _difference(left: Record, record: Record | None) -> str:
    """Return what a record holds in place of what was left, empty when that is the same."""
    if record is None:
        return NOTHING
    if record.agrees_with(_bare(left)):
        return ""
    pairs = ((name, getattr(left, name), getattr(record, name)) for name in _COMPARED)
    other = [f"{_SAID[name]} {now}" for name, was, now in pairs if None not in (was, now) and was != now]
    is_same_value = (left.type, folded(left.value)) == (record.type, folded(record.value))
    return ", ".join([*([] if is_same_value and other else [record.target]), *other])


def _told(change: Change, left: Record, holds: str, sight: Sight) -> str:
    if sight is Sight.RESTORED:
        return f"{change.view} holds {left.target} again, as this operation left it."
    if sight is Sight.LATE:
        return f"{change.view} now holds {holds}: a write of this operation took effect late, after it had ended."
    is_former = holds == change.existing.target
    before = ", its value from before this operation" if is_former else ""
    how = "Somebody put it back, or an earlier write of the bot took effect late. " if is_former else ""
    return (
        f"{change.view} now holds {holds}{before}, where this operation left {left.target}. "
        f"{how}The bot leaves it as it is."
    )


_NO_MORE = " No further change of these records is told."
_SAID = {"ttl": "TTL", "line": "line", "weight": "weight", "priority": "priority", "status": "status"}
