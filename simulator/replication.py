"""The replication engine: queued copies move from PENDING over SYNCHRONIZING to SUCCESS, with a lag."""

import asyncio
from contextlib import suppress

from simulator.faults import Faults
from simulator.model import ERROR, OPEN, PENDING, SUCCESS, SYNCHRONIZING, SyncTask
from simulator.world import World

PACE_SECONDS = 0.1


class Engine:
    """Work through the world's tasks; half of a task's lag goes by waiting and half of it copying.

    The world's behaviour says how long the lag is, unless `lag_seconds` does.
    """

    def __init__(self, world: World, faults: Faults, lag_seconds: float | None = None) -> None:
        self._world = world
        self._faults = faults
        self._lag_seconds = lag_seconds
        self._settled = 0
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
        for task in self._open():
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
        task.issue = self._land(task)
        task.status = ERROR if task.issue else SUCCESS

    def _open(self) -> list[SyncTask]:
        """Return the tasks from the first that is open on; what has ended stays so, and is passed over for good."""
        tasks = self._world.tasks
        if self._settled > len(tasks) or (self._settled and tasks[self._settled - 1].status in OPEN):
            self._settled = 0  # another list than before
        while self._settled < len(tasks) and tasks[self._settled].status not in OPEN:
            self._settled += 1
        return tasks[self._settled :]

    def _is_due(self, task: SyncTask, now_ms: int) -> bool:
        if task.status not in OPEN:
            return False
        lag_ms = self._world.state.behaviour.lag_ms if self._lag_seconds is None else self._lag_seconds * 1000
        return now_ms - task.modified_ms >= lag_ms * task.pace / 2

    def _land(self, task: SyncTask) -> str | None:
        if task.lies or self._is_hit(task, "false_success"):
            return self._world.land_falsely(task)
        if self._is_hit(task, "incomplete_copies"):
            return self._world.land_in_part(task)
        return self._world.land(task)

    def _is_held_up(self, task: SyncTask) -> bool:
        """Tell whether a fault at either end keeps this copy from going on."""
        return self._is_hit(task, "replication_stalled") or self._is_hit(task, "region_down")

    def _is_hit(self, task: SyncTask, fault: str) -> bool:
        sites = {self._world.instances[end].site for end in (task.source, task.target)}
        return any(self._faults.active(fault, site) for site in sites)
