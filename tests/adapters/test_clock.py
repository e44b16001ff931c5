"""The system's clock: aware, in UTC, and never going back where it matters."""

import asyncio
from datetime import timedelta

from bot.adapters.clock import SystemClock


def test_wall_time_is_aware_and_in_utc() -> None:
    assert SystemClock().now().utcoffset() == timedelta()


async def test_monotonic_seconds_pass_while_sleeping() -> None:
    clock = SystemClock()
    before = clock.monotonic()

    await clock.sleep(0.001)

    assert clock.monotonic() - before >= 0.001


async def test_a_pause_lasts_as_long_as_it_should() -> None:
    clock = SystemClock()
    before = clock.monotonic()

    await clock.pause(timedelta(milliseconds=1), asyncio.Event())

    assert clock.monotonic() - before >= 0.001


async def test_a_pause_ends_with_what_it_waits_for() -> None:
    due = asyncio.Event()

    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(SystemClock().pause(timedelta(hours=1), due))
        due.set()

    assert due.is_set()
