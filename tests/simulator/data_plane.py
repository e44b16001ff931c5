"""A company whose registries and resolvers run, and a client that dials them."""

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from simulator.certificates import Authority
from simulator.dns import Resolvers
from simulator.faults import Faults
from simulator.model import Instance, Record
from simulator.picture import Picture
from simulator.registries import Registries
from simulator.registries.pull import Pulled, PullFailed, Workload
from simulator.world import World

DOMAIN = "cross-region.registry.io"
SERVICE_B = "registry.aliyuncs.com:cn-zhangjiakou:26842:cri-bbbbb"


class Company:
    """A world with its data plane running."""

    def __init__(self, directory: Path) -> None:
        self.world = World.seed()
        self.faults = Faults()
        self.authority = Authority(directory)
        self.registries = Registries(self.world, self.faults, self.authority)
        self.resolvers = Resolvers(self.world, self.faults)

    def workload(self, vpc: str, login: str | None = None) -> Workload:
        dial, resolver = self.registries.dial, self.resolvers.addresses[vpc]
        return Workload(self.world, vpc, resolver, dial, login or self.registries.login, self.authority.ca_path)

    async def pull(self, vpc: str = "vpc-bbbbb", tag: str = "2.7.1") -> Pulled:
        return await self.workload(vpc).pull("core/api", tag)

    async def can_pull(self) -> bool:
        try:
            return bool(await self.pull())
        except PullFailed:
            return False

    def shown_as_healthy(self) -> bool:
        views = Picture(self.world, self.faults)()["views"]
        assert isinstance(views, list)
        return any(view["vpc"] == "vpc-bbbbb" and view["healthy"] for view in views)

    def fail_over(self, kind: str, value: str) -> None:
        record = self.record
        record.type, record.value = kind, value

    @property
    def record(self) -> Record:
        record = self.world.record_for_vpc("vpc-bbbbb")
        assert record is not None
        return record

    @property
    def home(self) -> Instance:
        return self.world.instances["cri-bbbbb"]


@pytest.fixture
async def company(tmp_path: Path) -> AsyncIterator[Company]:
    company = Company(tmp_path)
    await company.registries.start("127.0.0.1", lambda: 0)
    await company.resolvers.start("127.0.0.1", lambda: 0)
    yield company
    await company.registries.close()
    await company.resolvers.close()


@pytest.fixture
async def client(company: Company) -> AsyncIterator[aiohttp.ClientSession]:
    """A client that dials the instance of Zhangjiakou by loopback address and asks for it by the custom domain."""
    context = ssl.create_default_context(cafile=company.authority.ca_path)
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=context),
        headers={"Host": DOMAIN},
        timeout=aiohttp.ClientTimeout(5),
    )
    async with session:
        yield session


def at(company: Company, path: str, host: str = "") -> str:
    return "https://" + (company.registries.dial[host] if host else company.registries.addresses["cri-bbbbb"]) + path


async def a_token(company: Company, client: aiohttp.ClientSession, scope: str, service: str = SERVICE_B) -> str:
    instance = next(each for each in company.world.instances.values() if service.endswith(each.id))
    url = at(company, "/auth", f"{instance.realm_host}:443")
    async with client.get(
        url,
        params={"service": service, "scope": scope},
        headers={"Authorization": company.registries.login},
        server_hostname=instance.realm_host,
    ) as response:
        return str((await response.json())["token"])
