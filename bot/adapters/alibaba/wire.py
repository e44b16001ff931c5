"""Reading what the vendor sends: numbers as text, the text "null", missing fields, pages that shift while read."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from bot.errors import Unreachable

T = TypeVar("T")
PAGE_SIZE = 100
"""The documented maximum of both products; the default of 20 or 30 would cost more calls."""
ATTEMPTS = 3
"""How often a list is read that comes shorter than announced, because entries move to pages already read."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list, with how many entries the vendor says there are in all."""

    items: list[Any]
    total: int


def text(value: Any) -> str | None:
    """Read a text; the vendor sometimes writes the word null for nothing."""
    if value is None or isinstance(value, float) or value == "null":
        return None
    return str(value)


def required(value: Any, what: str) -> str:
    """Read a text that must be there. Raises Unreachable."""
    found = text(value)
    if not found:
        raise Unreachable(f"Alibaba Cloud left out {what}, so its answer cannot be used. Ask again in a moment.")
    return found


def number(value: Any) -> int | None:
    """Read a whole number, which may come as text."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return None
    try:
        return int(value)
    except ValueError:
        return None


def count(value: Any, what: str) -> int:
    """Read a number that must be there. Raises Unreachable."""
    found = number(value)
    if found is None:
        raise Unreachable(f"Alibaba Cloud left out {what}, so its answer cannot be used. Ask again in a moment.")
    return found


def flag(value: Any) -> bool:
    """Read a boolean, which may come as text."""
    return str(value).lower() == "true"


def moment(milliseconds: Any) -> datetime | None:
    """Read a time in milliseconds, which may come as text."""
    found = number(milliseconds)
    return datetime.fromtimestamp(found / 1000, UTC) if found else None


def body(response: Any, what: str) -> Any:
    """Return the body of a response; the SDK drops one of the wrong shape without a word. Raises Unreachable."""
    if response.body is None:
        raise Unreachable(f"The answer to {what} has an unknown shape, so it cannot be used. Ask again in a moment.")
    return response.body


async def read_list(
    fetch: Callable[[int], Awaitable[Page]], key: Callable[[Any], str], what: str, *, max_pages: int | None = None
) -> Page:
    """Read all pages, each entry once; half a list is an error, unless `max_pages` asks for the beginning only.

    Pages are no snapshot: entries shift while others edit. So a list that comes out shorter than announced is read
    once more, and is unusable when it is short again. A count may be too low as well: where it is surpassed by a full
    page, more may follow.
    """
    for _ in range(2):
        page = await _walk(fetch, key, max_pages)
        if len(page.items) >= page.total or max_pages is not None:
            return page
    raise Unreachable(
        f"Only {len(page.items)} of {page.total} entries of {what} came, so the list cannot be used. "
        "Ask again in a moment."
    )


async def read_whole(
    fetch: Callable[[int], Awaitable[Page]], key: Callable[[Any], str | None], what: str
) -> dict[str, Any]:
    """Read all pages of a list that others may edit meanwhile, by key; what came in any attempt counts.

    The last page is the first that is not full, or that completes the announced count: a count that is too low ends
    nothing early. An entry that came twice may have pushed another out of sight, so as many are wanted as came; and one
    that was deleted may have drawn another to a page already read, so as many are wanted as any page announced.
    Raises Unreachable where three attempts together come short of that or of the count.
    """
    found: dict[str, Any] = {}
    for _ in range(ATTEMPTS):
        total = await _gather(fetch, key, found)
        if len(found) >= total:
            return found
    raise Unreachable(
        f"Only {len(found)} of {total} entries of {what} came, so the list cannot be used. Ask again in a moment."
    )


async def together(calls: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Run calls side by side and return their results in order; the first error stops the others and is raised."""
    failure: BaseException
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(call) for call in calls]
        return [task.result() for task in tasks]
    except BaseExceptionGroup as several:
        failure = _first(several)
    raise failure


async def _walk(fetch: Callable[[int], Awaitable[Page]], key: Callable[[Any], str], max_pages: int | None) -> Page:
    found: dict[str, Any] = {}
    page_number = 0
    while True:
        page_number += 1
        page = await fetch(page_number)
        before = len(found)
        found |= {key(item): item for item in page.items}
        is_whole = len(found) >= page.total and (len(found) == page.total or len(page.items) < PAGE_SIZE)
        if is_whole or len(found) == before or page_number == max_pages:
            return Page(list(found.values()), page.total)


async def _gather(
    fetch: Callable[[int], Awaitable[Page]], key: Callable[[Any], str | None], found: dict[str, Any]
) -> int:
    """Add one attempt's entries to `found` and return how many there are, counted or come."""
    came: dict[str, Any] = {}
    entries = page_number = counted = 0
    while True:
        page_number += 1
        page = await fetch(page_number)
        before = len(came)
        came |= {name: item for item in page.items if (name := key(item))}
        entries, counted = entries + len(page.items), max(counted, page.total)
        if len(page.items) < PAGE_SIZE or entries == page.total or len(came) == before:
            found |= came
            return max(counted, entries)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
