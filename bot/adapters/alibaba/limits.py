"""How many calls one endpoint gets from us, at once and a second, so that the vendor has no reason to throttle.

No figures are published for either product, so both limits are arguments. Whoever reads in bulk leaves slots and
tokens for single reads, and a write never waits behind a read.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from enum import Enum, auto

BULK_LEAVES = 0.25
"""Share of slots and tokens that bulk reading leaves to single reads."""


class Lane(Enum):
    """What kind of call waits for its turn."""

    WRITE = auto()
    READ = auto()
    BULK = auto()


class Gate:
    """A token bucket of one second's calls and a number of slots, for one endpoint."""

    def __init__(self, rate: float, in_flight: int) -> None:
        self._rate = rate
        self._tokens = rate
        self._filled_at: float | None = None
        self._slots = asyncio.Semaphore(in_flight)
        self._bulk_slots = asyncio.Semaphore(max(1, int(in_flight * (1 - BULK_LEAVES))))
        self._queues = {lane: asyncio.Lock() for lane in (Lane.READ, Lane.BULK)}

    def turn(self, lane: Lane) -> AbstractAsyncContextManager[None]:
        """Hold a slot of this lane."""
        if lane is Lane.WRITE:
            return nullcontext()
        return self._slots if lane is Lane.READ else self._bulk_turn()

    async def spend(self, lane: Lane) -> None:
        """Take a token, in order of arrival within a lane; a write takes its own from the future."""
        if lane is Lane.WRITE:
            self._tokens -= 1
            return
        async with self._queues[lane]:
            # A write may take the token that this sleep was for, so look again after it.
            while (missing := self._missing(lane)) > 0:  # noqa: ASYNC110 - time fills the bucket, nobody signals it
                await asyncio.sleep(missing)
            self._tokens -= 1

    def drain(self) -> None:
        """Start from an empty bucket: the vendor has just asked for less."""
        self._tokens = min(self._tokens, 0.0)

    @asynccontextmanager
    async def _bulk_turn(self) -> AsyncIterator[None]:
        async with self._bulk_slots, self._slots:
            yield

    def _missing(self, lane: Lane) -> float:
        """Return the seconds until this lane may take a token."""
        now = asyncio.get_running_loop().time()
        if self._filled_at is not None:
            self._tokens = min(self._rate, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        wanted = 1.0 if lane is Lane.READ else 1.0 + self._rate * BULK_LEAVES
        return max(0.0, min(wanted, self._rate) - self._tokens - 1e-6) / self._rate
