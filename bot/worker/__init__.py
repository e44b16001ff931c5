"""The part that acts when nobody is clicking: execution, outbox, watch, seals of the audit, inventories, copies."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from bot.domain.topology import Site
from bot.ports import Ports
from bot.services.policies import end_outdated
from bot.worker import watch
from bot.worker.abandoned import end_abandoned
from bot.worker.cards import ButtonValue
from bot.worker.copyist import ROUND, Copyist
from bot.worker.execute import Executor
from bot.worker.freezes import FreezeKeeper
from bot.worker.froze import tell_of_freezes
from bot.worker.lookout import look_out
from bot.worker.outbox import Outbox
from bot.worker.scanner import SILENT_EVERY, Scanner
from bot.worker.sealer import INSPECT_EVERY, SEAL_EVERY, Sealer
from bot.worker.troubles import Troubles

T = TypeVar("T")
SCAN_EVERY = timedelta(seconds=5)
BUSY_SCAN_EVERY = timedelta(seconds=1)
BUSY_ROUNDS = 40
"""Quick scans after the last step taken here: an operation in hand is followed to its end without waiting."""
OUTBOX_EVERY = timedelta(seconds=1)
FREEZES_EVERY = timedelta(seconds=1)
LOOK_OUT_EVERY = timedelta(seconds=30)
"""How often watched sites are looked at, unless instances are read more often; several bots take turns."""
ABANDONED_EVERY = timedelta(seconds=15)
READ_AFTER = timedelta(seconds=1)
"""From ready on: those who have waited for a bot come before what nobody waits for."""


class Worker:
    """Runs its loops until told to stop; `tick` does one round of the acting two at once.

    `failed` is told the code of every failure of a loop.
    """

    def __init__(
        self,
        ports: Ports,
        owner: str,
        button_value: ButtonValue,
        failed: Callable[[str], None] = lambda _code: None,
    ) -> None:
        self._ports = ports
        self._owner = owner
        self._executor = Executor(ports, owner, moved=self._has_news)
        self._freezes = FreezeKeeper(ports)
        self._outbox = Outbox(ports, button_value, lambda: self._freezes.seen)
        self._sealer = Sealer(ports)
        self._scanner = Scanner(ports, owner)
        self._copyist = Copyist(ports, owner)
        self._troubles = Troubles(ports.clock, failed)
        self._stopping = asyncio.Event()
        self._is_started = asyncio.Event()
        self._execute_now = asyncio.Event()
        self._post_now = asyncio.Event()
        self._refresh_now = asyncio.Event()
        self._copy_now = asyncio.Event()

    def wake(self) -> None:
        """Say that something is due; returns at once."""
        self._execute_now.set()
        self._post_now.set()
        self._refresh_now.set()
        self._copy_now.set()

    def begin_reading(self) -> None:
        """Begin to read what the instances hold, now that the start is over, which people wait for."""
        self._is_started.set()

    def _has_news(self) -> None:
        self._post_now.set()

    async def tick(self) -> None:
        """Take one due step of every operation, then bring the cards up to date."""
        await self._guarded("freezes", self._freezes.tick)
        await self._executor.tick()
        await self._outbox.tick()

    def stop(self) -> None:
        """Begin no new step; steps in hand reach a safe point before `run` returns."""
        self._stopping.set()
        self._is_started.set()
        self.wake()

    async def run(self) -> None:
        """Work until `stop`; what is in hand then reaches a safe point first."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._act(group))
            group.create_task(self._post(group))
            group.create_task(self._watch_freezes())
            group.create_task(self._tell_of_freezes())
            group.create_task(self._refresh())
            group.create_task(self._remember())
            group.create_task(self._seal())
            group.create_task(self._inspect())
            group.create_task(self._take_stock(group))
            group.create_task(self._copy())
            group.create_task(self._look_out())
            group.create_task(self._end_abandoned())

    async def _act(self, group: asyncio.TaskGroup) -> None:
        quick = 0
        while not self._stopping.is_set():
            self._execute_now.clear()
            started = await self._guarded("steps", lambda: self._executor.begin(group))
            quick = BUSY_ROUNDS if started else max(quick - 1, 0)
            await self._ports.clock.pause(BUSY_SCAN_EVERY if quick else SCAN_EVERY, self._execute_now)

    async def _post(self, group: asyncio.TaskGroup) -> None:
        while not self._stopping.is_set():
            self._post_now.clear()
            await self._guarded("cards", lambda: self._outbox.begin(group))
            await self._ports.clock.pause(OUTBOX_EVERY, self._post_now)

    async def _watch_freezes(self) -> None:
        while not self._stopping.is_set():
            await self._guarded("freezes", self._freezes.tick)
            await self._ports.clock.pause(FREEZES_EVERY, self._stopping)

    async def _tell_of_freezes(self) -> None:
        while not self._stopping.is_set():
            await self._guarded("news of freezes", lambda: tell_of_freezes(self._ports, self._freezes.seen.freezes))
            await self._ports.clock.pause(FREEZES_EVERY, self._stopping)

    async def _refresh(self) -> None:
        while not self._stopping.is_set():
            self._refresh_now.clear()
            if await self._guarded("policies", lambda: end_outdated(self._ports)):
                self._has_news()
            await self._guarded("people", lambda: watch.refresh_identities(self._ports))
            await self._ports.clock.pause(watch.IDENTITY_EVERY, self._refresh_now)
            await self._ports.clock.pause(watch.AFTER_A_CLICK, self._stopping)

    async def _remember(self) -> None:
        while not self._stopping.is_set():
            await self._guarded("sites", lambda: watch.remember_sites(self._ports))
            await self._ports.clock.pause(watch.REMEMBER_EVERY, self._stopping)

    async def _seal(self) -> None:
        while not self._stopping.is_set():
            await self._guarded("seals", self._sealer.tick)
            await self._ports.clock.pause(SEAL_EVERY, self._stopping)
        await self._guarded("seals", self._sealer.tick)  # what was done on the way out

    async def _inspect(self) -> None:
        while not self._stopping.is_set():
            await self._guarded("inspection", self._sealer.inspect)
            await self._ports.clock.pause(INSPECT_EVERY, self._stopping)

    async def _take_stock(self, group: asyncio.TaskGroup) -> None:
        """Read all instances side by side until told to stop, and drop it at once then: a pass can be resumed."""
        await self._is_started.wait()
        reading = [group.create_task(self._read(site)) for site in self._ports.rules.topology.sites.values()]
        await self._stopping.wait()
        for task in reading:
            task.cancel()

    async def _read(self, site: Site) -> None:
        await self._ports.clock.pause(min(READ_AFTER, self._ports.rules.inventory_every), self._stopping)
        while not self._stopping.is_set():
            wait = await self._guarded(f"inventory {site.name}", lambda: self._scanner.tick(site))
            await self._ports.clock.pause(SILENT_EVERY if wait is None else wait, self._stopping)

    async def _look_out(self) -> None:
        await self._is_started.wait()
        while not self._stopping.is_set():
            await self._guarded("watched sites", lambda: look_out(self._ports, self._owner))
            await self._ports.clock.pause(min(LOOK_OUT_EVERY, self._ports.rules.inventory_every), self._stopping)

    async def _end_abandoned(self) -> None:
        await self._is_started.wait()
        while not self._stopping.is_set():
            await self._guarded("abandoned answers", lambda: end_abandoned(self._ports, self._owner))
            await self._ports.clock.pause(ABANDONED_EVERY, self._stopping)

    async def _copy(self) -> None:
        while not self._stopping.is_set():
            self._copy_now.clear()
            is_busy = await self._guarded("copies", self._copyist.tick)
            if is_busy:
                await self._ports.clock.pause(ROUND, self._stopping)
            else:
                await self._ports.clock.pause(SCAN_EVERY, self._copy_now)

    async def _guarded(self, loop: str, tick: Callable[[], Awaitable[T]]) -> T | None:
        try:
            done = await tick()
        except Exception as error:  # noqa: BLE001 - a loop that ends would leave operations without a worker
            self._troubles.failed(loop, error)
            return None
        self._troubles.worked(loop)
        return done
