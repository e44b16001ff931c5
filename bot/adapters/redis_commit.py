"""A commit in the words of commit.lua, and the script's answer in ours."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bot.adapters.documents import newer_schema
from bot.adapters.redis_freeze import decode, milliseconds
from bot.domain.operation import SCHEMA, Operation
from bot.errors import (
    AlreadyOpen,
    BotError,
    ForgedApproval,
    FreezeChanged,
    Frozen,
    OutOfTime,
    RecordHeld,
    StoreUnavailable,
    UnknownOperation,
    VersionConflict,
)
from bot.ports import Commit

REPLACED = (
    "Redis is empty, or another one than when this bot started. Look at the records first, then restart the bot to "
    "adopt this Redis (E_STORE_REPLACED)."
)


def script_terms(commit: Commit, store: str, life: timedelta) -> str:
    """Return what must be true for a commit and what else it writes, as the script reads it."""
    operation = commit.operation
    terms = {
        "id": operation.id,
        "store": store,
        "attempt": commit.attempt,
        "version": operation.version,
        "stamp": operation.stamp or None,
        "schema": SCHEMA,
        "digest": operation.plan.digest,
        "index": commit.index,
        "audit": [pair for pair in audit_pairs(commit.audit) if pair[0] != "operation"],
        "is_news": commit.is_news,
        "life": _span(life),
        "not_before": _moment(commit.not_before),
        "not_after": _moment(commit.not_after),
        "due_at": _moment(commit.due_at),
        "hold_for": _span(commit.hold_for),
        "unless_held": commit.unless_held,
        "unless_frozen": list(commit.unless_frozen) or None,
        "lifts": [[freeze.scope, milliseconds(freeze.at)] for freeze in commit.lifts] or None,
        "watch": _numbers(commit, commit.watch),
        "leave": _numbers(commit, commit.leave),
    }
    return json.dumps({name: value for name, value in terms.items() if value is not None and value is not False})


def _numbers(commit: Commit, records: tuple[str, ...]) -> list[int] | None:
    """Return where these records stand among the operation's, counted from 1 as Lua does."""
    return [i for i, known in enumerate(commit.operation.plan.subjects, start=1) if known in records] or None


def audit_pairs(entry: Mapping[str, str]) -> list[list[str]]:
    """Return the fields of an audit entry as the scripts append them; number and time are the script's own."""
    return [[name, str(value)] for name, value in entry.items() if name not in _WRITTEN_BY_THE_SCRIPT]


def outcome(answer: Sequence[Any], commit: Commit) -> Operation:
    """Return the operation as it was stored, or raise what the script refused it for."""
    word, *details = answer
    if word == "OK":
        return replace(commit.operation, version=int(details[0]), stamp=commit.attempt)
    raise refusal(word, commit.operation.id, *details)


def refusal(word: str, operation_id: str, *details: Any) -> BotError:
    """Return the error that one of the script's refusals stands for."""
    match word:
        case "OPEN":
            return AlreadyOpen(str(details[0]))
        case "HELD":
            return RecordHeld(int(details[0]))
        case "SCHEMA":
            return newer_schema(operation_id, int(details[0]))
        case "FROZEN":
            return frozen(operation_id, str(details[0]))
        case "GONE":
            return unknown(operation_id)
    kind, sentence = _REFUSALS[word]
    return kind(sentence.format(id=operation_id))


def frozen(operation_id: str, value: str) -> Frozen:
    """Return the answer to a step that a freeze stops."""
    freeze = decode(value)
    told = freeze.told(freeze.at)
    return Frozen(f"{told} So {operation_id} may not move; `/registry status` still answers.", [freeze.scope])


def unknown(operation_id: str) -> UnknownOperation:
    """Return the answer to an id that the store does not have."""
    return UnknownOperation(f"No operation is called {operation_id}. `/registry actions` lists the latest.")


def unclear(operation_id: str) -> StoreUnavailable:
    """Return the answer when Redis took a commit and its reply never came."""
    return StoreUnavailable(
        f"Redis did not answer in time. This may have been recorded: look with `/registry show {operation_id}` before "
        "you try again (E_STORE_DOWN).",
        code="E_STORE_DOWN",
    )


def _moment(moment: datetime | None) -> int | None:
    return None if moment is None else milliseconds(moment)


def _span(span: timedelta | None) -> int | None:
    return None if span is None else int(span.total_seconds() * 1000)


_WRITTEN_BY_THE_SCRIPT = {"seq", "at", "version"}
_REFUSALS: dict[str, tuple[type[BotError], str]] = {
    "VERSION": (VersionConflict, "Somebody else changed {id} a moment ago. Look at its card and decide again."),
    "EARLY": (
        OutOfTime,
        "It is too early for this step of {id}. Nothing was changed; it is taken when its time comes.",
    ),
    "LATE": (OutOfTime, "The time for this step of {id} is over. Nothing was changed; ask for a new plan."),
    "LIFTED": (
        FreezeChanged,
        "What {id} would lift is not frozen any more, or was frozen anew since. Nothing was changed. "
        "`/registry status` shows what is frozen now.",
    ),
    "FORGED": (
        ForgedApproval,
        "{id} claims an approval that no second person gave to exactly this plan. It will not be carried out. "
        "Tell whoever looks after Redis.",
    ),
    "STORE": (StoreUnavailable, f"{REPLACED} Nothing was recorded for {{id}}."),
}
