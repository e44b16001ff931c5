"""UpdateZoneRecord, the one write that the simulated account allows, with everything that it refuses."""

import ipaddress
import re
from dataclasses import replace
from typing import Any

from simulator.alibaba.errors import Refusal
from simulator.alibaba.parameters import Parameters
from simulator.model import Record, Zone
from simulator.world import World

TTLS = (5, 30, 60, 3600, 43200, 86400)
TYPES = ("A", "AAAA", "CNAME", "TXT", "MX", "PTR", "SRV")
HOST_NAME = re.compile(
    r"(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?)(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+", re.I
)
TOKEN = re.compile(r"[\x21-\x7e]{1,64}")
SPOKEN = ("RecordId", "Rr", "Type", "Value", "Ttl", "Line", "Weight", "Priority")

Wire = dict[str, Any]


class RecordWriter:
    """Change records in place, and remember the client tokens of the changes that took effect."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._answers: dict[str, tuple[Wire, Wire]] = {}
        self._former: dict[int, tuple[Record, int]] = {}

    def forget(self) -> None:
        """Forget every client token and every former value, as a fresh world has seen none."""
        self._answers.clear()
        self._former.clear()

    def former(self, record: Record) -> tuple[Record, int] | None:
        """Return what a record was before its last write, and when that was."""
        return self._former.get(record.id)

    def find(self, given: Parameters) -> tuple[Zone, Record]:
        """Find the record that RecordId names."""
        found = (
            self._world.find_record(given.integer("RecordId", 0, 1, 2**63 - 1)) if given.required("RecordId") else None
        )
        if found is None:
            raise Refusal(400, "Record.Invalid.Id", "Record id is invalid.")
        return found

    def update(self, given: Parameters) -> Wire:
        """Change one record; what the caller leaves out falls back to its default, it is not kept."""
        given.require("RecordId", "Rr", "Type", "Value")
        token = given.optional("ClientToken")
        spoken = {name: given.text(name) for name in SPOKEN}
        if answer := self._repeat(token, spoken):
            return answer
        zone, record = self.find(given)
        wanted = _wanted(given)
        _refuse_conflict(zone, record, wanted)
        self._apply(zone, record, wanted, given.caller)
        answer = {"RecordId": record.id}
        if token:
            self._answers[token] = (spoken, answer)
        return answer

    def _repeat(self, token: str | None, spoken: Wire) -> Wire | None:
        if token is None:
            return None
        if not TOKEN.fullmatch(token):
            raise Refusal(400, "InvalidParameter.ClientToken", "ClientToken must be at most 64 ASCII characters.")
        before, answer = self._answers.get(token, (spoken, None))
        if before != spoken:
            message = "The request uses the same client token as a previous, but non-identical request."
            raise Refusal(400, "IdempotentParameterMismatch", message)
        return answer

    def _apply(self, zone: Zone, record: Record, wanted: Wire, caller: str) -> None:
        before = f"{record.rr} {record.type} {record.value} {record.ttl}"
        self._former[record.id] = (replace(record), self._world.now_ms())
        for name, value in wanted.items():
            setattr(record, name, value)
        record.updated_ms = self._world.now_ms()
        after = f"{record.rr} {record.type} {record.value} {record.ttl}"
        self._world.log(zone, "update", f"Update record {record.id}: {before} to {after}", caller)


def _wanted(given: Parameters) -> Wire:
    kind = given.choice("Type", "", TYPES)
    return {
        "rr": given.text("Rr"),
        "type": kind,
        "value": _value(kind, given.text("Value")),
        "ttl": _ttl(given),
        "line": given.text("Line", "default"),
        "weight": given.integer("Weight", 1, 1, 100),
        "priority": given.integer("Priority", 1, 1, 99),
    }


def _ttl(given: Parameters) -> int:
    ttl = given.integer("Ttl", 60, 0, 2**31)
    if ttl not in TTLS:
        raise Refusal(400, "Record.Invalid.TTL", f"TTL is invalid: {ttl}. Use one of {', '.join(map(str, TTLS))}.")
    return ttl


def _value(kind: str, value: str) -> str:
    try:
        if kind == "A":
            ipaddress.IPv4Address(value)
        if kind == "AAAA":
            ipaddress.IPv6Address(value)
    except ValueError:
        raise Refusal(400, "Record.Invalid.Value", f"{value} is no value for a record of type {kind}.") from None
    if kind == "CNAME" and not HOST_NAME.fullmatch(value.removesuffix(".")):
        raise Refusal(400, "Record.Invalid.Value", f"{value} is no value for a record of type {kind}.")
    return value


def _refuse_conflict(zone: Zone, record: Record, wanted: Wire) -> None:
    """Refuse a CNAME beside anything, a duplicate, and a change that changes nothing."""
    others = [each for each in zone.records if each is not record and each.rr == wanted["rr"]]
    beside_cname = any(other.type == "CNAME" for other in others) or (wanted["type"] == "CNAME" and bool(others))
    identity = (wanted["type"], wanted["value"], wanted["line"])
    duplicate = any((other.type, other.value, other.line) == identity for other in others)
    unchanged = all(getattr(record, name) == value for name, value in wanted.items())
    if beside_cname or duplicate or unchanged:
        raise Refusal(400, "Record.Invalid.Conflict", "Record is in conflict with an existing record.")
