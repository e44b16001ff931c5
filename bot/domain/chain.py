"""The audit as a chain: the hash of each entry covers the hash of the one before, so none can be changed alone.

Whoever can write to Redis can also write a whole new chain. What they cannot do is sign its head, as that key is not
in Redis; and what they cannot undo is a head that stands elsewhere: in the memory of a running bot and on its stdout.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.domain.access import canonical_json

GENESIS = "0" * 64
"""What the hash of the first entry covers."""
_LATEST = datetime(9999, 1, 1, tzinfo=UTC).timestamp()
START = "0-0"
"""A position in the trail before its first entry."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry as it is stored; `id` is its place in the trail."""

    id: str
    fields: Mapping[str, str]

    @property
    def seq(self) -> int:
        """Return its number, or 0 where it has none."""
        text = self.fields.get("seq", "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0

    @property
    def at(self) -> datetime:
        """Return when it was written, by the store's clock; somebody else may have put it into no time at all."""
        return datetime.fromtimestamp(min(int(self.id.partition("-")[0]) / 1000, _LATEST), UTC)

    @property
    def event(self) -> str:
        """Return what it tells of."""
        return self.fields.get("event", "")


@dataclass(frozen=True, slots=True)
class Seal:
    """The hash under an entry's number; `entry` is that entry's place in the trail."""

    seq: int
    hash: str
    entry: str


FIRST = Seal(0, GENESIS, START)
"""What the chain begins after."""


@dataclass(frozen=True, slots=True)
class Head:
    """A seal that this bot vouches for: its number, its hash, and our code over both."""

    seq: int
    hash: str
    mac: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}:{self.mac}"


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the trail goes: the last number given out, the last seal, and the ends that were signed.

    `base` is the seal before the oldest entry that is still here, when older ones were archived and trimmed. `asked`
    is the seal under the number that was asked for.
    """

    store: str
    workspace: str
    sequence: int
    last: Seal | None = None
    head: Head | None = None
    base: Head | None = None
    asked: Seal | None = None


@dataclass(frozen=True, slots=True)
class Damage:
    """One thing that is not as it was written; `name` stays the same whoever finds it, however often."""

    name: str
    sentence: str


def next_seal(before: Seal, entry: AuditEntry) -> Seal:
    """Return the seal of an entry that follows this one."""
    told = canonical_json({"id": entry.id, "fields": dict(entry.fields)})
    return Seal(entry.seq, hashlib.sha256(before.hash.encode() + told).hexdigest(), entry.id)


def sealed(before: Seal, entries: Iterable[AuditEntry], given: int) -> tuple[list[Seal], list[Damage]]:
    """Return the seals of entries that follow a seal, and what is wrong with their numbers.

    The chain goes on behind a gap, so that what follows is as safe as ever; the gap itself stays visible in the
    numbers. An entry gets no seal when its number was used before, or was not given out yet: up to `given` they were.
    """
    seals: list[Seal] = []
    damages: list[Damage] = []
    for entry in entries:
        if not before.seq < entry.seq <= given:
            damages.append(misplaced(entry))
            continue
        if entry.seq > before.seq + 1:
            damages.append(missing(before.seq + 1, entry.seq - 1))
        before = next_seal(before, entry)
        seals.append(before)
    return seals, damages


def missing(first: int, last: int) -> Damage:
    """Return that entries are gone."""
    which = f"entry {first} is" if first == last else f"entries {first} to {last} are"
    return Damage(f"missing {first}-{last}", f"The audit has a gap: {which} missing.")


def misplaced(entry: AuditEntry) -> Damage:
    """Return that an entry does not follow the one before it."""
    number = entry.fields.get("seq", "none")[:20]
    return Damage(f"misplaced {entry.id}", f"The entry at {entry.id} does not follow the one before: number {number}.")


def changed(seq: int) -> Damage:
    """Return that an entry is another one than was sealed."""
    return Damage(f"changed {seq}", f"Entry {seq} was changed after it was sealed, or its seal was.")


def unsealed(seq: int) -> Damage:
    """Return that the seal of an entry is gone."""
    return Damage(f"unsealed {seq}", f"Entry {seq} has lost its seal.")


def rewound(seen: Seal, found: int) -> Damage:
    """Return that the trail ends before what was seen already."""
    return Damage(
        f"rewound {seen.seq}:{seen.hash[:12]}",
        f"This bot has seen the audit up to entry {seen.seq}, but Redis holds it only up to entry {found}: it was put "
        "back to an earlier state, or its end was cut off.",
    )


def rewritten(seen: Seal) -> Damage:
    """Return that the chain is another one than was seen already."""
    return Damage(
        f"rewritten {seen.seq}:{seen.hash[:12]}",
        f"The audit up to entry {seen.seq} is another one than this bot has seen before: it was rewritten.",
    )


def unsigned(head: Head | None) -> Damage:
    """Return that nobody vouches for the end of the chain."""
    if head is None:
        return Damage("head missing", "The audit is sealed, but the signed head of its chain is gone.")
    return Damage(
        f"head {head.seq}:{head.hash[:12]}",
        f"The head of the audit (entry {head.seq}) does not carry a signature of this bot, or is not in its chain.",
    )


def read_head(text: str | None) -> Head | None:
    """Return a stored head; one that cannot be read is a head that nobody signed."""
    if not text:
        return None
    seq, _, rest = text.partition(":")
    digest, _, mac = rest.partition(":")
    return Head(int(seq) if seq.isascii() and seq.isdigit() else 0, digest, mac)
