"""A real bot that is struck at a chosen external call of an execution, before or after the call took effect.

Calls are counted from the commit that makes an operation APPROVED; looking for work is not counted, as it changes
nothing and happens at any time. Its leases are stored as nearly over: the lease of the dead ends a moment after its
death, and nobody has to wait for half a minute.
"""

import asyncio
import inspect
import os
import resource
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.__main__ import answer
from bot.adapters.alibaba import sdk
from bot.adapters.alibaba.client import Alibaba
from bot.adapters.redis_store import RedisOperations
from bot.adapters.slack_api import SlackApi
from bot.app import serving
from bot.configuration import load_registry
from bot.domain.operation import Operation, State
from bot.logs import configure_logs
from bot.ports import Commit, Operations, Ports
from bot.settings import Settings, load_settings
from bot.wiring import Outside

PRELOADED = sdk
"""What a bot would load when it starts; here a parent has done it for all its children."""
SHORTER_BY = timedelta(seconds=28)
OUTSIDE = (
    *("zones", "registries", "data_plane", "resolver", "operations", "identities", "workspace"),
    *("copier", "copies"),
)
BLOCKS_FOR = 12.0
"""Seconds; a claim may be used for ten."""
LOOKING_FOR_WORK = {"operations.due", "operations.news", "operations.recent", "operations.freezes", "copies.live"}


class ShortLeases:
    """A store whose leases end nearly at once."""

    def __init__(self, store: Operations, shorter_by: timedelta = SHORTER_BY) -> None:
        self._store = store
        self._shorter_by = shorter_by

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def commit(self, commit: Commit) -> Operation:
        """Commit, with a lease that is nearly over and the next step due when it is."""
        lease = commit.operation.lease
        if lease is None or commit.due_at is None:
            return await self._store.commit(commit)
        operation = replace(commit.operation, lease=replace(lease, until=lease.until - self._shorter_by))
        return await self._store.commit(replace(commit, operation=operation, due_at=commit.due_at - self._shorter_by))


@dataclass(slots=True)
class Fate:
    """Strikes at the `nth` counted call of a name, before or after it. Every such call leaves its name in the journal.

    Calls are counted by name, because execution and outbox run side by side and their order is not always the same. A
    commit has its audit event in its name, and the look at one's own claim is a "re-read".
    """

    name: str
    nth: int
    is_after: bool
    journal: Path
    stroke: str = "kill"
    calls: int = 0
    is_counting: bool = False
    claimer: Any = None

    async def live_through(self, name: str, call: Callable[[], Awaitable[Any]], arguments: tuple[Any, ...]) -> Any:
        """Make one external call, or be struck around it."""
        self.is_counting = self.is_counting or _approves(arguments)
        if not self.is_counting or name in LOOKING_FOR_WORK:
            return await call()
        name = self._called(name, arguments)
        self.calls += name == self.name
        is_last = name == self.name and self.calls == self.nth
        with self.journal.open("a") as journal:
            journal.write(f"{name}\n")
        if is_last and not self.is_after:
            STROKES[self.stroke]()
        result = await call()
        if is_last and self.is_after:
            STROKES[self.stroke]()
        return result

    def _called(self, name: str, arguments: tuple[Any, ...]) -> str:
        """Return the call's name; it is a re-read when the task that claimed looks again."""
        if arguments and isinstance(arguments[0], Commit):
            event = arguments[0].audit["event"]
            self.claimer = asyncio.current_task() if event == "claimed" else None
            return f"{name} {event}"
        if name == "operations.get" and self.claimer is asyncio.current_task():
            return "operations.get re-read"
        return name


def _approves(arguments: tuple[Any, ...]) -> bool:
    return any(isinstance(said, Commit) and said.operation.state is State.APPROVED for said in arguments)


def die() -> None:
    """End without a word, as when the power fails."""
    os.kill(os.getpid(), signal.SIGKILL)


def freeze() -> None:
    """Stand still until somebody sends SIGCONT."""
    os.kill(os.getpid(), signal.SIGSTOP)


def block() -> None:
    """Hold up the event loop for longer than a claim may be used."""
    time.sleep(BLOCKS_FOR)


def starve() -> None:
    """Get no more memory from now on."""
    resource.setrlimit(resource.RLIMIT_AS, (1 << 20, resource.getrlimit(resource.RLIMIT_AS)[1]))
    bytearray(1 << 28)


STROKES: dict[str, Callable[[], None]] = {"kill": die, "freeze": freeze, "block": block, "starve": starve}


class Mortal:
    """A port whose every call is one at which the process may die."""

    def __init__(self, name: str, port: Any, fate: Fate) -> None:
        self._name, self._port, self._fate = name, port, fate

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if not inspect.iscoroutinefunction(found):
            return found
        return lambda *args, **fields: self._fate.live_through(
            f"{self._name}.{name}", lambda: found(*args, **fields), args
        )


class MortalOutside(Outside):
    """The outside world of a process that is going to die."""

    fate: Fate

    def ports(self, api: SlackApi, alibaba: Alibaba, store: RedisOperations, workspace: str) -> Ports:
        """Return the real ports, each wrapped, and short leases."""
        ports = super().ports(api, alibaba, store, workspace)
        ports = replace(ports, operations=ShortLeases(ports.operations))
        mortal: dict[str, Any] = {name: Mortal(name, getattr(ports, name), self.fate) for name in OUTSIDE}
        return replace(ports, **mortal)


def live(environment: Mapping[str, str], log: Path, fate: Fate | None) -> None:
    """Be the bot of this environment until a signal, or until fate; what is printed goes to `log`."""
    with log.open("ab") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    for name in [name for name in os.environ if name.startswith("REGISTRY_BOT_")]:
        del os.environ[name]  # of whichever test was running when the first bot was forked
    os.environ.update(environment)
    if fate is None:
        sys.exit(asyncio.run(answer(["run"])))
    asyncio.run(_live_mortally(load_settings(), fate))


async def _live_mortally(settings: Settings, fate: Fate) -> None:
    configure_logs()
    outside = type("OutsideOfThisProcess", (MortalOutside,), {"fate": fate})
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with serving(settings, load_registry(settings.config), outside):
        await stop.wait()
