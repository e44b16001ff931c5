"""A first registry.yaml as text: what was found, what it means, and stand-ins for what only people know."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from json import dumps

from bot.console.findings import FoundSite, FoundZone
from bot.console.placeholders import APPROVER, CHANNEL, MARK, REQUESTER, VPC
from bot.domain.snapshot import Endpoints, Unknown

_HEAD = """\
# Written by "registry-bot discover" from the live account, {at:%Y-%m-%d %H:%M} UTC. Review it like code: it says what
# exists and who may move it. Replace everything that contains {mark}; "registry-bot check" says what is left.
bot_vpc: null  # the VPC this bot runs in, if any
internal_ranges: [10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16]  # what an address on the internal route may be
domains:
"""
_PEOPLE = f"""\
people:  # one human, one entry, with all of that human's Slack member ids
  requester: {{slack: [{REQUESTER}], roles: [requester, approver]}}  # who may ask for a failover
  approver: {{slack: [{APPROVER}], roles: [approver]}}  # who may approve what somebody else asked for
policy:
  approvals: 1  # besides the requester, always
  pending_for: 15m  # how long a request waits for them
  soak: 10m            # read, no effect yet
  anti_flap: 5m  # a plan that takes back a younger move warns of it
  review_after: 24h    # read, no effect yet
  replication_lag: 15m  # channels that watch a site are told of critical images that wait longer
  channels: [{CHANNEL}, "inc-*"]  # where a failover may be proposed: ids, or patterns of names
  home_channel: {CHANNEL}  # where its card goes when proposed elsewhere
"""


def compose(domains: Iterable[str], sites: Sequence[FoundSite], zones: Iterable[FoundZone], at: datetime) -> str:
    """Return the text of the file."""
    names = tuple(domains)
    lines = [line for number, site in enumerate(sites, 1) for line in _site(site, number, sites, names)]
    return "".join(
        [
            _HEAD.format(at=at, mark=MARK),
            *(f"  {name}:\n    critical: []  # images that a failover must not lose, as globs\n" for name in names),
            "accounts:\n  main: {}  # the default credentials\nsites:\n",
            *(f"{line}\n" for line in [*lines, *_nobodys(sites, zones)]),
            _PEOPLE,
        ]
    )


def _site(site: FoundSite, number: int, sites: Sequence[FoundSite], domains: tuple[str, ...]) -> Iterator[str]:
    others = [other for other in sites if other is not site]
    yield f"  {site.name}:"
    yield f"    region: {site.home.region}"
    yield "    aliases: []  # other words for it in commands"
    yield "    account: main"
    yield f"    instance: {site.home.instance.instance_id}  # {_about(site, domains)}"
    yield f"    internal_vpc: {site.internal_vpc or 'null'}  # {_about_internal(site)}"
    yield f"    standby: [{', '.join(other.name for other in others)}]  # in order of preference"
    yield f"    route: {_route(others)}  # or internal, where a private network joins the VPCs"
    yield f"    egress: []  # public addresses (CIDR) that this site's VPCs come from{_admitted(others)}"
    yield "    views:  # the bot writes only to zones named here"
    yield from _views(site, number, domains)


def _views(site: FoundSite, number: int, domains: tuple[str, ...]) -> Iterator[str]:
    for found in site.zones:
        zone = found.zone
        present = ", ".join(f"{record.target} (TTL {record.ttl} s)" for record in found.records) or "missing"
        yield f"      # the @ record is {_line(present)} now"
        yield f"      - {{domain: {zone.name}, vpcs: [{', '.join(zone.vpcs)}], zone: {dumps(zone.zone_id)}}}"
    if not site.zones:
        yield "      # no zone was found for this site; name the VPC whose pulls it serves, and its zone's id"
        yield f"      - {{domain: {domains[0]}, vpcs: [{VPC}{number}], zone: null}}"


def _nobodys(sites: Sequence[FoundSite], zones: Iterable[FoundZone]) -> Iterator[str]:
    taken = {found.zone.zone_id for site in sites for found in site.zones}
    for zone in (found.zone for found in zones if found.zone.zone_id not in taken):
        yield f"  # Zone {zone.zone_id} ({zone.name}, bound to {', '.join(zone.vpcs)}) belongs to none of these sites"
        yield "  # for certain; add it to the views of the right one."


def _about(site: FoundSite, domains: tuple[str, ...]) -> str:
    home = site.home
    edition = home.instance.edition.removeprefix("Enterprise_") or "unknown"
    said = f"{_line(home.instance.name)}, {edition} edition, {home.instance.status}"
    if isinstance(home.endpoints, Unknown):
        return f"{said}; its endpoints could not be read: {_line(home.endpoints.reason)}"
    absent = [domain for domain in domains if domain not in home.domains]
    return f"{said}; it does not carry {', '.join(absent)} yet" if absent else said


def _about_internal(site: FoundSite) -> str:
    vpc = site.internal_vpc
    if vpc is None:
        return "it has an address in no VPC, so others reach it by the internet only"
    rest = [other for other in site.home.vpcs if other != vpc]
    also = f"; it is linked to {', '.join(rest)} too" if rest else ""
    return f"others reach it at {site.home.address_in(vpc)} on the internal route{also}"


def _route(others: Sequence[FoundSite]) -> str:
    is_internal = all(other.internal_vpc for other in others) and not all(other.home.is_open() for other in others)
    return "internal" if is_internal else "internet"


def _admitted(others: Sequence[FoundSite]) -> str:
    said = ""
    for other in others:
        endpoints = other.home.endpoints
        if isinstance(endpoints, Endpoints) and endpoints.internet.acl_enabled:
            entries = ", ".join(endpoints.internet.acl_entries) or "nobody"
            said += f"; {other.name} admits {entries} now"
    return said


def _line(text: str) -> str:
    return " ".join(text.split())
