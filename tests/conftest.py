"""What many tests need: one real Redis server for the whole run, and a clean one for each test that asks."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings
from redis import Redis

from simulator.local_redis import local_redis
from tests import secrets
from tests.secrets import pytest_runtest_makereport

__all__ = ["pytest_runtest_makereport"]
SDK_KEYS = {
    "ALIBABA_CLOUD_ACCESS_KEY_ID": secrets.ACCESS_KEY_ID,
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET": secrets.ACCESS_KEY_SECRET,
}
"""The SDK reads its keys from the environment once, when it is imported, so all worlds of a run share a pair."""
os.environ.update(SDK_KEYS, ALIBABA_CLOUD_ECS_METADATA_DISABLED="true")  # before a conftest below imports the SDK
MOSTLY_WAIT = {"browser", "faults", "processes", "scenarios"}
"""Folders whose tests wait for processes, deadlines and other people; more workers than cores make use of that."""


def pytest_configure() -> None:
    """Let no example fail for having taken long."""
    settings.register_profile("patient", deadline=None)
    settings.load_profile("patient")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spread the tests that mostly wait among those that compute, so that each worker of a run has some of both."""
    waiting = [item for item in items if MOSTLY_WAIT & set(item.path.parts)]
    computing = [item for item in items if not MOSTLY_WAIT & set(item.path.parts)]
    places = {item: place / len(part) for part in (waiting, computing) for place, item in enumerate(part)}
    items.sort(key=lambda item: places[item])


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """Run one real server for all tests, durable as the bot wants it."""
    with local_redis(appendonly="yes", appendfsync="always") as url:
        yield url


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """Return the URL of an empty Redis."""
    with Redis.from_url(redis_server) as server:
        server.flushall()
        server.script_flush()
    return redis_server


@pytest.fixture
def own_redis() -> Iterator[str]:
    """Run a server that a test may break."""
    with local_redis() as url:
        yield url
