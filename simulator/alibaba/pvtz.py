"""PrivateZone 2018-01-01: the reads, with the vendor's wire types, defaults and double-wrapped lists."""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from simulator.alibaba.disorder import Disorder
from simulator.alibaba.errors import Refusal
from simulator.alibaba.parameters import Parameters, slice_of
from simulator.alibaba.records import RecordWriter
from simulator.model import ChangeLog, Record, Zone
from simulator.world import World

VERSION = "2018-01-01"
Wire = dict[str, Any]
Call = Callable[[Parameters], Wire]
IsStale = Callable[[Zone, int], bool]
"""Tells whether readers of a zone do not see yet what was written then."""


class PrivateZone:
    """Answer the calls of PrivateZone from the world."""

    version = VERSION

    def __init__(self, world: World, is_stale: IsStale = lambda _zone, _written_ms: False) -> None:
        self._world = world
        self._is_stale = is_stale
        self._disorder = Disorder()
        self.writer = RecordWriter(world)
        self.calls: dict[str, Call] = {
            "DescribeZones": self.zones,
            "DescribeZoneInfo": self.zone,
            "DescribeZoneRecords": self.records,
            "DescribeZoneRecord": self.record,
            "DescribeChangeLogs": self.change_logs,
            "DescribeUserServiceStatus": self.service_status,
            "UpdateZoneRecord": self.writer.update,
        }

    def zones(self, given: Parameters) -> Wire:
        """DescribeZones; SearchMode defaults to LIKE, and acts only together with Keyword."""
        mode = given.choice("SearchMode", "LIKE", ("LIKE", "EXACT"))
        kind = given.choice("ZoneType", "AUTH_ZONE", ("AUTH_ZONE", "CLOUD_PRODUCT_ZONE"))
        found = [zone for zone in self._world.zones.values() if zone.type == kind]
        found = [zone for zone in found if _matches(zone.name, given.optional("Keyword"), mode)]
        if vpc := given.optional("QueryVpcId"):
            found = [zone for zone in found if vpc in zone.vpcs]
        if region := given.optional("QueryRegionId"):
            found = [zone for zone in found if any(self._region(vpc) == region for vpc in zone.vpcs)]
        return _paged(given, "Zones", "Zone", [_zone_to_wire(zone) for zone in found])

    def zone(self, given: Parameters) -> Wire:
        """DescribeZoneInfo, with the VPCs that the zone is bound to in no order to rely on."""
        zone = self._zone(given)
        bound = [self._vpc_to_wire(vpc) for vpc in self._disorder.of(zone.vpcs)]
        extra = {"BindVpcs": {"Vpc": bound}, "BindEdgeDnsClusters": {"EdgeDnsCluster": []}, "SlaveDns": False}
        return _zone_to_wire(zone) | extra

    def records(self, given: Parameters) -> Wire:
        """DescribeZoneRecords; SearchMode defaults to EXACT here, and Keyword is matched against Rr."""
        zone = self._zone(given)
        mode = given.choice("SearchMode", "EXACT", ("LIKE", "EXACT"))
        found = [record for record in zone.records if _matches(record.rr, given.optional("Keyword"), mode)]
        return _paged(given, "Records", "Record", [self._record_to_wire(zone, record) for record in found])

    def record(self, given: Parameters) -> Wire:
        """DescribeZoneRecord, by the record's id."""
        return self._record_to_wire(*self.writer.find(given))

    def change_logs(self, given: Parameters) -> Wire:
        """DescribeChangeLogs, newest first."""
        lines = [line for line in reversed(self._world.state.changes) if _selected(line, given)]
        return _paged(given, "ChangeLogs", "ChangeLog", [self._change_to_wire(line) for line in lines])

    def service_status(self, _: Parameters) -> Wire:
        return {"Status": "OPENED"}

    def _zone(self, given: Parameters) -> Zone:
        zone = self._world.zones.get(given.required("ZoneId"))
        if zone is None:
            raise Refusal(400, "Zone.Invalid.Id", "Zone id is invalid.")
        return zone

    def _region(self, vpc: str) -> str:
        site = self._world.vpcs.get(vpc)
        return site.region if site else "cn-hangzhou"

    def _record_to_wire(self, zone: Zone, record: Record) -> Wire:
        former = self.writer.former(record)
        is_late = former is not None and self._is_stale(zone, former[1])
        return _record_to_wire(zone, former[0] if former and is_late else record)

    def _vpc_to_wire(self, vpc: str) -> Wire:
        region = self._region(vpc)
        wire = {"VpcId": vpc, "VpcName": vpc, "RegionId": region, "RegionName": region, "VpcType": "STANDARD"}
        return wire | {"VpcUserId": None}

    def _change_to_wire(self, line: ChangeLog) -> Wire:
        return {
            "Id": line.id,
            "Content": line.content,
            "OperAction": line.action,
            "OperObject": line.entity,
            "OperIp": "192.0.2.1",
            "OperTime": minute(line.at_ms),
            "OperTimestamp": line.at_ms,
            "EntityId": line.zone,
            "EntityName": line.zone_name,
            "CreatorId": line.creator,
            "CreatorType": "USER",
            "CreatorSubType": "SUB",
            "CreatorUserId": self._world.state.account,
        }


