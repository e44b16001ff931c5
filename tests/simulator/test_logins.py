"""Passwords for pulling: handed out by the API, good for one instance and for a while."""

from collections.abc import Callable

import aiohttp
import pytest
from aiohttp import encode_basic_auth
from alibabacloud_cr20181201.client import Client as RegistryClient
from alibabacloud_cr20181201.models import GetAuthorizationTokenRequest

from simulator.alibaba.ram import PULL
from simulator.app import Simulator
from simulator.logins import HOUR_MS, USER, Logins
from simulator.registries.pull import PullFailed
from tests.simulator.data_plane import Company, a_token, at


def header(password: str, user: str = USER) -> str:
    return encode_basic_auth(user, password)


def test_a_password_ends_with_its_time_and_fits_one_instance() -> None:
    now_ms = [0]
    logins = Logins(lambda: now_ms[0])
    password, expires_ms = logins.issue("cri-aaaaa", 1)

    assert expires_ms == HOUR_MS
    assert logins.admits(header(password), "cri-aaaaa")
    assert not logins.admits(header(password), "cri-bbbbb")
    assert not logins.admits(header(password, "root"), "cri-aaaaa")
    assert not logins.admits("Basic ä", "cri-aaaaa")
    now_ms[0] = HOUR_MS
    assert not logins.admits(header(password), "cri-aaaaa")


async def test_the_api_hands_out_a_password_for_an_hour(
    sim: Simulator, registry: Callable[[str], RegistryClient]
) -> None:
    request = GetAuthorizationTokenRequest(instance_id="cri-aaaaa")

    found = (await registry("cn-hangzhou").get_authorization_token_async(request)).body

    assert found.temp_username == USER
    assert sim.world.logins.admits(header(found.authorization_token), "cri-aaaaa")
    assert 0 < found.expire_time - sim.world.now_ms() <= HOUR_MS


async def test_a_pull_with_such_a_password_succeeds(company: Company) -> None:
    password, _ = company.world.logins.issue("cri-bbbbb", 1)

    assert await company.workload("vpc-bbbbb", header(password)).pull("core/api", "2.7.1")


async def test_a_password_of_another_instance_gets_no_token(company: Company) -> None:
    password, _ = company.world.logins.issue("cri-aaaaa", 1)

    with pytest.raises(PullFailed, match=r"token: .*401"):
        await company.workload("vpc-bbbbb", header(password)).pull("core/api", "2.7.1")


async def test_who_may_not_pull_gets_a_token_that_lets_nothing_be_pulled(company: Company) -> None:
    company.world.logins.may_pull = lambda: False
    password, _ = company.world.logins.issue("cri-bbbbb", 1)

    with pytest.raises(PullFailed, match=r"manifest: .*401"):
        await company.workload("vpc-bbbbb", header(password)).pull("core/api", "2.7.1")


async def test_taking_the_permission_to_pull_away_takes_it_from_every_password(sim: Simulator) -> None:
    assert sim.alibaba
    assert sim.world.logins.may_pull()

    sim.alibaba.cloud.ram.denied.add(PULL)

    assert not sim.world.logins.may_pull()


async def test_manifests_may_be_missing_and_layers_lost(company: Company, client: aiohttp.ClientSession) -> None:
    for fault, link in (("blob_missing", "layer"), ("manifest_missing", "manifest")):
        company.faults.set(fault, "zhangjiakou", True)
        with pytest.raises(PullFailed) as failure:
            await company.pull()
        assert failure.value.link == link

    headers = {"Authorization": f"Bearer {await a_token(company, client, 'repository:core/api:pull')}"}
    url = at(company, "/v2/core/api/manifests/2.7.1")
    answer = await client.head(url, headers=headers, server_hostname="cross-region.registry.io")
    assert answer.status == 404
