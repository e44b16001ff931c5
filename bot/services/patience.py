"""Ask an instance many things at once, again where it does not answer, and not for ever where it never does."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from bot.errors import ProviderError, Refused, Unreachable
from bot.ports import Clock

T = TypeVar("T")
READERS = 128
"""Reads begun at once; how many of them are under way is for the catalogue to say."""
PAUSES = (0.5, 2.0)
"""Seconds before each further try of a call that was not answered."""
SILENT_AFTER = 20
"""Calls in a row without any answer after which an instance is silent, rather than some of its repositories."""


class Patience:
    """What one pass has with one instance; `is_over` once nothing has answered for long."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lost_in_a_row = 0

    @property
    def is_over(self) -> bool:
        """Tell whether the instance is silent."""
        return self._lost_in_a_row >= SILENT_AFTER

    async def keep(self, call: Callable[[], Awaitable[T]]) -> T:
        """Return what a call brings, tried again after a pause as long as anything at all answers."""
        for pause in (*PAUSES, None):
            try:
                found = await call()
            except Unreachable:
                self._lost_in_a_row += 1
                if pause is None or self.is_over:
                    raise
                await self._clock.sleep(pause)
            except Refused:
                self._lost_in_a_row = 0
                raise
            else:
                self._lost_in_a_row = 0
                return found
        raise AssertionError("the last attempt returns or raises")


async def side_by_side(items: Sequence[T], work: Callable[[T], Awaitable[object]], at_once: int = READERS) -> None:
    """Do the work on all items, many at once; the first that fails ends it, and is raised once the others are done."""
    left, failures = iter(items), list[ProviderError]()

    async def go_on() -> None:
        for item in left:
            if failures:
                return
            try:
                await work(item)
            except ProviderError as error:
                failures.append(error)

    async with asyncio.TaskGroup() as group:
        for _ in range(min(at_once, len(items))):
            group.create_task(go_on())
    if failures:
        raise failures[0]
