"""PrivateZone: the zone of a view, its `@` records, and the one write that the bot makes."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from bot.adapters.alibaba.client import Alibaba
from bot.adapters.alibaba.limits import Lane
from bot.adapters.alibaba.wire import (
    PAGE_SIZE,
    Page,
    body,
    count,
    flag,
    moment,
    number,
    read_list,
    required,
    text,
    together,
)
from bot.domain.plan import Change
from bot.domain.record import ChangeLogLine, Record, Zone
from bot.domain.topology import View
from bot.errors import Gone, NotMovable, OutcomeUnknown, Refused
from bot.ports import Written

APEX = "@"
RECORDS = "PV_RECORD"
"""What the change log calls lines about records."""
LOG_PAGES = 5
"""Of the change log at once: hundreds of edits within minutes are told by the newest."""
NO_SUCH_RECORD = ("Record.Invalid.Id", "Record.NotExists")


class AlibabaDns:
    """PrivateZone's control plane."""

    def __init__(self, alibaba: Alibaba) -> None:
        self._alibaba = alibaba

    async def zone(self, view: View) -> Zone:
        """Find the zone of exactly the view's name that is bound to its VPC. Raises NotMovable for none or two.

        The server narrows the list down to a VPC, which saves a call for every other zone of that name; what is bound
        is decided by DescribeZoneInfo, and when that leaves nothing the whole list is looked at.
        """
        narrowed = await together(self._zones(view.domain, vpc) for vpc in view.vpcs)
        zones: tuple[Zone, ...] = ()
        bound = _bound({zone.zone_id: zone for zones in narrowed for zone in zones}.values(), view)
        if not bound:
            zones = await self.list_zones(view.domain)
            bound = _bound(zones, view)
        if len(bound) == 1:
            return bound[0]
        raise NotMovable(_several(view, bound) if bound else _none(view, zones))

    async def list_zones(self, domain: str) -> tuple[Zone, ...]:
        """Return every zone of exactly this name, each with the VPCs bound to it."""
        return await self._zones(domain, None)

    async def records(self, zone_id: str) -> tuple[Record, ...]:
        """Return all `@` records of a zone, enabled or not."""
        pvtz, (models, _) = await self._alibaba.pvtz(), await self._alibaba.models()

        async def fetch(page: int) -> Page:
            request = models.DescribeZoneRecordsRequest(
                zone_id=zone_id, keyword=APEX, search_mode="EXACT", page_number=page, page_size=PAGE_SIZE
            )
            found = body(await pvtz.describe_zone_records_async(request), "DescribeZoneRecords")
            return Page(_entries(found.records, "record"), count(found.total_items, "TotalItems"))

        page = await read_list(fetch, lambda wire: required(wire.record_id, "RecordId"), f"records of {zone_id}")
        return tuple(_record_from_wire(zone_id, wire) for wire in page.items if wire.rr == APEX)

    async def record(self, record_id: str) -> Record:
        """Return one record by id. Raises Gone when there is none any more."""
        pvtz, (models, _) = await self._alibaba.pvtz(), await self._alibaba.models()
        request = models.DescribeZoneRecordRequest(record_id=int(record_id))
        try:
            found = body(await pvtz.describe_zone_record_async(request), "DescribeZoneRecord")
        except Refused as error:
            if (error.code or "").startswith(NO_SUCH_RECORD):
                raise Gone(str(error), code=error.code, request_id=error.request_id) from error
            raise
        return _record_from_wire(None, found)

    async def changes(self, zone_id: str, since: datetime) -> tuple[ChangeLogLine, ...]:
        """Return the change log of a zone's records from `since` on, newest first, up to a cap of pages.

        No order is documented, so the lines are sorted here; what changed is free text.
        """
        pvtz, (models, _) = await self._alibaba.pvtz(), await self._alibaba.models()
        start = int(since.timestamp() * 1000)

        async def fetch(page: int) -> Page:
            request = models.DescribeChangeLogsRequest(
                zone_id=zone_id, entity_type=RECORDS, start_timestamp=start, page_number=page, page_size=PAGE_SIZE
            )
            found = body(await pvtz.describe_change_logs_async(request), "DescribeChangeLogs")
            return Page(_entries(found.change_logs, "change_log"), count(found.total_items, "TotalItems"))

        page = await read_list(fetch, lambda wire: required(wire.id, "Id"), "the change log", max_pages=LOG_PAGES)
        lines = (_line_from_wire(wire) for wire in page.items)
        return tuple(sorted((line for line in lines if line), key=lambda line: line.at, reverse=True))

    async def apply(self, change: Change, client_token: str) -> Written:
        """Rewrite the record in place, sending TTL, line, weight and priority explicitly.

        What UpdateZoneRecord does with fields left out is not documented, so all that were read are sent back.
        Raises Throttled or Refused when certainly not applied, OutcomeUnknown when it may be.
        """
        pvtz, (models, _) = await self._alibaba.pvtz(Lane.WRITE), await self._alibaba.models()
        desired = change.desired
        request = models.UpdateZoneRecordRequest(
            record_id=int(change.existing.record_id),
            rr=desired.rr,
            type=desired.type,
            value=desired.value,
            ttl=desired.ttl,
            line=desired.line,
            weight=desired.weight,
            priority=desired.priority,
            client_token=client_token,
        )
        answer = (await pvtz.update_zone_record_async(request)).body
        if answer is None or text(answer.record_id) != change.existing.record_id:
            raise OutcomeUnknown(
                "PrivateZone answered the write with something that does not name the record, so it may or may not "
                "be in force. Read the record before anything else.",
                request_id=text(answer.request_id) if answer is not None else None,
            )
        return Written(text(answer.request_id))

    async def _zones(self, domain: str, vpc: str | None) -> tuple[Zone, ...]:
        pvtz, (models, _) = await self._alibaba.pvtz(), await self._alibaba.models()

        async def fetch(page: int) -> Page:
            # The default of SearchMode has changed over the years, so it is always sent.
            request = models.DescribeZonesRequest(
                keyword=domain, search_mode="EXACT", query_vpc_id=vpc, page_number=page, page_size=PAGE_SIZE
            )
            found = body(await pvtz.describe_zones_async(request), "DescribeZones")
            return Page(_entries(found.zones, "zone"), count(found.total_items, "TotalItems"))

        page = await read_list(fetch, lambda wire: required(wire.zone_id, "ZoneId"), f"zones called {domain}")
        same_name = [wire for wire in page.items if wire.zone_name == domain]
        return tuple(await together(self._zone(wire) for wire in same_name))

    async def _zone(self, listed: Any) -> Zone:
        pvtz, (models, _) = await self._alibaba.pvtz(), await self._alibaba.models()
        request = models.DescribeZoneInfoRequest(zone_id=listed.zone_id)
        return _zone_from_wire(listed, body(await pvtz.describe_zone_info_async(request), "DescribeZoneInfo"))


