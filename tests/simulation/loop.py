"""An event loop whose time is virtual and whose callbacks belong to processes that can be paused or die.

Within a process callbacks run in the order in which they became ready, as asyncio promises. Which process is next is
drawn from the seed. When nobody can run, time jumps to the next timer.
"""

import asyncio
import contextvars
import heapq
import random
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class SimHandle:
    """A callback that waits for its turn or its time; lighter than asyncio's, of which a seed needs many thousands."""

    __slots__ = ("args", "callback", "context", "is_cancelled")

    def __init__(self, callback: Callable[..., object], args: tuple[Any, ...], context: contextvars.Context) -> None:
        self.callback, self.args, self.context = callback, args, context
        self.is_cancelled = False

    def cancel(self) -> None:
        """Do not run it."""
        self.is_cancelled = True

    def cancelled(self) -> bool:
        """Tell whether it will not run."""
        return self.is_cancelled


class Process:
    """What an operating system would schedule: its ready callbacks, which wait while it is stopped."""

    __slots__ = ("_runnable", "context", "is_listed", "is_stopped", "name", "queue")

    def __init__(self, name: str, runnable: "list[Process]") -> None:
        self.name = name
        self.queue: deque[SimHandle] = deque()
        self.is_stopped = self.is_listed = False
        self._runnable = runnable
        self.context = contextvars.copy_context()
        self.context.run(_PROCESS.set, self)

    def add(self, handle: SimHandle) -> None:
        """Let a callback wait for its turn."""
        self.queue.append(handle)
        if not self.is_listed:
            self.is_listed = True
            self._runnable.append(self)

    def stop(self) -> None:
        """Give it no time; what becomes ready waits."""
        self.is_stopped = True

    def go_on(self) -> None:
        """Give it time again."""
        self.is_stopped = False
        if self.queue and not self.is_listed:
            self.is_listed = True
            self._runnable.append(self)


class Stuck(RuntimeError):
    """Nothing can happen any more although somebody still waits."""


class SimLoop(asyncio.BaseEventLoop):
    """Runs callbacks of several processes in virtual time; everything that is random comes from `chance`."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self._chance = chance
        self._now = 0.0
        self._timers: list[tuple[float, int, SimHandle]] = []
        self._serial = 0
        self._runnable: list[Process] = []
        self.processes: list[Process] = []
        self.world = self.process("world")
        self.set_exception_handler(_complain)

    def process(self, name: str) -> Process:
        """Add a process."""
        process = Process(name, self._runnable)
        self.processes.append(process)
        return process

    def spawn(self, process: Process, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run a coroutine as part of a process."""
        return self.create_task(work, context=process.context)

    def later(self, delay: float, act: Callable[..., object], *args: Any) -> None:
        """Have the world do something after a delay, whoever asks."""
        self._serial += 1
        heapq.heappush(self._timers, (self._now + delay, self._serial, SimHandle(act, args, self.world.context)))

    def time(self) -> float:
        """Return the virtual seconds since the beginning."""
        return self._now

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: contextvars.Context | None = None
    ) -> SimHandle:
        """Add a callback to the queue of the process that it belongs to."""
        handle = SimHandle(callback, args, context or contextvars.copy_context())
        handle.context.get(_PROCESS, self.world).add(handle)
        return handle

    get_debug = staticmethod(bool)  # False, without a frame: every task and every future asks

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., object], *args: Any, context: contextvars.Context | None = None
    ) -> SimHandle:
        """Add a callback that becomes ready after a delay."""
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., object], *args: Any, context: contextvars.Context | None = None
    ) -> SimHandle:
        """Add a callback that becomes ready at a time."""
        handle = SimHandle(callback, args, context or contextvars.copy_context())
        self._serial += 1
        heapq.heappush(self._timers, (when, self._serial, handle))
        return handle

    def _run_once(self) -> None:
        """Run what one process after the other has ready; when nobody can run, jump to the next timer."""
        runnable = self._runnable
        while not self._stopping:  # type: ignore[attr-defined]
            if not runnable:
                self._jump()
                continue
            choice = 0 if len(runnable) == 1 else int(self._chance.random() * len(runnable))
            process = runnable.pop(choice)
            process.is_listed = False
            queue = process.queue
            for _ in range(len(queue)):
                if process.is_stopped:
                    break  # it is listed again when it goes on
                handle = queue.popleft()
                if not handle.is_cancelled:
                    handle.context.run(handle.callback, *handle.args)

    def _jump(self) -> None:
        """Go to the next timer, and make ready what is due then."""
        timers = self._timers
        while timers and timers[0][2].is_cancelled:
            heapq.heappop(timers)
        if not timers:
            raise Stuck("Nobody can run and no timer is set.")
        when, _, handle = heapq.heappop(timers)
        self._now = max(self._now, when)
        process = handle.context.get(_PROCESS, self.world)
        if not (process.queue or process.is_stopped or (timers and timers[0][0] <= self._now)):
            handle.context.run(handle.callback, *handle.args)  # nobody else is ready: it need not wait for its turn
            return
        process.add(handle)
        while timers and timers[0][0] <= self._now:
            handle = heapq.heappop(timers)[2]
            if not handle.is_cancelled:
                handle.context.get(_PROCESS, self.world).add(handle)

    def wind_up(self) -> None:
        """Cancel every task there is, also those of the dead, and run until all have ended."""
        while waiting := sorted(asyncio.all_tasks(self), key=lambda task: task.get_name()):
            for process in self.processes:
                process.go_on()  # also those that a misfortune planned for later has just stopped
            for task in waiting:
                task.cancel()
            self.run_until_complete(asyncio.wait(waiting, timeout=1))
        self.run_until_complete(self.shutdown_asyncgens())
        self.close()

    def _write_to_self(self) -> None:
        """Wake nobody: there is no other thread to be woken by."""


_PROCESS: contextvars.ContextVar[Process] = contextvars.ContextVar("process")


def _complain(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Let nothing that asyncio would only log pass unseen."""
    raise context.get("exception") or RuntimeError(context["message"])
