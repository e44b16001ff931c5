"""Time from the operating system; nobody else asks it."""

import asyncio
import contextlib
import time
from datetime import UTC, datetime, timedelta


class SystemClock:
    """The real clock."""

    def now(self) -> datetime:
        """Return the aware UTC wall time."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    async def pause(self, span: timedelta, unless: asyncio.Event) -> None:
        """Wait between two looks: that long, or until the event is set."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(span.total_seconds()):
                await unless.wait()
