"""One change under a claim: read the record, send at most while there is time, and read what became of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import Enum, auto

from bot.domain.operation import LEASE, SEND_DEADLINE, Operation
from bot.domain.plan import Change
from bot.domain.record import Record
from bot.errors import OutcomeUnknown, ProviderError, Refused, Throttled
from bot.ports import Ports
from bot.ports import Written as Accepted

MAX_SENDS = 3
"""Sends under one claim: the first and at most two more of the same value with the same token."""
THROTTLE_PAUSE = 1.0
"""Seconds after the first refusal to take a write just now; each further pause is twice as long, so four tries fit."""
READ_AGAIN_PAUSE = 1.0
READ_BACK_BUDGET = LEASE.total_seconds() - 7
"""Seconds after the start of the claim until which a read-back may be repeated; leaves time to finish."""

_ASK_AGAIN = " Ask again in a moment."
_ALREADY = {
    True: "Our write took effect, although its answer was lost.",
    False: "It was already in force when read before the write.",
}

Save = Callable[[Operation], Awaitable[Operation]]


class Result(Enum):
    """How a claim on one change ended."""

    APPLIED = auto()
    RELEASED = auto()
    LATER = auto()
    FAILED = auto()
    DIFFERS = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class Written:
    """The operation with its latest progress, how the claim ended, and the sentence for people."""

    operation: Operation
    result: Result
    sentence: str = ""


async def settle(ports: Ports, operation: Operation, index: int, started: float, save: Save) -> Written:
    """Bring one claimed change to a result; `started` is the monotonic second from before the claim.

    Every send, also the one after a pause, directly follows a read that showed the planned before-image.
    """
    sends, throttled, pause = 0, None, THROTTLE_PAUSE
    while sends < MAX_SENDS:
        before = await _read_before(ports, operation, index)
        if before is not None:
            return before
        left = SEND_DEADLINE.total_seconds() - _elapsed(ports, started)
        if left <= 0:
            return _too_late(operation, index, throttled)
        outcome = await _send(ports, operation, index)
        if isinstance(outcome, Throttled):
            throttled = outcome
            await ports.clock.sleep(min(pause, left))
            pause *= 2
            continue
        if isinstance(outcome, Refused):
            return await _refused(ports, operation, index, outcome)
        operation = await _note(ports, operation, index, outcome, save)
        if isinstance(outcome, Accepted):
            return await _read_back(ports, operation, index, started)
        sends += 1
    return Written(operation, Result.LATER, "The vendor gave no clear answer to the write.")


async def read_record(ports: Ports, change: Change) -> Record:
    """Read the planned record afresh."""
    return await ports.zones.record(change.existing.record_id)


async def _read_before(ports: Ports, operation: Operation, index: int) -> Written | None:
    """Compare the record with what the plan expects; None means: send."""
    change, progress = operation.plan.changes[index], operation.progress[index]
    try:
        record = await read_record(ports, change)
    except ProviderError as error:
        result = Result.LATER if progress.is_unclean else Result.RELEASED
        why = str(error).removesuffix(_ASK_AGAIN)  # the bot itself asks again
        return Written(operation, result, f"The record cannot be read just now: {why}")
    if record.agrees_with(change.desired):
        return Written(operation, Result.APPLIED, _ALREADY[progress.is_unclean])
    if not record.agrees_with(change.existing):
        sentence = (
            f"{change.view} held {change.existing.target}, now it holds {record.target}. Nothing was overwritten."
        )
        return Written(operation, Result.UNKNOWN if progress.is_unclean else Result.DIFFERS, sentence)
    return None


def _too_late(operation: Operation, index: int, throttled: Throttled | None) -> Written:
    if operation.progress[index].is_unclean:
        return Written(operation, Result.LATER, "There was no time left to send again.")
    if throttled is not None:
        return Written(operation, Result.FAILED, f"{throttled} Nothing was written.")
    return Written(operation, Result.RELEASED, "There was no time left to send.")


async def _send(ports: Ports, operation: Operation, index: int) -> Accepted | OutcomeUnknown | Throttled | Refused:
    try:
        return await ports.zones.apply(operation.plan.changes[index], f"{operation.plan.digest[:40]}-{index}")
    except (OutcomeUnknown, Throttled, Refused) as error:
        return error


async def _refused(ports: Ports, operation: Operation, index: int, error: Refused) -> Written:
    """A refusal may follow an earlier write of ours that did take effect, or still may: the record decides."""
    change, is_unclean = operation.plan.changes[index], operation.progress[index].is_unclean
    not_applied = Result.LATER if is_unclean else Result.FAILED
    try:
        record = await read_record(ports, change)
    except ProviderError:
        return Written(operation, not_applied, str(error))
    if record.agrees_with(change.desired):
        return Written(operation, Result.APPLIED, "It was already in force when the vendor refused to write it again.")
    return Written(operation, not_applied, f"{error} The record still holds {record.target}.")


async def _note(
    ports: Ports, operation: Operation, index: int, outcome: Accepted | OutcomeUnknown, save: Save
) -> Operation:
    """Keep the vendor's request id; an unclear outcome is stored before anything else is done."""
    progress = operation.progress[index]
    request_id = outcome.request_id
    progress = replace(
        progress,
        sent_at=ports.clock.now(),
        request_ids=(*progress.request_ids, request_id) if request_id else progress.request_ids,
        is_unclean=progress.is_unclean or isinstance(outcome, OutcomeUnknown),
    )
    moved = operation.with_progress(index, progress)
    return await save(moved) if isinstance(outcome, OutcomeUnknown) else moved


async def _read_back(ports: Ports, operation: Operation, index: int, started: float) -> Written:
    """Read until the record shows the write; the vendor may answer with the old value for a while."""
    change = operation.plan.changes[index]
    while True:
        sentence = "The write was accepted, but the record does not show it yet."
        try:
            record = await read_record(ports, change)
        except ProviderError as error:
            sentence = f"The write was accepted, but it cannot be read back: {error}"
        else:
            if record.agrees_with(change.desired):
                return Written(operation, Result.APPLIED)
            if not record.agrees_with(change.existing):
                return Written(operation, Result.UNKNOWN, f"After the write {change.view} holds {record.target}.")
        if _elapsed(ports, started) >= READ_BACK_BUDGET:
            return Written(operation, Result.LATER, sentence)
        await ports.clock.sleep(READ_AGAIN_PAUSE)


def _elapsed(ports: Ports, started: float) -> float:
    return ports.clock.monotonic() - started
