"""Whose a Redis is, and with what a new one begins."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.adapters.clock import SystemClock
from bot.adapters.redis_keys import AUDIT, FREEZE, META
from bot.adapters.redis_store import RedisOperations
from bot.domain.freeze import ALL, SET_BY_HAND
from bot.errors import InvalidConfiguration
from bot.services.freezing import of_new_store
from tests.builders import WORKSPACE, a_freeze


def a_store(url: str, **options: Any) -> RedisOperations:
    known: dict[str, Any] = {"clock": SystemClock(), "workspace": WORKSPACE, "beginning": of_new_store}
    return RedisOperations(url, **(known | options))


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[RedisOperations]:
    store = a_store(redis_url)
    yield store
    await store.close()


@pytest.mark.covers("F16")
async def test_a_store_that_nobody_has_used_begins_with_everything_frozen_until_two_people_lift_that(
    store: RedisOperations,
) -> None:
    await store.adopt()

    (freeze,) = await store.freezes()
    assert (freeze.scope, freeze.person, freeze.user_id, freeze.until) == (ALL, "bot", "", None)
    assert freeze.reason.startswith("No bot has used this Redis before")


async def test_that_freeze_is_the_first_entry_of_its_audit(store: RedisOperations) -> None:
    await store.adopt()

    [(_, entry)] = await store.link.call("XRANGE", AUDIT, "-", "+")
    pairs = dict(zip(entry[::2], entry[1::2], strict=True)) if isinstance(entry, list) else entry
    assert (pairs["seq"], pairs["event"], pairs["scope"], pairs["person"]) == ("1", "frozen", ALL, "bot")
    assert await store.link.call("HGET", META, "sequence") == "1"


async def test_a_store_that_is_known_is_left_as_it_is(store: RedisOperations, redis_url: str) -> None:
    first = await store.adopt()
    await store.link.call("DEL", FREEZE)
    other = a_store(redis_url)

    assert await other.adopt() == first
    assert await store.freezes() == ()
    await other.close()


async def test_a_store_of_another_workspace_is_left_as_it_is(store: RedisOperations) -> None:
    await store.link.call("HSET", META, "workspace", "T09OTHER")

    with pytest.raises(InvalidConfiguration, match="belongs to the bot of workspace T09OTHER"):
        await store.adopt()
    assert await store.freezes() == ()
    assert await store.link.call("HGETALL", META) in ({"workspace": "T09OTHER"}, ["workspace", "T09OTHER"])


async def test_what_freezes_everything_by_hand_is_left_in_place(store: RedisOperations) -> None:
    await store.link.call("SET", FREEZE, "by hand")

    await store.adopt()

    assert await store.freezes() == (SET_BY_HAND,)


@pytest.mark.parametrize("loss", [("DEL", META), ("HDEL", META, "store")])
async def test_what_is_left_frozen_of_a_store_that_lost_its_identity_stays_so(
    store: RedisOperations, redis_url: str, loss: tuple[str, ...]
) -> None:
    await store.adopt()
    freeze = a_freeze(scope="hangzhou")
    await store.freeze(freeze, {"event": "frozen"})
    await store.link.call(*loss)
    await store.link.call("HDEL", FREEZE, ALL)
    again = a_store(redis_url)

    assert await again.adopt() not in ("", await store.adopt())

    assert {one.scope for one in await again.freezes()} == {"hangzhou", ALL}
    await again.close()


async def test_a_demonstrations_store_begins_with_nothing_frozen(redis_url: str) -> None:
    store = a_store(redis_url, beginning=None)

    await store.adopt()

    assert await store.freezes() == ()
    assert await store.link.call("XLEN", AUDIT) == 0
    await store.close()
