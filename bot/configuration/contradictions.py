"""What no single key of registry.yaml can get wrong alone: names that clash, or that nothing carries."""

import ipaddress
import re
from collections.abc import Iterable, Iterator

from bot.configuration.model import Registry, SitePart, ViewPart
from bot.domain.grammar import normalise
from bot.domain.topology import Route

VPC_RESOLVERS = ("100.100.2.136", "100.100.2.138")
"""They answer for the VPC that asks (PrivateZone documentation), so only a bot inside that VPC may use them."""
TAKEN_WORDS = frozenset({"to", "via", "only", "because", "from", "here", "all"})
"""Words of the command grammar; a site of that name could not be named in a command."""
_SITE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


def contradictions(registry: Registry) -> list[str]:
    """Return every contradiction, each with its path."""
    return [
        *_about_sites(registry),
        *_about_names(registry),
        *_about_instances(registry),
        *_about_views(registry),
        *_about_zones(registry),
        *_about_people(registry),
    ]


def _about_sites(registry: Registry) -> Iterator[str]:
    for name, site in registry.sites.items():
        path = f"sites.{name}"
        if not _SITE_NAME.fullmatch(name):
            yield f"{path}: a site's name is lower-case letters, digits and dashes"
        yield from (f"{path}.standby: no site is called '{s}'" for s in site.standby if s not in registry.sites)
        if name in site.standby:
            yield f"{path}.standby: a site cannot stand by for itself"
        if site.account not in registry.accounts:
            yield f"{path}.account: no account is called '{site.account}' under accounts"
        yield from _about_route(registry, path, site)


def _about_route(registry: Registry, path: str, site: SitePart) -> Iterator[str]:
    if site.route is Route.INTERNAL:
        known = [standby for standby in site.standby if standby in registry.sites]
        without = [standby for standby in known if registry.sites[standby].internal_vpc is None]
        yield from (f"{path}.route: internal needs internal_vpc at the standby {standby}" for standby in without)


def _about_names(registry: Registry) -> Iterator[str]:
    owned = [(word, name) for name, site in registry.sites.items() for word in (name, *site.aliases)]
    yield from (f"sites.{name}: '{word}' already means {first}" for word, name, first in _claimed_again(owned))
    for word, name in owned:
        if word in TAKEN_WORDS:
            yield f"sites.{name}: '{word}' is a word of the commands, so it cannot name a site"
        elif word != name and (normalise(word) != word or len(word.split()) != 1):
            yield f"sites.{name}.aliases: '{word}' is never what a command says; write it as one lower-case word"


def _about_instances(registry: Registry) -> Iterator[str]:
    owned = [(site.instance, name) for name, site in registry.sites.items()]
    for instance, name, first in _claimed_again(owned):
        yield f"sites.{name}.instance: {instance} already is the home of {first}"


def _about_views(registry: Registry) -> Iterator[str]:
    owned = []
    for path, view in _views(registry):
        if view.domain not in registry.domains:
            yield f"{path}.domain: {view.domain} is not among domains"
        if view.resolver is not None:
            yield from _about_resolver(registry, f"{path}.resolver", view, view.resolver)
        owned += [(f"{view.domain} in {vpc}", path) for vpc in dict.fromkeys(view.vpcs)]
    yield from (f"{path}: {what} already is a view of {first}" for what, path, first in _claimed_again(owned))


def _about_zones(registry: Registry) -> Iterator[str]:
    owned = [(view.zone, path) for path, view in _views(registry) if view.zone is not None]
    yield from (f"{path}.zone: {zone} already belongs to {first}" for zone, path, first in _claimed_again(owned))


def _about_resolver(registry: Registry, path: str, view: ViewPart, resolver: str) -> Iterator[str]:
    host, colon, port = resolver.partition(":")
    if not _is_address(host):
        yield f"{path}: must be an IPv4 address, with :port where it is not 53"
    if colon and not (port.isascii() and port.isdigit() and 0 < int(port) <= 65535):
        yield f"{path}: '{port}' is no port"
    if host in VPC_RESOLVERS and registry.bot_vpc not in view.vpcs:
        place = f"in {registry.bot_vpc}" if registry.bot_vpc else "in no VPC, as bot_vpc says"
        yield f"{path}: {host} answers for the VPC that asks, and the bot runs {place}"


def _about_people(registry: Registry) -> Iterator[str]:
    owned = [(slack_id, name) for name, person in registry.people.items() for slack_id in person.slack]
    for slack_id, name, first in _claimed_again(owned):
        yield f"people.{name}: {slack_id} already is {first}; one human has one entry"
    needed = registry.policy.approvals
    if not registry.access("").people.can_complete(needed):
        others = "another one" if needed == 1 else f"{needed} others"
        yield (
            "people: nobody could complete a failover (E_NO_SECOND_PERSON): it takes one person with the role "
            f"requester and {others} with the role approver"
        )


def _views(registry: Registry) -> Iterator[tuple[str, ViewPart]]:
    for name, site in registry.sites.items():
        yield from ((f"sites.{name}.views.{index}", view) for index, view in enumerate(site.views))


def _claimed_again(owned: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str, str]]:
    """Yield each word that a second owner claims, with that owner and the first."""
    owners: dict[str, str] = {}
    for word, owner in owned:
        first = owners.setdefault(word, owner)
        if first != owner:
            yield word, owner, first


def _is_address(host: str) -> bool:
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return True
