"""The live picture: which instance each VPC pulls from at this moment, and whether that works."""

from collections.abc import Mapping

from simulator.faults import Faults
from simulator.model import ERROR, OPEN, SUCCESS, Instance, Push, Record, Site, SyncRule, SyncTask, Zone
from simulator.world import World

Wire = dict[str, object]


class Picture:
    """Draw the world as plain JSON values, as a person on the platform team would like to see it."""

    def __init__(self, world: World, faults: Faults, rates: Mapping[str, int] | None = None) -> None:
        self._world, self._faults, self._rates = world, faults, {} if rates is None else rates

    def __call__(self) -> Wire:
        """Draw everything."""
        world = self._world
        return {
            "views": [self._view(vpc, site) for vpc, site in world.vpcs.items()],
            "sites": [self._site(site) for site in world.sites.values()],
            "replication": self._replication(),
            "images": {
                "sites": [self._held(instance) for instance in world.instances.values()],
                "pushes": [self._push(push) for push in reversed(world.state.pushes)],
            },
        }

    def _view(self, vpc: str, site: Site) -> Wire:
        world = self._world
        zone, record = world.view(vpc), world.record_for_vpc(vpc)
        address = _address(world, record)
        instance = world.instance_answering(address) if address else None
        trouble = self._trouble(vpc, zone, record, address, instance)
        return {
            "site": site.name,
            "vpc": vpc,
            "zone": zone.id if zone else None,
            "domain": world.domain,
            "record": {"type": record.type, "value": record.value, "ttl": record.ttl} if record else None,
            "instance": instance.id if instance else None,
            "instance_site": instance.site if instance else None,
            "healthy": trouble is None,
            "pulls": f"failing: {trouble}" if trouble else "ok",
        }

    def _trouble(
        self, vpc: str, zone: Zone | None, record: Record | None, address: str | None, instance: Instance | None
    ) -> str | None:
        if zone is None:
            return f"no zone of {self._world.domain} is bound to {vpc}"
        if record is None:
            return "the zone has no enabled @ record"
        if address is None or instance is None:
            return f"nothing answers at {record.value}"
        return self._down(instance) or self._unreachable(vpc, address, instance)

    def _down(self, instance: Instance) -> str | None:
        if self._faults.active("region_down", instance.site):
            return f"{instance.site} does not answer"
        if instance.status != "RUNNING":
            return f"{instance.id} is {instance.status}"
        if self._faults.active("certificate_expired", instance.site):
            return f"the certificate of {instance.id} has expired"
        if self._world.domain not in instance.custom_domains:
            return f"{instance.id} does not carry {self._world.domain}"
        return None

    def _unreachable(self, vpc: str, address: str, instance: Instance) -> str | None:
        endpoint = instance.endpoint
        if address != endpoint.address:
            return None if self._world.reaches(vpc, address) else f"there is no route from {vpc} to {address}"
        if not endpoint.enabled:
            return f"the public endpoint of {instance.id} is off"
        if self._faults.active("acl_closed", instance.site) or not self._world.admits(instance, vpc):
            return f"the access list of {instance.id} does not admit {vpc}"
        return None

    def _site(self, site: Site) -> Wire:
        down = self._faults.active("region_down", site.name)
        instance = self._world.instances[site.instance]
        status = "UNREACHABLE" if down else instance.status
        return {"name": site.name, "region": site.region, "instance": site.instance, "status": status}

    def _held(self, instance: Instance) -> Wire:
        return {
            "site": instance.site,
            "instance": instance.id,
            "repositories": len(instance.repositories),
            "tags": sum(repository.count for repository in instance.repositories.values()),
            "per_minute": self._rates.get(instance.id, 0),
        }

    def _push(self, push: Push) -> Wire:
        site = self._world.instances[push.instance].site
        return {"site": site, "image": f"{push.repo}:{push.tag}", "at_ms": push.at_ms}

    def _replication(self) -> list[Wire]:
        of_rule: dict[str, list[SyncTask]] = {}
        for task in self._world.tasks:
            of_rule.setdefault(task.rule, []).append(task)
        return [self._rule(rule, of_rule.get(rule.id, [])) for rule in self._world.rules.values()]

    def _rule(self, rule: SyncRule, tasks: list[SyncTask]) -> Wire:
        done = [task.modified_ms for task in tasks if task.status == SUCCESS]
        return {
            "rule": rule.name,
            "from": rule.source,
            "to": rule.target,
            "trigger": rule.trigger,
            "open": sum(task.status in OPEN for task in tasks),
            "failed": sum(task.status == ERROR for task in tasks),
            "last_success_ms": max(done, default=None),
            "stalled": self._faults.active("replication_stalled", self._world.instances[rule.source].site),
        }


def _address(world: World, record: Record | None) -> str | None:
    if record is None:
        return None
    return world.address_of(record.value) if record.type == "CNAME" else record.value
