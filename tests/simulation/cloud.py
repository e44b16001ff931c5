"""PrivateZone and the registries as they fail, with somebody who sees every read and every write."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from bot.domain.plan import Change
from bot.domain.record import ChangeLogLine, Record
from bot.errors import OutcomeUnknown, Refused, Throttled, Unreachable
from bot.ports import Written
from tests.builders import NOW
from tests.services.world import World
from tests.simulation.loop import SimLoop
from tests.simulation.network import SWALLOWED, Call, Fate, at_once, in_calm, travel
from tests.simulation.weather import Weather

READ_LIMIT = 3.0
WRITE_LIMIT = 8.0
LONGEST_LIFE = 100.0
"""Seconds that a write may be on its way; the bot assumes no more than HOLD."""
STALENESS = 15.0
Draw = Callable[[float, float], float]


class CloudWitness(Protocol):
    """Sees what passes at the cloud."""

    def read(self, who: str, record: Record) -> None:
        """See one record being read by a bot."""

    def sent(self, who: str, change: Change, token: str) -> None:
        """See a bot send a write."""

    def took_effect(self, who: str, change: Change, token: str, before: Record) -> None:
        """See a write take effect."""


class Cloud:
    """The vendor's control plane; `zones` holds what is true."""

    def __init__(self, loop: SimLoop, chance: random.Random, template: World) -> None:
        self.loop, self.chance = loop, chance
        self.weather = Weather(chance)
        self.zones, self.registries = template.zones, template.registries
        self._past: list[tuple[float, dict[str, Record]]] = []
        self.in_flight = 0
        self._requests = 0

    def edit(self, record_id: str, **fields: Any) -> None:
        """Change a record as a person at the console would."""
        self.remember()
        self.zones.edit(record_id, **fields)
        self._log("console", f"{record_id} {fields}")

    def write(self, change: Change) -> tuple[Record, Written]:
        """Carry a write out as the API documents it: only what it takes is changed."""
        self.remember()
        before = self.zones.held[change.existing.record_id]
        wish = change.desired
        self.zones.held[change.existing.record_id] = replace(
            before, rr=wish.rr, type=wish.type, value=wish.value, ttl=wish.ttl, weight=wish.weight,
            priority=wish.priority, line=wish.line,
        )  # fmt: skip
        self._log("bot", f"{before.record_id} {wish.target}")
        self._requests += 1
        return before, Written(f"request-{self._requests}")

    def remember(self) -> None:
        """Keep what holds until now, for answers that are behind."""
        self._past.append((self.loop.time(), dict(self.zones.held)))

    def as_of(self, record_id: str, age: float) -> Record:
        """Return a record as it was some seconds ago."""
        then = self.loop.time() - age
        held = next((held for until, held in self._past if until > then), self.zones.held)
        return held[record_id]

    def _log(self, who: str, what: str) -> None:
        at = NOW + timedelta(seconds=self.loop.time())
        self.zones.log.append(ChangeLogLine(at, who, "192.0.2.1", "UPDATE", what))

    def fate(self, who: str) -> Fate | None:
        """Draw what becomes of a read; None costs no time worth telling."""
        if trouble := READS_IN_TROUBLE.get(self.weather.draw(who)):
            return trouble(self.chance.uniform)
        if self.chance.random() < 0.5:
            return None
        return in_calm(self.chance, 0.05)

    def fate_of_write(self, who: str) -> Fate:
        """Draw what becomes of a write."""
        trouble = WRITES_IN_TROUBLE.get(self.weather.draw(who), _well)
        return trouble(self.chance.uniform)


def _well(draw: Draw) -> Fate:
    return Fate(draw(0, 0.1), draw(0, 0.1))


def _throttled(_draw: Draw) -> Fate:
    return Fate(None, 0.05, Throttled("Slow down.", code="Throttling.User"))


