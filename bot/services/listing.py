"""Read the list of an instance's repositories while others add, delete and push."""

from collections.abc import Awaitable, Callable, Sequence
from math import ceil

from bot.domain.inventory import Listed
from bot.services.patience import side_by_side

Fetch = Callable[[int], Awaitable[tuple[Sequence[Listed], int]]]
"""Brings one page, from 1, and how many entries the vendor says there are in all."""


async def gather_pages(fetch: Fetch, found: dict[str, Listed]) -> int:
    """Add one reading of the list by id, page 1 first, and return how many entries there are, counted or come.

    A count may be too low as well: as long as the last page is full and the count is surpassed, there may be more,
    and an entry that came twice may have pushed another out of sight. One that was deleted may have drawn another to a
    page already read, so what counts is the highest count of any page.
    """
    first, total = await fetch(1)
    found |= {each.id: each for each in first}
    if not first:
        return total
    last, came = ceil(total / len(first)), len(first)
    lengths, ids = {1: len(first)}, {each.id for each in first}

    async def gather(number: int) -> bool:
        nonlocal total
        page, counted = await fetch(number)
        lengths[number], total = len(page), max(total, counted)
        found.update((each.id, each) for each in page)
        is_news = not ids.issuperset(each.id for each in page)
        ids.update(each.id for each in page)
        return is_news

    await side_by_side(range(2, last + 1), gather)
    while lengths[max(lengths)] == came and sum(lengths.values()) > total and await gather(max(lengths) + 1):
        pass
    return max(total, sum(lengths.values()))
