"""Messages that are still to end with an answer, in Redis: a hash, channel and ts → what is known of it."""

from functools import cache

from pydantic import TypeAdapter, ValidationError

from bot.adapters.redis_keys import BULLETINS
from bot.adapters.redis_link import RedisLink
from bot.ports.bulletins import OpenBulletin


class RedisBulletins:
    """The store of such messages, over the connections of the operations."""

    def __init__(self, link: RedisLink) -> None:
        self._link = link

    async def keep(self, bulletin: OpenBulletin) -> None:
        """Remember that it is open; again changes nothing."""
        await self._link.call("HSET", BULLETINS, bulletin.name, _codec().dump_json(bulletin))

    async def forget(self, bulletin: OpenBulletin) -> bool:
        """Remember it no more; False where it was not remembered."""
        return bool(await self._link.call("HDEL", BULLETINS, bulletin.name))

    async def open(self) -> tuple[OpenBulletin, ...]:
        """Return all that are open, the oldest first; what nobody can read is forgotten."""
        found = await self._link.call("HGETALL", BULLETINS)
        known: list[OpenBulletin] = []
        for name, value in zip(found[::2], found[1::2], strict=True):
            try:
                known.append(_codec().validate_json(value))
            except ValidationError:
                await self._link.call("HDEL", BULLETINS, name)
        return tuple(sorted(known, key=lambda bulletin: bulletin.begun_at))


@cache
def _codec() -> TypeAdapter[OpenBulletin]:
    """Build the codec when first needed: it takes a noticeable part of the time to start."""
    return TypeAdapter(OpenBulletin)
