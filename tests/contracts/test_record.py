"""Entries of the audit that belong to no commit: what every store does with them."""

import pytest

from bot.adapters.clock import SystemClock
from bot.adapters.redis_keys import META
from bot.adapters.redis_store import RedisOperations
from bot.errors import StoreUnavailable
from tests.adapters.stores import opened
from tests.builders import WORKSPACE, a_change, a_freeze, a_plan
from tests.contracts.conftest import Observed, Subject, taken

REFUSED = {"event": "refused", "person": "lin", "code": "E_SELF_APPROVAL"}


async def test_an_entry_of_its_own_is_numbered_in_one_row_with_those_of_commits(store: Observed) -> None:
    await taken(store)
    await store.record(REFUSED)
    await taken(store, id="fo-8888", plan=a_plan(changes=(a_change("hangzhou"),)))

    found = await store.entries()
    assert [(e["seq"], e["event"]) for e in found] == [("1", "tested"), ("2", "refused"), ("3", "tested")]


async def test_an_entry_of_its_own_is_appended_also_while_something_is_frozen(subject: Subject) -> None:
    await subject.store.freeze(a_freeze(at=subject.now()), {"event": "frozen"})

    await subject.store.record(REFUSED)

    assert [entry["event"] for entry in await subject.store.entries()] == ["frozen", "refused"]


async def test_an_entry_keeps_what_it_says_and_the_store_says_when(subject: Subject) -> None:
    await subject.store.record({**REFUSED, "seq": "77", "at": "0"})

    (entry,) = await subject.store.entries()
    assert entry.items() >= {**REFUSED, "seq": "1"}.items()
    assert abs(int(entry["at"]) - subject.now().timestamp() * 1000) < 5000


async def test_an_entry_is_refused_by_a_redis_that_was_exchanged(redis_url: str) -> None:
    async with opened(redis_url) as store:
        await store.adopt()
        await store.link.call("HSET", META, "store", "another")

        with pytest.raises(StoreUnavailable, match="another one than when this bot started"):
            await store.record(REFUSED)


async def test_a_redis_that_forgot_the_script_is_told_it_again(redis_url: str) -> None:
    async with opened(redis_url) as store:
        await store.record(REFUSED)
        await store.link.call("SCRIPT", "FLUSH")
        await store.record(REFUSED)

        assert await store.link.call("HGET", META, "sequence") == "2"


async def test_no_entry_is_said_to_be_written_by_a_redis_that_is_not_there() -> None:
    store = RedisOperations("redis://127.0.0.1:1/0", clock=SystemClock(), workspace=WORKSPACE)

    with pytest.raises(StoreUnavailable, match="does not answer"):
        await store.record(REFUSED)
