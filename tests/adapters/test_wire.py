"""Lists that come page by page, with counts that are wrong in either direction."""

import pytest

from bot.adapters.alibaba.wire import PAGE_SIZE, Page, read_list
from bot.errors import Unreachable


async def _read(entries: int, *counts: int, size: int = PAGE_SIZE) -> tuple[list[str], list[int]]:
    """Read a list of so many entries, each page told with the next of these counts; return it, and the pages asked."""
    asked: list[int] = []

    async def fetch(number: int) -> Page:
        asked.append(number)
        items = [f"entry-{n}" for n in range(entries)][(number - 1) * size : number * size]
        return Page(items, counts[(len(asked) - 1) % len(counts)])

    page = await read_list(fetch, str, "entries")
    return page.items, asked


@pytest.mark.parametrize("count", [0, 1, 115, 229])
async def test_a_count_that_is_too_low_ends_no_list_early(count: int) -> None:
    found, asked = await _read(230, count)

    assert (len(found), asked) == (230, [1, 2, 3])


async def test_a_count_that_is_true_costs_no_call_more() -> None:
    assert (await _read(200, 200))[1] == [1, 2]
    assert (await _read(0, 0))[1] == [1]


async def test_a_count_that_is_too_high_once_is_asked_for_again() -> None:
    assert len((await _read(30, 33, 33, 30))[0]) == 30


async def test_a_count_that_stays_too_high_makes_the_list_unusable() -> None:
    with pytest.raises(Unreachable, match="Only 30 of 33 entries of entries came, so the list cannot be used"):
        await _read(30, 33)


async def test_pages_that_are_smaller_than_was_asked_for_are_all_read() -> None:
    assert len((await _read(130, 130, size=50))[0]) == 130
