"""Work that outlives its caller."""

import asyncio
from datetime import timedelta

from structlog.testing import capture_logs

from bot.tasks import Tasks


async def _forever() -> None:
    await asyncio.Event().wait()


async def test_a_stopping_process_waits_for_what_is_running() -> None:
    tasks, done = Tasks(), []

    async def work() -> None:
        await asyncio.sleep(0.01)
        done.append(True)

    tasks.start(work(), "work")

    assert await tasks.drain(timedelta(seconds=1)) == 0
    assert done == [True]
    assert len(tasks) == 0


async def test_work_begun_by_running_work_is_waited_for_too() -> None:
    tasks, done = Tasks(), []

    async def second() -> None:
        done.append(True)

    async def first() -> None:
        await asyncio.sleep(0.01)
        tasks.start(second(), "second")

    tasks.start(first(), "first")
    await tasks.drain(timedelta(seconds=1))

    assert done == [True]


async def test_what_takes_too_long_is_cancelled_and_counted() -> None:
    tasks = Tasks()
    endless = tasks.start(_forever(), "endless")

    assert await tasks.drain(timedelta(seconds=0.01)) == 1
    assert endless.cancelled()


async def test_a_failure_is_logged_by_type_without_its_words() -> None:
    async def work() -> None:
        raise ValueError("a secret")

    with capture_logs() as logs:
        tasks = Tasks()
        tasks.start(work(), "work")
        await tasks.drain(timedelta(seconds=1))

    assert logs == [{"event": "task.failed", "log_level": "error", "task": "work", "error": "ValueError"}]


async def test_the_caller_can_await_the_result() -> None:
    async def work() -> int:
        return 7

    assert await Tasks().start(work(), "work") == 7


async def test_an_idle_process_drains_at_once() -> None:
    assert await Tasks().drain(timedelta(seconds=0)) == 0
