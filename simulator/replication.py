"""The replication engine: queued copies move from PENDING over SYNCHRONIZING to SUCCESS, with a lag."""

import asyncio
from contextlib import suppress

from simulator.faults import Faults
from simulator.model import ERROR, PENDING, SUCCESS, SYNCHRONIZING, SyncTask
from simulator.world import World

LAG_SECONDS = 2.0
PACE_SECONDS = 0.1


class Engine:
    """Work through the world's tasks; each takes `lag_seconds` in all, half of it waiting and half of it copying."""

    def __init__(self, world: World, faults: Faults, lag_seconds: float = LAG_SECONDS) -> None:
        self._world = world
        self._faults = faults
        self._step_ms = lag_seconds * 1000 / 2
        self._running: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Work by the world's clock until closed."""
        self._running = asyncio.create_task(self._run())

    async def close(self) -> None:
        if self._running is not None:
            self._running.cancel()
            with suppress(asyncio.CancelledError):
                await self._running

    def tick(self, now_ms: int) -> None:
        """Move every task on by one step that is due; one that is held up keeps its state and its times."""
        for task in self._world.tasks:
            if self._is_due(task, now_ms) and not self._is_held_up(task):
                self._move(task, now_ms)

    async def _run(self) -> None:
        while True:
            self.tick(self._world.now_ms())
            await asyncio.sleep(PACE_SECONDS)

    def _move(self, task: SyncTask, now_ms: int) -> None:
        task.modified_ms = now_ms
        if task.status == PENDING:
            task.status = SYNCHRONIZING
            return
        task.issue = self._world.land(task)
        task.status = ERROR if task.issue else SUCCESS

    def _is_due(self, task: SyncTask, now_ms: int) -> bool:
        return task.status in (PENDING, SYNCHRONIZING) and now_ms - task.modified_ms >= self._step_ms

    def _is_held_up(self, task: SyncTask) -> bool:
        """Tell whether a fault at either end keeps this copy from going on."""
        sites = {self._world.instances[end].site for end in (task.source, task.target)}
        return any(
            self._faults.active(fault, site) for fault in ("replication_stalled", "region_down") for site in sites
        )
