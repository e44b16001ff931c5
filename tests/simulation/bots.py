"""One bot: the real worker and the real desk over simulated ports, with its own clock and its own life."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import structlog

from bot.adapters.ids import ALPHABET, LENGTH
from bot.adapters.signer import HmacSigner
from bot.adapters.slack import SlackIdentities, SlackWorkspace
from bot.domain.access import Access
from bot.domain.topology import Topology
from bot.listeners import Desk
from bot.listeners.deliveries import Delivery
from bot.listeners.desk import Reply
from bot.ports import Ports, Rules
from bot.routing import Router
from bot.services.buttons import button_value
from bot.tasks import Tasks
from bot.worker import Worker
from tests.builders import WORKSPACE, a_topology
from tests.fake_bulletins import FakeBulletins
from tests.fake_copies import FakeCopier, FakeCopies
from tests.fake_inventories import FakeCatalogue, FakeInventories
from tests.fake_puller import FakePuller
from tests.fakes import SIGNING_KEY, FakeClock, FakeDataPlane, FakeOperations, FakeResolver
from tests.simulation.clock import SimClock
from tests.simulation.cloud import Cloud, CloudWitness, SimRegistries, SimZones
from tests.simulation.loop import Process, SimLoop
from tests.simulation.redis import Redis, SimOperations
from tests.simulation.slack import SimSlackApi, Slack, answer

log = structlog.get_logger()
ASSESS_EVERY = 10.0
Alter = Callable[[Ports], Ports]


class SimIds:
    """Ids and tokens from the seed."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def operation_id(self, prefix: str) -> str:
        """Return a new short id."""
        return f"{prefix}-{''.join(self._chance.choices(ALPHABET, k=LENGTH))}"

    def token(self) -> str:
        """Return 128 bits as hex."""
        return f"{self._chance.getrandbits(128):032x}"


@dataclass(slots=True)
class Surroundings:
    """What all bots share, and how a planted bug alters what they are given."""

    loop: SimLoop
    chance: random.Random
    redis: Redis
    cloud: Cloud
    slack: Slack
    witness: CloudWitness
    router: Router
    alter: Alter = field(default=lambda ports: ports)
    desk_budget: Any = None
    topology: Topology = field(default_factory=a_topology)


class SimBot:
    """One process from start to death; a restart is another one under the same name."""

    def __init__(self, around: Surroundings, name: str, life: int, access: Access, offset: float) -> None:
        self.name = name
        self.owner = f"{name}.{life}"
        self.process: Process = around.loop.process(self.owner)
        self.access = access
        self.is_alive = True
        self.is_stopping = False
        self.switched_off_at: float | None = None
        self.paused: list[tuple[float, float]] = []
        self._around = around
        self._trouble = "Redis has not been looked at yet."
        self._tasks = Tasks()
        clock = SimClock(around.loop, offset)
        self._operations = SimOperations(around.redis, name)
        self.ports = around.alter(self._ports(clock))
        self._worker = Worker(self.ports, self.owner, partial(button_value, self.ports))
        budget = {"budget": around.desk_budget} if around.desk_budget else {}
        self._desk = Desk(self.ports, around.router, self._tasks, self._answer, **budget)
        self._main = around.loop.spawn(self.process, self._live())

    def _ports(self, clock: SimClock) -> Ports:
        around = self._around
        api = SimSlackApi(around.slack, self.name, clock)
        # they answer whatever the protocols name, by name, so that no type says what they are
        zones: Any = SimZones(around.cloud, self.owner, around.witness)
        registries: Any = SimRegistries(around.cloud, self.owner)
        store: Any = self._operations
        return Ports(
            zones=zones,
            registries=registries,
            catalogue=FakeCatalogue(),
            inventories=FakeInventories(),
            copier=FakeCopier(clock),
            copies=FakeCopies(FakeOperations(FakeClock())),  # nobody asks for copies here
            bulletins=FakeBulletins(),
            data_plane=FakeDataPlane(clock),
            puller=FakePuller(),
            resolver=FakeResolver(around.cloud.zones, clock),
            operations=store,
            trail=store,
            identities=SlackIdentities(api, clock, WORKSPACE),
            workspace=SlackWorkspace(api, clock),
            clock=clock,
            ids=SimIds(around.chance),
            signer=HmacSigner(SIGNING_KEY),
            rules=Rules(around.topology, self.access),
            kill_switch=lambda: "" if self.switched_off_at is None else "The kill switch is on.",
            store_trouble=lambda: self._trouble,
            is_stopping=lambda: self.is_stopping,
            wake=self._wake,
        )

    @property
    def is_running(self) -> bool:
        """Tell whether the process gets any time."""
        return self.is_alive and not self.process.is_stopped

    def was_paused_since(self, moment: float) -> bool:
        """Tell whether it stood still at or after a moment."""
        return any(until >= moment for _, until in self.paused)

    def _wake(self) -> None:
        self._worker.wake()

    def pause(self, span: float) -> None:
        """Stop the process as SIGSTOP does, and let it go on later."""
        if self.is_running:
            now = self._around.loop.time()
            self.paused.append((now, now + span))
            self.process.stop()
            self._around.loop.later(span, self._go_on)

    def _go_on(self) -> None:
        if self.is_alive:
            self.process.go_on()

    def kill(self) -> None:
        """End the process as SIGKILL does."""
        self.is_alive = False
        self.process.stop()

    def terminate(self) -> None:
        """Ask the process to end, as SIGTERM does."""
        self.is_stopping = True
        self._worker.stop()
        self._main.add_done_callback(lambda _: self.kill(), context=self._around.loop.world.context)

    def deliver(self, delivery: Delivery, answered: Callable[[Reply], None]) -> None:
        """Hand a command or a click over."""
        self._around.loop.spawn(self.process, self._serve(delivery, answered))

    async def _serve(self, delivery: Delivery, answered: Callable[[Reply], None]) -> None:
        reply = await (self._desk.click(delivery) if delivery.action_id else self._desk.command(delivery))
        answered(reply)
        if reply.later is not None:
            self._desk.follow_up(delivery, reply.later)

    async def _answer(self, _url: str, message: Any) -> None:
        await answer(self._around.slack, self.name, message)

    async def _live(self) -> None:
        try:
            await self._work()
        except Exception:
            log.exception("process.ended")  # whoever listens takes it for a bug; asyncio would only complain
            raise

    async def _work(self) -> None:
        self._trouble = await self._operations.trouble()
        async with asyncio.TaskGroup() as group:
            assessing = group.create_task(self._assess())
            await self._worker.run()
            assessing.cancel()

    async def _assess(self) -> None:
        while True:
            await asyncio.sleep(ASSESS_EVERY)
            self._trouble = await self._operations.trouble()
