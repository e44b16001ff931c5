"""The kept inventories in Redis: a hash for each instance, path → a packed repository, and how well it is known.

Bulk traffic has connections of its own, few and with a longer time limit, so that it never takes one from a decision.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError
from redis.exceptions import ResponseError

from bot.adapters.packed import pack, unpack
from bot.adapters.redis_keys import INVENTORY
from bot.adapters.redis_link import Command, RedisLink, explained
from bot.adapters.redis_script import Script
from bot.domain.inventory import Coverage, Repository
from bot.ports import Clock

LIFE = timedelta(days=30)
"""From the last word about an instance on; an inventory older than this misleads."""
CONNECT_TIMEOUT, OPERATION_TIMEOUT = 5.0, 10.0
"""Seconds; the first includes waiting for a free connection."""
CONNECTIONS = 8


class RedisInventories:
    """The kept inventories; owns its connections."""

    def __init__(self, url: str, clock: Clock) -> None:
        self._link = RedisLink(
            url,
            connect_timeout=CONNECT_TIMEOUT,
            operation_timeout=OPERATION_TIMEOUT,
            max_connections=CONNECTIONS,
            is_binary=True,
        )
        self._clock = clock
        self._lease = Script("lease.lua")
        self._paths = Script("paths.lua")

    async def close(self) -> None:
        """Close all connections."""
        await self._link.close()

    async def coverage(self, instance: str) -> Coverage:
        """Return how well an instance is known; empty for one that was never read."""
        found = await self._link.call("GET", _coverage(instance))
        if found is None:
            return Coverage(instance)
        try:
            coverage: Coverage = _codec().validate_json(found)
        except ValidationError:
            return Coverage(instance)  # another version's words: what is kept is read anew, and known again after that
        return coverage

    async def save_coverage(self, coverage: Coverage) -> None:
        """Remember it, and keep what it speaks of as long."""
        life = int(LIFE.total_seconds())
        await self._done(
            ("SET", _coverage(coverage.instance), _codec().dump_json(coverage), "EX", life),
            ("EXPIRE", _repositories(coverage.instance), life),
        )

    async def paths(self, instance: str) -> tuple[str, ...]:
        """Return the paths of all kept repositories, sorted."""
        found = await self._paths.run(self._link, (_repositories(instance),))
        return tuple(sorted(found.decode().split("\n"))) if found else ()

    async def repositories(self, instance: str, paths: Sequence[str]) -> tuple[Repository | None, ...]:
        """Return these repositories in this order, None for one that is not kept or cannot be read."""
        if not paths:
            return ()
        found = await self._link.call("HMGET", _repositories(instance), *paths)
        return tuple(None if raw is None else unpack(path, raw) for path, raw in zip(paths, found, strict=True))

    async def put(self, instance: str, repositories: Iterable[Repository]) -> None:
        """Keep these repositories in place of what was known of them."""
        key = _repositories(instance)
        pairs: list[str | bytes] = [word for each in repositories for word in (each.path, pack(each))]
        if pairs:
            await self._done(("HSET", key, *pairs), ("EXPIRE", key, int(LIFE.total_seconds())))

    async def drop(self, instance: str, paths: Iterable[str]) -> None:
        """Forget these repositories."""
        if gone := tuple(paths):
            await self._link.call("HDEL", _repositories(instance), *gone)

    async def lease(self, instance: str, owner: str, until: datetime) -> bool:
        """Take or renew the reading of an instance; False while another owner has it."""
        span = max(1, (until - self._clock.now()) // timedelta(milliseconds=1))
        return bool(await self._lease.run(self._link, (f"{INVENTORY}{instance}:lease",), owner, span))

    async def _done(self, *commands: Command) -> None:
        for reply in await self._link.batch(*commands):
            if isinstance(reply, ResponseError):
                raise explained(reply) from reply


def _coverage(instance: str) -> str:
    return f"{INVENTORY}{instance}"


def _repositories(instance: str) -> str:
    return f"{INVENTORY}{instance}:repositories"


@cache
def _codec() -> TypeAdapter[Any]:
    """Build the codec when first needed: it takes time that a start does not have."""
    return TypeAdapter(Coverage)
