"""In-memory stand-ins for every port: they do what the port says, remember what they were asked, and fail on demand."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from bot.adapters.clock import SystemClock
from bot.adapters.signer import HmacSigner
from bot.domain.plan import Change
from bot.domain.record import ChangeLogLine, Record, Zone
from bot.domain.snapshot import Answer, Endpoints, Instance, Inventory, Silence, SyncRule, TaskFeed
from bot.domain.topology import Site, View
from bot.errors import BotError, Gone, NotMovable, Unreachable
from bot.ports import Clock, Ports, Resolved, Rules, Written
from tests import builders
from tests.builders import DOMAIN, HOME_ADDRESS, IMAGES, INSTANCE_ID, NOW, PUBLIC_NAME, RESOLVER, VPC, repositories_of
from tests.fake_bulletins import FakeBulletins
from tests.fake_copies import FakeCopier, FakeCopies
from tests.fake_inventories import FakeCatalogue, FakeInventories
from tests.fake_operations import FakeOperations
from tests.fake_puller import FakePuller
from tests.fake_trail import FakeTrail
from tests.fake_workspace import FakeIdentities, FakeWorkspace, Post
from tests.secrets import SIGNING_KEY

__all__ = [
    "SIGNING_KEY",
    "FakeClock",
    "FakeDataPlane",
    "FakeIdentities",
    "FakeIds",
    "FakeOperations",
    "FakePrivateZone",
    "FakePuller",
    "FakeRegistries",
    "FakeResolver",
    "FakeWorkspace",
    "Post",
    "some_ports",
    "some_rules",
]


class FakeClock:
    """A clock that stands still until it is moved; sleeping moves it."""

    def __init__(self, now: datetime = NOW) -> None:
        self._now = now
        self._monotonic = 1000.0

    def now(self) -> datetime:
        """Return the aware UTC wall time."""
        return self._now

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return self._monotonic

    async def sleep(self, seconds: float) -> None:
        """Let others run, and move on."""
        await asyncio.sleep(0)
        self.move(timedelta(seconds=seconds))

    async def pause(self, span: timedelta, unless: asyncio.Event) -> None:
        """Wait as the real clock does: a loop whose pauses took no time would let nobody else run."""
        await SystemClock().pause(span, unless)

    def move(self, span: timedelta) -> None:
        """Let time pass."""
        self._now += span
        self._monotonic += span.total_seconds()


class FakeIds:
    """Ids in order: `fo-0001`, `fo-0002`, and tokens of 32 hex digits."""

    def __init__(self) -> None:
        self._ids, self._tokens = count(1), count(1)

    def operation_id(self, prefix: str) -> str:
        """Return the next short id."""
        return f"{prefix}-{next(self._ids):04d}"

    def token(self) -> str:
        """Return the next token."""
        return f"{next(self._tokens):032x}"


class FakePrivateZone:
    """Zones and records; `applied` lists the writes that took effect, `sent` all that were tried."""

    def __init__(self, *records: Record, zones: tuple[Zone, ...] = ()) -> None:
        known = records or (builders.a_record("hangzhou"), builders.a_record("zhangjiakou"))
        self.held = {record.record_id: record for record in known}
        self.zones = list(zones or (builders.a_zone("hangzhou"), builders.a_zone("zhangjiakou")))
        self.sent: list[tuple[Change, str]] = []
        self.applied: list[Change] = []
        self.unreadable: BotError | None = None
        self.log: list[ChangeLogLine] = []
        self.unlogged: BotError | None = None
        self.reads = self.log_reads = 0
        self._failures: list[tuple[BotError, bool]] = []

    def fail_next(self, error: BotError, *, after: bool = False) -> None:
        """Raise `error` out of the next write, after it took effect if `after`."""
        self._failures.append((error, after))

    def edit(self, record_id: str, **fields: Any) -> None:
        """Change a record as somebody else would."""
        self.held[record_id] = replace(self.held[record_id], **fields)

    async def zone(self, view: View) -> Zone:
        """Find the zone of exactly the view's name that is bound to its VPC."""
        self._require_readable()
        found = [zone for zone in self.zones if zone.name == view.domain and set(zone.vpcs) & set(view.vpcs)]
        if len(found) != 1:
            raise NotMovable(f"{view} has {len(found)} zones.")
        return found[0]

    async def records(self, zone_id: str) -> tuple[Record, ...]:
        """Return all records of a zone."""
        self._require_readable()
        return tuple(record for record in self.held.values() if record.zone_id == zone_id)

    async def changes(self, zone_id: str, since: datetime) -> tuple[ChangeLogLine, ...]:
        """Return what `log` holds from then on, newest first."""
        self.log_reads += 1
        if self.unlogged is not None:
            raise self.unlogged
        return tuple(line for line in reversed(self.log) if line.at >= since)

    async def record(self, record_id: str) -> Record:
        """Return one record by id."""
        self._require_readable()
        self.reads += 1
        if record_id not in self.held:
            raise Gone("There is no such record.", code="Record.Invalid.Id")
        return self.held[record_id]

    async def apply(self, change: Change, client_token: str) -> Written:
        """Rewrite the record in place."""
        self.sent.append((change, client_token))
        error, after = self._failures.pop(0) if self._failures else (None, False)
        if error is not None and not after:
            raise error
        self.held[change.desired.record_id] = change.desired
        self.applied.append(change)
        if error is not None:
            raise error
        return Written(f"request-{len(self.sent)}")

    def _require_readable(self) -> None:
        if self.unreadable is not None:
            raise self.unreadable


