"""What exactly would change, and the digest that names exactly this plan."""

import hashlib
import ipaddress
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from functools import lru_cache

from bot.domain.access import canonical_json
from bot.domain.freeze import Freeze, scopes_of
from bot.domain.record import Record, Zone, folded
from bot.domain.snapshot import Endpoints, Unknown, ViewState
from bot.domain.topology import Route, Site, View
from bot.errors import NotMovable, Unreadable

PLAN_VERSION = 1
_ADDED_LATER = ("lifts",)
"""Fields that a digest leaves out while they are empty, so that plans written before them keep theirs."""
TTL_CHOICES = (5, 30, 60, 3600, 43200, 86400)
"""Seconds; the only values that UpdateZoneRecord takes (PrivateZone API reference)."""
VENDOR_SUFFIX = ".cr.aliyuncs.com"


class Kind(StrEnum):
    """What an operation is for; the value is the prefix of its id."""

    FAILOVER = "fo"
    UNFREEZE = "uf"


class Level(StrEnum):
    """How one preflight rule came out."""

    PASS = "PASS"  # noqa: S105
    WARN = "WARN"
    FAIL = "FAIL"
    UNKNOWN = "UNKNOWN"


class Effect(StrEnum):
    """What a finding does to the verdict."""

    NONE = "none"
    WARNS = "warns"
    LOSS = "loss"
    BLOCKS = "blocks"


class Verdict(StrEnum):
    """The sum of all findings."""

    GO = "GO"
    GO_WITH_LOSS = "GO-WITH-LOSS"
    NO_GO = "NO-GO"


@dataclass(frozen=True, slots=True)
class Finding:
    """One preflight result: `sentence` for people, `effect` for the verdict."""

    code: str
    level: Level
    effect: Effect
    sentence: str


@dataclass(frozen=True, slots=True)
class Change:
    """The `@` record of one view, as it is and as it shall be; all but type and value stay."""

    view: View
    zone: Zone
    existing: Record
    desired: Record

    def restored_by(self) -> str:
        """Return the value that takes this change back, as a person would type it."""
        return self.existing.target


@dataclass(frozen=True, slots=True)
class Plan:
    """An immutable proposal: anything different is a new plan with its own approvals."""

    kind: Kind
    workspace: str
    away: str
    to: str
    route: Route
    changes: tuple[Change, ...]
    findings: tuple[Finding, ...]
    policy_hash: str
    tool_version: str
    nonce: str
    is_simulation: bool = False
    plan_version: int = PLAN_VERSION
    lifts: tuple[Freeze, ...] = ()

    def __hash__(self) -> int:
        """Go by what was drawn for this plan alone: to hash all of it at each look at the digest takes longer."""
        return hash(self.nonce)

    @property
    def digest(self) -> str:
        """Return SHA-256 over the canonical JSON of the whole plan, 64 hex characters; the first 12 are shown."""
        return _digest(self)

    @property
    def verdict(self) -> Verdict:
        """Return the verdict that its findings amount to."""
        return verdict(self.findings)

    @property
    def record_ids(self) -> tuple[str, ...]:
        """Return the record ids that this plan would write, in order."""
        return tuple(change.existing.record_id for change in self.changes)

    @property
    def stopped_by(self) -> tuple[str, ...]:
        """Return the scopes of which none may be frozen for this plan to go on; lifting a freeze is stopped by none."""
        return () if self.kind is Kind.UNFREEZE else scopes_of(self.away, self.to)

    @property
    def subjects(self) -> tuple[str, ...]:
        """Return what only one open operation at a time may want: records to write, freezes to lift."""
        return (*self.record_ids, *(f"freeze:{freeze.scope}" for freeze in self.lifts))


@lru_cache(maxsize=256)
def _digest(plan: Plan) -> str:
    """Compute a digest once a plan: it is compared many times on the way of an operation."""
    fields = asdict(plan)
    told = {name: value for name, value in fields.items() if value or name not in _ADDED_LATER}
    return hashlib.sha256(canonical_json(told)).hexdigest()


def verdict(findings: Iterable[Finding]) -> Verdict:
    """Sum findings up: any block, else any loss, else go. The only place that does."""
    effects = {finding.effect for finding in findings}
    if Effect.BLOCKS in effects:
        return Verdict.NO_GO
    return Verdict.GO_WITH_LOSS if Effect.LOSS in effects else Verdict.GO


def desired_value(route: Route, standby: Site, endpoints: Endpoints, internal_ranges: Iterable[str]) -> tuple[str, str]:
    """Derive record type and value from the standby's live endpoint answer.

    Raises NotMovable when the route is not open or the value is none that a record may hold.
    """
    if route is Route.INTERNET:
        return "CNAME", _public_name(standby, endpoints)
    return "A", _link_address(standby, endpoints, internal_ranges)


