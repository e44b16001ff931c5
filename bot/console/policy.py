"""The RAM policies that let the bot do what one configuration needs, and nothing else."""

import json
from collections.abc import Iterable

from bot.adapters.alibaba.permissions import Grant, ram_actions
from bot.domain.topology import Topology

Statement = dict[str, object]


def policies(topology: Topology) -> dict[str, str]:
    """Return a policy (JSON) for each account of registry.yaml that needs one."""
    grants: dict[str, list[Grant]] = {}
    for grant in ram_actions(topology):
        grants.setdefault(grant.account, []).append(grant)
    return {account: _policy(found) for account, found in grants.items()}


def _policy(grants: Iterable[Grant]) -> str:
    document = {"Version": "1", "Statement": _statements(grants)}
    return json.dumps(document, indent=2)


def _statements(grants: Iterable[Grant]) -> list[Statement]:
    """Put resources with the same actions into one statement."""
    actions: dict[str, list[str]] = {}
    for grant in grants:
        actions.setdefault(grant.resource, []).append(grant.action)
    resources: dict[tuple[str, ...], list[str]] = {}
    for resource, needed in actions.items():
        resources.setdefault(tuple(needed), []).append(resource)
    return [{"Effect": "Allow", "Action": list(a), "Resource": found} for a, found in resources.items()]
