"""What every store lists: one document that cannot be read hides no other, and each person's requests are counted."""

import asyncio
from datetime import timedelta

from bot.adapters.redis_keys import OPERATION
from bot.adapters.redis_store import RedisOperations
from bot.ports import IndexMove, Operations
from tests.builders import WORKSPACE, an_operation
from tests.contracts.conftest import Observed, a_commit
from tests.fakes import FakeClock, FakeOperations


async def _three(store: Operations) -> None:
    for number in (1, 2, 3):
        operation = an_operation(id=f"fo-000{number}")
        await store.commit(a_commit(operation, index=IndexMove.RELEASE, due_at=operation.created_at))
        await asyncio.sleep(0.002)


async def test_a_listing_names_what_cannot_be_read_and_shows_the_rest(store: Observed) -> None:
    await _three(store)

    await store.spoil("fo-0002")
    listing = await store.listing()

    assert [operation.id for operation in listing.operations] == ["fo-0003", "fo-0001"]
    assert listing.unreadable == ("fo-0002",)
    assert await store.recent() == listing.operations


async def test_a_key_of_another_kind_hides_no_operation_and_its_news_can_wait(redis_url: str) -> None:
    clock = FakeClock()
    store = RedisOperations(redis_url, clock=clock, workspace=WORKSPACE)
    await _three(store)
    await store.link.call("SET", f"{OPERATION}fo-0002", "nonsense")

    listing = await store.listing()
    await store.postpone_news("fo-0002", clock.now() + timedelta(days=36500))

    assert listing.unreadable == ("fo-0002",)
    assert len(listing.operations) == 2
    assert set(await store.due(clock.now())) == {"fo-0001", "fo-0002", "fo-0003"}
    await store.close()


async def test_a_persons_requests_are_counted_by_themselves(store: Operations) -> None:
    counts = [await store.count_request("on-call") for _ in range(3)]

    assert counts == [1, 2, 3]
    assert await store.count_request("approver") == 1


async def test_a_new_clock_hour_counts_from_the_start() -> None:
    clock = FakeClock()
    store = FakeOperations(clock)
    await store.count_request("on-call")

    clock.move(timedelta(hours=1))

    assert await store.count_request("on-call") == 1


async def test_the_real_store_also_begins_anew_with_the_hour_and_forgets_the_old_one(redis_url: str) -> None:
    clock = FakeClock()
    store = RedisOperations(redis_url, clock=clock, workspace=WORKSPACE)
    await store.count_request("on-call")

    clock.move(timedelta(hours=1))

    assert await store.count_request("on-call") == 1
    for key in await store.link.call("KEYS", "*asked*"):
        assert 0 < await store.link.call("TTL", key) <= 7200
    await store.close()
