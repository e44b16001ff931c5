"""Redis with a replica, as it fails: late, deaf, split, promoted with the last writes lost, or come back empty."""

import asyncio
import copy
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Protocol

from bot.adapters.redis_commit import refusal, unclear
from bot.adapters.redis_link import CONNECT_TIMEOUT, OPERATION_TIMEOUT, NoReply
from bot.domain.freeze import Freeze
from bot.domain.operation import Operation
from bot.errors import StoreUnavailable, Unconfirmed
from bot.ports import WORD_DURABLE_WITHIN, Commit
from tests.fake_operations import FakeOperations, Stored
from tests.simulation.clock import SimClock
from tests.simulation.loop import SimLoop
from tests.simulation.network import SWALLOWED, Fate, at_once, in_calm, travel
from tests.simulation.trail import IndexedTrail
from tests.simulation.weather import Weather

FIRST_STORE = "store-1"
LATENCY = 0.003
READ_AT_ONCE = 0.9
MIN_REPLICAS_LAG = 10.0
"""Seconds without its replica after which a primary refuses writes (min-replicas-max-lag)."""
READS = frozenset({"get", "due", "news", "recent", "listing", "card", "freezes", "claims", "recall"}) | {
    "standing",
    "entries",
    "entry",
    "seals",
}
TRAIL = frozenset({"standing", "entries", "entry", "seals", "seal"})
CHECKED = frozenset({"commit", "confirm", "record", "freeze", "count_request"})
"""Calls that first look whether this is still the store that the bot adopted."""


class Witness(Protocol):
    """Sees what people and bots have the store keep."""

    def committed(self, store: "WitnessedStore", before: Operation | None, commit: Commit, after: Operation) -> None:
        """See a commit."""

    def froze(self) -> None:
        """See a freeze."""


class WitnessedStore(FakeOperations):
    """The store in memory, with somebody who sees every commit."""

    def __init__(self, clock: SimClock, witness: Witness) -> None:
        super().__init__(clock)
        self.clock = clock
        self._witness = witness

    def _write(self, commit: Commit, stored: Stored) -> Operation:
        before = stored.operation() if stored.body else None
        written = super()._write(commit, stored)
        self._witness.committed(self, before, commit, written)
        return written

    def _freeze(self, freeze: Freeze, entry: Mapping[str, str]) -> None:
        super()._freeze(freeze, entry)
        self._witness.froze()

    def twin(self, clock: SimClock) -> "WitnessedStore":
        """Return what a replica holds that has everything up to now."""
        twin = copy.copy(self)
        for name, value in vars(self).items():
            if isinstance(value, (dict, list, set)):
                setattr(twin, name, copy.copy(value))
        twin.clock = twin._clock = clock
        return twin


@dataclass(slots=True)
class Server:
    """One Redis server; `cut_at` is when its replica lost touch."""

    store: WitnessedStore
    trail: IndexedTrail
    identity: str
    cut_at: float | None = None
    is_down: bool = False


class Redis:
    """The servers as bots reach them."""

    def __init__(self, loop: SimLoop, chance: random.Random, witness: Witness, *, has_replica: bool) -> None:
        self.loop, self.chance, self.weather = loop, chance, Weather(chance)
        self.has_replica = has_replica
        self._witness = witness
        self._replica: Server | None = None
        self.serving = self._empty(FIRST_STORE)
        self.isolated: dict[str, Server] = {}

    def server_of(self, who: str) -> Server:
        """Return the server that a bot talks to: during a split some still have the old one."""
        return self.isolated.get(who, self.serving)

    def cut_replica(self) -> None:
        """Let the replica lose touch: from now on what is acknowledged may be lost."""
        if self.has_replica and self.serving.cut_at is None:
            self.serving.cut_at = self.loop.time()
            self._replica = self._copy(self.serving)

    def join_replica(self) -> None:
        """Let the replica catch up."""
        self.serving.cut_at = self._replica = None

    def promote(self, *left_behind: str) -> Server | None:
        """Make the replica the primary and return the old one; some bots do not notice yet."""
        if self._replica is None:
            return None
        old, self.serving = self.serving, self._replica
        self._replica = None
        self.isolated = dict.fromkeys(left_behind, old)
        return old

    def rejoin(self) -> None:
        """Let everybody find the primary."""
        self.isolated = {}

    def wipe(self) -> None:
        """Come back empty: another store, whatever its address."""
        number = int(self.serving.identity.rpartition("-")[2]) + 1
        self.serving = self._empty(f"store-{number}")
        self._replica = None

    def _empty(self, identity: str) -> Server:
        store = WitnessedStore(self._clock(), self._witness)
        return Server(store, IndexedTrail(store), identity)

    def _copy(self, server: Server) -> Server:
        store = server.store.twin(self._clock())
        trail = IndexedTrail(store)
        trail.sealed, trail.head = dict(server.trail.sealed), server.trail.head
        return Server(store, trail, server.identity)

    def _clock(self) -> SimClock:
        return SimClock(self.loop, self.chance.uniform(-2, 2))

    def fate_of_read(self, who: str) -> Fate | None:
        """Draw what becomes of a read; None is one in calm weather that costs no time worth telling."""
        if self.weather.storms and (trouble := TROUBLES.get(self.weather.draw(who))):
            return trouble(self.chance.uniform)
        return None if self.chance.random() < READ_AT_ONCE else in_calm(self.chance, LATENCY)

    def fate_of_write(self, who: str) -> Fate:
        """Draw what becomes of a call that changes something."""
        if self.weather.storms and (trouble := TROUBLES.get(self.weather.draw(who))):
            return trouble(self.chance.uniform)
        return in_calm(self.chance, LATENCY)


