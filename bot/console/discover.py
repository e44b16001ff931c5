"""`registry-bot discover`: look at an account and print a first registry.yaml for it."""

from collections.abc import Sequence

from bot.adapters.alibaba.wire import together
from bot.adapters.clock import SystemClock
from bot.configuration import parse_registry
from bot.console.cloud import MAIN, Cloud, cloud, seen
from bot.console.findings import FoundInstance, FoundZone, candidates, is_own, shared_domains, sites
from bot.console.registry_file import compose
from bot.domain.record import Zone
from bot.domain.snapshot import Instance
from bot.domain.topology import Site
from bot.errors import Unreachable, UserError
from bot.settings import CloudSettings, read_environment


async def discover(regions: Sequence[str], domain: str | None = None) -> int:
    """Print a commented registry.yaml; needs the Alibaba part of the environment only.

    Raises UserError when there is nothing to fail over, ProviderError when the cloud does not let us look.
    """
    async with cloud(read_environment(CloudSettings), {}) as reached:
        if MAIN in reached.keyless:
            raise Unreachable(reached.keyless[MAIN])
        listed = await together(_instances(reached, region) for region in dict.fromkeys(regions))
        instances = [found for of_region in listed for found in of_region]
        _require_two(instances, regions)
        domains = _domains(instances, domain)
        zones = [zone for of_domain in await together(_zones(reached, name) for name in domains) for zone in of_domain]
    own = [found for found in zones if is_own(found.zone)]
    text = compose(domains, sites(candidates(instances, domains), own), own, SystemClock().now())
    parse_registry(text, "The file made of what was found")
    print(text, end="")
    return 0


async def _instances(reached: Cloud, region: str) -> list[FoundInstance]:
    listed = await reached.registries.list_instances(region)
    return await together(_instance(reached, region, instance) for instance in listed)


async def _instance(reached: Cloud, region: str, instance: Instance) -> FoundInstance:
    nameless = Site(region, region, instance.instance_id, standby=(), views=())
    return FoundInstance(region, instance, await seen(reached.registries.endpoints(nameless)))


async def _zones(reached: Cloud, domain: str) -> list[FoundZone]:
    return await together(_zone(reached, zone) for zone in await reached.zones.list_zones(domain))


async def _zone(reached: Cloud, zone: Zone) -> FoundZone:
    return FoundZone(zone, await reached.zones.records(zone.zone_id))


def _domains(instances: Sequence[FoundInstance], named: str | None) -> tuple[str, ...]:
    domains = (named,) if named else shared_domains(instances)
    if domains:
        return domains
    carried = {domain for found in instances for domain in found.domains}
    known = f" These are on one: {', '.join(sorted(carried))}." if carried else ""
    raise UserError(
        f"No custom domain is on two of the {len(instances)} instances found.{known} Name it with --domain."
    )


def _require_two(instances: Sequence[FoundInstance], regions: Sequence[str]) -> None:
    if len(instances) < 2:
        found = ", ".join(each.instance.instance_id for each in instances) or "none"
        raise UserError(
            f"A failover needs two instances; in {', '.join(regions)} there is: {found}. "
            "Name the other region with --region as well."
        )
