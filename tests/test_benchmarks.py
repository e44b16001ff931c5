"""What the benchmarks measure with goes on working: nobody runs them for every change."""

from benchmarks import claim, commit_script
from bot.services.moderation import MOST_REQUESTS
from simulator.local_redis import local_redis_async


async def test_more_operations_than_one_person_may_ask_for_in_an_hour_are_measured() -> None:
    async with local_redis_async() as url:
        ours, floor = await claim.measure(url, operations=MOST_REQUESTS)

    assert len(ours) == len(floor) == MOST_REQUESTS
    assert min(ours) > 0


async def test_the_script_is_measured_beside_a_bare_set_and_one_of_many_wins() -> None:
    async with local_redis_async() as url:
        p50 = await commit_script.side_by_side(url, 3)
        winners, _ = await commit_script.race(url, 5)

    assert len(p50) == 3
    assert min(p50.values()) > 0
    assert winners == 1
