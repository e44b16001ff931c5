"""What was observed at one moment, each part with its own time, or Unknown with the reason."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from bot.domain.differences import Differences, Side
from bot.domain.inventory import Repository
from bot.domain.moves import Move
from bot.domain.record import Record, Zone, folded
from bot.domain.topology import Site, View

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something that could not be observed; `reason` completes the sentence "unknown: …".

    `is_silence`: the vendor gave no usable answer, so asking again may help; else the answer itself was the trouble.
    """

    reason: str
    is_silence: bool = True


@dataclass(frozen=True, slots=True)
class Instance:
    """One Container Registry EE instance as its own region describes it."""

    instance_id: str
    name: str
    status: str
    edition: str

    @property
    def is_running(self) -> bool:
        """RUNNING is the only healthy provisioning state; it says nothing about pulls."""
        return self.status == "RUNNING"

    @property
    def can_replicate_out(self) -> bool:
        """A Basic or Economy instance cannot be a replication source."""
        return not self.edition.lower().endswith(("basic", "economy"))


@dataclass(frozen=True, slots=True)
class InternetEndpoint:
    """An instance's public endpoint: its generated name, custom names and access list (CIDRs)."""

    enabled: bool
    status: str | None
    system_domain: str | None
    custom_domains: tuple[str, ...] = ()
    acl_enabled: bool = False
    acl_entries: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        """Status is absent while the endpoint is off, so `enabled` counts first."""
        return self.enabled and self.status == "RUNNING"


@dataclass(frozen=True, slots=True)
class VpcLink:
    """An instance's address inside one VPC."""

    vpc_id: str
    ip: str
    status: str
    issue: str | None = None

    @property
    def is_running(self) -> bool:
        """Only a RUNNING link takes traffic."""
        return self.status == "RUNNING"


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where an instance can be reached, read at `as_of`.

    `is_live` is False for a remembered answer, and `silence` then says why there is no newer one.
    """

    internet: InternetEndpoint
    links: tuple[VpcLink, ...]
    as_of: datetime
    is_live: bool = True
    silence: str = ""

    def addresses(self) -> frozenset[str]:
        """Return every record value that would point at this instance, folded."""
        names = {folded(self.internet.system_domain)} if self.internet.system_domain else set()
        return frozenset(names | {link.ip for link in self.links if link.ip})


@dataclass(frozen=True, slots=True)
class Answer:
    """What answered `/v2/` under the custom name: the instance named by the Bearer challenge, and its certificate."""

    instance_id: str | None
    status: int
    dialled: str
    certificate_expires_at: datetime | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Silence:
    """A probe that reached for an endpoint and got no usable answer; `reason` completes "it …"."""

    reason: str
    dialled: str
    at: datetime


@dataclass(frozen=True, slots=True)
class SiteState:
    """One site's instance as seen now."""

    site: Site
    instance: Instance | Unknown
    endpoints: Endpoints | Unknown


@dataclass(frozen=True, slots=True)
class ViewState:
    """One view's zone and its `@` records as seen now."""

    view: View
    zone: Zone | Unknown
    records: tuple[Record, ...] | Unknown


@dataclass(frozen=True, slots=True)
class Inventory:
    """Repositories of one instance by path, with all their tags, as it answered from `as_of` on."""

    instance_id: str
    repositories: Mapping[str, Repository]
    as_of: datetime


@dataclass(frozen=True, slots=True)
class Comparison:
    """Critical images of the home against the standby, by digest: live where an instance answered, else as kept."""

    found: Differences
    home: Side
    standby: Side
    home_is_live: bool = True
    standby_is_live: bool = True


@dataclass(frozen=True, slots=True)
class SyncRule:
    """One replication rule, with the source first whichever end told us.

    Filters are the vendor's regular expressions over whole names; None where the scope leaves no choice. `created_at`
    matters because only images pushed later are copied (Container Registry manual, replication within an account).
    """

    rule_id: str
    name: str
    from_instance: str
    to_instance: str
    scope: str
    is_automatic: bool
    namespace: str | None = None
    repository: str | None = None
    tag_filter: str | None = None
    namespace_filter: str | None = None
    repository_filter: str | None = None
    to_namespace: str | None = None
    to_repository: str | None = None
    created_at: datetime | None = None
    is_cross_account: bool = False


@dataclass(frozen=True, slots=True)
class SyncTask:
    """One replication task of the feed."""

    task_id: str
    status: str
    image: str
    created_at: datetime | None
    changed_at: datetime | None
    from_instance: str
    to_instance: str
    issue: str | None = None
    rule_id: str | None = None


@dataclass(frozen=True, slots=True)
class TaskFeed:
    """The task feed of one instance; `is_partial` when pages were left unread."""

    tasks: tuple[SyncTask, ...]
    total: int
    as_of: datetime

    @property
    def is_partial(self) -> bool:
        """Tell whether the vendor has more tasks than were read."""
        return len(self.tasks) < self.total


@dataclass(frozen=True, slots=True)
class Replication:
    """What is known about copies from one site to another."""

    home: Site
    standby: Site
    rules: tuple[SyncRule, ...] | Unknown
    feed: TaskFeed | Unknown
    comparison: Comparison | Unknown


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that a plan rests on."""

    taken_at: datetime
    views: tuple[ViewState, ...]
    sites: Mapping[str, SiteState]
    standby_answer: Answer | Silence | Unknown
    home_answer: Answer | Silence | Unknown
    replication: Replication | Unknown
    moves: tuple[Move, ...] = ()
    """What recent operations wrote to the records of these views."""
    bystanders: tuple[ViewState, ...] = ()
    """Views of other sites, which a plan does not move, whatever they pull from."""
    opposed_by: tuple[str, ...] = ()
    """Open operations that want to move pulls to the very site that this plan leaves."""


def serving_site(value: str, sites: Mapping[str, SiteState]) -> Site | Unknown:
    """Name the site that a record value points at, or say why nobody can tell; never guess."""
    value = folded(value)
    blind = []
    for state in sites.values():
        if isinstance(state.endpoints, Unknown):
            blind.append(state.site.name)
        elif value in state.endpoints.addresses():
            return state.site
    if blind:
        return Unknown(f"{value} is at no site that answered, and {', '.join(blind)} did not answer")
    return Unknown(f"{value} belongs to no configured site")


def movable_value(state: ViewState) -> str | Unknown:
    """Return the one value in force at a view's `@`, or why there is no such thing."""
    if isinstance(state.records, Unknown):
        return state.records
    enabled = [record for record in state.records if record.status != "DISABLE"]
    if len(enabled) != 1:
        return Unknown(f"{len(enabled)} enabled `@` records")
    return folded(enabled[0].value)
