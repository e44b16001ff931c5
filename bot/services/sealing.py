"""Seal the audit in the order of its numbers, and vouch for its end with a key that is not in Redis.

What one bot computes any other computes too, so nobody has to be in charge of it.
"""

from dataclasses import dataclass

from bot.domain.chain import FIRST, Damage, Head, Seal, Standing, missing, rewound, rewritten, sealed, unsigned
from bot.errors import NotPermitted
from bot.ports import AuditTrail, Signer
from bot.services.audit import REWOUND

PAGE = 200
HEAD, BASE = "head", "base"


@dataclass(frozen=True, slots=True)
class Sealing:
    """How far the chain goes now, whether this call moved it, and what is not as this process has seen it.

    `is_behind`: there may be more to seal at once.
    """

    reached: Seal
    has_moved: bool
    is_behind: bool
    damages: tuple[Damage, ...]


async def seal(trail: AuditTrail, signer: Signer, seen: Seal | None) -> Sealing:
    """Seal what is new. `seen` is the last seal that this process vouched for. Raises StoreUnavailable."""
    standing = await trail.standing(seen.seq if seen else 0)
    last = standing.last or FIRST
    damages = _differences(signer, standing, seen) or await _cut_off(trail, last)
    seals, wrong, is_behind = await _following(trail, last)
    new = seals[-1] if seals else last
    has_moved = bool(seals)
    if has_moved or _wants_signature(signer, standing, seen):
        is_ours = await trail.seal(standing.store, last, seals, signed(signer, standing, new, HEAD))
        has_moved, new = (has_moved, new) if is_ours else (False, last)  # the next call sees what another bot wrote
    return Sealing(new, has_moved, has_moved and is_behind, (*damages, *wrong))


async def _following(trail: AuditTrail, last: Seal) -> tuple[list[Seal], list[Damage], bool]:
    """Return the next seals, what is wrong on the way to them, and whether more entries may follow."""
    wrong: list[Damage] = []
    after = last.entry
    while entries := await trail.entries(after, PAGE):
        # asked after the entries were read: a number above that was given out by nobody
        seals, found = sealed(last, entries, (await trail.standing()).sequence)
        wrong += found
        if seals:
            return seals, wrong, len(entries) == PAGE
        after = entries[-1].id  # a page of entries that get no seal must not stand before those that do
    return [], wrong, False


def signed(signer: Signer, standing: Standing, seal: Seal, kind: str) -> Head:
    """Return the signed end of a chain, of this store alone."""
    return Head(seal.seq, seal.hash, signer.sign(*_parts(standing, kind, str(seal.seq), seal.hash)))


def is_signed(signer: Signer, standing: Standing, head: Head, kind: str) -> bool:
    """Tell whether this bot signed that end; a key that nobody knows any more proves nothing."""
    return _fits(signer, head.mac, _parts(standing, kind, str(head.seq), head.hash))


def mark_damage(signer: Signer, standing: Standing, damage: Damage) -> str:
    """Return our code under the report of a damage, so that nobody else can make one look reported."""
    return signer.sign(*_parts(standing, REWOUND, damage.name))


def is_reported(signer: Signer, standing: Standing, name: str, mac: str) -> bool:
    """Tell whether this bot has reported that damage."""
    return _fits(signer, mac, _parts(standing, REWOUND, name))


def _differences(signer: Signer, standing: Standing, seen: Seal | None) -> tuple[Damage, ...]:
    """Compare the store with this process's memory; one that has none goes by the signature."""
    last = standing.last or FIRST
    if seen is not None and seen.seq:
        if min(last.seq, standing.sequence) < seen.seq:
            return (rewound(seen, min(last.seq, standing.sequence)),)
        if standing.asked is None or standing.asked.hash != seen.hash:
            return (rewritten(seen),)
        return ()
    head = standing.head
    if standing.last is None and head is None:
        return ()
    if head is None or head.seq > last.seq or not is_signed(signer, standing, head, HEAD):
        return (unsigned(head),)
    return ()


async def _cut_off(trail: AuditTrail, last: Seal) -> tuple[Damage, ...]:
    """Look whether the last sealed entry is still there."""
    if not last.seq or await trail.entry(last.entry) is not None:
        return ()
    return (missing(last.seq, last.seq),)


def _wants_signature(signer: Signer, standing: Standing, seen: Seal | None) -> bool:
    """Tell at the start whether the head is signed by a key that may be taken away soon."""
    if seen is not None or standing.last is None:
        return False
    return standing.head is None or signed(signer, standing, standing.last, HEAD) != standing.head


def _parts(standing: Standing, kind: str, *told: str) -> tuple[str, ...]:
    return ("audit", standing.workspace, standing.store, kind, *told)


def _fits(signer: Signer, mac: str, parts: tuple[str, ...]) -> bool:
    try:
        return signer.verify(mac, *parts)
    except NotPermitted:
        return False
