"""A process that dies at a call to the outside, before or after the call takes effect."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from bot.ports import Ports

OUTSIDE = (
    "zones",
    "registries",
    "data_plane",
    "resolver",
    "operations",
    "identities",
    "workspace",
    "copier",
    "copies",
)


class Crash(BaseException):
    """The process is gone."""


@dataclass
class Fate:
    """Dies at the `at`-th external call, before or after it takes effect; 0 lives for ever."""

    at: int = 0
    is_after: bool = False
    calls: int = 0

    async def live_through(self, call: Callable[[], Awaitable[Any]]) -> Any:
        """Make one external call, or die around it; the dead make no calls."""
        self.calls += 1
        is_last = self.calls == self.at
        if self.at and (self.calls > self.at or (is_last and not self.is_after)):
            raise Crash
        result = await call()
        if is_last:
            raise Crash
        return result


@dataclass
class Meddled(Fate):
    """Lives, but right before the `at`-th call something happens elsewhere."""

    meddle: Callable[[], Awaitable[None]] | None = None

    async def live_through(self, call: Callable[[], Awaitable[Any]]) -> Any:
        """Make one external call, after what happens before it."""
        self.calls += 1
        if self.calls == self.at and self.meddle is not None:
            await self.meddle()
        return await call()


class Mortal:
    """A port whose every call is one of the calls at which the process may die."""

    def __init__(self, port: Any, fate: Fate) -> None:
        self._port, self._fate = port, fate

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if not inspect.iscoroutinefunction(found):
            return found
        return lambda *args, **fields: self._fate.live_through(lambda: found(*args, **fields))


def mortal(ports: Ports, fate: Fate) -> Ports:
    """Return the same ports for a process of this fate."""
    parts: dict[str, Any] = {name: Mortal(getattr(ports, name), fate) for name in OUTSIDE}
    return replace(ports, **parts)
