"""What the simulated company is made of: plain values that the world holds and lets things happen to."""

import re
from collections import deque
from dataclasses import dataclass, field

from simulator.images import Image
from simulator.repositories import Repository, Tag

AUTOMATIC, MANUAL = "PASSIVE", "INITIATIVE"
PENDING, SYNCHRONIZING, SUCCESS, ERROR, CANCELED = "PENDING", "SYNCHRONIZING", "SUCCESS", "ERROR", "CANCELED"
OPEN = (PENDING, SYNCHRONIZING)
SOURCES = ("Enterprise_Advanced",)
"""Editions that replication may start from; any may be a target."""
MAIN = "main"
"""The name of the account that owns whatever names no other."""
SHOWN_PUSHES = 8
ODD_REALM_HOSTS = {"cn-zhangjiakou": "dockerauth-cn-zhangjiakou.aliyuncs.com"}  # a hyphen where others have a dot


CLOUDS = ("finance", "gov")
"""What region ids of clouds apart from the public one contain."""


def share_cloud(one: str, other: str) -> bool:
    """Tell whether replication is possible between two regions."""
    return [word in one for word in CLOUDS] == [word in other for word in CLOUDS]


@dataclass(slots=True)
class Site:
    """One region with its home instance; `egress` is how callers from its VPCs appear on the Internet."""

    name: str
    region: str
    vpc: str
    instance: str
    standby: list[str]
    aliases: list[str] = field(default_factory=list)
    egress: list[str] = field(default_factory=list)
    more_vpcs: list[str] = field(default_factory=list)

    @property
    def vpcs(self) -> list[str]:
        return [self.vpc, *self.more_vpcs]


@dataclass(slots=True)
class Link:
    """One VPC link of an instance, with the address that it takes there."""

    vpc: str
    address: str
    vswitch: str = "vsw-link"
    default: bool = True
    status: str = "RUNNING"
    issue: str | None = None


@dataclass(slots=True)
class Endpoint:
    """The public endpoint of an instance; `acl` None means open to all callers."""

    address: str
    enabled: bool = True
    acl: list[str] | None = None
    status: str = "RUNNING"


@dataclass(slots=True)
class Instance:
    """One Container Registry EE instance; in `by_hand` are the namespaces where no push or copy makes a repository."""

    id: str
    name: str
    site: str
    region: str
    specification: str
    endpoint: Endpoint
    links: list[Link]
    custom_domains: list[str]
    namespaces: list[str]
    status: str = "RUNNING"
    issue: str | None = None
    account: str = MAIN
    by_hand: list[str] = field(default_factory=list)
    repositories: dict[str, Repository] = field(default_factory=dict)
    by_id: dict[str, Repository] = field(default_factory=dict)

    @property
    def public_domain(self) -> str:
        return f"{self.name}-registry.{self.region}.cr.aliyuncs.com"

    @property
    def vpc_domain(self) -> str:
        return f"{self.name}-registry-vpc.{self.region}.cr.aliyuncs.com"

    @property
    def realm_host(self) -> str:
        """The host that hands out tokens, as the network requirements of the vendor's Kubernetes service list it."""
        return ODD_REALM_HOSTS.get(self.region, f"dockerauth-ee.{self.region}.aliyuncs.com")

    @property
    def bucket_host(self) -> str:
        return f"{self.id}-registry.oss-{self.region}.aliyuncs.com"

    @property
    def internal_bucket_host(self) -> str:
        return f"{self.id}-registry.oss-{self.region}-internal.aliyuncs.com"

    @property
    def addresses(self) -> set[str]:
        return {self.endpoint.address, *(link.address for link in self.links)}

    def add(self, repository: Repository) -> None:
        """Hold a repository; one that goes must go from both."""
        self.repositories[repository.path] = self.by_id[repository.id] = repository

    def tag(self, repo: str, tag: str) -> Tag | None:
        repository = self.repositories.get(repo)
        return repository.tags.get(tag) if repository else None


@dataclass(slots=True)
class Record:
    id: int
    rr: str
    type: str
    value: str
    ttl: int = 60
    line: str = "default"
    weight: int = 1
    priority: int = 1
    remark: str = ""
    status: str = "ENABLE"
    created_ms: int = 0
    updated_ms: int = 0

    @property
    def served(self) -> bool:
        return self.status == "ENABLE"


