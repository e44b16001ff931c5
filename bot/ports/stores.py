"""What the use cases keep, and how they read its audit."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from bot.domain.chain import AuditEntry, Head, Seal, Standing
from bot.domain.freeze import Freeze
from bot.domain.operation import Operation
from bot.ports.values import Card, Claims, Commit, Listing


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
        """Remember where the card stands; clears the news mark when it shows the latest version.

        Raises UnknownOperation, and keeps nothing, where the operation is gone.
        """
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
        """Remember of how many words people were told. Raises UnknownOperation where the operation is gone."""
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

    async def subscribe(self, site: str, channel: str, user_id: str) -> bool:
        """Have a channel told of a site until that is ended; False when it was already."""
        ...

    async def unsubscribe(self, site: str, channel: str) -> bool:
        """Have a channel told no more of a site; False when it was not."""
        ...

    async def subscriptions(self) -> Mapping[str, tuple[str, ...]]:
        """Return the channels that are told of each site."""
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