TROUBLES: dict[str, Callable[[Callable[[float, float], float]], Fate]] = {
    "refuse": lambda _: Fate(None, 0.001, StoreUnavailable("Redis refuses.", code="E_STORE_DOWN")),
    "swallow": lambda _: SWALLOWED,
    "lose_reply": lambda draw: Fate(draw(0, 0.01), None),
    "slow": lambda draw: Fate(draw(0, 0.5), draw(0, 0.4)),
}


def waited_for(name: str, args: tuple[Any, ...]) -> timedelta | None:
    """Return how long a call to the store waits for the replica."""
    if name in ("freeze", "confirm"):
        return WORD_DURABLE_WITHIN
    return args[0].durable_within if name == "commit" else None


class SimOperations:
    """The store and its audit as one bot reaches them, with the time limits and the second try of the real adapter."""

    def __init__(self, redis: Redis, who: str) -> None:
        self._redis, self._who = redis, who
        self._adopted = ""

    def __getattr__(self, name: str) -> Any:
        call = self._reader(name) if name in READS else partial(self._call, name, OPERATION_TIMEOUT)
        setattr(self, name, call)  # so that this is asked once a name: bots ask the same all the time
        return call

    def _reader(self, name: str) -> Any:
        is_trail, redis, who = name in TRAIL, self._redis, self._who

        async def call(*args: Any, **fields: Any) -> Any:
            def read() -> Any:
                server = self._server()
                return at_once(getattr(server.trail if is_trail else server.store, name)(*args, **fields))

            fate = redis.fate_of_read(who)
            return read() if fate is None else await self._send(fate, read, OPERATION_TIMEOUT)

        return call

    async def adopt(self) -> str:
        """Remember which store this is, once."""
        if not self._adopted:
            self._adopted = await self._read(lambda: self._server().identity)
        return self._adopted

    async def trouble(self) -> str:
        """Return why this store cannot be trusted just now."""
        try:
            await self.adopt()
            return str(await self._read(self._assess))
        except StoreUnavailable as error:
            return str(error)

    async def commit(self, commit: Commit) -> Operation:
        """Check and write in one step; a lost reply is asked for again, once, under the same token."""
        await self.adopt()
        try:
            try:
                stored = await self._call("commit", OPERATION_TIMEOUT, commit)
            except NoReply:
                stored = await self._call("commit", CONNECT_TIMEOUT, commit)
        except NoReply as error:
            raise unclear(commit.operation.id) from error
        assert isinstance(stored, Operation)
        return stored

    async def _call(self, name: str, limit: float, *args: Any, **fields: Any) -> Any:
        if name in CHECKED:
            await self.adopt()
        fate = self._redis.fate_of_write(self._who)
        result, server = await self._send(fate, partial(self._do, name, args, fields), limit)
        within = waited_for(name, args)
        if within and self._redis.has_replica and server.cut_at is not None:
            await asyncio.sleep(within.total_seconds())
            if server.cut_at is not None:
                raise Unconfirmed("No replica has this.", code="E_STORE_NOT_DURABLE")
        return result

    async def _read(self, act: Callable[[], Any]) -> Any:
        fate = self._redis.fate_of_read(self._who)
        return act() if fate is None else await self._send(fate, act, OPERATION_TIMEOUT)

    async def _send(self, fate: Fate, act: Callable[[], Any], limit: float) -> Any:
        try:
            return await travel(self._redis.loop, fate, act, limit)
        except TimeoutError as error:
            raise NoReply("No reply came.", code="E_STORE_DOWN") from error

    def _do(self, name: str, args: tuple[Any, ...], fields: dict[str, Any]) -> tuple[Any, Server]:
        """Carry a call that writes out at the server."""
        server = self._server()
        alone_for = 0.0 if server.cut_at is None else self._redis.loop.time() - server.cut_at
        if alone_for > MIN_REPLICAS_LAG:
            raise StoreUnavailable("Too few replicas.", code="E_STORE_NOT_DURABLE")
        if name in CHECKED and server.identity != self._adopted:
            raise refusal("STORE", args[0].operation.id if name == "commit" else "this")
        part = server.trail if name in TRAIL else server.store
        return at_once(getattr(part, name)(*args, **fields)), server

    def _server(self) -> Server:
        server = self._redis.server_of(self._who)
        if server.is_down:
            raise StoreUnavailable("Redis refuses.", code="E_STORE_DOWN")
        return server

    def _assess(self) -> str:
        server = self._server()
        if server.identity != self._adopted:
            return "This is another Redis than when this bot started."
        offset = self._redis.server_of(self._who).store.clock.offset
        return "The clocks differ." if abs(offset) > 5 else ""
