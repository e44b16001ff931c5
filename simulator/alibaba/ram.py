"""Who may call what: two identities, and the RAM action behind each call, which is not always the call's own name."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.alibaba.errors import Refusal
from simulator.model import MAIN

GRANTED = ("UpdateZoneRecord", "CreateRepoSyncTask", "CreateRepoSyncTaskByRule", "CancelRepoSyncTask")
WRITE_ACTIONS = ("pvtz:UpdateZoneRecord", "cr:CreateRepositorySync", "cr:CancelRepoSyncTask")

# The calls whose RAM action bears another name than the call.
RENAMED = {
    "ListRepoSyncRule": "cr:ListSyncRule",
    "ListRepoSyncTask": "cr:GetRepositorySync",
    "GetRepoSyncTask": "cr:GetRepositorySync",
    "CreateRepoSyncTask": "cr:CreateRepositorySync",
    "CreateRepoSyncTaskByRule": "cr:CreateRepositorySync",
    "ListRepoTag": "cr:ListRepositoryTag",
    "GetRepoTag": "cr:GetRepositoryTag",
}

# Failing over and copying images need no other write than those granted, and none of these reads: they exist, and
# nobody may make them.
WRITES = re.compile(
    r"(Add|Bind|Cancel|Change|Create|Delete|Move|Reset|Set|Start|Tag|Untag|Update|Upload)[A-Z][A-Za-z]+"
)
PULL = "cr:PullRepository"
"""What a password is good for that GetAuthorizationToken hands out; no call of the OpenAPI needs it."""
SECRETS = ("ListEventCenterRecord", "GetStorageDomainRoutingRule", "DescribeZoneVpcTree")


def is_forbidden(call: str) -> bool:
    """Tell whether a call exists at the vendor but is granted to no identity here."""
    return call not in GRANTED and (call in SECRETS or WRITES.fullmatch(call) is not None)


@dataclass(frozen=True, slots=True)
class Identity:
    """One key pair of an account; a reader may do everything but write, other accounts' keys nothing in PrivateZone."""

    name: str
    access_key_id: str
    access_key_secret: str
    may_write: bool
    account: str = MAIN


@dataclass(slots=True)
class Ram:
    """Decide whether an identity may make a call; `denied` takes actions away from everybody at run time."""

    accounts: Mapping[str, str]
    identities: dict[str, Identity]
    denied: set[str] = field(default_factory=set)

    def check(self, access_key_id: str, product: str, call: str) -> None:
        """Refuse a call for which the identity has no permission."""
        identity = self.identities[access_key_id]
        action = RENAMED.get(call, f"{product}:{call}")
        lacks_write = action in WRITE_ACTIONS and not identity.may_write
        is_foreign = product == "pvtz" and identity.account != MAIN
        if is_forbidden(call) or action in self.denied or lacks_write or is_foreign:
            code = "Forbidden.RAM" if product == "pvtz" else "NoPermission"
            message = f"You are not authorized to do this action. Action: {action}."
            raise Refusal(403, code, message, self._detail(identity, action))

    def _detail(self, identity: Identity, action: str) -> dict[str, Any]:
        return {
            "AuthAction": action,
            "AuthPrincipalDisplayName": identity.name,
            "AuthPrincipalOwnerId": self.accounts[identity.account],
            "AuthPrincipalType": "SubUser",
            "NoPermissionType": "ImplicitDeny",
            "PolicyType": "AccountLevelIdentityBasedPolicy",
        }
