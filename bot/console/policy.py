"""The RAM policies that let the bot do what one configuration needs, and nothing else."""

import json
from collections.abc import Iterable

from bot.adapters.alibaba.permissions import Grant, deep_actions, ram_actions, sync_actions
from bot.domain.topology import Topology

Statement = dict[str, object]


def policies(topology: Topology) -> dict[str, str]:
    """Return a policy (JSON) for each account of registry.yaml that needs one."""
    parts = ram_actions(topology), sync_actions(topology), deep_actions(topology)
    accounts = dict.fromkeys(grant.account for part in parts for grant in part)
    return {account: _policy(_of(account, part) for part in parts) for account in accounts}


def _of(account: str, grants: Iterable[Grant]) -> list[Grant]:
    return [grant for grant in grants if grant.account == account]


def _policy(parts: Iterable[Iterable[Grant]]) -> str:
    """Keep what only copies, or only a deep check, need in statements of their own, which are easily left out."""
    statements = [statement for part in parts for statement in _statements(part)]
    return json.dumps({"Version": "1", "Statement": statements}, indent=2)


def _statements(grants: Iterable[Grant]) -> list[Statement]:
    """Put resources with the same actions into one statement."""
    actions: dict[str, list[str]] = {}
    for grant in grants:
        actions.setdefault(grant.resource, []).append(grant.action)
    resources: dict[tuple[str, ...], list[str]] = {}
    for resource, needed in actions.items():
        resources.setdefault(tuple(needed), []).append(resource)
    return [{"Effect": "Allow", "Action": list(a), "Resource": found} for a, found in resources.items()]
