"""The simulated cloud, and our client that points at it."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import pytest

from bot.adapters.alibaba.client import Alibaba, Limits
from bot.adapters.alibaba.credentials import Keys
from bot.adapters.alibaba.dns import AlibabaDns
from bot.adapters.alibaba.registry import AlibabaRegistries
from bot.domain.topology import Site, View
from simulator.app import Simulator, running

DOMAIN = "cross-region.registry.io"
EAGER = Limits(rate=10_000)
"""So that nothing waits for its turn."""
IMPATIENT = Limits(read_deadline=0.3, write_deadline=0.3, rate=10_000)
"""So that waiting for what never comes is short."""


def now() -> datetime:
    return datetime.now(UTC)


def a_client(
    pvtz: str = "",
    cr: str = "",
    keys: Keys | None = None,
    limits: Limits = EAGER,
    clock: Callable[[], datetime] = now,
) -> Alibaba:
    key = keys or Keys("LTAI5tTestKey", "top-secret")
    return Alibaba(
        now=clock, pvtz_endpoint=pvtz, cr_endpoint=cr, protocol="http", limits=limits, sources={"main": lambda: key}
    )


@pytest.fixture
async def cloud() -> AsyncIterator[Simulator]:
    async with running(only={"alibaba"}) as simulator:
        assert simulator.alibaba is not None
        simulator.alibaba.cloud.timing.hang_ms = 0
        yield simulator


def of(cloud: Simulator, limits: Limits) -> Alibaba:
    where = cloud.announcement["alibaba"]
    return a_client(where["pvtz"], where["cr"], Keys(where["access_key_id"], where["access_key_secret"]), limits)


@pytest.fixture
async def alibaba(cloud: Simulator) -> AsyncIterator[Alibaba]:
    client = of(cloud, EAGER)
    await client.load()
    yield client
    await client.close()


@pytest.fixture
async def impatient(cloud: Simulator) -> AsyncIterator[Alibaba]:
    client = of(cloud, IMPATIENT)
    await client.load()
    yield client
    await client.close()


@pytest.fixture
def dns(alibaba: Alibaba) -> AlibabaDns:
    return AlibabaDns(alibaba)


@pytest.fixture
def registries(alibaba: Alibaba) -> AlibabaRegistries:
    return AlibabaRegistries(alibaba, now)


HANGZHOU_VIEW = View("hangzhou", DOMAIN, ("vpc-aaaaa",))
ZHANGJIAKOU_VIEW = View("zhangjiakou", DOMAIN, ("vpc-bbbbb",))
HANGZHOU = Site("hangzhou", "cn-hangzhou", "cri-aaaaa", ("zhangjiakou",), (HANGZHOU_VIEW,))
ZHANGJIAKOU = Site("zhangjiakou", "cn-zhangjiakou", "cri-bbbbb", ("hangzhou",), (ZHANGJIAKOU_VIEW,))
