"""The outside world as the use cases see it: Protocols, and the values that pass through them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from bot.domain.access import Access, Identity
from bot.domain.operation import Operation
from bot.domain.plan import Change
from bot.domain.snapshot import (
    Answer,
    Endpoints,
    Instance,
    Inventory,
    Record,
    Silence,
    SyncRule,
    TaskFeed,
    Zone,
)
from bot.domain.topology import Site, Topology, View


@dataclass(frozen=True, slots=True)
class Message:
    """What we say: `text` makes sense alone, `blocks` are plain Block Kit dictionaries.

    An answer to a command is seen by its asker alone unless `in_channel`.
    """

    text: str
    blocks: Sequence[Mapping[str, Any]] = ()
    in_channel: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """The vendor accepted a write; `request_id` is its own name for it."""

    request_id: str | None


class PrivateZone(Protocol):
    """PrivateZone's control plane. Reads raise Unreachable, Throttled or Refused."""

    async def zone(self, view: View) -> Zone:
        """Find the zone of exactly the view's name that is bound to its VPC. Raises NotMovable for none or two."""
        ...

    async def records(self, zone_id: str) -> tuple[Record, ...]:
        """Return all `@` records of a zone, enabled or not."""
        ...

    async def record(self, record_id: str) -> Record:
        """Return one record by id."""
        ...

    async def apply(self, change: Change, client_token: str) -> Written:
        """Rewrite the record in place, sending TTL, line, weight and priority explicitly.

        Raises Throttled or Refused when certainly not applied, OutcomeUnknown when it may be.
        """
        ...


class Registries(Protocol):
    """Container Registry's control plane; an instance is seen only through its own region's host."""

    async def instance(self, site: Site) -> Instance:
        """Return the site's home instance."""
        ...

    async def endpoints(self, site: Site) -> Endpoints:
        """Return the public endpoint and the VPC links, with the time of reading."""
        ...

    async def inventory(self, site: Site, globs: tuple[str, ...]) -> Inventory:
        """Return `namespace/repo:tag` → digest (without prefix) of all images that match a glob."""
        ...

    async def sync_rules(self, site: Site) -> tuple[SyncRule, ...]:
        """Return the replication rules that this instance takes part in, source first."""
        ...

    async def sync_tasks(self, site: Site) -> TaskFeed:
        """Return the replication tasks that this instance lists, up to a cap of pages."""
        ...


class DataPlane(Protocol):
    """The registries as image pulls meet them; never through a pooled connection or a DNS cache."""

    async def challenge(self, domain: str, dial: str) -> Answer | Silence:
        """Ask `https://domain/v2/` of the host or address `dial`, without credentials, following nothing."""
        ...


class Resolver(Protocol):
    """DNS as a view's VPC sees it."""

    async def resolve(self, domain: str, resolver: str) -> "Resolved":
        """Ask one resolver (`host:port`) for the domain's A records. Raises Unreachable."""
        ...


@dataclass(frozen=True, slots=True)
class Resolved:
    """One DNS answer: the CNAME chain and the addresses at its end; TTL in seconds."""

    names: tuple[str, ...]
    addresses: tuple[str, ...]
    ttl: int | None
    at: datetime

    def shows(self, record: Record) -> bool:
        """Tell whether this answer is what the record would produce."""
        seen = self.addresses if record.type == "A" else self.names
        return record.value.rstrip(".").lower() in seen


class IndexMove(StrEnum):
    """What a commit does to the open-operation index of its records."""

    TAKE = "take"
    KEEP = "keep"
    RELEASE = "release"


@dataclass(frozen=True, slots=True)
class Commit:
    """One check-and-write: the operation as it shall be, and what must be true for it by the store's own clock.

    `operation.version` is the version that was read; the store writes version + 1. The same `attempt` token again
    gives the same answer. `audit` is appended in the same step. `durable` waits on the same connection until the
    configured number of replicas has the write (StoreUnavailable when they do not).
    """

    operation: Operation
    attempt: str
    audit: Mapping[str, str]
    not_before: datetime | None = None
    not_after: datetime | None = None
    index: IndexMove = IndexMove.KEEP
    unless_held: bool = False
    unless_frozen: bool = False
    hold_for: timedelta | None = None
    due_at: datetime | None = None
    is_news: bool = True
    durable: bool = False


@dataclass(frozen=True, slots=True)
class Card:
    """Where an operation's message stands and which version it shows; `steps` counts thread replies posted."""

    channel: str
    ts: str
    rendered: int
    steps: int = 0