def _selected(line: ChangeLog, given: Parameters) -> bool:
    wanted_zone, wanted_entity = given.text("ZoneId", line.zone), given.text("EntityType", line.entity)
    start = given.integer("StartTimestamp", 0, 0, 2**63)
    end = given.integer("EndTimestamp", 2**63, 0, 2**63)
    texts = (line.zone_name, line.content)
    found = any(given.text("Keyword") in text for text in texts)
    return (line.zone, line.entity) == (wanted_zone, wanted_entity) and start <= line.at_ms <= end and found


def _matches(text: str, keyword: str | None, mode: str) -> bool:
    if keyword is None:
        return True
    return text == keyword if mode == "EXACT" else keyword in text


def _paged(given: Parameters, outer: str, inner: str, items: list[Wire]) -> Wire:
    number, size = given.integer("PageNumber", 1, 1, 2**31), given.integer("PageSize", 20, 1, 100)
    pages = math.ceil(len(items) / size)
    counts = {"TotalItems": len(items), "TotalPages": pages, "PageNumber": number, "PageSize": size}
    return {outer: {inner: slice_of(items, number, size)}} | counts


def _zone_to_wire(zone: Zone) -> Wire:
    updated = max([zone.created_ms, *(record.updated_ms for record in zone.records)])
    return {
        "ZoneId": zone.id,
        "ZoneName": zone.name,
        "ZoneType": zone.type,
        "ZoneTag": "",
        "ProxyPattern": zone.proxy_pattern,
        "DnsGroup": zone.dns_group,
        "DnsGroupChanging": zone.dns_group_changing,
        "RecordCount": len(zone.records),
        "Remark": zone.remark,
        "IsPtr": False,
        "Creator": "AliyunServiceRole" if zone.creator_subtype == "STS" else "platform",
        "CreatorType": "USER",
        "CreatorSubType": zone.creator_subtype,
        "ResourceGroupId": "rg-default",
        "SlaveDnsStatus": "DISABLE",
        "CreateTime": minute(zone.created_ms),
        "CreateTimestamp": zone.created_ms,
        "UpdateTime": minute(updated),
        "UpdateTimestamp": updated,
    }


def _record_to_wire(zone: Zone, record: Record) -> Wire:
    return {
        "RecordId": record.id,
        "ZoneId": zone.id,
        "Rr": record.rr,
        "Type": record.type,
        "Value": record.value,
        "Ttl": record.ttl,
        "Line": record.line,
        "Weight": record.weight,
        "Priority": record.priority,
        "Remark": record.remark,
        "Status": record.status,
        "CreateTime": minute(record.created_ms),
        "CreateTimestamp": record.created_ms,
        "UpdateTime": minute(record.updated_ms),
        "UpdateTimestamp": record.updated_ms,
    }


def minute(at_ms: int) -> str:
    """Write a time as PrivateZone does: UTC, without seconds."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%MZ")
