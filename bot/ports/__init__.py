"""The outside world as the use cases see it: Protocols, the values that pass through them, and the bundle of both."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from bot.domain.access import Access
from bot.domain.topology import Topology
from bot.ports.protocols import (
    Clock,
    DataPlane,
    Identities,
    Ids,
    Operations,
    PrivateZone,
    Registries,
    Resolver,
    Signer,
    Workspace,
)
from bot.ports.values import Card, Channel, Commit, IndexMove, Message, Resolved, Written

__all__ = [
    "Card",
    "Channel",
    "Clock",
    "Commit",
    "DataPlane",
    "Identities",
    "Ids",
    "IndexMove",
    "Message",
    "Operations",
    "Ports",
    "PrivateZone",
    "Registries",
    "Resolved",
    "Resolver",
    "Rules",
    "Signer",
    "Workspace",
    "Written",
]


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
