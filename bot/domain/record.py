"""PrivateZone's records and zones, and when two readings of a record are the same record."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Record:
    """One PrivateZone record; TTL in seconds. Fields that the vendor left out are None, never a guess."""

    record_id: str
    zone_id: str
    rr: str
    type: str
    value: str
    ttl: int
    line: str | None = "default"
    weight: int | None = None
    priority: int | None = None
    remark: str | None = None
    status: str | None = "ENABLE"

    @property
    def target(self) -> str:
        """Return type and value as people read them: `CNAME name` or `A address`."""
        return f"{self.type} {self.value}"

    def agrees_with(self, other: "Record") -> bool:
        """Tell whether two readings show the same record; what one of them leaves out cannot differ.

        A weight may vanish when an A record becomes a CNAME, because only A and AAAA records are weighted
        (SetZoneLbaStatus in the PrivateZone API reference).
        """
        must = (self.record_id, self.rr, self.type, folded(self.value), self.ttl)
        others_must = (other.record_id, other.rr, other.type, folded(other.value), other.ttl)
        pairs = zip(_may_be_left_out(self), _may_be_left_out(other), strict=True)
        return must == others_must and all(None in pair or pair[0] == pair[1] for pair in pairs)


@dataclass(frozen=True, slots=True)
class Zone:
    """One PrivateZone zone with the VPCs bound to it."""

    zone_id: str
    name: str
    zone_type: str
    vpcs: tuple[str, ...]
    dns_group: str | None = None
    dns_group_changing: bool = False
    creator_subtype: str | None = None
    is_secondary: bool = False


@dataclass(frozen=True, slots=True)
class ChangeLogLine:
    """One line of a zone's change log; `content` is the vendor's free text, and the only word on what changed."""

    at: datetime
    person: str | None
    address: str | None
    action: str | None
    content: str


def _may_be_left_out(record: Record) -> tuple[object, ...]:
    zone_id = record.zone_id or None
    return (zone_id, record.line, record.weight, record.priority, record.remark, record.status)


def folded(value: str) -> str:
    """Return a record's value as values are compared: names without a final dot, whatever their case."""
    return value.rstrip(".").lower()
