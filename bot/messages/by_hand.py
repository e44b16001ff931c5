"""The exact manual steps, for the hour in which the bot, Slack or the store does not work."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.operation import Operation
from bot.domain.plan import Change
from bot.domain.record import Record
from bot.domain.topology import Route, Site, View
from bot.messages.blocks import Block, compose, say, section, sections
from bot.messages.plan import simulated
from bot.messages.text import escape, fenced, listed, plural, short
from bot.ports import Message

CONSOLE = "Alibaba Cloud DNS console > Private DNS (PrivateZone) > User Defined Zones"
_TEMPLATE = (
    "aliyun pvtz UpdateZoneRecord --RecordId RECORD_ID --Rr @ --Type TYPE --Value VALUE --Ttl TTL --Line default"
)


@dataclass(frozen=True, slots=True)
class _Steps:
    """One view's steps: sentences and commands in turn."""

    title: str
    parts: tuple[tuple[str, str], ...]


def manual_steps(changes: Sequence[Change]) -> list[str]:
    """Return the steps as plain lines for a terminal, commands indented."""
    return [line for change in changes for line in _plain(_steps(change))]


def manual_outline(site: Site, standby: Site, route: Route) -> list[str]:
    """Return the steps without values, for when nothing can be read: each command finds out the next one's values."""
    return [line for view in site.views for line in _plain(_outline(view, standby, route))]


def manual(operation: Operation) -> Message:
    """Return all manual steps of an operation."""
    if not operation.plan.changes:
        return say(f"{escape(short(operation.id, 20))} writes no record, so there is nothing to do by hand.")
    what = f"{simulated(operation.plan)}Manual steps of {escape(short(operation.id, 20))}"
    text = f"{what}: {plural(len(operation.plan.changes), 'record')}, by console or by command line"
    return compose(text, [section(f"*{what}*"), *manual_blocks(operation.plan.changes)])


def manual_blocks(changes: Sequence[Change], most: int = 40) -> list[Block]:
    """Return the steps as paragraphs, a view a paragraph."""
    shown = [section(_markup(_steps(change))) for change in changes[:most]]
    left = len(changes) - most
    return [*shown, *sections([f"And {plural(left, 'more record')} in the same way."] if left > 0 else [])]


def _steps(change: Change) -> _Steps:
    existing, desired, zone = change.existing, change.desired, change.zone.zone_id
    record = f"record {existing.rr} (id {existing.record_id})"
    return _Steps(
        str(change.view),
        (
            (f"Console: {CONSOLE} > the zone with id {zone} (others share its name) > {record}.", ""),
            ("Look first:", _look(zone)),
            (f"Set {desired.target}, TTL {existing.ttl} s:", _write(desired, existing.ttl)),
            (f"Restore {existing.target}, TTL {existing.ttl} s:", _write(existing, existing.ttl)),
        ),
    )


def _look(zone: str) -> str:
    return shlex.join(_call("DescribeZoneRecords", ZoneId=zone, Keyword="@", SearchMode="EXACT"))


def _write(record: Record, ttl: int) -> str:
    kept = {"Line": record.line, "Weight": record.weight, "Priority": record.priority}
    return shlex.join(
        _call(
            "UpdateZoneRecord",
            RecordId=record.record_id,
            Rr=record.rr,
            Type=record.type,
            Value=record.value,
            Ttl=ttl,
            **{name: value for name, value in kept.items() if value is not None},
        )
    )


def _call(action: str, **parameters: str | int) -> list[str]:
    words = ["aliyun", "pvtz", action]
    for name, value in parameters.items():
        words += [f"--{name}", str(value)]
    return words


def _outline(view: View, standby: Site, route: Route) -> _Steps:
    find = shlex.join(_call("DescribeZones", Keyword=view.domain, SearchMode="EXACT", QueryVpcId=view.vpcs[0]))
    value, endpoint = _endpoint(standby, route)
    return _Steps(
        str(view),
        (
            (f"Console: {CONSOLE} > the zone bound to {listed(view.vpcs, 5)} > record @.", ""),
            ("Find the zone id; exactly one zone has this name and this VPC:", find),
            ("Note record id, type, value and TTL: they are the way back:", _look(view.zone or "ZONE_ID")),
            (f"Find the value, {value}:", endpoint),
            ("Set it, with the TTL as noted:", _TEMPLATE),
        ),
    )


def _endpoint(standby: Site, route: Route) -> tuple[str, str]:
    where = ["--region", standby.region, "--InstanceId", standby.instance]
    if route is Route.INTERNET:
        call = ["aliyun", "cr", "GetInstanceEndpoint", *where, "--EndpointType", "internet"]
        return "a CNAME: the domain of type SYSTEM", shlex.join(call)
    call = ["aliyun", "cr", "GetInstanceVpcEndpoint", *where]
    return f"an A record: the Ip of the RUNNING link of {standby.internal_vpc or 'its VPC'}", shlex.join(call)


def _plain(steps: _Steps) -> list[str]:
    lines = [steps.title]
    for said, command in steps.parts:
        lines += [f"  {said}", *([f"    {command}"] if command else [])]
    return [*lines, ""]


def _markup(steps: _Steps) -> str:
    lines = [f"*By hand*: {escape(short(steps.title, 300))}"]
    for said, command in steps.parts:
        lines += [escape(short(said, 500)), *([fenced(short(command, 700))] if command else [])]
    return "\n".join(lines)
