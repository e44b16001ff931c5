"""What the store keeps at hand beside the documents: what is due, whose card is behind and where it stands, the
newest operations, last good answers. Nothing here decides anything.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import datetime, timedelta
from typing import Any

from redis.exceptions import ResponseError
from structlog import get_logger

from bot.adapters import documents
from bot.adapters.redis_commit import unknown
from bot.adapters.redis_freeze import milliseconds
from bot.adapters.redis_keys import ASKED, DUE, LAST, OPERATION, OUTBOX, POSTING, RECENT, WATCHES
from bot.adapters.redis_link import Command, RedisLink, Word, explained
from bot.adapters.redis_script import Script
from bot.domain.operation import Operation
from bot.errors import BotError
from bot.ports import Card, Clock, Listing, words_of

LAST_LIFE = timedelta(days=30)
HOUR = timedelta(hours=1)
_CARD_FIELDS = {field.name for field in fields(Card)}


class AtHand:
    """The part of the store that keeps what is to be done next, and what is good to have."""

    def __init__(self, link: RedisLink, clock: Clock) -> None:
        self._link = link
        self._clock = clock
        self._beside = Script("beside.lua")

    async def due(self, now: datetime, limit: int = 20) -> tuple[str, ...]:
        """Return ids of operations with a step to take now."""
        return await self._until(DUE, now, limit)

    async def news(self, limit: int = 20) -> tuple[str, ...]:
        """Return ids of operations whose card is behind, and of their words that are still to be told."""
        marks = await self._until(OUTBOX, self._clock.now(), limit)
        return tuple(dict.fromkeys(mark.rpartition(":")[0] for mark in marks))

    async def recent(self, limit: int = 50) -> tuple[Operation, ...]:
        """Return the newest operations that can be read, newest first."""
        return (await self.listing(limit)).operations

    async def listing(self, limit: int = 50) -> Listing:
        """Return the newest operations, and name those that cannot be read."""
        ids = await self._link.call("ZREVRANGE", RECENT, 0, limit - 1)
        if not ids:
            return Listing(())
        found = await self._link.batch(*(("HMGET", OPERATION + operation_id, "doc", "plan") for operation_id in ids))
        read: list[Operation] = []
        unreadable: list[str] = []
        for operation_id, stored in zip(ids, found, strict=True):
            try:
                read += _read(stored)
            except BotError as error:
                get_logger().error("operation.unreadable", operation=operation_id, why=str(error))
                unreadable.append(operation_id)
        return Listing(tuple(read), tuple(unreadable))

    async def count_request(self, person: str) -> int:
        """Count one more request of this person in the clock hour at hand, and return how many there are by now."""
        hour = int(self._clock.now().timestamp() // HOUR.total_seconds())
        key = f"{ASKED}{person}:{hour}"
        count, _ = await self._done(("INCR", key), ("EXPIRE", key, 2 * int(HOUR.total_seconds())))
        return int(count)

    async def card(self, operation_id: str) -> Card | None:
        """Return where the operation's card stands; what a newer bot keeps beside that is left alone.

        A pointer without its operation, which earlier bots could leave in an emptied store, is none.
        """
        version, found = await self._link.call("HMGET", OPERATION + operation_id, "version", "card")
        if version is None or found is None:
            return None
        return Card(**{name: value for name, value in json.loads(found).items() if name in _CARD_FIELDS})

    async def save_card(self, operation_id: str, card: Card) -> None:
        """Remember where the card stands; clears the news mark when it shows the latest version.

        Marks carry their version, so that news which arrives at this moment is not cleared with the old. Raises
        UnknownOperation, and keeps nothing, where the operation is gone.
        """
        shown = [f"{operation_id}:{version}" for version in range(card.rendered + 1)]
        await self._keep_beside(operation_id, "card", json.dumps(asdict(card)), shown)

    async def owe_words(self, operation_id: str, count: int) -> None:
        """Have `news` name the words of this operation until people were told of so many directly."""
        if await self._link.call("HEXISTS", OPERATION + operation_id, "doc"):  # else nothing would ever settle it
            await self._link.call("ZADD", OUTBOX, milliseconds(self._clock.now()), f"{words_of(operation_id)}:{count}")

    async def words_told(self, operation_id: str) -> int:
        """Return how many of an operation's words people were told of."""
        return int(await self._link.call("HGET", OPERATION + operation_id, "told") or 0)

    async def save_words_told(self, operation_id: str, count: int) -> None:
        """Remember of how many words people were told. Raises UnknownOperation, and keeps nothing, where it is gone."""
        told = [f"{words_of(operation_id)}:{number}" for number in range(count + 1)]
        await self._keep_beside(operation_id, "told", count, told)

    async def draw_again(self, operation_id: str) -> None:
        """Have `news` name this operation once more, though it did not move."""
        version = await self._link.call("HGET", OPERATION + operation_id, "news")
        if version is not None:
            await self._link.call("ZADD", OUTBOX, "NX", 0, f"{operation_id}:{version}")

    async def postpone_step(self, operation_id: str, until: datetime) -> None:
        """Leave a step that cannot be taken now until then, so that it does not stand before others."""
        await self._link.call("ZADD", DUE, "XX", milliseconds(until), operation_id)

    async def postpone_news(self, operation_id: str, until: datetime) -> None:
        """Try the card again at `until`; its marks are found without the operation, which may be unreadable."""
        marks = [mark for mark in await self._link.call("ZRANGE", OUTBOX, 0, -1) if _is_of(mark, operation_id)]
        if marks:
            moved = [word for mark in marks for word in (milliseconds(until), mark)]
            await self._link.call("ZADD", OUTBOX, "XX", *moved)

    async def claim_news(self, operation_id: str, owner: str, until: datetime) -> bool:
        """Take the drawing of a card until then, anew where this owner has it; False when another has."""
        key, span = POSTING + operation_id, max(1, milliseconds(until) - milliseconds(self._clock.now()))
        if await self._link.call("SET", key, owner, "NX", "PX", span) is not None:
            return True
        is_own = await self._link.call("GET", key) == owner
        return is_own and bool(await self._link.call("PEXPIRE", key, span))

    async def release_news(self, operation_id: str) -> None:
        """Give the drawing of a card back."""
        await self._link.call("DEL", POSTING + operation_id)

    async def subscribe(self, site: str, channel: str, user_id: str) -> bool:
        """Have a channel told of a site until that is ended; False when it was already."""
        return bool(await self._link.call("HSETNX", WATCHES, f"{site}/{channel}", user_id))

    async def unsubscribe(self, site: str, channel: str) -> bool:
        """Have a channel told no more of a site; False when it was not."""
        return bool(await self._link.call("HDEL", WATCHES, f"{site}/{channel}"))

    async def subscriptions(self) -> Mapping[str, tuple[str, ...]]:
        """Return the channels that are told of each site."""
        found: dict[str, tuple[str, ...]] = {}
        for key in sorted((await self._link.call("HGETALL", WATCHES))[::2]):  # each is followed by its value
            site, _, channel = key.rpartition("/")
            found[site] = (*found.get(site, ()), channel)
        return found

    async def remember(self, key: str, value: str) -> None:
        """Keep a last good answer (JSON) under a name."""
        await self._link.call("SET", LAST + key, value, "EX", int(LAST_LIFE.total_seconds()))

    async def recall(self, key: str) -> str | None:
        """Return a last good answer."""
        found = await self._link.call("GET", LAST + key)
        return None if found is None else str(found)

    async def _keep_beside(self, operation_id: str, name: str, value: Word, settled: list[str]) -> None:
        keys = (OPERATION + operation_id, OUTBOX)
        if not await self._beside.run(self._link, keys, name, value, *settled):
            raise unknown(operation_id)

    async def _done(self, *commands: Command) -> list[Any]:
        replies = await self._link.batch(*commands)
        for reply in replies:
            if isinstance(reply, ResponseError):
                raise explained(reply) from reply
        return replies

    async def _until(self, key: str, now: datetime, limit: int) -> tuple[str, ...]:
        return tuple(await self._link.call("ZRANGEBYSCORE", key, "-inf", milliseconds(now), "LIMIT", 0, limit))


def _read(stored: list[str | None] | ResponseError) -> list[Operation]:
    """Return the operation of one reply; none where its life is over. Raises a BotError for what is no document."""
    if isinstance(stored, ResponseError):
        raise explained(stored) from stored
    body, plan = stored
    return [] if body is None or plan is None else [documents.decode(body, plan)]


def _is_of(mark: str, operation_id: str) -> bool:
    return mark.rpartition(":")[0] == operation_id
