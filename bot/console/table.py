"""A table with one line a check, for people and for grep."""

import asyncio
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from bot.errors import BotError

DEADLINE = 30.0
"""Seconds for one whole group of checks, as a last resort: the calls in it have shorter limits of their own."""


class Mark(StrEnum):
    """How a check came out."""

    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Row:
    """One check: what was looked at, how it came out, and what that means or takes."""

    mark: Mark
    what: str
    sentence: str


def ok(what: str, sentence: str) -> Row:
    """Return a row for something that is as it should be."""
    return Row(Mark.OK, what, sentence)


def warn(what: str, sentence: str) -> Row:
    """Return a row for something that a failover can do without."""
    return Row(Mark.WARN, what, sentence)


def fail(what: str, sentence: str) -> Row:
    """Return a row for something that must be mended."""
    return Row(Mark.FAIL, what, sentence)


async def look(what: str, rows: Awaitable[Iterable[Row]]) -> list[Row]:
    """Return the rows of one group of checks; a failure that stops the group becomes its row."""
    try:
        async with asyncio.timeout(DEADLINE):
            return list(await rows)
    except BotError as error:
        return [fail(what, str(error))]
    except TimeoutError:
        return [fail(what, f"There was no answer within {DEADLINE:g} s. Check the network, then try again.")]


def render(rows: Iterable[Row]) -> str:
    """Lay rows out in columns, each sentence on one line, with a count at the end."""
    shown = list(rows)
    width = max((len(row.what) for row in shown), default=0)
    lines = [f"{row.mark:<5} {row.what:<{width}}  {' '.join(row.sentence.split())}" for row in shown]
    return "\n".join([*lines, "", _sum(shown)])


def failed(rows: Iterable[Row]) -> bool:
    """Tell whether something must be mended."""
    return any(row.mark is Mark.FAIL for row in rows)


def _sum(rows: list[Row]) -> str:
    fails, warnings = (sum(row.mark is mark for row in rows) for mark in (Mark.FAIL, Mark.WARN))
    noun = "warning" if warnings == 1 else "warnings"
    return f"{len(rows)} checks: {fails} failed, {warnings} {noun}."
