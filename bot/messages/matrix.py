"""Several records of one operation: a paragraph each, what is applied and what is not, and what to do next."""

from collections.abc import Sequence

from bot.domain.operation import Operation, Progress, State, SubState
from bot.domain.plan import Change
from bot.messages import plan as words
from bot.messages.blocks import Block, section, sections
from bot.messages.text import code, escape, listed, moment, naming, sentence, short

_WORDS = {
    SubState.WAITING: "NOT WRITTEN YET",
    SubState.CLAIMED: "BEING WRITTEN",
    SubState.APPLIED: "WRITTEN",
    SubState.FAILED: "NOT WRITTEN",
    SubState.UNKNOWN: "UNKNOWN",
}
_ENDED = {State.PARTIAL, State.NEEDS_HUMAN}


def matrix(operation: Operation) -> list[Block]:
    """Return a paragraph for each record, and the next step where some are written and others are not."""
    changes = operation.plan.changes[: words.MOST_CHANGES]
    rows = [_row(operation, index, change) for index, change in enumerate(changes)]
    return [section(_head(operation)), *map(section, rows), *sections(_next(operation))]


def _head(operation: Operation) -> str:
    domains = listed((f"*{escape(short(c.view.domain, 253))}*" for c in operation.plan.changes), 3)
    return f"{domains}, {words.ROUTES[operation.plan.route]}, each TTL kept"


def _row(operation: Operation, index: int, change: Change) -> str:
    """Say how one record stands, the state first: a phone has no room for columns."""
    progress = _at(operation.progress, index)
    vpcs = listed((code(vpc, 60) for vpc in change.view.vpcs), 5)
    lines = (
        f"*{_word(operation, progress)}*{_when(progress)} in {vpcs}",
        f"{code(change.existing.target)} → {code(change.desired.target)}",
        f"{_note(operation, progress)}{_requests(progress)}",
    )
    return "\n".join(filter(None, lines))


def _word(operation: Operation, progress: Progress) -> str:
    is_late = progress.state is SubState.WAITING and operation.is_terminal
    return "NOT WRITTEN" if is_late else _WORDS[progress.state]


def _when(progress: Progress) -> str:
    return f" {moment(progress.applied_at)}" if progress.applied_at else ""


def _requests(progress: Progress) -> str:
    return f"Request {escape(listed((short(i, 64) for i in progress.request_ids), 3))}" if progress.request_ids else ""


def _note(operation: Operation, progress: Progress) -> str:
    return f"{naming(sentence(progress.note, 300), words.people(operation))} " if progress.note.strip() else ""


def _next(operation: Operation) -> list[str]:
    if operation.state not in _ENDED:
        return []
    look = "Look at each record first. " if operation.state is State.NEEDS_HUMAN else ""
    return [
        f"*Next*: {look}Set by hand what is not written, or restore what is: both are below, step by step. "
        "The bot writes nothing more under this card."
    ]


def _at(progress: Sequence[Progress], index: int) -> Progress:
    return progress[index] if index < len(progress) else Progress()
