"""What exists, as the reviewed configuration says: sites, their views and the standbys that take over."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from bot.errors import UnknownSite


class Route(StrEnum):
    """How a moved VPC reaches the standby: CNAME to its public endpoint, or A to its address inside its VPC."""

    INTERNET = "internet"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class View:
    """One zone id, the VPCs bound to it and its `@` record: the unit that moves."""

    site: str
    domain: str
    vpcs: tuple[str, ...]
    zone: str | None = None
    resolver: str | None = None

    def __str__(self) -> str:
        return f"{self.domain} in {', '.join(self.vpcs)}"


@dataclass(frozen=True, slots=True)
class Site:
    """A region with its home instance and its views: what a user names and what fails over."""

    name: str
    region: str
    instance: str
    standby: tuple[str, ...]
    views: tuple[View, ...]
    internal_vpc: str | None = None
    aliases: tuple[str, ...] = ()
    account: str = "main"
    route: Route = Route.INTERNET
    egress: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Account:
    """Whose credentials reach an instance; no role means the default credentials chain."""

    name: str
    role_arn: str | None = None

    @property
    def account_id(self) -> str | None:
        """Return the vendor's number of this account, which a role's name in full tells; None without a role."""
        parts = (self.role_arn or "").split(":")
        return parts[3] if len(parts) >= 5 and parts[3].isdigit() else None


@dataclass(frozen=True, slots=True)
class Topology:
    """Everything that registry.yaml says exists; look things up here, never by string surgery."""

    sites: Mapping[str, Site]
    critical: Mapping[str, tuple[str, ...]]
    internal_ranges: tuple[str, ...]
    accounts: Mapping[str, Account]
    bot_vpc: str | None = None

    def site(self, name: str) -> Site:
        """Return the site of exactly this name or alias.

        Raises UnknownSite with candidates, never the nearest guess.
        """
        for site in self.sites.values():
            if name == site.name or name in site.aliases:
                return site
        raise UnknownSite(self._no_such_site(name))

    @property
    def views(self) -> Iterator[View]:
        """Yield every view of every site, in the order of the file."""
        return (view for site in self.sites.values() for view in site.views)

    def critical_globs(self, domains: Iterable[str]) -> tuple[str, ...]:
        """Return the globs of images that a failover of these domains must not lose."""
        return tuple(dict.fromkeys(glob for domain in domains for glob in self.critical.get(domain, ())))

    def _no_such_site(self, name: str) -> str:
        words = [word for site in self.sites.values() for word in (site.name, *site.aliases)]
        near = difflib.get_close_matches(name, words, n=2, cutoff=0.6)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        return f"No site is called '{name}'.{hint} Known sites: {', '.join(sorted(self.sites))}."