class Operations(Protocol):
    """The store of operations. Everything raises StoreUnavailable when Redis does not answer in time."""

    async def get(self, operation_id: str) -> Operation:
        """Return an operation. Raises UnknownOperation."""
        ...

    async def commit(self, commit: Commit) -> Operation:
        """Check and write in one step; returns the operation with its new version.

        Raises VersionConflict, AlreadyOpen, RecordHeld, Frozen, OutOfTime or ForgedApproval, and writes nothing then.
        """
        ...

    async def due(self, now: datetime, limit: int = 20) -> tuple[str, ...]:
        """Return ids of operations with a step to take now."""
        ...

    async def news(self, limit: int = 20) -> tuple[str, ...]:
        """Return ids of operations whose card is behind."""
        ...

    async def recent(self, limit: int = 50) -> tuple[Operation, ...]:
        """Return the newest operations, newest first."""
        ...

    async def open_on(self, record_id: str) -> str | None:
        """Return the id of the open operation that wants this record."""
        ...

    async def held_for(self, record_id: str) -> int:
        """Return the seconds for which this record is still on hold, 0 when it is not."""
        ...

    async def card(self, operation_id: str) -> Card | None:
        """Return where the operation's card stands."""
        ...

    async def save_card(self, operation_id: str, card: Card) -> None:
        """Remember where the card stands; clears the news mark when it shows the latest version."""
        ...

    async def postpone_news(self, operation_id: str, until: datetime) -> None:
        """Try the card again at `until`."""
        ...

    async def is_frozen(self) -> bool:
        """Tell whether the kill switch is on in the store."""
        ...

    async def remember(self, key: str, value: str) -> None:
        """Keep a last good answer (JSON) under a name."""
        ...

    async def recall(self, key: str) -> str | None:
        """Return a last good answer."""
        ...


class Identities(Protocol):
    """What Slack says about people."""

    async def identity(self, user_id: str, max_age: timedelta) -> Identity:
        """Return what Slack says, from cache when younger than `max_age`. Raises Unreachable on any doubt."""
        ...

    def cached(self, user_id: str) -> Identity | None:
        """Return the last answer of any age, without asking."""
        ...


@dataclass(frozen=True, slots=True)
class Channel:
    """A conversation: may the bot post there, and do other organisations see it?"""

    id: str
    name: str
    has_bot: bool
    is_shared_externally: bool


class Workspace(Protocol):
    """Slack as a place to post; a refusal raises Unreachable, Throttled or Refused with Slack's error as code."""

    async def channel(self, channel_id: str) -> Channel:
        """Return what is known of a conversation."""
        ...

    async def post(self, channel: str, message: Message, thread_ts: str | None = None) -> str:
        """Post a message and return its ts."""
        ...

    async def update(self, channel: str, ts: str, message: Message) -> None:
        """Edit a message of ours in place."""
        ...

    async def whisper(self, channel: str, user_id: str, message: Message) -> None:
        """Post a message that only one person sees."""
        ...

    async def permalink(self, channel: str, ts: str) -> str | None:
        """Return a link to a message, where Slack gives one."""
        ...


class Clock(Protocol):
    """Time; the only place that asks the system."""

    def now(self) -> datetime:
        """Return the aware UTC wall time."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class Ids(Protocol):
    """Randomness."""

    def operation_id(self, prefix: str) -> str:
        """Return a new short id such as `fo-7k2m`."""
        ...

    def token(self) -> str:
        """Return 128 random bits as hex."""
        ...


class Signer(Protocol):
    """Message authentication codes whose key is not in the store."""

    def sign(self, *parts: str) -> str:
        """Return `key id:mac` over the parts."""
        ...

    def verify(self, mac: str, *parts: str) -> bool:
        """Tell whether the mac fits. Raises NotPermitted(E_UNKNOWN_KEY) for a key id that is no longer known."""
        ...


@dataclass(frozen=True, slots=True)
class Rules:
    """The reviewed configuration, and the switches of this process."""

    topology: Topology
    access: Access
    is_simulation: bool = False
    read_deadline: timedelta = timedelta(seconds=3)


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything a use case may touch.

    `write_refusal` is why this process must not write now, as a sentence, or nothing: its kill switch, or a Redis that
    cannot be trusted to keep a decision. `wake` tells the local worker that something is due. Both return at once.
    """

    zones: PrivateZone
    registries: Registries
    data_plane: DataPlane
    resolver: Resolver
    operations: Operations
    identities: Identities
    workspace: Workspace
    clock: Clock
    ids: Ids
    signer: Signer
    rules: Rules
    write_refusal: Callable[[], str] = field(default=lambda: "")
    wake: Callable[[], None] = field(default=lambda: None)
