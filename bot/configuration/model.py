"""The shape of registry.yaml: its keys, what each may hold, and the domain values it turns into."""

import ipaddress
import re
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from bot.domain.access import Access, People, Person, Policy, Role
from bot.domain.topology import Account, Route, Site, Topology, View

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_LONGEST = timedelta(days=365)
_DNS_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"


def _like(pattern: str, looks: str) -> AfterValidator:
    """Accept text of a form; `looks` completes "must …"."""
    form = re.compile(pattern)

    def check(value: str) -> str:
        if form.fullmatch(value) is None:
            raise ValueError(f"must {looks}")
        return value

    return AfterValidator(check)


def _duration(value: object) -> timedelta:
    match = re.fullmatch(r"(\d{1,6})([smhd])", str(value), flags=re.ASCII)
    if match is None:
        raise ValueError("must be a number with a unit, such as 90s, 15m, 24h or 2d")
    span = timedelta(**{_UNITS[match[2]]: int(match[1])})
    if span > _LONGEST:
        raise ValueError("must not be longer than 365d")
    return span


def _lasting(span: timedelta) -> timedelta:
    if not span:
        raise ValueError("must be longer than nothing, or nobody could decide in time")
    return span


def _network(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value))
    except ValueError:
        raise ValueError("must be a CIDR range without host bits, such as 203.0.113.7/32") from None


def _private_range(value: str) -> str:
    try:
        return str(ipaddress.IPv4Network(value))
    except ValueError:
        raise ValueError("must be an IPv4 CIDR range without host bits, such as 10.0.0.0/8") from None


Duration = Annotated[timedelta, BeforeValidator(_duration)]
Network = Annotated[str, AfterValidator(_network)]
PrivateRange = Annotated[str, AfterValidator(_private_range)]
DnsName = Annotated[
    str,
    _like(
        rf"(?=.{{1,253}}$)({_DNS_LABEL}\.)+[a-z]{{2,63}}",
        "be a DNS name in lower case, such as registry.example.com",
    ),
]
Region = Annotated[str, _like(r"[a-z]+-[a-z0-9-]+", "be a region id, such as cn-hangzhou")]
InstanceId = Annotated[str, _like(r"cri-[a-z0-9]+", "be an instance id, which begins with cri-")]
VpcId = Annotated[str, _like(r"vpc-[a-z0-9]+", "be a VPC id, which begins with vpc-")]
ZoneId = Annotated[str, _like(r"[A-Za-z0-9_-]{1,64}", "be a zone id as the PrivateZone console shows it")]
RoleArn = Annotated[str, _like(r"acs:ram::\d+:role/\S+", "be a role's ARN, such as acs:ram::1234567890:role/name")]
Word = Annotated[str, _like(r"\S+", "be one word")]
ChannelPattern = Annotated[
    str, _like(r"\S+", "be a channel id, such as C0123ABCD, or a pattern of channel names, such as inc-*")
]
SlackId = Annotated[str, _like(r"[UW][A-Z0-9]+", "be a Slack member id, which begins with U or W (not a name)")]
ChannelId = Annotated[str, _like(r"[CG][A-Z0-9]+", "be a Slack channel id, which begins with C or G (not a name)")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class DomainPart(_Part):
    """One custom domain."""

    critical: list[Word] = []


class AccountPart(_Part):
    """One account."""

    role_arn: RoleArn | None = None


class ViewPart(_Part):
    """One view of a site."""

    domain: DnsName
    vpcs: Annotated[list[VpcId], Field(min_length=1)]
    zone: ZoneId | None = None
    resolver: str | None = None


class SitePart(_Part):
    """One site."""

    region: Region
    instance: InstanceId
    standby: Annotated[list[str], Field(min_length=1)]
    views: Annotated[list[ViewPart], Field(min_length=1)]
    aliases: list[str] = []
    account: str = "main"
    internal_vpc: VpcId | None = None
    route: Route = Route.INTERNET
    egress: list[Network] = []


class PersonPart(_Part):
    """One human."""

    slack: Annotated[list[SlackId], Field(min_length=1)]
    roles: list[Role] = []


class PolicyPart(_Part):
    """The rules of approval."""

    channels: Annotated[list[ChannelPattern], Field(min_length=1)]
    home_channel: ChannelId
    approvals: Annotated[int, Field(ge=1, le=5)] = 1
    pending_for: Annotated[Duration, AfterValidator(_lasting)] = timedelta(minutes=15)
    soak: Duration = timedelta(minutes=10)
    anti_flap: Duration = timedelta(minutes=5)
    review_after: Duration = timedelta(hours=24)
    replication_lag: Annotated[Duration, AfterValidator(_lasting)] = timedelta(minutes=15)


class Registry(_Part):
    """The whole file."""

    bot_vpc: VpcId | None = None
    internal_ranges: Annotated[list[PrivateRange], Field(min_length=1)] = [
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
    ]
    domains: Annotated[dict[DnsName, DomainPart], Field(min_length=1)]
    accounts: dict[str, AccountPart] = {"main": AccountPart()}
    sites: Annotated[dict[str, SitePart], Field(min_length=2)]
    people: Annotated[dict[str, PersonPart], Field(min_length=1)]
    policy: PolicyPart

    def topology(self) -> Topology:
        """Return what exists."""
        return Topology(
            sites={name: _site(name, site) for name, site in self.sites.items()},
            critical={name: tuple(domain.critical) for name, domain in self.domains.items()},
            internal_ranges=tuple(self.internal_ranges),
            accounts={name: Account(name, account.role_arn) for name, account in self.accounts.items()},
            bot_vpc=self.bot_vpc,
        )

    def access(self, workspace: str) -> Access:
        """Return who may do what in this workspace (Slack's team id)."""
        people = People(tuple(_person(name, person) for name, person in self.people.items()))
        policy = self.policy.model_dump() | {"channels": tuple(self.policy.channels)}
        return Access(workspace, people, Policy(**policy))


def _site(name: str, site: SitePart) -> Site:
    return Site(
        name=name,
        region=site.region,
        instance=site.instance,
        standby=tuple(site.standby),
        views=tuple(View(name, v.domain, tuple(v.vpcs), v.zone, v.resolver) for v in site.views),
        internal_vpc=site.internal_vpc,
        aliases=tuple(site.aliases),
        account=site.account,
        route=site.route,
        egress=tuple(site.egress),
    )


def _person(name: str, person: PersonPart) -> Person:
    return Person(name, tuple(person.slack), frozenset(person.roles))
