"""Work that outlives the call that began it, kept in sight so that a stopping process can wait for it."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, TypeVar

import structlog

T = TypeVar("T")


class Tasks:
    """A set of running tasks; the event loop itself holds only weak references to what it runs."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()
        self._log = structlog.get_logger()

    def __len__(self) -> int:
        return len(self._running)

    def start(self, work: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        """Run `work` beside the caller; what it raises is logged by type, whoever else looks at it."""
        task = asyncio.create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._finish)
        return task

    async def drain(self, within: timedelta) -> int:
        """Wait until everything has ended, cancel what has not by then, and return how many were cancelled."""
        mine = asyncio.current_task()
        deadline = asyncio.get_running_loop().time() + within.total_seconds()
        while waiting := self._running - {mine}:
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                return await self._cancel(waiting)
            await asyncio.wait(waiting, timeout=left)
            await asyncio.sleep(0)  # lets done callbacks run, so that finished tasks leave the set
        return 0

    async def _cancel(self, tasks: set[asyncio.Task[Any]]) -> int:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return len(tasks)

    def _finish(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._log.error("task.failed", task=task.get_name(), error=type(error).__name__)
