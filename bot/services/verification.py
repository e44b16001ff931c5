"""Prove what was written: the second read-back that ends an operation."""

from dataclasses import replace
from datetime import datetime

from bot.domain.operation import READ_BACK_WITHIN, Event, Operation, advance
from bot.errors import ProviderError
from bot.ports import Ports
from bot.services.finishing import RETRY_AFTER, end, ending, move
from bot.services.watching import watch_until
from bot.services.writing import read_record


async def verify(ports: Ports, operation: Operation, _owner: str) -> None:
    """Read every record a second time; only then is the operation done."""
    now = ports.clock.now()
    wrong = await _second_read(ports, operation)
    if not wrong:
        await _done(ports, operation, now)
    elif now >= _applied_at(operation) + READ_BACK_WITHIN:
        await end(ports, operation, Event.LOSE_TRACK, wrong)
    else:
        again = move(ports, operation, "read again", operation.state)
        await ports.operations.commit(replace(again, due_at=now + RETRY_AFTER, is_news=False))


async def _done(ports: Ports, operation: Operation, now: datetime) -> None:
    done = replace(advance(operation, Event.CONFIRM, now), watch_until=watch_until(operation))
    await ports.operations.commit(ending(ports, move(ports, done, Event.CONFIRM, operation.state)))


async def _second_read(ports: Ports, operation: Operation) -> str:
    for change in operation.plan.changes:
        try:
            record = await read_record(ports, change)
        except ProviderError as error:
            return f"The second read-back of {change.view} failed: {error}"
        if not record.agrees_with(change.desired):
            return f"{change.view} held {change.desired.target} after the write, now it holds {record.target}."
    return ""


def _applied_at(operation: Operation) -> datetime:
    return max((p.applied_at for p in operation.progress if p.applied_at), default=operation.created_at)
