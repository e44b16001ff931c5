"""Redis as the store: what only the real one has, such as its keys and its trail, beside the contract suite."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import WatchError

from bot.adapters.clock import SystemClock
from bot.adapters.redis_at_hand import LAST_LIFE
from bot.adapters.redis_keys import AUDIT, AWAY, DUE, HOLD, LAST, META, OPEN, OPERATION, OUTBOX, RECENT
from bot.adapters.redis_store import LIFE, RedisOperations
from bot.domain.operation import SCHEMA, Operation
from bot.errors import AlreadyOpen, ForgedApproval, InvalidConfiguration, StoreUnavailable, UnknownOperation
from bot.ports import Card, Commit, IndexMove, Listing
from tests.builders import NOW, WORKSPACE, an_operation


def a_store(url: str, workspace: str = WORKSPACE, **options: Any) -> RedisOperations:
    return RedisOperations(url, clock=SystemClock(), workspace=workspace, **options)


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[RedisOperations]:
    store = a_store(redis_url)
    yield store
    await store.close()


def a_commit(operation: Operation, attempt: str = "first", **fields: Any) -> Commit:
    return replace(Commit(operation, attempt, {"event": "tested", "person": "on-call"}), **fields)


async def taken(store: RedisOperations, **fields: Any) -> Operation:
    return await store.commit(a_commit(an_operation(**fields), "taken", index=IndexMove.TAKE))


async def audit(store: RedisOperations) -> list[dict[str, str]]:
    entries = await store.link.call("XRANGE", AUDIT, "-", "+")
    return [dict(zip(fields[::2], fields[1::2], strict=True)) for _, fields in entries]


async def test_every_commit_has_its_numbered_and_timed_audit_entry(store: RedisOperations) -> None:
    await store.commit(a_commit(await taken(store), "second"))

    first, second = await audit(store)
    assert (first["seq"], first["version"], first["operation"]) == ("1", "1", "fo-7k2m")
    assert (second["seq"], second["version"], second["person"]) == ("2", "2", "on-call")
    assert int(first["at"]) <= int(second["at"])


async def test_what_the_script_says_of_an_entry_cannot_be_said_by_others(store: RedisOperations) -> None:
    lie = {"seq": "9", "at": "9", "version": "9", "operation": "fo-0000", "event": "tested"}
    await store.commit(replace(a_commit(an_operation()), audit=lie))

    (entry,) = await audit(store)
    assert (entry["seq"], entry["version"], entry["operation"], entry["event"]) == ("1", "1", "fo-7k2m", "tested")


async def test_a_repeated_attempt_is_no_second_entry(store: RedisOperations) -> None:
    await taken(store)
    await taken(store)

    assert len(await audit(store)) == 1


async def test_a_document_under_another_plan_than_its_terms_is_refused(store: RedisOperations) -> None:
    first = await taken(store)
    call = store.script_call(a_commit(first, "second"), await store.adopt())
    body = call[-2]

    reply = await store.link.call(*call[:-2], str(body).replace(first.plan.digest, "0" * 64), call[-1])

    assert reply == ["FORGED"]


async def test_an_operation_has_one_mark_of_news_whatever_was_no_news_in_between(store: RedisOperations) -> None:
    quiet = await store.commit(a_commit(await taken(store), "second", is_news=False))
    await store.commit(a_commit(quiet, "third"))

    assert await store.link.call("ZRANGE", OUTBOX, 0, -1) == ["fo-7k2m:3"]


async def test_an_operation_whose_record_somebody_else_has_got_hold_of_moves_no_more(store: RedisOperations) -> None:
    first = await taken(store)
    await store.link.call("SET", f"{OPEN}record-b", "fo-0002")

    with pytest.raises(AlreadyOpen):
        await store.commit(a_commit(first, "second"))


async def test_the_newest_operation_stays_the_newest_when_an_older_one_moves(store: RedisOperations) -> None:
    older = await taken(store)
    await store.link.call("ZADD", RECENT, 0, older.id)
    await store.commit(a_commit(older, "second"))

    assert await store.link.call("ZSCORE", RECENT, older.id) == "0"


async def test_what_is_older_than_its_life_is_listed_no_more(store: RedisOperations) -> None:
    await store.link.call("ZADD", RECENT, 1, "fo-0001")

    await taken(store)

    assert await store.link.call("ZRANGE", RECENT, 0, -1) == ["fo-7k2m"]


async def test_only_the_latest_attempts_are_kept_with_an_operation(store: RedisOperations) -> None:
    operation = await taken(store)
    for number in range(10):
        operation = await store.commit(a_commit(operation, f"attempt-{number}"))

    kept = (await store.link.call("HGET", OPERATION + operation.id, "attempts")).split()
    assert kept == [f"attempt-{number}={number + 2}" for number in range(9, 1, -1)]


async def test_a_repeated_attempt_is_written_again_so_that_a_wait_behind_it_waits(
    store: RedisOperations, redis_url: str
) -> None:
    await taken(store)
    with Redis.from_url(redis_url) as server, server.pipeline() as watching:
        watching.watch(f"{OPERATION}fo-7k2m")
        await taken(store)
        watching.multi()
        watching.ping()

        with pytest.raises(WatchError):
            watching.execute()


async def test_refusals_leave_no_gap_in_the_numbers(store: RedisOperations) -> None:
    first = await taken(store)
    attempts = [a_commit(first, f"attempt-{number}") for number in range(20)]
    await asyncio.gather(*map(store.commit, attempts), return_exceptions=True)

    assert [int(b["seq"]) - int(a["seq"]) for a, b in pairwise(await audit(store))] == [1]


async def test_all_keys_share_one_hash_slot(store: RedisOperations) -> None:
    await store.commit(a_commit(await taken(store), hold_for=timedelta(seconds=9), due_at=NOW))
    await store.remember("endpoints:cri-aaaaa", "{}")

    keys = await store.link.call("KEYS", "*")
    assert len(keys) == 9
    assert all(key.startswith("{registry-bot}:") for key in keys)


async def lifetime(store: RedisOperations, key: str) -> timedelta:
    return timedelta(milliseconds=await store.link.call("PTTL", key))


async def test_keys_live_as_long_as_they_say(store: RedisOperations) -> None:
    first = await taken(store)
    assert await lifetime(store, OPERATION + first.id) < timedelta()

    await store.commit(a_commit(first, index=IndexMove.RELEASE, hold_for=timedelta(seconds=120)))
    await store.remember("name", "{}")

    minute = timedelta(minutes=1)
    assert LIFE - minute < await lifetime(store, OPERATION + first.id) <= LIFE
    assert LAST_LIFE - minute < await lifetime(store, LAST + "name") <= LAST_LIFE
    assert timedelta(hours=1) < await lifetime(store, HOLD + "record-b") < timedelta(hours=2)
    assert await store.link.call("EXISTS", OPEN + "record-b", DUE) == 0


async def test_an_ended_operation_lives_on_while_its_records_are_watched(store: RedisOperations) -> None:
    ended = await store.commit(a_commit(await taken(store), index=IndexMove.RELEASE, watch=("record-b",), due_at=NOW))
    assert await lifetime(store, OPERATION + ended.id) < timedelta()
    seen = await store.commit(a_commit(ended, "seen", due_at=NOW))
    assert await lifetime(store, OPERATION + ended.id) < timedelta()

    await store.commit(a_commit(seen, "left", leave=("record-b",)))

    assert LIFE - timedelta(minutes=1) < await lifetime(store, OPERATION + ended.id) <= LIFE
    assert await store.link.call("EXISTS", AWAY + "record-b", DUE) == 0


async def test_an_ended_operation_keeps_its_lifetime_when_something_is_noted_on_it(store: RedisOperations) -> None:
    ended = await store.commit(a_commit(await taken(store), index=IndexMove.RELEASE))
    await store.commit(a_commit(ended, "noted"))

    assert await lifetime(store, OPERATION + ended.id) > timedelta()


@pytest.mark.covers("F28")
async def test_a_document_of_a_newer_bot_is_neither_read_nor_overwritten(store: RedisOperations) -> None:
    first = await taken(store)
    await store.link.call("HSET", OPERATION + first.id, "schema", SCHEMA + 1)

    with pytest.raises(StoreUnavailable, match="newer version of this bot"):
        await store.commit(a_commit(first))

    assert await store.link.call("HGET", OPERATION + first.id, "version") == "1"


async def test_a_plan_edited_inside_redis_is_forged(store: RedisOperations) -> None:
    first = await taken(store)
    document = await store.link.call("HGET", OPERATION + first.id, "plan")
    await store.link.call("HSET", OPERATION + first.id, "plan", document.replace("hangzhou.cr", "elsewhere.cr"))

    with pytest.raises(ForgedApproval):
        await store.get(first.id)


async def test_another_workspaces_redis_is_refused_before_anything_is_written(redis_url: str) -> None:
    ours, theirs = a_store(redis_url), a_store(redis_url, workspace="T02OTHER")
    await taken(ours)

    with pytest.raises(InvalidConfiguration, match="belongs to the bot of workspace T01SIM, not of T02OTHER"):
        await theirs.commit(a_commit(an_operation(id="fo-0002")))

    assert len(await ours.recent()) == 1
    await ours.close()
    await theirs.close()


@pytest.mark.covers("F16")
async def test_a_redis_that_came_back_empty_is_not_written_to_until_a_restart(store: RedisOperations) -> None:
    first = await taken(store)
    await store.link.call("FLUSHALL")

    with pytest.raises(StoreUnavailable, match="empty, or another one"):
        await store.commit(a_commit(first))
    assert not (await store.write_mode(is_volatile_allowed=True)).is_allowed
    assert await store.link.call("EXISTS", META) == 0


@pytest.mark.covers("F12")
async def test_the_script_is_loaded_again_when_redis_has_forgotten_it(store: RedisOperations) -> None:
    first = await taken(store)
    await store.link.call("SCRIPT", "FLUSH")

    assert (await store.commit(a_commit(first))).version == 2


async def test_in_a_store_that_was_emptied_meanwhile_no_card_is_left_without_its_operation(
    store: RedisOperations,
) -> None:
    await taken(store)
    await store.save_card("fo-7k2m", Card("C01OPS", "1.0", rendered=0))
    await store.link.call("FLUSHALL")

    with pytest.raises(UnknownOperation):
        await store.save_card("fo-7k2m", Card("C01OPS", "1.0", rendered=1))

    assert await store.link.call("KEYS", "*") == []


async def test_a_card_that_an_earlier_bot_left_without_its_operation_is_none(store: RedisOperations) -> None:
    pointer = '{"channel": "C01OPS", "ts": "1.0", "rendered": 1}'
    await store.link.call("HSET", OPERATION + "fo-7k2m", "card", pointer, "told", "1")
    await store.link.call("ZADD", RECENT, 1, "fo-7k2m")

    assert await store.card("fo-7k2m") is None
    assert await store.listing() == Listing(())
    await store.draw_again("fo-7k2m")
    assert await store.news() == ()
    with pytest.raises(UnknownOperation):
        await store.get("fo-7k2m")
    assert (await taken(store)).version == 1
