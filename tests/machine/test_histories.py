"""Whatever people, bots, cloud and clock do, in any order: every promise about writes, people and the audit holds."""

import pytest
from hypothesis.stateful import run_state_machine_as_test
from redis import Redis

from tests.fakes import FakeClock
from tests.machine.history import History
from tests.machine.lengths import IN_MEMORY, IN_REDIS, IS_DEEP, lengths
from tests.machine.stores import Memory, Store, VirtualRedis


@pytest.mark.timeout(36_000 if IS_DEEP else 600)
def test_every_history_in_memory_keeps_every_promise() -> None:
    class InMemory(History):
        store = staticmethod(Memory)

    run_state_machine_as_test(InMemory, settings=lengths(IN_MEMORY))


@pytest.mark.timeout(36_000 if IS_DEEP else 600)
def test_every_history_in_a_real_redis_keeps_every_promise(redis_url: str) -> None:
    def emptied(clock: FakeClock) -> Store:
        with Redis.from_url(redis_url) as server:
            server.flushall()
        return VirtualRedis(redis_url, clock)

    class InRedis(History):
        store = staticmethod(emptied)

    run_state_machine_as_test(InRedis, settings=lengths(IN_REDIS))
