"""What the resolver of one VPC answers: its private zones first, the public names of the world after them."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from dns.name import Name
from dns.name import from_text as name_from_text
from dns.rcode import NOERROR, NXDOMAIN, SERVFAIL, Rcode
from dns.rdatatype import ANY, CNAME, A, RdataType
from dns.rrset import RRset, from_rdata_list
from dns.rrset import from_text as rrset_from_text

from simulator.model import Record, Zone
from simulator.world import World

LONGEST_CHAIN = 8
SHORTEST_CACHED, LONGEST_CACHED = 10, 86_400  # seconds; the VPC resolver rewrites the TTL of a NORMAL_ZONE into these
CACHED_ABSENCE = 60
PUBLIC_TTL = 600


@dataclass(frozen=True, slots=True)
class Answer:
    """The end of a lookup: what was found on the way, in the order of the chain."""

    rcode: Rcode
    rrsets: tuple[RRset, ...] = ()


@dataclass(frozen=True, slots=True)
class _Link:
    """One step of a chain: the records of one name, or the reason for none."""

    rcode: Rcode = NOERROR
    rrset: RRset | None = None

    def alias(self, kind: RdataType) -> Name | None:
        """Return the name to go on with, unless the alias itself was asked for."""
        if self.rrset is None or self.rrset.rdtype != CNAME or kind in (CNAME, ANY):
            return None
        return name_from_text(next(iter(self.rrset)).to_text())


@dataclass(frozen=True, slots=True)
class _Cached:
    link: _Link
    expires_at: float


class View:
    """Answer questions as the resolver inside `vpc` does, with its cache for zones that are not accelerated."""

    def __init__(self, world: World, vpc: str, clock: Callable[[], float]) -> None:
        self._world = world
        self._vpc = vpc
        self._clock = clock
        self._cache: dict[tuple[str, Name, RdataType], _Cached] = {}

    def look_up(self, name: Name, kind: RdataType) -> Answer:
        """Follow `name` to its end; a chain that does not end is a server failure."""
        found: list[RRset] = []
        for _ in range(LONGEST_CHAIN):
            link = self._link(name, kind)
            if link.rrset is not None:
                found.append(link.rrset)
            alias = link.alias(kind)
            if alias is None:
                return Answer(link.rcode, tuple(found))
            name = alias
        return Answer(SERVFAIL)

    def forget(self) -> None:
        """Empty the cache."""
        self._cache.clear()

    def _link(self, name: Name, kind: RdataType) -> _Link:
        zone = self._zone(name)
        if zone is None:
            return self._public(name, kind)
        link = _from_zone(zone, name, kind) if zone.dns_group == "FAST_ZONE" else self._cached(zone, name, kind)
        if link.rcode == NXDOMAIN and zone.proxy_pattern == "RECORD":
            return self._public(name, kind)
        return link

    def _cached(self, zone: Zone, name: Name, kind: RdataType) -> _Link:
        key, now = (zone.id, name, kind), self._clock()
        held = self._cache.get(key)
        if held is None or held.expires_at <= now:
            link = _from_zone(zone, name, kind)
            held = self._cache[key] = _Cached(link, now + _lifetime(link))
        return _with_ttl(held.link, int(held.expires_at - now))

    def _zone(self, name: Name) -> Zone | None:
        """Find the most specific zone that this VPC is bound to and `name` belongs to."""
        holding = (zone for zone in self._world.zones_for_vpc(self._vpc) if name.is_subdomain(_absolute(zone.name)))
        return max(holding, key=lambda zone: len(_absolute(zone.name)), default=None)

    def _public(self, name: Name, kind: RdataType) -> _Link:
        text = name.to_text(omit_final_dot=True).lower()
        address = self._link_address(text) or self._world.address_of(text)
        if address is None:
            return _Link(NXDOMAIN)
        if kind not in (A, ANY):
            return _Link()
        return _Link(rrset=rrset_from_text(name, PUBLIC_TTL, "IN", "A", address))

    def _link_address(self, name: str) -> str | None:
        """Find the address of an instance's VPC name, known only where a linked VPC resolves it by default."""
        for instance in self._world.instances.values():
            for link in instance.links:
                if instance.vpc_domain == name and link.vpc == self._vpc and link.default:
                    return link.address
        return None


def _from_zone(zone: Zone, name: Name, kind: RdataType) -> _Link:
    """Read what a zone says about a name: the records of that type, an alias, nothing of that type, or no such name."""
    rr = name.relativize(_absolute(zone.name)).to_text().lower()
    here = [record for record in zone.records if record.served and record.line == "default" and record.rr.lower() == rr]
    if not here and rr != "@":
        return _Link(NXDOMAIN)
    aliases = [record for record in here if record.type == "CNAME"]
    wanted = aliases or [record for record in here if kind in (ANY, RdataType.make(record.type))]
    return _Link(rrset=_rrset(name, wanted) if wanted else None)


def _rrset(name: Name, records: Iterable[Record]) -> RRset:
    records = list(records)
    first = records[0].type
    same = [record for record in records if record.type == first]
    return rrset_from_text(name, min(record.ttl for record in same), "IN", first, *map(_rdata_text, same))


def _rdata_text(record: Record) -> str:
    """Write a value as a zone file has it: PrivateZone keeps names without their dot, and text without quotes."""
    if record.type == "CNAME":
        return _absolute(record.value).to_text()
    if record.type == "MX":
        return f"{record.priority} {_absolute(record.value)}"
    return json.dumps(record.value) if record.type == "TXT" else record.value


def _lifetime(link: _Link) -> int:
    if link.rrset is None:
        return CACHED_ABSENCE
    return min(max(link.rrset.ttl, SHORTEST_CACHED), LONGEST_CACHED)


def _with_ttl(link: _Link, ttl: int) -> _Link:
    if link.rrset is None:
        return link
    return replace(link, rrset=from_rdata_list(link.rrset.name, ttl, list(link.rrset)))


def _absolute(name: str) -> Name:
    return name_from_text(name)
