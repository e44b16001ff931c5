"""Take every step that is due, each operation by itself, so that one that hangs delays no other."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import structlog

from bot.errors import BotError, Conflict
from bot.ports import Ports
from bot.services.execution import step

log = structlog.get_logger()
RETRY_AFTER = timedelta(seconds=3)


class Executor:
    """Moves due operations on; any number of them may run, in any number of processes.

    `moved` is called after each step, because there may be something to show.
    """

    def __init__(self, ports: Ports, owner: str, moved: Callable[[], None] = lambda: None) -> None:
        self._ports = ports
        self._owner = owner
        self._moved = moved
        self._busy: set[str] = set()

    async def tick(self) -> None:
        """Take one step of each operation that is due, and wait for all of them."""
        async with asyncio.TaskGroup() as group:
            await self.begin(group)

    async def begin(self, group: asyncio.TaskGroup) -> int:
        """Start one step of each operation that is due and not already in hand here; return how many."""
        due = await self._ports.operations.due(self._ports.clock.now())
        mine = [operation_id for operation_id in due if operation_id not in self._busy]
        for operation_id in mine:
            self._busy.add(operation_id)
            group.create_task(self._step(operation_id))
        return len(mine)

    async def _step(self, operation_id: str) -> None:
        try:
            await step(self._ports, operation_id, self._owner)
        except Conflict as conflict:
            log.info("operation.taken_elsewhere", operation=operation_id, why=str(conflict))
        except BotError as error:
            log.warning("operation.step_postponed", operation=operation_id, why=str(error))
            await self._postpone(operation_id)
        except Exception as error:  # noqa: BLE001 - the scan must go on; the operation stays due and is shown as it is
            log.error("operation.step_broken", operation=operation_id, kind=type(error).__name__)
            await self._postpone(operation_id)
        finally:
            self._busy.discard(operation_id)
            self._moved()

    async def _postpone(self, operation_id: str) -> None:
        """Leave a step that cannot be taken, so that those behind it get their turn."""
        try:
            await self._ports.operations.postpone_step(operation_id, self._ports.clock.now() + RETRY_AFTER)
        except BotError as error:
            log.warning("operation.not_postponed", operation=operation_id, why=str(error))
