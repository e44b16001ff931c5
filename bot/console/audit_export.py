"""`registry-bot audit export`: every change of a span of time, one row each, for those who check changes."""

import csv
import json
import sys
from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime
from typing import TextIO

from bot.adapters.redis_audit import RedisTrail
from bot.console.audit import records
from bot.console.audit_rows import LASTS, Row, Rows
from bot.domain.chain import START
from bot.errors import UsageError
from bot.services.chain_check import pages

FORMATS = ("jsonl", "csv")
_LAST_OF_A_MILLISECOND = 2**64 - 1
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
Write = Callable[[dict[str, object]], None]


async def export(since: str, until: str, kind: str = "jsonl") -> int:
    """Print the rows of [since, until), as asked for by their first entry; counts come on stderr.

    Raises UsageError, InvalidConfiguration or StoreUnavailable.
    """
    rows = Rows(begin := moment(since), end := moment(until))
    if end <= begin:
        raise UsageError("--to must lie after --from.")
    write = _WRITERS[kind](sys.stdout)
    async with records() as kept:
        # an operation that was asked for at the very end still has entries after it
        latest = str(int((end + LASTS).timestamp() * 1000))
        async for page in pages(kept.trail, _right_before(begin), latest):
            for entry in page:
                for row in rows.take(entry):
                    write(row)
        for row in rows.rest():
            write(row)
        missing = await _missing(kept.trail, begin)
    print("\n".join([*_counts(rows), *missing]), file=sys.stderr)
    return 0


def moment(text: str) -> datetime:
    """Read a day or a time of UTC. Raises UsageError."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"'{text[:40]}' is no day like 2026-11-23 and no time like 2026-11-23T14:05.") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _right_before(begin: datetime) -> str:
    """Return the last place in the trail before a moment: even the first entry of that very millisecond counts."""
    return f"{int(begin.timestamp() * 1000) - 1}-{_LAST_OF_A_MILLISECOND}"


def _counts(rows: Rows) -> list[str]:
    refused = ", ".join(f"{code} {count:,}" for code, count in sorted(rows.refused.items()))
    counted = "1 row." if rows.count == 1 else f"{rows.count:,} rows."
    return [counted, f"Refused: {refused}." if refused else "Nobody was refused anything."]


async def _missing(trail: RedisTrail, begin: datetime) -> list[str]:
    """Say when part of the span is no longer in Redis."""
    standing = await trail.standing()
    oldest = await trail.entries(START, 1)
    if standing.base is None or not oldest or oldest[0].at <= begin:
        return []
    return [f"Entries before {oldest[0].at:%Y-%m-%d %H:%M} UTC were trimmed: the rest of this span is in an archive."]


def _lines(file: TextIO) -> Write:
    def write(row: dict[str, object]) -> None:
        file.write(json.dumps(row, ensure_ascii=False) + "\n")

    return write


def _table(file: TextIO) -> Write:
    writer = csv.DictWriter(file, [field.name for field in fields(Row)], lineterminator="\n")
    writer.writeheader()

    def write(row: dict[str, object]) -> None:
        writer.writerow({name: _inert(value) for name, value in row.items()})

    return write


def _inert(value: object) -> object:
    """Keep a spreadsheet from reading what somebody typed as a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


_WRITERS = {"jsonl": _lines, "csv": _table}
