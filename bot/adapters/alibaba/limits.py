"""How many calls one endpoint gets from us, at once and a second, so that the vendor has no reason to throttle.

No figures are published for either product, so both limits are arguments. Whoever reads in bulk leaves slots and
tokens for single reads, and a write never waits behind a read. A scan, which nobody waits for, spreads its calls evenly
over time, and where the vendor still asks for less, it alone slows down: to half of its pace at once, and back to the
whole of it within a minute or so.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from enum import Enum, auto

BULK_LEAVES = 0.25
"""Share of slots and tokens that bulk reading leaves to single reads."""
BULK_PATIENCE = 1.0
"""Seconds after which a bulk reading takes a token from the future, so that single reads never starve it."""
RECOVERY = 60.0
"""Seconds in which a pace grows by the whole rate again after the vendor asked for less."""
SLOWEST = 0.2
"""Calls a second that a scan never goes below: each of them may find that there is room again."""
CATCH_UP = 0.1
"""Seconds by which a scan that was kept from its calls may be behind and still make up for them."""


class Lane(Enum):
    """What kind of call waits for its turn."""

    WRITE = auto()
    READ = auto()
    BULK = auto()
    SCAN = auto()
    COPY = auto()
    """A write that nobody's pulls wait for: sent once, as any write, at the pace of bulk reading."""


WRITES = frozenset({Lane.WRITE, Lane.COPY})


class Gate:
    """A token bucket of one second's calls and a number of slots, for one endpoint."""

    def __init__(self, rate: float, in_flight: int) -> None:
        self._rate = rate
        self._tokens = rate
        self._filled_at: float | None = None
        self._slots = asyncio.Semaphore(in_flight)
        bulk = max(1, int(in_flight * (1 - BULK_LEAVES)))
        self._bulk_slots = asyncio.Semaphore(bulk)
        self._turns = {lane: asyncio.Semaphore(bulk) for lane in (Lane.BULK, Lane.SCAN)}
        self._queues = {lane: asyncio.Lock() for lane in (Lane.READ, Lane.BULK, Lane.SCAN)}
        self._pace = Pace(rate)

    def turn(self, lane: Lane) -> AbstractAsyncContextManager[None]:
        """Hold a place in this lane; in bulk, waiting for tokens and pausing with it takes no slot from anybody."""
        if lane is Lane.WRITE:
            return nullcontext()
        return self._slots if lane is Lane.READ else self._turns[lane]

    @asynccontextmanager
    async def bulk_slot(self) -> AsyncIterator[None]:
        """Hold a slot for one call of a bulk reading."""
        async with self._bulk_slots, self._slots:
            yield

    async def spend(self, lane: Lane) -> None:
        """Take a token, in order of arrival within a lane; a write takes its own from the future."""
        if lane is Lane.WRITE:
            self._tokens -= 1
            return
        async with self._queues[lane]:
            clock = asyncio.get_running_loop().time
            starves_at = clock() + BULK_PATIENCE
            # Somebody else may take the token that this sleep was for, so look again after it.
            while (missing := self._missing(lane)) > 0:
                is_starving = lane is not Lane.READ and clock() >= starves_at
                if is_starving and (lane is Lane.BULK or not self._pace.missing(clock())):
                    break
                await asyncio.sleep(missing)
            self._tokens -= 1
            if lane is Lane.SCAN:
                self._pace.step(asyncio.get_running_loop().time())
            if lane is not Lane.READ:
                # A burst would all be signed, then all connect, and only then would its first call leave.
                await asyncio.sleep(0)

    def drain(self) -> None:
        """Start from an empty bucket: the vendor has just asked for less."""
        self._tokens = min(self._tokens, 0.0)

    def slow_down(self, sent_at: float) -> None:
        """Halve the pace of scans: the vendor refused a call that was sent then, by the loop's clock."""
        self._pace.halve(sent_at, asyncio.get_running_loop().time())

    def _missing(self, lane: Lane) -> float:
        """Return the seconds until this lane may take a token."""
        now = asyncio.get_running_loop().time()
        if self._filled_at is not None:
            self._tokens = min(self._rate, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        wanted = 1.0 if lane is Lane.READ else 1.0 + self._rate * BULK_LEAVES
        missing = max(0.0, min(wanted, self._rate) - self._tokens - 1e-6) / self._rate
        return max(missing, self._pace.missing(now)) if lane is Lane.SCAN else missing


class Pace:
    """How fast a scan may go: call by call at the whole rate, until the vendor asked for less."""

    def __init__(self, rate: float) -> None:
        self._whole = rate
        self._slowed_to = rate
        self._slowed_at: float | None = None
        self._next_at = 0.0

    def rate(self, now: float) -> float:
        """Return the calls a second that are allowed now."""
        if self._slowed_at is None:
            return self._whole
        return min(self._whole, self._slowed_to + (now - self._slowed_at) * self._whole / RECOVERY)

    def missing(self, now: float) -> float:
        """Return the seconds until the next call may start."""
        return max(0.0, self._next_at - now)

    def step(self, now: float) -> None:
        """Take note of a call that starts now."""
        self._next_at = max(now - CATCH_UP, self._next_at) + 1 / self.rate(now)

    def halve(self, sent_at: float, now: float) -> None:
        """Go on at half the rate; calls that were on their way when this last happened say nothing new."""
        if self._slowed_at is not None and sent_at < self._slowed_at:
            return
        self._slowed_to = max(min(SLOWEST, self._whole), self.rate(now) / 2)
        self._slowed_at = now
        self._next_at = max(now, self._next_at)