def _zone_from_wire(listed: Any, info: Any) -> Zone:
    """Join both answers: only the list tells who created the zone, only the other which VPCs are bound."""
    return Zone(
        zone_id=required(listed.zone_id, "ZoneId"),
        name=required(info.zone_name, "ZoneName"),
        zone_type=text(info.zone_type) or text(listed.zone_type) or "unknown",
        vpcs=tuple(sorted(required(vpc.vpc_id, "VpcId") for vpc in _entries(info.bind_vpcs, "vpc"))),
        dns_group=text(info.dns_group) or text(listed.dns_group),
        dns_group_changing=flag(info.dns_group_changing) or flag(listed.dns_group_changing),
        creator_subtype=text(listed.creator_sub_type),
        is_secondary=flag(info.slave_dns),
    )


def _record_from_wire(zone_id: str | None, wire: Any) -> Record:
    return Record(
        record_id=required(wire.record_id, "RecordId"),
        zone_id=zone_id or text(getattr(wire, "zone_id", None)) or "",
        rr=required(wire.rr, "Rr"),
        type=required(wire.type, "Type"),
        value=required(wire.value, "Value"),
        ttl=count(wire.ttl, "Ttl"),
        line=text(wire.line),
        weight=number(wire.weight),
        priority=number(wire.priority),
        remark=text(wire.remark),
        status=text(wire.status),
    )


def _line_from_wire(wire: Any) -> ChangeLogLine | None:
    """Read a line; one without a time says nothing about when, so it is left out."""
    at = moment(wire.oper_timestamp)
    if at is None:
        return None
    person = text(wire.creator_id) or text(wire.creator_user_id)
    return ChangeLogLine(at, person, text(wire.oper_ip), text(wire.oper_action), text(wire.content) or "")


def _entries(wrapper: Any, name: str) -> list[Any]:
    """Unwrap PrivateZone's double-wrapped lists (`Zones: {Zone: […]}`)."""
    return list(getattr(wrapper, name, None) or [])


def _bound(zones: Iterable[Zone], view: View) -> list[Zone]:
    return [zone for zone in zones if not set(zone.vpcs).isdisjoint(view.vpcs)]


def _several(view: View, bound: Iterable[Zone]) -> str:
    zones = "; ".join(f"{zone.zone_id} ({', '.join(zone.vpcs)})" for zone in bound)
    return (
        f"The VPCs of one view ({', '.join(view.vpcs)}) are bound to several zones called {view.domain}: {zones}. "
        "Give each zone its own view in registry.yaml."
    )


def _none(view: View, zones: Iterable[Zone]) -> str:
    others = "; ".join(f"{zone.zone_id} is bound to {', '.join(zone.vpcs) or 'no VPC'}" for zone in zones)
    hint = f"There is: {others}." if others else "No zone of that name was found."
    return (
        f"No PrivateZone zone called {view.domain} is bound to {', '.join(view.vpcs)}. {hint} "
        "Bind it in the PrivateZone console, or correct registry.yaml."
    )