READS_IN_TROUBLE: dict[str, Callable[[Draw], Fate]] = {
    "refuse": lambda _: Fate(None, 0.01, Unreachable("The control plane cannot be reached.")),
    "error": lambda _: Fate(None, 0.1, Unreachable("The control plane answers HTTP 503.")),
    "throttle": _throttled,
    "swallow": lambda _: SWALLOWED,
    "slow": lambda draw: Fate(draw(0, 2), draw(0, 2)),
}
WRITES_IN_TROUBLE: dict[str, Callable[[Draw], Fate]] = {
    "refuse": lambda _: Fate(None, 0.01, OutcomeUnknown("The connection broke.")),
    "error": lambda draw: Fate(draw(0, 2) if draw(0, 1) < 0.5 else None, 0.2, OutcomeUnknown("HTTP 502.")),
    "throttle": _throttled,
    "forbid": lambda _: Fate(None, 0.05, Refused("Not allowed.", code="Forbidden.RAM")),
    "swallow": lambda _: SWALLOWED,
    "lose_reply": lambda draw: Fate(draw(0, 2), None),
    "late": lambda draw: Fate(draw(WRITE_LIMIT, LONGEST_LIFE), None),
    "slow": lambda draw: Fate(draw(0, 5), draw(0, 5)),
}


class SimZones:
    """PrivateZone as one bot reaches it."""

    def __init__(self, cloud: Cloud, who: str, witness: CloudWitness) -> None:
        self._cloud, self._who, self._witness = cloud, who, witness

    def zone(self, view: Any) -> Call:
        """Find a view's zone."""
        return self._read(lambda: at_once(self._cloud.zones.zone(view)))

    def records(self, zone_id: str) -> Call:
        """Return a zone's records."""
        return self._read(lambda: at_once(self._cloud.zones.records(zone_id)))

    def changes(self, zone_id: str, since: datetime) -> Call:
        """Return the change log."""
        return self._read(lambda: at_once(self._cloud.zones.changes(zone_id, since)))

    async def record(self, record_id: str) -> Record:
        """Return one record, perhaps as it was a moment ago."""
        found = await self._read(lambda: self._look(record_id))
        assert isinstance(found, Record)
        return found

    async def apply(self, change: Change, client_token: str) -> Written:
        """Send the one write."""
        cloud = self._cloud
        self._witness.sent(self._who, change, client_token)
        fate = cloud.fate_of_write(self._who)
        cloud.in_flight += fate.arrives is not None
        try:
            written = await travel(cloud.loop, fate, lambda: self._arrive(change, client_token), WRITE_LIMIT)
        except TimeoutError:
            raise OutcomeUnknown("No answer came to the write.") from None
        assert isinstance(written, Written)
        return written

    def _arrive(self, change: Change, token: str) -> Written:
        self._cloud.in_flight -= 1
        before, written = self._cloud.write(change)
        self._witness.took_effect(self._who, change, token, before)
        return written

    def _look(self, record_id: str) -> Record:
        cloud = self._cloud
        is_stale = cloud.weather.draw(self._who) == "stale"
        age = cloud.chance.uniform(0, STALENESS) if is_stale else 0.0
        found = cloud.as_of(record_id, age) if is_stale else at_once(cloud.zones.record(record_id))
        self._witness.read(self._who, found)
        return found

    def _read(self, act: Callable[[], Any]) -> Call:
        return Call(lambda: read(self._cloud, self._who, act))


class SimRegistries:
    """Container Registry as one bot reaches it."""

    def __init__(self, cloud: Cloud, who: str) -> None:
        self._cloud, self._who = cloud, who

    def __getattr__(self, name: str) -> Any:
        act = getattr(self._cloud.registries, name)

        def call(*args: Any) -> Call:
            return Call(lambda: read(self._cloud, self._who, lambda: at_once(act(*args))))

        return call


async def read(cloud: Cloud, who: str, act: Callable[[], Any]) -> Any:
    """Read something of the cloud within the limit of a read."""
    fate = cloud.fate(who)
    if fate is None:
        return act()
    try:
        return await travel(cloud.loop, fate, act, READ_LIMIT)
    except TimeoutError:
        raise Unreachable("The control plane did not answer within 3 s.") from None
