"""The builders' company in memory, with every fake in reach, and the way of an operation through it."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from bot.domain.draft import Draft
from bot.domain.grammar import parse_wish, split
from bot.domain.inventory import Coverage
from bot.domain.operation import Operation, Requester, State, Verb
from bot.domain.snapshot import VpcLink
from bot.domain.topology import Topology, View
from bot.errors import BotError, Conflict
from bot.ports import Ports, Rules
from bot.services.execution import step
from bot.services.requests import cast_vote, propose
from bot.worker.execute import RETRY_AFTER
from tests.builders import (
    APPROVER,
    CHANNEL,
    INSTANCE_ID,
    ON_CALL,
    a_record,
    a_site,
    a_topology,
    a_view,
    a_zone,
    endpoints,
    repositories_of,
)
from tests.fake_inventories import FakeInventories
from tests.fakes import (
    FakeClock,
    FakeDataPlane,
    FakeIdentities,
    FakeOperations,
    FakePrivateZone,
    FakeRegistries,
    FakeResolver,
    FakeWorkspace,
    some_ports,
    some_rules,
)

OWNER = "bot-1"
LONGEST = timedelta(hours=2)
"""By then every operation has ended, whatever was in its way."""
SECOND_VIEW = a_view(vpcs=("vpc-ccccc",), zone="zone-c", resolver=None)
SECOND_RECORD = a_record(record_id="record-c", zone_id="zone-c", value="10.2.0.30")


@dataclass
class World:
    """The parts that a test takes hold of."""

    ports: Ports
    clock: FakeClock
    zones: FakePrivateZone
    registries: FakeRegistries
    data_plane: FakeDataPlane
    resolver: FakeResolver
    operations: FakeOperations
    identities: FakeIdentities
    workspace: FakeWorkspace
    inventories: FakeInventories

    def obey(self, **fields: Any) -> None:
        """Go on under other rules."""
        self.ports = replace(self.ports, rules=replace(self.ports.rules, **fields))

    def hear_alarms(self) -> list[str]:
        """Return the kinds of alarm that are raised from now on."""
        raised: list[str] = []
        self.ports = replace(self.ports, alarm=raised.append)
        return raised

    async def know_images(self) -> None:
        """Have the bot know what every instance holds, as if it had just been read."""
        for site, images in self.registries.images.items():
            await self.inventories.put(INSTANCE_ID[site], repositories_of(images, self.clock.now()).values())
            await self.inventories.save_coverage(Coverage(INSTANCE_ID[site], self.clock.now()))

    async def ask(self, text: str = "zhangjiakou because the region is down") -> Operation:
        """Have on-call ask for a failover."""
        asked = await self.plan(text)
        assert isinstance(asked, Operation)
        return asked

    async def plan(self, text: str) -> Operation | Draft:
        """Have on-call ask for a failover that may be refused with a plan."""
        words, reason = split(text)
        wish = parse_wish(words, reason, self.ports.rules.topology)
        return await propose(self.ports, wish, Requester("on-call", ON_CALL), CHANNEL)

    async def approve(self, text: str = "zhangjiakou") -> Operation:
        """Have a failover asked for and approved."""
        operation = await self.ask(text)
        return await cast_vote(self.ports, operation.id, Verb.APPROVE, APPROVER)

    async def step(self, operation: Operation, owner: str = OWNER) -> Operation:
        """Take the step at hand and return what became of the operation."""
        await step(self.ports, operation.id, owner)
        return await self.operations.get(operation.id)

    async def carry_out(self, operation: Operation, owner: str = OWNER) -> Operation:
        """Take every step when it is due, until it has ended and pulls were looked at; time passes in between."""
        until = self.clock.now() + LONGEST
        while not is_settled(now := await self.operations.get(operation.id)):
            is_due = self.clock.now() < until and now.id in await self.operations.due(until)
            assert is_due, f"{now.id} is {now.state} and would stay so"
            await self._step_if_due(operation, owner)
            self.clock.move(timedelta(seconds=0.5))
        return now

    async def watch(self, operation: Operation, span: timedelta, owner: str = OWNER) -> Operation:
        """Take every look at an ended operation that is due within this time."""
        until = self.clock.now() + span
        while self.clock.now() < until and await self.operations.due(until):
            await self._step_if_due(operation, owner)
            self.clock.move(timedelta(seconds=1))
        return await self.operations.get(operation.id)

    async def _step_if_due(self, operation: Operation, owner: str) -> None:
        if operation.id in await self.operations.due(self.clock.now()):
            await self._try_step(operation, owner)

    async def _try_step(self, operation: Operation, owner: str) -> None:
        try:
            await step(self.ports, operation.id, owner)
        except Conflict:
            return  # as the worker does: somebody else was first
        except BotError:
            await self.operations.postpone_step(operation.id, self.clock.now() + RETRY_AFTER)


def is_settled(operation: Operation) -> bool:
    """Tell whether an operation has ended and what it did for pulls is known; its records are watched longer."""
    return operation.is_terminal and (operation.is_observed or operation.state is not State.DONE)


def a_world(**rules: Any) -> World:
    """Return the small healthy world, under rules that are as named."""
    return around(FakePrivateZone(), some_rules(**rules))


def a_world_of_two_views(**rules: Any) -> World:
    """Return a world whose Zhangjiakou has a second view, without a resolver to ask."""
    zones = FakePrivateZone(
        a_record("hangzhou"),
        a_record(),
        SECOND_RECORD,
        zones=(a_zone("hangzhou"), a_zone(), a_zone(zone_id="zone-c", vpcs=("vpc-ccccc",))),
    )
    world = around(zones, some_rules(topology=two_views(), **rules))
    links = (*endpoints("zhangjiakou").links, VpcLink("vpc-ccccc", SECOND_RECORD.value, "RUNNING"))
    world.registries.reachable["zhangjiakou"] = endpoints("zhangjiakou", links=links)
    return world


def two_views(*views: View) -> Topology:
    """Return the topology of that world."""
    return a_topology(a_site("hangzhou"), a_site(views=views or (a_view(), SECOND_VIEW)))


def around(zones: FakePrivateZone, rules: Rules) -> World:
    """Return a world with these zones."""
    clock = FakeClock()
    identities, operations, workspace = FakeIdentities(clock), FakeOperations(clock), FakeWorkspace()
    registries, data_plane, resolver = FakeRegistries(), FakeDataPlane(clock), FakeResolver(zones, clock)
    inventories = FakeInventories(clock.now)
    ports = some_ports(
        clock=clock,
        zones=zones,
        registries=registries,
        data_plane=data_plane,
        resolver=resolver,
        operations=operations,
        identities=identities,
        workspace=workspace,
        inventories=inventories,
        rules=rules,
    )
    return World(ports, clock, zones, registries, data_plane, resolver, operations, identities, workspace, inventories)


def moves(world: World) -> list[tuple[str, str]]:
    """Return the moves of state that the audit tells of, in order."""
    told = [(entry["before"], entry["after"]) for entry in world.operations.audit]
    return [(before, after) for before, after in told if before != after]


ALL_THE_WAY = [
    ("", State.PENDING),
    (State.PENDING, State.APPROVED),
    (State.APPROVED, State.APPLYING),
    (State.APPLYING, State.VERIFYING),
    (State.VERIFYING, State.DONE),
]