@dataclass(slots=True)
class Zone:
    """One PrivateZone zone; several may share a name as long as they share no VPC."""

    id: str
    name: str
    vpcs: list[str]
    records: list[Record]
    type: str = "AUTH_ZONE"
    dns_group: str = "FAST_ZONE"
    proxy_pattern: str = "ZONE"
    creator_subtype: str = "SUB"
    remark: str = ""
    created_ms: int = 0
    dns_group_changing: bool = False


@dataclass(slots=True)
class SyncRule:
    """One replication rule; filters are regular expressions that must match a whole name."""

    id: str
    name: str
    source: str
    target: str
    namespace: str = ""
    repo: str = ""
    scope: str = "NAMESPACE"
    trigger: str = AUTOMATIC
    namespace_filter: str = ".*"
    repo_filter: str = ".*"
    tag_filter: str = ".*"
    created_ms: int = 0

    def covers(self, repo: str, tag: str) -> bool:
        """Tell whether an image at the source falls under this rule."""
        namespace, _, name = repo.partition("/")
        if self.scope == "INSTANCE":
            right_namespace = _matches(self.namespace_filter, namespace)
        else:
            right_namespace = namespace == self.namespace
        right_repo = name == self.repo if self.scope == "REPO" else _matches(self.repo_filter, name)
        return right_namespace and right_repo and _matches(self.tag_filter, tag)


def _matches(pattern: str, name: str) -> bool:
    """Match as the vendor does; a filter that is no regular expression matches nothing."""
    try:
        return re.fullmatch(pattern, name) is not None
    except re.error:
        return False


@dataclass(slots=True)
class SyncTask:
    """One copy of one image; what the target calls it is told where it is called otherwise.

    What will become of it is settled when it is queued: how slow it is (`pace`), whether it says SUCCESS without having
    copied (`lies`), and the issue it fails with.
    """

    id: str
    batch: str
    rule: str
    source: str
    target: str
    repo: str
    tag: str
    image: Image
    created_ms: int
    modified_ms: int
    status: str = PENDING
    issue: str | None = None
    trigger: str = AUTOMATIC
    to_repo: str = ""
    to_tag: str = ""
    override: bool = True
    priority: int = 3
    pace: float = 1.0
    lies: bool = False
    fails_with: str | None = None

    @property
    def lands_at(self) -> tuple[str, str]:
        """Return the repository and the tag at the target."""
        return self.to_repo or self.repo, self.to_tag or self.tag


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How replication behaves: its usual lag, how far lags spread (sigma of a log-normal), shares that lie or fail."""

    lag_ms: int = 2_000
    spread: float = 0.0
    false_success: float = 0.0
    failures: float = 0.0
    seed: int = 1

    def __post_init__(self) -> None:
        if self.lag_ms < 0 or self.spread < 0 or not 0 <= self.false_success <= 1 or not 0 <= self.failures <= 1:
            raise ValueError("replication takes lag_ms and spread from 0 on, false_success and failures from 0 to 1.")


@dataclass(slots=True)
class Push:
    """One push that somebody made while the world was running."""

    instance: str
    repo: str
    tag: str
    at_ms: int


@dataclass(slots=True)
class ChangeLog:
    """One line of PrivateZone's change log; what changed is free text, as the vendor has it."""

    id: int
    zone: str
    zone_name: str
    content: str
    action: str
    creator: str
    at_ms: int
    entity: str = "PV_RECORD"


@dataclass(slots=True)
class State:
    """Everything in a world, so that a reset can swap it whole."""

    domain: str
    account: str
    accounts: dict[str, str]
    sites: dict[str, Site]
    instances: dict[str, Instance]
    zones: dict[str, Zone]
    rules: dict[str, SyncRule]
    tasks: list[SyncTask]
    routes: list[tuple[str, str]]
    critical: list[str]
    behaviour: Behaviour = field(default_factory=Behaviour)
    changes: list[ChangeLog] = field(default_factory=list)
    pushes: deque[Push] = field(default_factory=lambda: deque(maxlen=SHOWN_PUSHES))
