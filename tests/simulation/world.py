"""One world from one seed: three bots, their services, people and misfortunes, until the time is up."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from bot.domain.access import Access, Person, Role
from bot.domain.access import People as PeopleList
from bot.domain.operation import Operation
from bot.ports import Commit
from handlers import all_handlers
from tests.builders import APPROVER, GUEST, ON_CALL, OUTSIDER, WORKSPACE, a_person, a_policy
from tests.services.world import a_world, a_world_of_two_views
from tests.simulation.bots import Alter, SimBot, Surroundings
from tests.simulation.chaos import Chaos
from tests.simulation.cloud import Cloud
from tests.simulation.judge import Judge
from tests.simulation.loop import SimLoop
from tests.simulation.network import at_once
from tests.simulation.people import EVERYBODY, LEAD, People
from tests.simulation.redis import FIRST_STORE, Redis, WitnessedStore
from tests.simulation.slack import Posted, Slack, User
from tests.simulation.words import Words, is_claim

BOTS = 3
BUSY_FOR = (20.0, 30.0, 40.0, 40.0, 60.0, 200.0)
"""Seconds; the longest outlasts holds, lapsed approvals and late writes."""
LATE_WRITES_LAND = 110.0
PACE = 0.8
"""Acts of people a second."""
OPERATIONS_END_WITHIN = 180.0
CARDS_SHOWN_WITHIN = 60.0
WORDS_STRUCK = 0.3
"""How often misfortune may also follow a person's word, or the lift of a freeze, as it may follow every claim."""
ROUTER = all_handlers()


class Mode(StrEnum):
    """What is asked of the world: nothing bad ever, or everything good in the end."""

    SAFETY = "safety"
    LIVENESS = "liveness"


@dataclass(frozen=True, slots=True)
class Planted:
    """A bug put in on purpose: what bots are given instead, and what else is bent."""

    alter: Alter = lambda ports: ports
    desk_budget: timedelta | None = None
    constants: tuple[tuple[str, str, Any], ...] = ()
    strikes: str = ""
    storms: tuple[tuple[str, str, float], ...] = ()


NOTHING = Planted()


