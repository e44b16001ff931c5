"""The outside world as the use cases see it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from bot.domain.access import Identity
from bot.domain.chain import AuditEntry, Head, Seal, Standing
from bot.domain.freeze import Freeze
from bot.domain.operation import Operation
from bot.domain.plan import Change
from bot.domain.record import ChangeLogLine, Record, Zone
from bot.domain.snapshot import Answer, Endpoints, Instance, Inventory, Silence, SyncRule, TaskFeed
from bot.domain.topology import Site, View
from bot.ports.values import Attachment, Card, Channel, Claims, Commit, Listing, Message, Resolved, Written


class PrivateZone(Protocol):
    """PrivateZone's control plane. Reads raise Unreachable, Throttled or Refused."""

    async def zone(self, view: View) -> Zone:
        """Find the zone of exactly the view's name that is bound to its VPC. Raises NotMovable for none or two."""
        ...

    async def records(self, zone_id: str) -> tuple[Record, ...]:
        """Return all `@` records of a zone, enabled or not."""
        ...

    async def record(self, record_id: str) -> Record:
        """Return one record by id. Raises Gone when there is none any more."""
        ...

    async def changes(self, zone_id: str, since: datetime) -> tuple[ChangeLogLine, ...]:
        """Return the change log of a zone's records from `since` on, newest first."""
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

    async def resolve(self, domain: str, resolver: str) -> Resolved:
        """Ask one resolver (`host:port`) for the domain's A records. Raises Unreachable."""
        ...


class Operations(Protocol):
    """The store of operations. Everything raises StoreUnavailable when Redis does not answer in time."""

    async def get(self, operation_id: str) -> Operation:
        """Return an operation. Raises UnknownOperation."""
        ...

    async def commit(self, commit: Commit) -> Operation:
        """Check and write in one step; returns the operation with its new version.

        Raises VersionConflict, AlreadyOpen, RecordHeld, Frozen, FreezeChanged, OutOfTime or ForgedApproval, and writes
        nothing then. Raises Unconfirmed where it was written, but the replicas did not say so in time.
        """
        ...

    async def confirm(self, operation: Operation, within: timedelta) -> None:
        """Return once the replicas have an operation as it was read, or a later state of it.

        Raises VersionConflict where the store does not know that state, Unconfirmed where the replicas stay silent.
        """
        ...

    async def record(self, entry: Mapping[str, str]) -> None:
        """Append one entry to the audit that belongs to no commit; the store numbers and times it."""
        ...

    async def due(self, now: datetime, limit: int = 20) -> tuple[str, ...]:
        """Return ids of operations with a step to take now."""
        ...

    async def news(self, limit: int = 20) -> tuple[str, ...]:
        """Return ids of operations whose card is behind, and of their words (`words_of`) that are still to be told."""
        ...

    async def recent(self, limit: int = 50) -> tuple[Operation, ...]:
        """Return the newest operations that can be read, newest first."""
        ...

    async def listing(self, limit: int = 50) -> Listing:
        """Return the newest operations, and name those that cannot be read: one of them must not hide the others."""
        ...

    async def count_request(self, person: str) -> int:
        """Count one more request of this person in the clock hour at hand, and return how many there are by now."""
        ...

    async def card(self, operation_id: str) -> Card | None:
        """Return where the operation's card stands."""
        ...

    async def save_card(self, operation_id: str, card: Card) -> None:
        """Remember where the card stands; clears the news mark when it shows the latest version."""
        ...

    async def draw_again(self, operation_id: str) -> None:
        """Have `news` name this operation once more, though it did not move."""
        ...

    async def postpone_step(self, operation_id: str, until: datetime) -> None:
        """Leave a step that cannot be taken now until then, so that it does not stand before others."""
        ...

    async def postpone_news(self, operation_id: str, until: datetime) -> None:
        """Try the card again at `until`."""
        ...

    async def owe_words(self, operation_id: str, count: int) -> None:
        """Have `news` name the words of this operation until people were told of so many directly."""
        ...

    async def words_told(self, operation_id: str) -> int:
        """Return how many of an operation's words people were told of."""
        ...

    async def save_words_told(self, operation_id: str, count: int) -> None:
        """Remember of how many words people were told."""
        ...

    async def claim_news(self, operation_id: str, owner: str, until: datetime) -> bool:
        """Take the drawing of a card until then; False when another owner has it.

        What an owner has already, as where the answer or the release was lost, is taken anew. Saves double work and
        guards nothing.
        """
        ...

    async def release_news(self, operation_id: str) -> None:
        """Give the drawing of a card back."""
        ...

    async def freezes(self) -> tuple[Freeze, ...]:
        """Return what is frozen now, by the store's own clock; what cannot be read freezes all."""
        ...

    async def freeze(self, freeze: Freeze, entry: Mapping[str, str]) -> None:
        """Freeze and append the entry in one step; the same freeze again changes nothing.

        Raises AlreadyFrozen, and changes nothing, where its scope is frozen for longer. Raises Unconfirmed where the
        replicas do not have in time what is frozen then.
        """
        ...

    async def claims(self, record_id: str) -> Claims:
        """Return which operations have to do with a record."""
        ...

    async def remember(self, key: str, value: str) -> None:
        """Keep a last good answer (JSON) under a name."""
        ...

    async def recall(self, key: str) -> str | None:
        """Return a last good answer."""
        ...


class AuditTrail(Protocol):
    """The audit, to be read and sealed. Everything raises StoreUnavailable when Redis does not answer in time."""

    async def standing(self, seq: int = 0) -> Standing:
        """Return how far the trail goes, and the seal under one number."""
        ...

    async def entries(self, after: str, limit: int, until: str = "+") -> tuple[AuditEntry, ...]:
        """Return entries behind a place in the trail, oldest first."""
        ...

    async def entry(self, entry_id: str) -> AuditEntry | None:
        """Return the entry at a place in the trail."""
        ...

    async def seals(self, first: int, last: int) -> dict[int, Seal]:
        """Return the seals under these numbers."""
        ...

    async def seal(self, store: str, before: Seal, seals: Sequence[Seal], head: Head) -> bool:
        """Write seals and head; False when the chain has other seals there."""
        ...


class Identities(Protocol):
    """What Slack says about people."""

    async def identity(self, user_id: str, max_age: timedelta) -> Identity:
        """Return what Slack says, from cache when younger than `max_age`. Raises Unreachable on any doubt."""
        ...

    def cached(self, user_id: str) -> Identity | None:
        """Return the last answer of any age, without asking."""
        ...


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

    async def share(self, channel: str, thread_ts: str, file: Attachment) -> None:
        """Put a file into the thread below a message."""
        ...

    async def direct(self, user_id: str) -> str:
        """Return the id of the direct messages with one person."""
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
