"""What the simulated company is made of: plain values that the world holds and lets things happen to."""

import re
from dataclasses import dataclass, field

from simulator.images import Image

AUTOMATIC, MANUAL = "PASSIVE", "INITIATIVE"
PENDING, SYNCHRONIZING, SUCCESS, ERROR, CANCELED = "PENDING", "SYNCHRONIZING", "SUCCESS", "ERROR", "CANCELED"
ODD_REALM_HOSTS = {"cn-zhangjiakou": "dockerauth-cn-zhangjiakou.aliyuncs.com"}  # a hyphen where others have a dot


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
class Tag:
    name: str
    image: Image
    pushed_ms: int


@dataclass(slots=True)
class Repository:
    id: str
    namespace: str
    name: str
    created_ms: int
    status: str = "NORMAL"
    immutable: bool = False
    tags: dict[str, Tag] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(slots=True)
class Instance:
    """One Container Registry EE instance."""

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
    repositories: dict[str, Repository] = field(default_factory=dict)

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
    id: str
    name: str
    source: str
    target: str
    namespace: str
    repo: str = ""
    scope: str = "NAMESPACE"
    trigger: str = AUTOMATIC
    repo_filter: str = ".*"
    tag_filter: str = ".*"
    created_ms: int = 0

    def covers(self, repo: str, tag: str) -> bool:
        """Tell whether an image pushed at the source falls under this rule."""
        namespace, _, name = repo.partition("/")
        if self.scope != "INSTANCE" and namespace != self.namespace:
            return False
        right_repo = name == self.repo if self.scope == "REPO" else bool(re.fullmatch(self.repo_filter, name))
        return right_repo and bool(re.fullmatch(self.tag_filter, tag))


@dataclass(slots=True)
class SyncTask:
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
    sites: dict[str, Site]
    instances: dict[str, Instance]
    zones: dict[str, Zone]
    rules: dict[str, SyncRule]
    tasks: list[SyncTask]
    routes: list[tuple[str, str]]
    critical: list[str]
    changes: list[ChangeLog] = field(default_factory=list)