class World:
    """Everything there is, and the hands by which misfortunes move it."""

    def __init__(self, seed: int, mode: Mode, planted: Planted = NOTHING) -> None:
        self.mode, self.chance = mode, random.Random(f"{mode}:{seed}")
        self.trace: list[tuple[float, str, str]] = []
        self.loop = SimLoop(self.chance)
        self.redis = Redis(self.loop, self.chance, self, has_replica=self.chance.random() < 0.7)
        template = a_world_of_two_views() if self.chance.random() < 0.3 else a_world()
        self.cloud = Cloud(self.loop, self.chance, template)
        self.slack = Slack(self.loop, self.chance, self._shown, {name: User(name) for name in EVERYBODY})
        self.slack.users[GUEST].is_guest = True
        self.slack.users[OUTSIDER].team = "T09ELSE"
        self.access = _access(self.chance)
        self.judge = Judge(self.redis, self.cloud, self.slack, [self.access])
        self.words = Words(self.judge)
        self._around = Surroundings(
            self.loop, self.chance, self.redis, self.cloud, self.slack, self, ROUTER, planted.alter,
            planted.desk_budget,
            template.ports.rules.topology,
        )  # fmt: skip
        self._lives = 0
        self.bots = [self._bot(f"bot-{number}") for number in range(1, BOTS + 1)]
        self._planted = planted

    async def happen(self) -> None:
        """Let everything happen until the time is up or the judge has seen enough."""
        people = People(self.chance, self.judge, self._reachable, self.note, self.words.told)
        busy_for = self.chance.choice(BUSY_FOR)
        self._chaos = Chaos(self, self.chance, busy_for, self.chance.choice((0, 0.3, 0.7)), self._planted.strikes)
        self._chaos.plan()
        for service, kind, probability in self._planted.storms:
            getattr(self, service).weather.begin(kind, probability)
        while self.loop.time() < busy_for and self.judge.found is None:
            await asyncio.sleep(self.chance.expovariate(PACE))
            people.act()
        if self.mode is Mode.LIVENESS:
            await self._calm_down()
        else:
            await self._go_on(LATE_WRITES_LAND, lambda: not self.cloud.in_flight)

    async def _go_on(self, span: float, is_enough: Callable[[], bool]) -> None:
        until = self.loop.time() + span
        while self.loop.time() < until and self.judge.found is None and not is_enough():
            await asyncio.sleep(5)

    async def _calm_down(self) -> None:
        """End every fault, then wait for what must come of itself."""
        self._repair()
        calm_at, judge = self.loop.time(), self.judge
        await self._go_on(CARDS_SHOWN_WITHIN, lambda: not judge.unshown(calm_at))
        judge.require_none(judge.unshown(calm_at), "I11")
        await self._go_on(calm_at + OPERATIONS_END_WITHIN - self.loop.time(), lambda: not judge.unended())
        judge.require_none(judge.unended(), "I3")
        ended_at = self.loop.time()
        await self._go_on(CARDS_SHOWN_WITHIN, lambda: not judge.unshown(ended_at))
        judge.require_none(judge.unshown(ended_at), "I11")

    def _repair(self) -> None:
        self.note("world", "all faults end")
        now = self.loop.time()
        for service in (self.redis, self.cloud, self.slack):
            for kind in list(service.weather.storms):
                service.weather.end(kind, now)
        self.redis.rejoin()
        self.redis.join_replica()
        self.redis.serving.is_down = False
        self.freeze(is_on=False)
        self._is_calm = True
        is_same_store = self.redis.serving.identity == FIRST_STORE
        for index, bot in enumerate(self.bots):
            bot.switched_off_at = None
            is_well = bot.is_running and not bot.is_stopping and bot.access is self.access
            if not (is_well and is_same_store and self.chance.random() < 0.5):  # whoever lives on keeps its memory
                self._replace(index)

    _is_calm = False
    is_over = False

    def restart(self, index: int) -> None:
        """Have one bot end, if it lives, and start anew, with the policy that is in force now."""
        if not self._is_calm and not self.is_over:
            self._replace(index)

    def _replace(self, index: int) -> None:
        self.bots[index].kill()
        self.bots[index] = self._bot(self.bots[index].name)
        self.note(self.bots[index].owner, "starts")

    def _bot(self, name: str) -> SimBot:
        self._lives += 1
        bot = SimBot(self._around, name, self._lives, self.access, self.chance.uniform(-2, 2))
        self.judge.bots[bot.owner] = bot
        return bot

    def change_policy(self) -> None:
        """Put another policy into force for bots that start from now on."""
        self.access = _access(self.chance)
        self.judge.accesses.append(self.access)

    def freeze(self, *, is_on: bool) -> None:
        """Freeze everything by hand, or lift that."""
        store = self.redis.serving.store
        at_once(store.freeze_by_hand() if is_on else store.thaw_by_hand())

    def note(self, who: str, what: str) -> None:
        """Add a line to the trace."""
        self.trace.append((self.loop.time(), who, what))

    def _reachable(self) -> list[SimBot]:
        return [bot for bot in self.bots if bot.is_running and not bot.is_stopping]

    def committed(self, store: WitnessedStore, before: Operation | None, commit: Commit, after: Operation) -> None:
        """Pass a commit on to the judge, and let misfortune follow what matters."""
        self.note("store", f"{after.id} v{after.version} {commit.audit.get('event')} {after.state}")
        self.judge.committed(store, before, commit, after)
        if is_claim(commit) or (commit.durable_within and self.chance.random() < WORDS_STRUCK):
            self._chaos.strike()

    def froze(self) -> None:
        """Let misfortune follow a freeze, too."""
        self._chaos.strike()

    def _shown(self, post: Posted) -> None:
        self.note("slack", f"{post.ts} shows {post.text[:60]}")
        self.judge.shown(post)

    def read(self, who: str, record: Any) -> None:
        """Pass a read on to the judge."""
        self.judge.read(who, record)

    def sent(self, who: str, change: Any, token: str) -> None:
        """Pass a send on to the judge."""
        self.note(who, f"sends {change.desired.record_id} = {change.desired.target} ({token[:8]})")
        self.judge.sent(who, change, token)

    def took_effect(self, who: str, change: Any, token: str, before: Any) -> None:
        """Pass an effect on to the judge."""
        self.note("cloud", f"{change.desired.record_id}: {before.target} -> {change.desired.target} ({who})")
        self.judge.took_effect(who, change, token, before)


def _access(chance: random.Random) -> Access:
    """Return a policy of the seed: who may what, and how many must approve."""
    roles = {Role.REQUESTER, Role.APPROVER}
    lead = Person("lead", (LEAD,), frozenset(roles if chance.random() < 0.8 else {Role.REQUESTER}))
    on_call = Person("on-call", (ON_CALL,), frozenset(roles))
    policy = a_policy(
        approvals=2 if chance.random() < 0.1 else 1,
        pending_for=timedelta(seconds=chance.choice((30, 60, 120, 900))),
        soak=timedelta(seconds=chance.randrange(60, 600)),
    )
    approver = a_person()
    assert APPROVER in approver.slack
    return Access(WORKSPACE, PeopleList((on_call, approver, lead)), policy)