class FakeRegistries:
    """Instances by site name; one in `down` does not answer, one in `mute` tells no tasks, one in `silent` no rules.

    What a site in `blank` lists is no rule at all.
    """

    def __init__(self, *down: str, images: Mapping[str, Mapping[str, str]] | None = None) -> None:
        self.down = set(down)
        self.mute, self.silent, self.blank = set[str](), set[str](), set[str]()
        self.instances = {site: builders.an_instance(site) for site in VPC}
        self.reachable = {site: builders.endpoints(site) for site in VPC}
        self.images = dict(images or dict.fromkeys(VPC, IMAGES))
        self.rules: tuple[SyncRule, ...] = builders.a_replication().rules  # type: ignore[assignment]
        self.feed = TaskFeed((), 0, NOW)

    async def instance(self, site: Site) -> Instance:
        """Return the site's home instance."""
        self._require_up(site)
        return self.instances[site.name]

    async def endpoints(self, site: Site) -> Endpoints:
        """Return the public endpoint and the VPC links."""
        self._require_up(site)
        return self.reachable[site.name]

    async def inventory(self, site: Site, globs: tuple[str, ...]) -> Inventory:
        """Return this site's repositories, all of which the globs of the builders name."""
        self._require_up(site)
        return Inventory(site.instance, repositories_of(self.images[site.name]), NOW)

    async def sync_rules(self, site: Site) -> tuple[SyncRule, ...]:
        """Return the replication rules."""
        self._require_up(site, self.silent)
        return () if site.name in self.blank else self.rules

    async def sync_tasks(self, site: Site) -> TaskFeed:
        """Return the task feed."""
        self._require_up(site, self.mute)
        return self.feed

    def _require_up(self, site: Site, without: Collection[str] = ()) -> None:
        if site.name in self.down or site.name in without:
            raise Unreachable(f"{site.region} does not answer.")


class FakeDataPlane:
    """Who answers at which host or address; whatever is not in `instances` is silent."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.instances = {name[site]: INSTANCE_ID[site] for name in (PUBLIC_NAME, HOME_ADDRESS) for site in VPC}
        self.asked: list[tuple[str, str]] = []

    def silence(self, site: str) -> None:
        """Stop answering for a site."""
        for name in (PUBLIC_NAME, HOME_ADDRESS):
            self.instances.pop(name[site], None)

    async def challenge(self, domain: str, dial: str) -> Answer | Silence:
        """Answer as the instance at `dial`."""
        self.asked.append((domain, dial))
        now = self._clock.now()
        instance = self.instances.get(dial)
        if instance is None:
            return Silence("did not answer within 2 s", dial, now)
        return Answer(instance, 401, dial, now + timedelta(days=60), now)


class FakeResolver:
    """What each view's resolver answers: the record in force, at once; `stale` ones keep the answer given there."""

    def __init__(self, zones: FakePrivateZone, clock: Clock) -> None:
        self._zones, self._clock = zones, clock
        self._zone_ids = {RESOLVER[site]: builders.ZONE_ID[site] for site in VPC}
        self.stale: dict[str, Record] = {}
        self.down: set[str] = set()

    async def resolve(self, domain: str, resolver: str) -> Resolved:
        """Answer with the record of the resolver's zone."""
        if resolver in self.down or resolver not in self._zone_ids or domain != DOMAIN:
            raise Unreachable(f"The resolver {resolver} does not answer.")
        record = self.stale.get(resolver) or self._record(self._zone_ids[resolver])
        addresses = {PUBLIC_NAME[site]: address for site, address in HOME_ADDRESS.items()}
        names = (record.value,) if record.type == "CNAME" else ()
        address = addresses.get(record.value, record.value)
        return Resolved(names, (address,), record.ttl, self._clock.now())

    def _record(self, zone_id: str) -> Record:
        return next(record for record in self._zones.held.values() if record.zone_id == zone_id)


def some_rules(**fields: Any) -> Rules:
    """Return the reviewed configuration of the builders' company."""
    return replace(Rules(builders.a_topology(), builders.an_access()), **fields)


def some_ports(**overrides: Any) -> Ports:
    """Return a small healthy world in memory; whatever is named replaces its part, and the rest shares its clock."""
    clock = overrides.pop("clock", None) or FakeClock()
    zones = overrides.pop("zones", None) or FakePrivateZone()
    operations = overrides.pop("operations", None) or FakeOperations(clock)
    ports = Ports(
        zones=zones,
        registries=FakeRegistries(),
        catalogue=FakeCatalogue(),
        inventories=FakeInventories(clock.now),
        copier=FakeCopier(clock),
        copies=FakeCopies(operations),
        bulletins=FakeBulletins(),
        data_plane=FakeDataPlane(clock),
        puller=FakePuller(),
        resolver=FakeResolver(zones, clock),
        operations=operations,
        trail=FakeTrail(operations),
        identities=FakeIdentities(clock),
        workspace=FakeWorkspace(),
        clock=clock,
        ids=FakeIds(),
        signer=HmacSigner(SIGNING_KEY),
        rules=some_rules(),
    )
    return replace(ports, **overrides)
