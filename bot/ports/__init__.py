"""The outside world as the use cases see it: Protocols, the values that pass through them, and the bundle of both."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from bot.domain.access import Access
from bot.domain.topology import Topology
from bot.ports.bulletins import Bulletins, OpenBulletin
from bot.ports.copies import Copier, Copies
from bot.ports.inventories import Catalogue, Inventories
from bot.ports.local_freezes import LocalFreezes
from bot.ports.protocols import (
    Clock,
    DataPlane,
    Identities,
    Ids,
    PrivateZone,
    Registries,
    Resolver,
    Signer,
    Workspace,
)
from bot.ports.puller import Puller, Registry
from bot.ports.stores import AuditTrail, Operations
from bot.ports.values import (
    CLAIM_DURABLE_WITHIN,
    WORD_DURABLE_WITHIN,
    Attachment,
    Card,
    Channel,
    Claims,
    Commit,
    IndexMove,
    Listing,
    Message,
    Resolved,
    Written,
    owner_of_words,
    words_of,
)

__all__ = [
    "CLAIM_DURABLE_WITHIN",
    "WORD_DURABLE_WITHIN",
    "Attachment",
    "AuditTrail",
    "Bulletins",
    "Card",
    "Catalogue",
    "Channel",
    "Claims",
    "Clock",
    "Commit",
    "Copier",
    "Copies",
    "DataPlane",
    "Identities",
    "Ids",
    "IndexMove",
    "Inventories",
    "Listing",
    "LocalFreezes",
    "Message",
    "OpenBulletin",
    "Operations",
    "Ports",
    "PrivateZone",
    "Puller",
    "Registries",
    "Registry",
    "Resolved",
    "Resolver",
    "Rules",
    "Signer",
    "Workspace",
    "Written",
    "owner_of_words",
    "words_of",
]


COMPARED_AT_ONCE = 2
"""Parts of inventories that are compared at a time: one is computed while the store reads the other."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The reviewed configuration, and the switches of this process.

    What instances hold is looked at every `inventory_every`, and read in full every `inventory_full_every`.
    """

    topology: Topology
    access: Access
    is_simulation: bool = False
    read_deadline: timedelta = timedelta(seconds=3)
    inventory_every: timedelta = timedelta(minutes=2)
    inventory_full_every: timedelta = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything a use case may touch.

    Both of these are sentences, or nothing: `kill_switch` is why this process must not write, `store_trouble` why its
    Redis cannot be trusted to keep a decision just now. `is_stopping` tells that no further write may be begun, `wake`
    tells the local worker that something is due, `alarm` counts what somebody should look into, by its kind. All
    return at once. `local_freezes` is what somebody froze here that the store does not have yet. Whoever goes through
    whole inventories takes one of the `turns` for each small part, so that however many ask, the others are heard soon.
    `showing` names the messages in which this process shows how something goes: they share the edits that Slack allows.
    """

    zones: PrivateZone
    registries: Registries
    catalogue: Catalogue
    inventories: Inventories
    copier: Copier
    copies: Copies
    bulletins: Bulletins
    data_plane: DataPlane
    puller: Puller
    resolver: Resolver
    operations: Operations
    trail: AuditTrail
    identities: Identities
    workspace: Workspace
    clock: Clock
    ids: Ids
    signer: Signer
    rules: Rules
    kill_switch: Callable[[], str] = field(default=lambda: "")
    store_trouble: Callable[[], str] = field(default=lambda: "")
    is_stopping: Callable[[], bool] = field(default=lambda: False)
    wake: Callable[[], None] = field(default=lambda: None)
    alarm: Callable[[str], None] = field(default=lambda _kind: None)
    local_freezes: LocalFreezes = field(default_factory=LocalFreezes)
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(COMPARED_AT_ONCE))
    showing: set[str] = field(default_factory=set)
