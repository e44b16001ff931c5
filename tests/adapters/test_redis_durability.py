"""Which Redis may decide: one that keeps what it acknowledged, and the sentence for every other."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.adapters.redis_durability import MAX_CLOCK_OFFSET, Server, Trust, judge
from bot.adapters.redis_link import RedisLink
from bot.adapters.redis_store import RedisOperations
from bot.domain.operation import LEASE, Operation
from bot.errors import Unconfirmed
from bot.ports import CLAIM_DURABLE_WITHIN, Commit
from bot.services.writing import READ_BACK_BUDGET
from simulator.local_redis import local_redis
from tests.adapters.stores import opened
from tests.builders import NOW, an_operation

DURABLE = Server((7, 0), "master", 0, True, "noeviction", "always", 0, NOW)
REPLICATED = replace(DURABLE, fsync="everysec", replicas=1, min_replicas=1)
VOLATILE = replace(DURABLE, is_aof_on=False)


@pytest.mark.parametrize(
    ("server", "trust"),
    [
        (DURABLE, Trust()),
        (REPLICATED, Trust(replicas=1)),
        (replace(REPLICATED, fsync=None, policy=None), Trust(replicas=1)),
        (replace(DURABLE, policy=None), Trust()),
        (replace(DURABLE, time=NOW + MAX_CLOCK_OFFSET), Trust()),
    ],
)
def test_a_durable_redis_is_written_to_without_a_word(server: Server, trust: Trust) -> None:
    mode = judge(server, NOW, trust)

    assert (mode.is_allowed, mode.sentence) == (True, "")


@pytest.mark.covers("F14", "F29")
@pytest.mark.parametrize(
    ("server", "trust", "sentence"),
    [
        (VOLATILE, Trust(), "Set appendonly to yes"),
        (replace(DURABLE, fsync="everysec"), Trust(), r"appendfsync everysec\). Set it to always"),
        (replace(REPLICATED, min_replicas=0), Trust(replicas=1), "min-replicas-to-write 1"),
        (replace(REPLICATED, replicas=0), Trust(replicas=1), "at least one replica"),
        (REPLICATED, Trust(), "REGISTRY_BOT_REDIS_REPLICAS"),
        (replace(DURABLE, fsync=None), Trust(), "REGISTRY_BOT_REDIS_DURABILITY=asserted"),
        (replace(DURABLE, policy="allkeys-lru"), Trust(), "maxmemory-policy allkeys-lru to noeviction"),
        (replace(DURABLE, role="slave"), Trust(), "Point REGISTRY_BOT_REDIS_URL at the primary"),
        (replace(DURABLE, version=(6, 0)), Trust(), "older than 6.2"),
        (replace(DURABLE, time=NOW - timedelta(minutes=10)), Trust(), "differ by 600 s"),
        (replace(DURABLE, time=NOW + timedelta(seconds=6)), Trust(), "differ by 6 s"),
    ],
)
def test_any_other_is_refused_with_what_to_do(server: Server, trust: Trust, sentence: str) -> None:
    mode = judge(server, NOW, trust)

    assert not mode.is_allowed
    assert re.search(sentence, mode.sentence)


def test_clocks_may_differ_by_less_than_a_lease_has_left_after_the_longest_write() -> None:
    assert timedelta(seconds=READ_BACK_BUDGET) + MAX_CLOCK_OFFSET < LEASE


@pytest.mark.parametrize("server", [VOLATILE, replace(DURABLE, fsync=None)])
def test_an_administrators_word_counts_for_durability_and_is_noted(server: Server) -> None:
    asserted = judge(server, NOW, Trust(is_durability_asserted=True))
    demo = judge(server, NOW, Trust(is_volatile_allowed=True))

    assert asserted.is_allowed
    assert "REGISTRY_BOT_REDIS_DURABILITY says so" in asserted.sentence
    assert demo.is_allowed
    assert "for demonstrations only" in demo.sentence


def test_nobodys_word_counts_for_a_redis_that_evicts_or_does_not_decide() -> None:
    trust = Trust(is_durability_asserted=True, is_volatile_allowed=True)

    assert not judge(replace(DURABLE, policy="volatile-lru"), NOW, trust).is_allowed
    assert not judge(replace(DURABLE, role="slave"), NOW, trust).is_allowed


def test_replicas_that_nobody_waits_for_are_mentioned() -> None:
    assert "does not wait for them" in judge(replace(DURABLE, replicas=2), NOW, Trust()).sentence


@pytest.mark.covers("F14")
async def test_a_change_of_the_settings_is_seen_at_the_next_look(own_redis: str) -> None:
    async with opened(own_redis) as store:
        looks = [await store.write_mode()]
        for setting in (("appendonly", "yes"), ("appendfsync", "always"), ("maxmemory-policy", "allkeys-lru")):
            await store.link.call("CONFIG", "SET", *setting)
            looks.append(await store.write_mode())

    assert [look.is_allowed for look in looks] == [False, False, True, False]


async def test_where_config_is_forbidden_the_word_of_info_counts(own_redis: str) -> None:
    async with opened(own_redis) as admin:
        await admin.link.call("CONFIG", "SET", "appendonly", "yes")
        await admin.link.call("CONFIG", "SET", "maxmemory-policy", "noeviction")
        await admin.link.call("ACL", "SETUSER", "default", "-config")

        assert "REGISTRY_BOT_REDIS_DURABILITY=asserted" in (await admin.write_mode()).sentence
        assert (await admin.write_mode(is_asserted=True)).is_allowed


async def test_a_replica_is_refused_at_the_look(own_redis: str) -> None:
    async with opened(own_redis) as store:
        await store.link.call("REPLICAOF", "127.0.0.1", 1)

        assert "read-only replica" in (await store.write_mode(is_volatile_allowed=True)).sentence


@asynccontextmanager
async def replicated() -> AsyncIterator[tuple[RedisOperations, RedisLink]]:
    """Yield a store that waits for one replica, and the way to that replica once it follows."""
    with local_redis(repl_diskless_sync_delay="0") as primary, local_redis() as second:
        async with opened(primary, replicas=1) as store:
            replica = RedisLink(second)
            await replica.call("REPLICAOF", "127.0.0.1", primary.rpartition(":")[2].partition("/")[0])
            while "state=online" not in await store.link.call("INFO", "replication"):
                await asyncio.sleep(0.02)
            yield store, replica
            await replica.close()


async def stored_by(store: RedisOperations, attempt: str, operation: Operation) -> Operation:
    return await store.commit(Commit(operation, attempt, {}, durable_within=CLAIM_DURABLE_WITHIN))


@pytest.mark.covers("F08")
async def test_a_durable_commit_waits_for_its_replicas_and_refuses_to_go_on_without() -> None:
    async with replicated() as (store, replica):
        first = await stored_by(store, "first", an_operation())
        assert await replica.call("HGET", "{registry-bot}:op:fo-7k2m", "version") == "1"

        await replica.call("REPLICAOF", "NO", "ONE")

        with pytest.raises(Unconfirmed, match="Only 0 of 1 Redis replicas have this") as refused:
            await stored_by(store, "second", replace(first, reason="second"))
        assert refused.value.code == "E_STORE_NOT_DURABLE"


async def test_without_replicas_a_durable_commit_waits_for_nothing(redis_url: str) -> None:
    async with opened(redis_url) as store:
        await store.link.call("CONFIG", "RESETSTAT")

        await stored_by(store, "first", an_operation())

        assert "cmdstat_wait" not in await store.link.call("INFO", "commandstats")
