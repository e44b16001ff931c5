"""registry.yaml → topology and access: strict, and every mistake reported at once with its path."""

import ipaddress
import re
from collections.abc import Hashable
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from bot.domain.access import Access, People, Person, Policy, Role
from bot.domain.topology import Account, Route, Site, Topology, View
from bot.errors import InvalidConfiguration

VPC_RESOLVERS = ("100.100.2.136", "100.100.2.138")
"""They answer for the VPC that asks (PrivateZone documentation), so only a bot inside that VPC may use them."""
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_SITE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


def _duration(value: object) -> timedelta:
    match = re.fullmatch(r"(\d{1,6})([smhd])", str(value))
    if match is None:
        raise ValueError("must be a number with a unit, such as 90s, 15m, 24h or 2d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def _network(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value))
    except ValueError:
        raise ValueError("must be a CIDR range, such as 203.0.113.7/32") from None


def _private_range(value: str) -> str:
    try:
        return str(ipaddress.IPv4Network(value))
    except ValueError:
        raise ValueError("must be an IPv4 CIDR range, such as 10.0.0.0/8") from None


def _dns_name(value: str) -> str:
    if not re.fullmatch(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}", value):
        raise ValueError("must be a DNS name in lower case, such as registry.example.com")
    return value


Duration = Annotated[timedelta, BeforeValidator(_duration)]
Network = Annotated[str, AfterValidator(_network)]
PrivateRange = Annotated[str, AfterValidator(_private_range)]
DnsName = Annotated[str, AfterValidator(_dns_name)]
InstanceId = Annotated[str, Field(pattern=r"^cri-[a-z0-9]+$")]
VpcId = Annotated[str, Field(pattern=r"^vpc-[a-z0-9]+$")]
SlackId = Annotated[str, Field(pattern=r"^[UW][A-Z0-9]+$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class _Domain(_Part):
    critical: list[str] = []


class _Account(_Part):
    role_arn: str | None = None


class _View(_Part):
    domain: DnsName
    vpcs: Annotated[list[VpcId], Field(min_length=1)]
    zone: str | None = None
    resolver: str | None = None


class _Site(_Part):
    region: Annotated[str, Field(pattern=r"^[a-z]+-[a-z0-9-]+$")]
    instance: InstanceId
    standby: Annotated[list[str], Field(min_length=1)]
    views: Annotated[list[_View], Field(min_length=1)]
    aliases: list[str] = []
    account: str = "main"
    internal_vpc: VpcId | None = None
    route: Route = Route.INTERNET
    egress: list[Network] = []


class _Person(_Part):
    slack: Annotated[list[SlackId], Field(min_length=1)]
    roles: list[Role] = []


class _Policy(_Part):
    channels: Annotated[list[str], Field(min_length=1)]
    home_channel: Annotated[str, Field(pattern=r"^[CG][A-Z0-9]+$")]
    approvals: Annotated[int, Field(ge=1, le=5)] = 1
    pending_for: Duration = timedelta(minutes=15)
    soak: Duration = timedelta(minutes=10)
    anti_flap: Duration = timedelta(minutes=5)
    review_after: Duration = timedelta(hours=24)


class Registry(_Part):
    """The whole file."""

    bot_vpc: VpcId | None = None
    internal_ranges: Annotated[list[PrivateRange], Field(min_length=1)] = [
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
    ]
    domains: Annotated[dict[DnsName, _Domain], Field(min_length=1)]
    accounts: dict[str, _Account] = {"main": _Account()}
    sites: Annotated[dict[str, _Site], Field(min_length=2)]
    people: Annotated[dict[str, _Person], Field(min_length=1)]
    policy: _Policy

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


def load_registry(path: Path) -> Registry:
    """Read registry.yaml.

    Raises InvalidConfiguration with every mistake, each with its path in the file.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise InvalidConfiguration(f"{path} cannot be read: {why}. REGISTRY_BOT_CONFIG must name the file.") from None
    return parse_registry(text, str(path))


def parse_registry(text: str, name: str = "registry.yaml") -> Registry:
    """Read the text of registry.yaml; see `load_registry`."""
    try:
        document = yaml.load(text, Loader=_StrictLoader)  # noqa: S506 - a SafeLoader that also refuses duplicate keys
    except yaml.YAMLError as error:
        raise InvalidConfiguration(f"{name} is not valid YAML: {_where(error)}") from None
    if not isinstance(document, dict):
        raise InvalidConfiguration(f"{name} must hold a mapping with domains, sites, people and policy.")
    try:
        registry = Registry.model_validate(document)
    except ValidationError as error:
        raise InvalidConfiguration(_report(name, [_mistake(part) for part in error.errors()])) from None
    if mistakes := _contradictions(registry):
        raise InvalidConfiguration(_report(name, mistakes))
    return registry


def _site(name: str, site: _Site) -> Site:
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


def _person(name: str, person: _Person) -> Person:
    return Person(name, tuple(person.slack), frozenset(person.roles))


class _StrictLoader(yaml.SafeLoader):
    """YAML's safe loader, with duplicate keys as errors."""


def _strict_mapping(loader: _StrictLoader, node: yaml.MappingNode) -> dict[Hashable, Any]:
    seen: set[str] = set()
    for key, _value in node.value:
        if key.value in seen:
            raise yaml.constructor.ConstructorError(None, None, f"the key '{key.value}' is there twice", key.start_mark)
        seen.add(key.value)
    return loader.construct_mapping(node, deep=True)


_StrictLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _strict_mapping)


def _where(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "it cannot be parsed"
    place = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    return f"{problem}{place}."


def _mistake(part: ErrorDetails) -> str:
    path = ".".join(str(step) for step in part["loc"])
    said = {"extra_forbidden": "is not a known key", "missing": "is missing"}.get(part["type"])
    return f"{path}: {said or part['msg'].removeprefix('Value error, ')}"


def _report(name: str, mistakes: list[str]) -> str:
    return f"{name} has {len(mistakes)} mistake{'s' if len(mistakes) > 1 else ''}:\n" + "\n".join(
        f"- {mistake}" for mistake in mistakes
    )


def _contradictions(registry: Registry) -> list[str]:
    """Return what each part alone cannot know."""
    return [
        *_about_sites(registry),
        *_about_names(registry),
        *_about_views(registry),
        *_about_people(registry),
    ]


def _about_sites(registry: Registry) -> list[str]:
    mistakes = []
    for name, site in registry.sites.items():
        if not _SITE_NAME.fullmatch(name):
            mistakes.append(f"sites.{name}: a site's name is lower-case letters, digits and dashes")
        mistakes += [f"sites.{name}.standby: no site is called '{s}'" for s in site.standby if s not in registry.sites]
        if name in site.standby:
            mistakes.append(f"sites.{name}.standby: a site cannot stand by for itself")
        if site.account not in registry.accounts:
            mistakes.append(f"sites.{name}.account: no account is called '{site.account}'")
        if site.route is Route.INTERNAL and not all(registry.sites[s].internal_vpc for s in _known(registry, site)):
            mistakes.append(f"sites.{name}.route: internal needs internal_vpc at every standby")
    return mistakes


def _known(registry: Registry, site: _Site) -> list[str]:
    return [standby for standby in site.standby if standby in registry.sites]


def _about_names(registry: Registry) -> list[str]:
    owners: dict[str, str] = {}
    mistakes = []
    for name, site in registry.sites.items():
        for word in (name, *site.aliases):
            if owners.setdefault(word, name) != name:
                mistakes.append(f"sites.{name}: '{word}' already means {owners[word]}")
    instances = [site.instance for site in registry.sites.values()]
    mistakes += [f"sites: {i} is the home of two sites" for i in sorted(set(instances)) if instances.count(i) > 1]
    return mistakes


def _about_views(registry: Registry) -> list[str]:
    mistakes: list[str] = []
    seen: set[tuple[str, str]] = set()
    zones: set[str] = set()
    for name, site in registry.sites.items():
        for index, view in enumerate(site.views):
            path = f"sites.{name}.views.{index}"
            mistakes += _about_view(registry, path, view)
            pairs = {(view.domain, vpc) for vpc in view.vpcs}
            mistakes += [f"{path}: {domain} in {vpc} is there twice" for domain, vpc in sorted(pairs & seen)]
            seen |= pairs
            if view.zone is not None and view.zone in zones:
                mistakes.append(f"{path}.zone: {view.zone} is there twice")
            zones |= {view.zone} if view.zone else set()
    return mistakes


def _about_view(registry: Registry, path: str, view: _View) -> list[str]:
    mistakes = []
    if view.domain not in registry.domains:
        mistakes.append(f"{path}.domain: {view.domain} is not among domains")
    if view.resolver is not None:
        mistakes += _about_resolver(registry, path, view, view.resolver)
    return mistakes


def _about_resolver(registry: Registry, path: str, view: _View, resolver: str) -> list[str]:
    host, _colon, port = resolver.partition(":")
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return [f"{path}.resolver: must be an IPv4 address, with :port where it is not 53"]
    if port and not (port.isdigit() and 0 < int(port) <= 65535):
        return [f"{path}.resolver: '{port}' is no port"]
    if host in VPC_RESOLVERS and registry.bot_vpc not in view.vpcs:
        return [f"{path}.resolver: {host} answers for the VPC that asks, and the bot runs in {registry.bot_vpc}"]
    return []


def _about_people(registry: Registry) -> list[str]:
    owners: dict[str, str] = {}
    mistakes = []
    for name, person in registry.people.items():
        for slack_id in person.slack:
            if owners.setdefault(slack_id, name) != name:
                mistakes.append(f"people.{name}: {slack_id} already is {owners[slack_id]}")
    people = registry.access("").people
    if not people.can_complete(registry.policy.approvals):
        mistakes.append(
            f"people: nobody could complete a failover (E_NO_SECOND_PERSON): it takes one person with the role "
            f"requester and {registry.policy.approvals} other(s) with the role approver"
        )
    return mistakes
