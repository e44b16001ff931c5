"""The company that the benchmarks measure in: its sites, views, people and ids, and a registry.yaml that fits."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

DOMAIN = "cross-region.registry.io"
TEAM, BOT_USER, CHANNEL, CHANNEL_NAME = "T01BENCH", "U00BOT", "C01OPS", "ops"
CROWD = 400
"""People of whom many may act within seconds: the bot takes 5 decisions and 20 commands of one in 10 s."""
SIGNING_SECRET = "a-signing-secret-for-the-benchmarks"
BUTTON_KEY = "a-key-for-the-buttons-of-the-benchmarks"
ON_CALL = tuple(f"U01ONCALL{number:03}" for number in range(CROWD))
APPROVERS = tuple(f"U01APPROVER{number:03}" for number in range(CROWD))
NAMES = ("zhangjiakou", "hangzhou", "beijing", "shanghai", "shenzhen", "chengdu", "qingdao", "huhehaote")
AWAY, STANDBY = "zhangjiakou", "hangzhou"
FIRST_RECORD = 1000


@dataclass(frozen=True, slots=True)
class Layout:
    """How large the company is: sites in pairs that stand by for each other, the first with all the views but one.

    `people` are on call, and as many more approve.
    """

    sites: int = 2
    views: int = 12
    repositories: int = 2
    people: int = 6

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the sites."""
        return NAMES[: self.sites]

    def instance(self, name: str) -> str:
        """Return a site's instance."""
        return f"cri-{name}"

    def public(self, name: str) -> str:
        """Return the generated public name of a site's instance."""
        return f"bench-{name}-registry.cn-{name}.cr.aliyuncs.com"

    def vpcs(self, name: str) -> tuple[str, ...]:
        """Return the VPCs of a site, each a view with a zone of its own."""
        count = self.views if name == self.names[0] else 1
        return tuple(f"vpc-{name}{number}" for number in range(count))

    def records(self) -> dict[int, tuple[str, str]]:
        """Return record id → VPC and the value it holds at the start; the zone is called after the VPC."""
        pairs = [(vpc, self.public(name)) for name in self.names for vpc in self.vpcs(name)]
        return dict(enumerate(pairs, start=FIRST_RECORD))

    def partner(self, name: str) -> str:
        """Return the site that stands by for another."""
        return self.names[self.names.index(name) ^ 1]

    def write(self, path: Path) -> None:
        """Write the registry.yaml."""
        path.write_text(yaml.safe_dump(self._document(), sort_keys=False), encoding="utf-8")

    def _document(self) -> dict[str, Any]:
        return {
            "domains": {DOMAIN: {"critical": ["core/*"]}},
            "sites": {name: self._site(name) for name in self.names},
            "people": {
                f"{name}-{number}": {"slack": [user_id], "roles": ["requester", "approver"]}
                for name, everybody in (("oncall", ON_CALL), ("approver", APPROVERS))
                for number, user_id in enumerate(everybody[: self.people])
            },
            "policy": {"channels": [CHANNEL], "home_channel": CHANNEL, "anti_flap": "0s"},
        }

    def _site(self, name: str) -> dict[str, Any]:
        return {
            "region": f"cn-{name}",
            "instance": self.instance(name),
            "standby": [self.partner(name)],
            "views": [{"domain": DOMAIN, "vpcs": [vpc], "zone": zone_of(vpc)} for vpc in self.vpcs(name)],
        }


def zone_of(vpc: str) -> str:
    """Return the id of a VPC's zone."""
    return f"zone-{vpc}"
