"""Clocks that show virtual time, each a little wrong in its own way."""

import asyncio
from datetime import datetime, timedelta

from tests.builders import NOW
from tests.simulation.loop import SimLoop


class SimClock:
    """A clock of one machine: `offset` is by how many seconds its wall time is ahead."""

    def __init__(self, loop: SimLoop, offset: float = 0.0) -> None:
        self._loop = loop
        self.offset = offset
        self._shown = (-1.0, NOW)

    def now(self) -> datetime:
        """Return the aware UTC wall time as this machine sees it."""
        elapsed = self._loop.time() + self.offset
        if self._shown[0] != elapsed:
            self._shown = (elapsed, NOW + timedelta(seconds=elapsed))
        return self._shown[1]

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return 1000.0 + self._loop.time()

    async def sleep(self, seconds: float) -> None:
        """Wait in virtual time."""
        await asyncio.sleep(seconds)

    async def pause(self, span: timedelta, unless: asyncio.Event) -> None:
        """Wait that long, or until the event is set; bots spend most of their time here, so it costs one future."""
        if unless.is_set():
            return
        over = self._loop.create_future()
        unless._waiters.append(over)
        timer = self._loop.call_later(span.total_seconds(), _end, over)
        try:
            await over
        finally:
            timer.cancel()
            unless._waiters.remove(over)


def _end(pause: "asyncio.Future[bool]") -> None:
    if not pause.done():
        pause.set_result(False)
