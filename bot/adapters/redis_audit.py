"""The audit in Redis, read page by page, and its seals."""

from collections.abc import Sequence
from typing import Any

from redis.exceptions import ResponseError

from bot.adapters.redis_commit import REPLACED
from bot.adapters.redis_keys import AUDIT, META, SEALS
from bot.adapters.redis_link import RedisLink, explained
from bot.adapters.redis_script import Script
from bot.domain.chain import AuditEntry, Head, Seal, Standing, read_head
from bot.errors import StoreUnavailable


class RedisTrail:
    """The trail of one store; uses a link that somebody else closes."""

    def __init__(self, link: RedisLink) -> None:
        self._link = link
        self._sealer = Script("seal.lua")

    async def standing(self, seq: int = 0) -> Standing:
        """Return how far the trail goes, and the seal under one number."""
        meta, last, asked = await self._all(
            ("HMGET", META, "store", "workspace", "sequence", "head", "base"),
            ("XREVRANGE", SEALS, "+", "-", "COUNT", 1),
            ("XRANGE", SEALS, f"{seq}-0", f"{seq}-0"),
        )
        store, workspace, sequence, head, base = meta
        return Standing(
            store or "",
            workspace or "",
            int(sequence or 0),
            _seal(last[0]) if last else None,
            read_head(head),
            read_head(base),
            _seal(asked[0]) if asked and seq else None,
        )

    async def entries(self, after: str, limit: int, until: str = "+") -> tuple[AuditEntry, ...]:
        """Return entries behind a place in the trail, oldest first."""
        found = await self._link.call("XRANGE", AUDIT, f"({after}", until, "COUNT", limit)
        return tuple(AuditEntry(entry_id, _pairs(flat)) for entry_id, flat in found)

    async def entry(self, entry_id: str) -> AuditEntry | None:
        """Return the entry at a place in the trail."""
        found = await self._link.call("XRANGE", AUDIT, entry_id, entry_id)
        return AuditEntry(found[0][0], _pairs(found[0][1])) if found else None

    async def seals(self, first: int, last: int) -> dict[int, Seal]:
        """Return the seals under these numbers."""
        found = await self._link.call("XRANGE", SEALS, f"{first}-0", f"{last}-0")
        return {seal.seq: seal for seal in map(_seal, found)}

    async def seal(self, store: str, before: Seal, seals: Sequence[Seal], head: Head) -> bool:
        """Write seals and head; False when the chain has other seals there. Raises StoreUnavailable."""
        flat = [word for seal in seals for word in (seal.seq, seal.hash, seal.entry)]
        keys = (META, SEALS)
        answer = await self._sealer.run(self._link, keys, store, str(head), before.seq, before.hash, *flat)
        if answer[0] == "STORE":
            raise StoreUnavailable(f"{REPLACED} The audit was not sealed.", code="E_STORE_REPLACED")
        return bool(answer[0] == "OK")

    async def trim(self, base: Head, first_kept: str) -> None:
        """Drop the entries before a place in the trail and the seals before the base, which is kept.

        The base is written first: what stands before it counts no more, so a stop in the middle does no harm.
        """
        await self._all(
            ("HSET", META, "base", str(base)),
            ("XTRIM", AUDIT, "MINID", first_kept),
            ("XTRIM", SEALS, "MINID", f"{base.seq}-0"),
        )

    async def _all(self, *commands: Sequence[str | int]) -> list[Any]:
        replies = await self._link.batch(*commands)
        for reply in replies:
            if isinstance(reply, ResponseError):
                raise explained(reply) from reply
        return replies


def _seal(found: Sequence[Any]) -> Seal:
    fields = _pairs(found[1])
    return Seal(int(found[0].partition("-")[0]), fields.get("hash", ""), fields.get("entry", ""))


def _pairs(flat: Sequence[str]) -> dict[str, str]:
    return dict(zip(flat[::2], flat[1::2], strict=True))
