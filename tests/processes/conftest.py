"""A company for each test, its store in a database of its own on a server that several may share."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from simulator.local_redis import local_redis
from tests.processes.premises import Premises, premises

DATABASES = 256


@pytest.fixture
async def company(redis_url: str, tmp_path: Path) -> AsyncIterator[Premises]:
    """A company without a bot, with an empty store."""
    async with premises(redis_url, tmp_path) as company:
        yield company


@pytest.fixture
def many_databases() -> Iterator[str]:
    """A server with a database for each of many bots; the URL ends where its number belongs."""
    with local_redis(appendonly="yes", appendfsync="always", databases=str(DATABASES)) as url:
        yield url.removesuffix("0")
