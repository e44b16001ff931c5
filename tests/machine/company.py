"""A company with two bots, four accounts that may act, and everything that can go wrong, each as one act."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta

from structlog.testing import capture_logs

from bot.domain.access import Access, People, Role
from bot.domain.freeze import ALL
from bot.domain.grammar import parse_wish
from bot.domain.operation import HOLD, LEASE, SEND_DEADLINE, Operation, Requester, State, Verb
from bot.errors import BotError
from bot.ports import Ports
from bot.services.buttons import button_value
from bot.services.freezing import freeze
from bot.services.policies import end_outdated
from bot.services.requests import cast_vote, propose
from bot.services.unfreezing import ask_to_lift
from bot.worker import Worker
from tests.builders import APPROVER, APPROVER_ELSEWHERE, CHANNEL, ON_CALL, a_person, an_access, an_identity
from tests.fakes import FakeClock, FakeResolver
from tests.machine.cloud import Cloud
from tests.machine.judge import Judge, Meddling
from tests.machine.stores import Store
from tests.machine.witness import Moment, Witness
from tests.mortal import Crash, Fate, Meddled, mortal
from tests.services.world import World, a_world_of_two_views
from tests.simulation.bots import Alter

ON_CALL_ELSEWHERE, LEAD = "U09ONCALL", "U01LEAD"
ACCOUNTS = {
    ON_CALL: "on-call",
    ON_CALL_ELSEWHERE: "on-call",
    LEAD: "lead",
    APPROVER: "approver",
    APPROVER_ELSEWHERE: "approver",
}
BOTS = ("bot-1", "bot-2")
WITHIN = timedelta(seconds=180)
"""After the last fault everything that was begun has ended within this."""
BROKEN = {"operation.step_broken", "card.broken", "worker.tick_broken"}
SECOND = timedelta(seconds=1)


class Company:
    """One history in the making: every method is one thing that may happen; refusals are answers like any other."""

    def __init__(self, store: Store, clock: FakeClock, alter: Alter = lambda ports: ports) -> None:
        self.store, self.clock, self._alter = store, clock, alter
        self.world = _world(store, clock)
        self.cloud: Cloud = self.world.zones  # type: ignore[assignment]
        self._at_first = dict(self.cloud.held)
        self.judge = Judge(lambda: self.world, store, self.cloud)
        self._witnesses = {name: Witness(self.judge, clock) for name in BOTS}
        self._start_anew()

    async def request(self, user_id: str, away: str) -> None:
        """Ask for a failover."""
        wish = parse_wish((away,), "", self.world.ports.rules.topology)
        with suppress(BotError):
            await propose(self._desk, wish, Requester(ACCOUNTS[user_id], user_id), CHANNEL)

    async def vote(self, user_id: str, verb: Verb, operation: Operation) -> None:
        """Say a word on an operation."""
        with suppress(BotError):
            await cast_vote(self._desk, operation.id, verb, user_id, digest=operation.plan.digest)

    async def freeze(self, user_id: str, scope: str, span: timedelta | None) -> None:
        """Freeze all or a site, for a time or until it is lifted."""
        until = None if span is None else self.clock.now() + span
        with suppress(BotError):
            await freeze(self._desk, scope, ACCOUNTS[user_id], user_id, until)

    async def ask_to_lift(self, user_id: str, scope: str) -> None:
        """Ask for a freeze to be lifted."""
        with suppress(BotError):
            await ask_to_lift(self._desk, scope, Requester(ACCOUNTS[user_id], user_id), CHANNEL, "")

    def demand(self, approvals: int, *, without: str | None = None) -> None:
        """Put another registry.yaml into force: so many approvals, perhaps one person less."""
        self.world.obey(access=_access(approvals, without))
        self._start_anew()

    def deactivate(self, user_id: str, *, is_deleted: bool) -> None:
        """Switch a Slack account off or on."""
        known = self.world.identities.known
        known.pop(user_id, None)  # an active member is one whom Slack confirms whenever it is asked
        if is_deleted:
            known[user_id] = an_identity(user_id, checked_at=self.clock.now(), is_deleted=True)

    def edit(self, record_id: str, value: str) -> None:
        """Change a record in the console."""
        self.cloud.edit(record_id, type="A", value=value)

    async def put_back(self, record_id: str) -> None:
        """Change a record in the console to what it was at first, while nothing wants it and nothing is under way."""
        is_wanted = any(record_id in op.plan.record_ids for op in await self.open())
        if not is_wanted and not self.cloud.has_late_writes:
            self.cloud.held[record_id] = self._at_first[record_id]

    def wait(self, span: timedelta) -> None:
        """Let time pass."""
        self.clock.move(span)

    async def tick(self, name: str) -> None:
        """Let one bot take what is due."""
        with self._listening():
            await end_outdated(self._ports(name))
            await self._workers[name].tick()

    async def crash(self, name: str, at: int, *, is_after: bool) -> None:
        """Let a bot die at one of its calls, and start again."""
        with suppress(Crash, BaseExceptionGroup), self._listening():
            await self._worker(name, Fate(at, is_after)).tick()
        self._workers[name] = self._worker(name)

    async def crash_at(self, name: str, moment: Moment) -> None:
        """Let a bot die at a moment of a claim, and start again."""

        async def die() -> None:
            raise Crash

        self._witnesses[name].expect(moment, die)
        await self.crash(name, 0, is_after=False)
        self._witnesses[name].forget()

    async def meddle_at(self, name: str, moment: Moment, what: Meddling) -> None:
        """Let something happen elsewhere when a bot comes to a moment of a claim."""
        self._witnesses[name].expect(moment, lambda: self._meddle(name, what))
        await self.tick(name)
        self._witnesses[name].forget()

    async def meddle(self, name: str, at: int, what: Meddling) -> None:
        """Let something happen elsewhere while a bot is in the middle of a step."""
        fate = Meddled(at, meddle=lambda: self._meddle(name, what))
        with self._listening():
            await self._worker(name, fate).tick()
        self._witnesses[name].forget()

    async def disturb(self, what: Meddling) -> None:
        """Let something happen while no bot is in the middle of a step."""
        await self._meddle(BOTS[0], what)
        self._witnesses[BOTS[0]].forget()

    async def _meddle(self, name: str, what: Meddling) -> None:
        self._witnesses[name].sender.excuses.add(what)
        match what:
            case Meddling.SHORT_PAUSE:
                self.clock.move(SEND_DEADLINE)
            case Meddling.LONG_PAUSE | Meddling.TAKEOVER:
                self.clock.move(LEASE)
            case Meddling.OTHER_BOT:
                self.clock.move(SEND_DEADLINE / 2)
            case Meddling.EDIT:
                for record_id in self.cloud.held:
                    self.edit(record_id, "10.9.9.9")
            case Meddling.FREEZE | Meddling.POLICY | Meddling.ACCOUNT | Meddling.CANCEL:
                await self._decide_otherwise(what)
        if what in (Meddling.OTHER_BOT, Meddling.TAKEOVER):
            await self._workers[next(bot for bot in BOTS if bot != name)].tick()

    async def _decide_otherwise(self, what: Meddling) -> None:
        match what:
            case Meddling.FREEZE:
                await self.freeze(LEAD, ALL, None)
            case Meddling.POLICY:
                self.demand(1, without="lead")
            case Meddling.ACCOUNT:
                for operation in await self.open():
                    spoken = [vote.user_id for vote in operation.approvals]
                    self.deactivate((spoken or [operation.requester.user_id])[-1], is_deleted=True)
            case _:
                for operation in await self.open():
                    await self.vote(LEAD, Verb.CANCEL, operation)

    async def tick_both(self) -> None:
        """Let both bots work in the same moment."""
        async with asyncio.TaskGroup() as group:
            for name in BOTS:
                group.create_task(self.tick(name))

    async def run_on(self, span: timedelta) -> None:
        """Let both bots work second by second."""
        until = self.clock.now() + span
        while self.clock.now() < until and any(op.state is not State.PENDING for op in await self.open()):
            await self.tick_both()
            self.clock.move(SECOND)

    async def recover(self) -> None:
        """Undo every interference, by the ways that people have."""
        self.cloud.heal()
        if self.world.ports.rules.access != _access(1):
            self.demand(1)
        for user_id in ACCOUNTS:
            self.deactivate(user_id, is_deleted=False)
        for frozen in await self.store.freezes():
            await self.ask_to_lift(ON_CALL, frozen.scope)
        await self.tick_both()
        for user_id in (APPROVER, LEAD):
            for operation in await self.open():
                await self.vote(user_id, Verb.APPROVE, operation)
        await self.settle()
        self.clock.move(HOLD)
        while self.cloud.has_late_writes:
            self.cloud.let_late_write_arrive()
        for record_id in self.cloud.held:
            await self.put_back(record_id)

    async def settle(self) -> None:
        """Let the faults stop; what was begun must then come to its end."""
        self.cloud.heal()
        await self.run_on(WITHIN)
        left = [operation for operation in await self.open() if operation.state is not State.PENDING]
        told = [f"{operation.id} is {operation.state} for {WITHIN} after the last fault" for operation in left]
        self.judge.require(not left, "I3", "; ".join(told))

    async def open(self) -> list[Operation]:
        """Return the operations that are not at their end."""
        return [operation for operation in await self.store.everything() if not operation.is_terminal]

    @property
    def _desk(self) -> Ports:
        return self._alter(self.world.ports)

    def _ports(self, name: str) -> Ports:
        return self._alter(self._witnesses[name].stand_before(self.world.ports))

    def _worker(self, name: str, fate: Fate | None = None) -> Worker:
        ports = self._ports(name)
        ports = mortal(ports, fate) if fate else ports
        return Worker(ports, name, lambda operation, verb: button_value(ports, operation, verb))

    def _start_anew(self) -> None:
        self._workers = {name: self._worker(name) for name in BOTS}

    @contextmanager
    def _listening(self) -> Iterator[None]:
        """Keep the logs silent, but for what means that a bot met what nobody foresaw."""
        with capture_logs() as logs:
            try:
                yield
            finally:
                broken = [line for line in logs if line["event"] in BROKEN]
                self.judge.require(not broken, "BUG", str(broken))


def _access(approvals: int, without: str | None = None) -> Access:
    on_call = a_person("on-call", ON_CALL, ON_CALL_ELSEWHERE, roles=(Role.REQUESTER, Role.APPROVER))
    lead = a_person("lead", LEAD, roles=(Role.REQUESTER, Role.APPROVER))
    people = tuple(person for person in (on_call, lead, a_person()) if person.name != without)
    access = an_access(people=People(people))
    return replace(access, policy=replace(access.policy, approvals=approvals))


def _world(store: Store, clock: FakeClock) -> World:
    world = a_world_of_two_views()
    cloud = Cloud(clock, tuple(world.zones.held.values()), tuple(world.zones.zones))
    world.identities._clock = world.data_plane._clock = clock
    world.zones, world.clock = cloud, clock
    world.ports = replace(world.ports, clock=clock, zones=cloud, operations=store, resolver=FakeResolver(cloud, clock))
    world.obey(access=_access(1))
    return world
