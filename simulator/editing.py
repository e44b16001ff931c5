"""What others do to the world behind the bot's back: the console user's edits, for faults and for tests."""

import dataclasses
from typing import Any

from simulator.model import Instance, Record, Site, Zone
from simulator.world import World

CONSOLE_USER = "console-user"
STRANGE_ADDRESS = "10.99.0.99"
RECORD_FIELDS = {"rr", "type", "value", "ttl", "line", "weight", "priority", "remark", "status"}
ZONE_FIELDS = {"name", "type", "dns_group", "dns_group_changing", "proxy_pattern", "creator_subtype", "remark", "vpcs"}
INSTANCE_FIELDS = {"status", "issue", "specification", "custom_domains", "by_hand"}
ENDPOINT_FIELDS = {"acl": "acl", "public": "enabled", "endpoint_status": "status"}
LINK_FIELDS = {"link_address": "address", "link_status": "status", "link_issue": "issue"}

Wire = dict[str, Any]


def edit_record(world: World, site: Site, wanted: Wire) -> list[Wire]:
    """Rewrite, add or remove the `@` record of a site's zone; return the zone's records as they are now."""
    act = wanted.pop("act", "rewrite")
    zone = _zone(world, wanted.pop("vpc", site.vpc))
    _refuse_unknown(wanted, RECORD_FIELDS)
    if act == "add":
        added = Record(2**60 + world.next_id(), "@", "A", STRANGE_ADDRESS, created_ms=world.now_ms())
        _set(added, {**wanted, "updated_ms": world.now_ms()})
        zone.records.append(added)
    elif act == "remove":
        zone.records.remove(_apex(zone))
    elif act == "rewrite":
        _set(_apex(zone), {**wanted, "updated_ms": world.now_ms()})
    else:
        raise ValueError(f"A record can be rewritten, added or removed: act is rewrite, add or remove, not {act!r}.")
    world.log(zone, act, f"{act} record: {_told(wanted)}", CONSOLE_USER)
    return [dataclasses.asdict(record) for record in zone.records]


def edit_zone(world: World, site: Site, wanted: Wire) -> list[Wire]:
    """Change a site's zone, copy it under other ids, or remove it; return the zones of its VPC."""
    vpc = wanted.pop("vpc", site.vpc)
    zone = _zone(world, vpc)
    copies, remove = wanted.pop("copies", 0), wanted.pop("remove", False)
    _refuse_unknown(wanted, ZONE_FIELDS)
    _set(zone, wanted)
    for _ in range(copies):
        _copy(world, zone)
    if remove:
        del world.zones[zone.id]
    world.log(zone, "update", f"zone changed: {_told(wanted)}", CONSOLE_USER, "PV_ZONE")
    return [dataclasses.asdict(each) for each in world.zones_for_vpc(vpc)]


def edit_instance(world: World, site: Site, wanted: Wire) -> Wire:
    """Change a site's instance, its public endpoint or its links; return what was changed."""
    instance = world.instances[site.instance]
    known = INSTANCE_FIELDS | set(ENDPOINT_FIELDS) | set(LINK_FIELDS)
    _refuse_unknown(wanted, known)
    _set(instance, {key: value for key, value in wanted.items() if key in INSTANCE_FIELDS})
    _set(instance.endpoint, {ENDPOINT_FIELDS[key]: value for key, value in wanted.items() if key in ENDPOINT_FIELDS})
    for link in instance.links:
        _set(link, {LINK_FIELDS[key]: value for key, value in wanted.items() if key in LINK_FIELDS})
    return describe(instance)


def third_party_edit(world: World, target: str | None) -> None:
    """Point the record of one site, or of each, somewhere else, as a colleague at the console might."""
    for site in world.sites.values():
        if target in (None, site.name):
            edit_record(world, site, {"type": "A", "value": STRANGE_ADDRESS})


def describe(instance: Instance) -> Wire:
    """Tell everything about an instance but its images."""
    names = [each.name for each in dataclasses.fields(instance) if each.name not in ("repositories", "by_id")]
    shown: Wire = {name: getattr(instance, name) for name in names}
    endpoint, links = dataclasses.asdict(instance.endpoint), [dataclasses.asdict(link) for link in instance.links]
    return shown | {"endpoint": endpoint, "links": links, "public_domain": instance.public_domain}


def _told(wanted: Wire) -> str:
    return ", ".join(f"{name} {value}" for name, value in wanted.items())


def _zone(world: World, vpc: str) -> Zone:
    zone = world.view(vpc)
    if zone is None:
        raise ValueError(f"No zone of {world.domain} is bound to {vpc}.")
    return zone


def _apex(zone: Zone) -> Record:
    apex = [record for record in zone.records if record.rr == "@"]
    if not apex:
        raise ValueError(f"The zone {zone.id} has no @ record.")
    return apex[-1]


def _copy(world: World, zone: Zone) -> None:
    number = world.next_id()
    records = [dataclasses.replace(record, id=2**60 + world.next_id()) for record in zone.records]
    copy = dataclasses.replace(zone, id=f"{number:032x}", vpcs=list(zone.vpcs), records=records)
    world.zones[copy.id] = copy


def _refuse_unknown(wanted: Wire, known: set[str]) -> None:
    if unknown := sorted(set(wanted) - known):
        raise ValueError(f"{unknown[0]!r} cannot be changed here; what can is {', '.join(sorted(known))}.")


def _set(target: object, values: Wire) -> None:
    for name, value in values.items():
        present = getattr(target, name)
        if present is not None and value is not None and type(value) is not type(present):
            raise ValueError(f"{name} is {present!r} now and cannot become {value!r}.")
        setattr(target, name, value)
