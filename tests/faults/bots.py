"""Two bots that carry one operation out on a real Redis, and the moments at which a test may interfere."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from bot.adapters.clock import SystemClock
from bot.adapters.redis_keys import AUDIT
from bot.adapters.redis_link import OPERATION_TIMEOUT
from bot.adapters.redis_store import RedisOperations
from bot.domain.operation import LEASE, Operation
from bot.errors import BotError
from bot.ports import Commit, Ports
from bot.services.execution import step
from tests.builders import WORKSPACE
from tests.processes.mortal_bot import ShortLeases
from tests.services.world import World, a_world

PATIENCE = 60.0
LEASE_OF_TESTS = timedelta(seconds=0.4)
"""How long the lease of a bot lasts here, so that nobody has to wait for half a minute."""
Act = Callable[[], Awaitable[object]]


@dataclass
class Moments:
    """What happens at named moments, each once; `passed` tells which of them came.

    A commit is named by its audit event, any other call by port and method: "before claimed", "after zones.apply". The
    look at one's own claim is "re-read", and the look at the record behind a write "read-back".
    """

    acts: dict[str, Act] = field(default_factory=dict)
    passed: list[str] = field(default_factory=list)

    async def come(self, moment: str) -> None:
        """Do what is to be done at a moment."""
        self.passed.append(moment)
        if act := self.acts.pop(moment, None):
            await act()


class Told:
    """A port whose every call is announced before it begins and after it took effect."""

    def __init__(self, name: str, port: Any, moments: Moments) -> None:
        self._name, self._port, self._moments = name, port, moments

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        return self._announced(name, found) if inspect.iscoroutinefunction(found) else found

    def _announced(self, name: str, call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def announced(*args: Any, **fields: Any) -> Any:
            said = self._called(name, args)
            await self._moments.come(f"before {said}")
            result = await call(*args, **fields)
            await self._moments.come(f"after {said}")
            return result

        return announced

    def _called(self, name: str, args: tuple[Any, ...]) -> str:
        if args and isinstance(args[0], Commit):
            return str(args[0].audit["event"])
        after = self._moments.passed[-1] if self._moments.passed else ""
        return {("get", "after claimed"): "re-read", ("record", "after zones.apply"): "read-back"}.get(
            (name, after), f"{self._name}.{name}"
        )


@dataclass
class Bots:
    """A world in memory around a real store; the first bot passes through the moments, the second does not."""

    world: World
    store: RedisOperations
    first: Ports
    second: Ports
    moments: Moments

    async def carry_out(self, operation: Operation, *, by: str = "both") -> Operation:
        """Have the bots take turns until the operation has ended; a step that fails is tried again."""
        turns = {"first": self.first, "second": self.second}
        async with asyncio.timeout(PATIENCE):
            while not (await self.now(operation)).is_terminal:
                for name, ports in turns.items():
                    if by in (name, "both"):
                        await self.try_step(ports, operation, name)
                await asyncio.sleep(0.05)
        return await self.now(operation)

    async def try_step(self, ports: Ports, operation: Operation, owner: str = "first") -> BotError | None:
        """Take a step as the worker does; return what kept it from ending well."""
        try:
            await step(ports, operation.id, owner)
        except BotError as error:
            return error
        return None

    async def now(self, operation: Operation) -> Operation:
        """Return the operation as it is stored; as last known while the store is in trouble."""
        with suppress(BotError):
            return await self.store.get(operation.id)
        return operation

    async def events(self) -> list[str]:
        """Return the events of the audit stream, oldest first; its numbers must have no gap."""
        entries = [dict(zip(said[::2], said[1::2], strict=True)) for _, said in await self._stream()]
        assert [int(entry["seq"]) for entry in entries] == list(range(1, len(entries) + 1))
        return [entry["event"] for entry in entries]

    async def _stream(self) -> list[tuple[str, list[str]]]:
        return list(await self.store.link.call("XRANGE", AUDIT, "-", "+"))

    def sent(self) -> int:
        """Return how often a write was sent."""
        return len(self.world.zones.sent)


@asynccontextmanager
async def two_bots(url: str, *, replicas: int = 0, operation_timeout: float = OPERATION_TIMEOUT) -> AsyncIterator[Bots]:
    """Have two bots at the Redis of this address, to which a connection may take long."""
    clock, world, moments = SystemClock(), a_world(), Moments()
    world.clock.move(clock.now() - world.clock.now())  # what stands still in memory stands at this minute
    store = RedisOperations(
        url,
        clock=clock,
        workspace=WORKSPACE,
        replicas=replicas,
        connect_timeout=PATIENCE,
        operation_timeout=operation_timeout,
    )
    operations: Any = ShortLeases(store, LEASE - LEASE_OF_TESTS)
    second = replace(world.ports, clock=clock, operations=operations)
    told: dict[str, Any] = {
        name: Told(name, getattr(second, name), moments) for name in ("operations", "zones", "registries", "resolver")
    }
    world.ports = second
    try:
        yield Bots(world, store, replace(second, **told), second, moments)
    finally:
        await store.close()
