"""Values that pass between the use cases and the outside world."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from bot.domain.freeze import Freeze
from bot.domain.operation import Operation
from bot.domain.record import Record, folded


@dataclass(frozen=True, slots=True)
class Message:
    """What we say: `text` makes sense alone, `blocks` are plain Block Kit dictionaries.

    An answer to a command is seen by its asker alone unless `in_channel`.
    """

    text: str
    blocks: Sequence[Mapping[str, Any]] = ()
    in_channel: bool = False


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file for people to download: its name as they save it, and its content."""

    name: str
    title: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Written:
    """The vendor accepted a write; `request_id` is its own name for it."""

    request_id: str | None


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
        return folded(record.value) in seen


CLAIM_DURABLE_WITHIN = timedelta(seconds=1)
"""How long a step of the worker's own waits for the replicas; the deadline for its send allows for that."""
WORD_DURABLE_WITHIN = timedelta(seconds=0.3)
"""The same for a person's word, whose whole delivery has 1.2 s. Replicas in touch answer in milliseconds."""


class IndexMove(StrEnum):
    """What a commit does to the open-operation index of its records."""

    TAKE = "take"
    KEEP = "keep"
    RELEASE = "release"


@dataclass(frozen=True, slots=True)
class Commit:
    """One check-and-write: the operation as it shall be, and what must be true for it by the store's own clock.

    `operation.version` is the version that was read; the store writes version + 1. The same `attempt` token again
    gives the same answer. `audit` is appended in the same step. `durable_within` waits so long until the configured
    number of replicas has the write (Unconfirmed when they do not; it is written all the same). From then on this
    operation watches over the records in `watch`, whoever did before, and no longer over those in `leave`. None of the
    scopes in `unless_frozen` may be frozen; exactly the freezes in `lifts` are lifted, in the same step.
    """

    operation: Operation
    attempt: str
    audit: Mapping[str, str]
    not_before: datetime | None = None
    not_after: datetime | None = None
    index: IndexMove = IndexMove.KEEP
    unless_held: bool = False
    unless_frozen: tuple[str, ...] = ()
    hold_for: timedelta | None = None
    due_at: datetime | None = None
    is_news: bool = True
    durable_within: timedelta | None = None
    watch: tuple[str, ...] = ()
    leave: tuple[str, ...] = ()
    lifts: tuple[Freeze, ...] = ()


@dataclass(frozen=True, slots=True)
class Claims:
    """Which operations have to do with a record: the open one that wants it, the ended one that watches over it."""

    open_by: str | None = None
    watched_by: str | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """Where an operation's message stands and which version it shows; `steps` counts thread replies posted.

    `sighted` counts the replies about records that did not stay as they were left, `told` the words that were handed
    over to be told directly. `spoken` is the version that people were told directly because no channel took the card.
    `is_doubtful`: Slack gave no clear answer to the last post or edit, so that it may still come into force.
    `banner` is what the card says of freezes.
    """

    channel: str
    ts: str
    rendered: int
    steps: int = 0
    sighted: int = 0
    told: int = 0
    spoken: int = 0
    is_doubtful: bool = False
    banner: str = ""

    @property
    def is_posted(self) -> bool:
        """Tell whether the card stands anywhere."""
        return bool(self.ts)


_WORDS = "/words"


def words_of(operation_id: str) -> str:
    """Return the name under which the words of an operation are news of their own, apart from its card."""
    return f"{operation_id}{_WORDS}"


def owner_of_words(name: str) -> str | None:
    """Return whose words a piece of news is about; None where it is about a card."""
    return name.removesuffix(_WORDS) if name.endswith(_WORDS) else None


@dataclass(frozen=True, slots=True)
class Listing:
    """The newest operations, newest first, and the ids of those among them that cannot be read."""

    operations: tuple[Operation, ...]
    unreadable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Channel:
    """A conversation: may the bot post there, and do other organisations see it?"""

    id: str
    name: str
    has_bot: bool
    is_shared_externally: bool
