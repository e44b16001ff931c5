"""A simulated cloud, the vendor's own clients that point at it, and a whole world with its control API."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import ClientSession
from alibabacloud_cr20181201.client import Client as RegistryClient
from alibabacloud_pvtz20180101.client import Client as ZoneClient
from alibabacloud_tea_openapi.models import Config

from simulator.alibaba.ram import Identity
from simulator.alibaba.server import Alibaba
from simulator.app import Simulator, running
from tests.simulator.data_plane import client, company

__all__ = ["client", "company"]  # fixtures for whoever looks at the data plane

Poster = Callable[..., Awaitable[Any]]
Getter = Callable[[str], Awaitable[Any]]


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with running(only={"alibaba"}) as simulator:
        simulator.alibaba.cloud.timing.hang_ms = 0  # type: ignore[union-attr]
        yield simulator


@pytest.fixture
def alibaba(sim: Simulator) -> Alibaba:
    assert sim.alibaba is not None
    return sim.alibaba


def config(endpoint: str, who: Identity) -> Config:
    keys = {"access_key_id": who.access_key_id, "access_key_secret": who.access_key_secret}
    return Config(endpoint=endpoint, protocol="http", **keys)


@pytest.fixture
def zones(alibaba: Alibaba) -> ZoneClient:
    return ZoneClient(config(alibaba.pvtz, alibaba.writer))


@pytest.fixture
def reader(alibaba: Alibaba) -> ZoneClient:
    return ZoneClient(config(alibaba.pvtz, alibaba.reader))


@pytest.fixture
def registry(alibaba: Alibaba) -> Callable[[str], RegistryClient]:
    return lambda region: RegistryClient(config(alibaba.cr[region], alibaba.writer))


@pytest.fixture
async def whole() -> AsyncIterator[Simulator]:
    async with running() as simulator:
        yield simulator


@pytest.fixture
async def post(whole: Simulator) -> AsyncIterator[Poster]:
    async with ClientSession() as session:

        async def send(path: str, /, **wire: Any) -> Any:
            async with session.post(f"{whole.announcement['control']}/control/{path}", json=wire) as response:
                return await response.json()

        yield send


@pytest.fixture
async def get(whole: Simulator) -> AsyncIterator[Getter]:
    async with ClientSession() as session:

        async def fetch(path: str) -> Any:
            async with session.get(f"{whole.announcement['control']}/control/{path}") as response:
                return await response.json()

        yield fetch
