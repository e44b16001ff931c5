"""Which RAM action and resource each API call needs; half of the actions are not called like their API.

Source: the authorization table on each operation's API page.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.domain.topology import Site, Topology

_PVTZ_ANY = "acs:pvtz::*:zone/*"
_INSTANCE = {"GetInstance", "GetInstanceEndpoint", "GetInstanceVpcEndpoint"}
_REPOSITORY = {
    "ListRepoSyncRule": "ListSyncRule",
    "ListRepoSyncTask": "GetRepositorySync",
    "ListNamespace": "ListNamespace",
    "ListRepository": "ListRepository",
    "ListRepoTag": "ListRepositoryTag",
}
_COPIES = {"CreateRepoSyncTask": "CreateRepositorySync", "GetRepoSyncTask": "GetRepositorySync"}
"""The first is the one right to write that `sync` needs; the second is that of the task list, under another call."""
_ZONE_WIDE = ("DescribeZones", "DescribeZoneInfo")
_CHANGE_LOG = "DescribeChangeLogs"
"""Granted for everything or not at all; without it nobody is named when somebody else edits a record."""
_LOGIN, _PULL = "GetAuthorizationToken", "PullRepository"
"""The first is granted for everything or not at all, and its login may do what the identity may: pull, no more."""
_ZONE_NARROW = ("DescribeZoneRecords", "DescribeZoneRecord", "UpdateZoneRecord")


@dataclass(frozen=True, slots=True)
class Grant:
    """One line of a RAM policy: what `account` (a name in registry.yaml) must let the bot do."""

    account: str
    action: str
    resource: str


def needed_for(action: str, region: str | None, query: Mapping[str, str]) -> tuple[str, str]:
    """Name the RAM action and the resource that one call needs."""
    if action == _CHANGE_LOG:
        return f"pvtz:{action}", "*"
    if region is None:
        return f"pvtz:{action}", f"acs:pvtz::*:zone/{query.get('ZoneId', '*')}"
    if action == _LOGIN:
        return f"cr:{action}", "*"
    instance = query.get("InstanceId", "*")
    if renamed := (_REPOSITORY | _COPIES).get(action):
        return f"cr:{renamed}", _repository(region, instance)
    return f"cr:{action}", f"acs:cr:{region}:*:instance/{instance}"


def ram_actions(topology: Topology) -> tuple[Grant, ...]:
    """List everything that the bot needs for this configuration, and nothing more.

    `deep_actions` and `sync_actions` come on top.

    Looking for a zone by name meets zones that are not configured, so these two reads are for all zones; records are
    read and written in the configured zones only.
    """
    grants = [Grant("main", f"pvtz:{action}", _PVTZ_ANY) for action in _ZONE_WIDE]
    zones = dict.fromkeys(view.zone for view in topology.views if view.zone)
    grants += [Grant("main", f"pvtz:{action}", f"acs:pvtz::*:zone/{zone}") for zone in zones for action in _ZONE_NARROW]
    grants.append(Grant("main", f"pvtz:{_CHANGE_LOG}", "*"))
    for site in topology.sites.values():
        grants += _site_grants(site)
    roles = [account.role_arn for account in topology.accounts.values() if account.role_arn]
    return tuple(dict.fromkeys([*grants, *(Grant("main", "sts:AssumeRole", role) for role in roles)]))


def deep_actions(topology: Topology) -> tuple[Grant, ...]:
    """List what only `replication … deep` needs, as it looks at images the way that pulls do."""
    grants: list[Grant] = []
    for site in topology.sites.values():
        grants.append(Grant(site.account, f"cr:{_LOGIN}", "*"))
        grants.append(Grant(site.account, f"cr:{_PULL}", _repository(site.region, site.instance)))
    return tuple(dict.fromkeys(grants))


def sync_actions(topology: Topology) -> tuple[Grant, ...]:
    """List what only `sync` needs: asking for copies of images, from whatever site."""
    sites = topology.sites.values()
    write = f"cr:{_COPIES['CreateRepoSyncTask']}"
    return tuple(dict.fromkeys(Grant(s.account, write, _repository(s.region, s.instance)) for s in sites))


def _site_grants(site: Site) -> list[Grant]:
    instance = f"acs:cr:{site.region}:*:instance/{site.instance}"
    reads = [Grant(site.account, f"cr:{action}", instance) for action in sorted(_INSTANCE)]
    repository = _repository(site.region, site.instance)
    return reads + [Grant(site.account, f"cr:{action}", repository) for action in _REPOSITORY.values()]


def _repository(region: str, instance: str) -> str:
    """Cover the instance's own line and everything below it: the pages name both forms."""
    return f"acs:cr:{region}:*:repository/{instance}*"
