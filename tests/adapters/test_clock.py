"""The system's clock: aware, in UTC, and never going back where it matters."""

from datetime import timedelta

from bot.adapters.clock import SystemClock


def test_wall_time_is_aware_and_in_utc() -> None:
    assert SystemClock().now().utcoffset() == timedelta()


async def test_monotonic_seconds_pass_while_sleeping() -> None:
    clock = SystemClock()
    before = clock.monotonic()

    await clock.sleep(0.001)

    assert clock.monotonic() - before >= 0.001
