"""Whatever people, bots, cloud and clock do, in any order: every promise about writes, people and the audit holds."""

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from redis import Redis

from tests.fakes import FakeClock
from tests.machine.history import History
from tests.machine.stores import Memory, Store, VirtualRedis

IS_DEEP = bool(os.environ.get("DEEP"))


def _settings(histories: int, steps: int) -> settings:
    """Return how long to look: the same histories each time, and new ones where it may take long."""
    return settings(
        max_examples=histories * 100 if IS_DEEP else histories,
        stateful_step_count=steps * 2 if IS_DEEP else steps,
        derandomize=not IS_DEEP,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )


@pytest.mark.timeout(36_000 if IS_DEEP else 600)
def test_every_history_in_memory_keeps_every_promise() -> None:
    class InMemory(History):
        store = staticmethod(Memory)

    run_state_machine_as_test(InMemory, settings=_settings(80, 40))


@pytest.mark.timeout(36_000 if IS_DEEP else 600)
def test_every_history_in_a_real_redis_keeps_every_promise(redis_url: str) -> None:
    def emptied(clock: FakeClock) -> Store:
        with Redis.from_url(redis_url) as server:
            server.flushall()
        return VirtualRedis(redis_url, clock)

    class InRedis(History):
        store = staticmethod(emptied)

    run_state_machine_as_test(InRedis, settings=_settings(8, 40))
