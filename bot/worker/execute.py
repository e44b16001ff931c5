"""Take every step that is due, each operation by itself, so that one that hangs delays no other."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import structlog

from bot.errors import BotError, Conflict, ForgedApproval, UnknownOperation
from bot.ports import Ports
from bot.services.execution import step

log = structlog.get_logger()
RETRY_AFTER = timedelta(seconds=3)
LOOK_BACK_AFTER = timedelta(minutes=1)
"""What cannot become better by itself is still looked at: somebody may put it back."""
AT_ONCE = 20
"""Steps that one scan begins, beside those in hand: one that hangs must not stand before others."""


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
        due = await self._ports.operations.due(self._ports.clock.now(), AT_ONCE + len(self._busy))
        mine = [operation_id for operation_id in due if operation_id not in self._busy]
        for operation_id in mine:
            self._busy.add(operation_id)
            group.create_task(self._step(operation_id))
        return len(mine)

    async def _step(self, operation_id: str) -> None:
        try:
            await step(self._ports, operation_id, self._owner)
        except (ForgedApproval, UnknownOperation) as error:
            await self._tell_unusable(operation_id, error)
        except Conflict as conflict:
            log.info("operation.taken_elsewhere", operation=operation_id, why=str(conflict))
        except BotError as error:
            log.warning("operation.step_postponed", operation=operation_id, why=str(error))
            await self._postpone(operation_id, RETRY_AFTER)
        except Exception as error:  # noqa: BLE001 - the scan must go on; the operation stays due and is shown as it is
            log.error("operation.step_broken", operation=operation_id, kind=type(error).__name__)
            await self._postpone(operation_id, RETRY_AFTER)
        finally:
            self._busy.discard(operation_id)
            self._moved()

    async def _tell_unusable(self, operation_id: str, error: BotError) -> None:
        """Raise the alarm about a document that is not as it was stored, or is gone, and leave it for a while."""
        log.error("alarm.document_unusable", operation=operation_id, why=str(error))
        self._ports.alarm("document_unusable")
        await self._postpone(operation_id, LOOK_BACK_AFTER)

    async def _postpone(self, operation_id: str, pause: timedelta) -> None:
        """Leave a step that cannot be taken, so that those behind it get their turn."""
        try:
            await self._ports.operations.postpone_step(operation_id, self._ports.clock.now() + pause)
        except BotError as error:
            log.warning("operation.not_postponed", operation=operation_id, why=str(error))