def movable_record(state: ViewState) -> tuple[Zone, Record]:
    """Return the zone and the one record that may be rewritten in place.

    Raises NotMovable with the reason.
    """
    view = state.view
    if isinstance(state.zone, Unknown):
        raise _unread("zone", view, state.zone)
    if isinstance(state.records, Unknown):
        raise _unread("`@` record", view, state.records)
    _require_own_zone(view, state.zone)
    return state.zone, _only_record(view, state.records)


def _unread(what: str, view: View, unknown: Unknown) -> NotMovable:
    kind = Unreadable if unknown.is_silence else NotMovable
    return kind(f"The {what} of {view} could not be read: {unknown.reason}.")


def change_to(state: ViewState, kind: str, value: str) -> Change:
    """Return the change of one view to `kind value`.

    Raises NotMovable when the view cannot be moved, or already holds that value.
    """
    zone, existing = movable_record(state)
    if (existing.type, folded(existing.value)) == (kind, folded(value)):
        raise NotMovable(f"{state.view} already points at {kind} {value}: there is nothing to change.")
    return Change(state.view, zone, existing, replace(existing, type=kind, value=value))


def _public_name(standby: Site, endpoints: Endpoints) -> str:
    internet = endpoints.internet
    if not internet.is_open:
        raise NotMovable(
            f"The public endpoint of {standby.name} is not open ({internet.status or 'off'}). "
            "Open it in the console, or use `via internal`."
        )
    name = internet.system_domain
    if name is None or not name.endswith(VENDOR_SUFFIX):
        raise NotMovable(f"{standby.name} reports no generated public domain to point at (E_VALUE_NOT_ALLOWED).")
    return name


def _link_address(standby: Site, endpoints: Endpoints, internal_ranges: Iterable[str]) -> str:
    link = next((link for link in endpoints.links if link.vpc_id == standby.internal_vpc), None)
    if link is None or not link.is_running:
        raise NotMovable(
            f"{standby.name} has no running address in {standby.internal_vpc or 'any VPC (internal_vpc is not set)'}. "
            "Use `via internet`, or link the VPC first."
        )
    if not _is_inside(link.ip, internal_ranges):
        raise NotMovable(
            f"{standby.name} reports {link.ip}, which is outside internal_ranges (E_VALUE_NOT_ALLOWED). "
            "Check the VPC link, then registry.yaml."
        )
    return link.ip


def _is_inside(address: str, ranges: Iterable[str]) -> bool:
    try:
        parsed = ipaddress.IPv4Address(address)
    except ValueError:
        return False
    return any(parsed in ipaddress.IPv4Network(text) for text in ranges)


def _require_own_zone(view: View, zone: Zone) -> None:
    reasons = {
        f"registry.yaml names zone {view.zone}, but the one bound there is {zone.zone_id} (E_ZONE_MISMATCH)": view.zone
        not in (None, zone.zone_id),
        "registry.yaml does not name its zone id, so the bot may not write it": view.zone is None,
        f"its zone is called {zone.name} (E_ZONE_MISMATCH)": zone.name != view.domain,
        "its zone belongs to a cloud product (E_MANAGED_ZONE)": zone.zone_type != "AUTH_ZONE"
        or zone.name.endswith("cr.aliyuncs.com")
        or zone.creator_subtype == "STS",
        "its zone is a secondary DNS copy": zone.is_secondary,
        "its zone is changing its DNS group just now": zone.dns_group_changing,
        f"other VPCs are bound than configured ({', '.join(zone.vpcs) or 'none'})": set(zone.vpcs) != set(view.vpcs),
    }
    wrong = [reason for reason, is_so in reasons.items() if is_so]
    if wrong:
        raise NotMovable(f"{view} cannot be moved: {'; '.join(wrong)}. Nothing was changed; correct it and ask again.")


def _only_record(view: View, records: tuple[Record, ...]) -> Record:
    enabled = [record for record in records if record.status != "DISABLE"]
    if not records:
        raise NotMovable(f"{view} has no `@` record. Add one in the PrivateZone console; the bot only rewrites.")
    if not enabled:
        raise NotMovable(f"The `@` record of {view} is disabled. Enable it in the PrivateZone console first.")
    if len(records) > 1:
        listed = ", ".join(record.target for record in records)
        raise NotMovable(
            f"{view} has {len(records)} `@` records ({listed}); the bot moves only a single one. "
            "Remove the others in the PrivateZone console first."
        )
    return _plain_record(view, enabled[0])


def _plain_record(view: View, record: Record) -> Record:
    if record.type not in ("A", "CNAME"):
        raise NotMovable(
            f"The `@` record of {view} is of type {record.type}; only A and CNAME can be moved. "
            "Correct it in the PrivateZone console first."
        )
    if record.line not in (None, "", "default"):
        raise NotMovable(
            f"The `@` record of {view} answers only on line {record.line}; only the default line moves. "
            "Give it the default line in the PrivateZone console first."
        )
    if record.ttl not in TTL_CHOICES:
        choices = ", ".join(map(str, TTL_CHOICES))
        raise NotMovable(
            f"The `@` record of {view} has TTL {record.ttl} s, which the API cannot write back (only {choices}). "
            "Set one of these in the console first."
        )
    return record
