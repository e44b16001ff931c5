"""The outside world as the use cases see it."""

import asyncio
from datetime import datetime, timedelta
from typing import Protocol

from bot.domain.access import Identity
from bot.domain.plan import Change
from bot.domain.record import ChangeLogLine, Record, Zone
from bot.domain.snapshot import Answer, Endpoints, Instance, Inventory, Silence, SyncRule, TaskFeed
from bot.domain.topology import Site, View
from bot.ports.values import Attachment, Channel, Message, Resolved, Written


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
        """Return the repositories of which a glob names any image, with all their tags, digests without prefix."""
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

    async def pause(self, span: timedelta, unless: asyncio.Event) -> None:
        """Wait between two looks: that long, or until the event is set."""
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
