"""What was found in an account: instances and zones, and which zone belongs to which instance."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.domain.record import Record, Zone, folded
from bot.domain.snapshot import Endpoints, Instance, Unknown, VpcLink

MANAGED_SUFFIX = "cr.aliyuncs.com"


@dataclass(frozen=True, slots=True)
class FoundInstance:
    """One instance, and where it can be reached."""

    region: str
    instance: Instance
    endpoints: Endpoints | Unknown

    @property
    def domains(self) -> tuple[str, ...]:
        """Return the custom domains that it carries."""
        return self.endpoints.internet.custom_domains if isinstance(self.endpoints, Endpoints) else ()

    @property
    def vpcs(self) -> tuple[str, ...]:
        """Return the VPCs in which it has a running address."""
        return tuple(link.vpc_id for link in self._links)

    @property
    def _links(self) -> tuple[VpcLink, ...]:
        known = self.endpoints.links if isinstance(self.endpoints, Endpoints) else ()
        return tuple(link for link in known if link.is_running)

    def address_in(self, vpc: str) -> str:
        """Return its address in one of its VPCs."""
        return next(link.ip for link in self._links if link.vpc_id == vpc)

    def is_at(self, value: str) -> bool:
        """Tell whether a record of this value points here."""
        return isinstance(self.endpoints, Endpoints) and folded(value) in self.endpoints.addresses()

    def is_open(self) -> bool:
        """Tell whether its public endpoint takes traffic."""
        return isinstance(self.endpoints, Endpoints) and self.endpoints.internet.is_open


@dataclass(frozen=True, slots=True)
class FoundZone:
    """One zone with its `@` records."""

    zone: Zone
    records: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class FoundSite:
    """One instance as a site of its own, with the zones that seem to be its views."""

    name: str
    home: FoundInstance
    zones: tuple[FoundZone, ...]

    @property
    def internal_vpc(self) -> str | None:
        """Return the VPC whose address others would use: one of its own views, where there is a choice."""
        bound = {vpc for found in self.zones for vpc in found.zone.vpcs}
        return next((vpc for vpc in self.home.vpcs if vpc in bound), next(iter(self.home.vpcs), None))


def shared_domains(instances: Iterable[FoundInstance]) -> tuple[str, ...]:
    """Return the custom domains that more than one instance carries."""
    carried = [domain for found in instances for domain in found.domains]
    return tuple(domain for domain in dict.fromkeys(carried) if carried.count(domain) > 1)


def candidates(instances: Sequence[FoundInstance], domains: Sequence[str]) -> tuple[FoundInstance, ...]:
    """Return the instances that carry one of the domains, or all while fewer than two do."""
    carrying = tuple(found for found in instances if not set(domains).isdisjoint(found.domains))
    return carrying if len(carrying) > 1 else tuple(instances)


def sites(instances: Sequence[FoundInstance], zones: Sequence[FoundZone]) -> tuple[FoundSite, ...]:
    """Name a site for each instance, and give it its zones."""
    owners = {found.zone.zone_id: owner(found, instances) for found in zones}
    named = zip(_names([found.region for found in instances]), instances, strict=True)
    return tuple(
        FoundSite(name, home, tuple(found for found in zones if owners[found.zone.zone_id] is home))
        for name, home in named
    )


def owner(found: FoundZone, instances: Sequence[FoundInstance]) -> FoundInstance | None:
    """Return the instance whose VPC the zone is bound to; where several are linked there, the one it points at."""
    linked = [each for each in instances if not set(each.vpcs).isdisjoint(found.zone.vpcs)]
    pointed = [each for each in instances if any(each.is_at(record.value) for record in found.records)]
    if len(linked) == 1:
        return linked[0]
    return pointed[0] if len(pointed) == 1 else None


def is_own(zone: Zone) -> bool:
    """Tell whether the zone may be a view: not one that a cloud product made for itself, and bound somewhere."""
    is_managed = zone.zone_type != "AUTH_ZONE" or zone.creator_subtype == "STS" or zone.name.endswith(MANAGED_SUFFIX)
    return bool(zone.vpcs) and not is_managed and not zone.is_secondary


def _names(regions: Sequence[str]) -> list[str]:
    """Shorten regions to names (cn-hangzhou → hangzhou), numbered where one region has several instances."""
    names: list[str] = []
    for region in regions:
        short = region.partition("-")[2]
        count = sum(name == short or name.rpartition("-")[0] == short for name in names)
        names.append(f"{short}-{count + 1}" if count else short)
    return names
