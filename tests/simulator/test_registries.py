"""The registries: a pull is proven, and broken, link by link."""

import asyncio
from collections.abc import Callable

import aiohttp
import pytest
from aiohttp import encode_basic_auth

from simulator.registries.pull import Pulled, PullFailed
from simulator.registries.tokens import TOKEN_SECONDS, Grant, Tokens
from tests.simulator.data_plane import DOMAIN, SERVICE_B, Company, a_token, at

HANGZHOU = "sim-a-registry.cn-hangzhou.cr.aliyuncs.com"
SERVICE_A = "registry.aliyuncs.com:cn-hangzhou:26842:cri-aaaaa"


@pytest.mark.parametrize(("vpc", "instance"), [("vpc-aaaaa", "cri-aaaaa"), ("vpc-bbbbb", "cri-bbbbb")])
async def test_each_vpc_pulls_from_its_home(company: Company, vpc: str, instance: str) -> None:
    pulled = await company.pull(vpc)

    tag = company.world.instances[instance].tag("core/api", "2.7.1")
    assert tag is not None
    assert pulled == Pulled(instance, tag.image.digest, 1)


@pytest.mark.parametrize(("kind", "value"), [("CNAME", HANGZHOU), ("A", "10.1.0.10")])
async def test_after_a_failover_pulls_are_answered_by_the_standby(company: Company, kind: str, value: str) -> None:
    company.faults.set("region_down", "zhangjiakou", True)

    company.fail_over(kind, value)

    assert (await company.pull()).instance == "cri-aaaaa"


def no_record(company: Company) -> None:
    company.record.status = "DISABLE"


def no_route(company: Company) -> None:
    company.fail_over("A", "10.1.0.10")
    company.world.state.routes.clear()


def not_admitted(company: Company) -> None:
    company.fail_over("CNAME", HANGZHOU)
    company.world.instances["cri-aaaaa"].endpoint.acl = []


def acl_closed(company: Company) -> None:
    company.fail_over("CNAME", HANGZHOU)
    company.faults.set("acl_closed", "hangzhou", True)


def stopped(company: Company) -> None:
    company.home.status = "STOPPED"


def expired(company: Company) -> None:
    company.faults.set("certificate_expired", None, True)


def domain_gone(company: Company) -> None:
    company.home.custom_domains.clear()


def tag_gone(company: Company) -> None:
    company.world.delete("cri-bbbbb", "core/api", "2.7.1")


@pytest.mark.parametrize(
    ("break_it", "link", "reason"),
    [
        (no_record, "name", "does not contain an answer"),
        (no_route, "network", "no route from vpc-bbbbb to 10.1.0.10"),
        (not_admitted, "network", "the access list of cri-aaaaa does not admit vpc-bbbbb"),
        (acl_closed, "network", "reset"),
        (stopped, "network", "reset"),
        (expired, "network", "certificate has expired"),
        (domain_gone, "network", "Hostname mismatch"),
        (tag_gone, "manifest", "404"),
    ],
)
async def test_a_pull_says_which_link_is_broken(
    company: Company, break_it: Callable[[Company], None], link: str, reason: str
) -> None:
    break_it(company)

    with pytest.raises(PullFailed, match=reason) as failure:
        await company.pull()

    assert failure.value.link == link


@pytest.mark.parametrize(
    "break_it", [no_record, no_route, not_admitted, acl_closed, stopped, expired, domain_gone, lambda _: None]
)
async def test_the_picture_shows_as_failing_what_cannot_be_pulled(
    company: Company, break_it: Callable[[Company], None]
) -> None:
    break_it(company)

    assert company.shown_as_healthy() == await company.can_pull()


async def test_a_wrong_password_gets_no_token(company: Company) -> None:
    workload = company.workload("vpc-bbbbb", encode_basic_auth("puller", "wrong"))

    with pytest.raises(PullFailed, match=r"token: .*401"):
        await workload.pull("core/api", "2.7.1")


async def test_a_region_that_is_down_answers_nobody_and_keeps_nobody_connected(
    company: Company, client: aiohttp.ClientSession
) -> None:
    async with client.get(at(company, "/v2/"), server_hostname=DOMAIN):
        company.faults.set("region_down", "zhangjiakou", True)

    with pytest.raises(TimeoutError):
        await client.get(at(company, "/v2/"), server_hostname=DOMAIN, timeout=aiohttp.ClientTimeout(0.2))


async def test_a_region_that_comes_back_answers_again(company: Company) -> None:
    company.faults.set("region_down", None, True)
    company.faults.set("region_down", None, False)

    assert (await company.pull()).instance == "cri-bbbbb"


async def test_a_closed_access_list_leaves_the_links_open(company: Company) -> None:
    company.faults.set("acl_closed", None, True)

    assert (await company.pull("vpc-aaaaa")).instance == "cri-aaaaa"


async def test_an_expired_certificate_is_back_in_order_with_the_next_handshake(company: Company) -> None:
    company.faults.set("certificate_expired", "zhangjiakou", True)
    with pytest.raises(PullFailed):
        await company.pull()

    company.faults.set("certificate_expired", "zhangjiakou", False)

    assert (await company.pull()).instance == "cri-bbbbb"


async def test_a_slow_site_is_slower_than_a_hasty_client_will_wait(
    company: Company, client: aiohttp.ClientSession
) -> None:
    company.faults.set("slow", "zhangjiakou", True)

    with pytest.raises(TimeoutError):
        await client.get(at(company, "/v2/"), server_hostname=DOMAIN, timeout=aiohttp.ClientTimeout(0.2))


async def test_slowness_of_one_site_is_not_felt_at_another(company: Company) -> None:
    company.faults.set("slow", "zhangjiakou", True)

    async with asyncio.timeout(1):
        assert (await company.pull("vpc-aaaaa")).instance == "cri-aaaaa"


async def test_the_challenge_names_the_realm_and_the_answering_instance(
    company: Company, client: aiohttp.ClientSession
) -> None:
    response = await client.get(at(company, "/v2/"), server_hostname=DOMAIN)

    assert response.status == 401
    assert response.headers["Docker-Distribution-Api-Version"] == "registry/2.0"
    assert response.headers["WWW-Authenticate"] == (
        f'Bearer realm="https://dockerauth-cn-zhangjiakou.aliyuncs.com/auth",service="{SERVICE_B}"'
    )
    assert (await response.json())["errors"][0]["code"] == "UNAUTHORIZED"


@pytest.mark.parametrize(("service", "status"), [(SERVICE_B, 200), (SERVICE_A, 401)])
async def test_a_token_fits_the_instance_that_it_was_made_for(
    company: Company, client: aiohttp.ClientSession, service: str, status: int
) -> None:
    token = await a_token(company, client, "repository:core/api:pull", service)
    headers = {"Authorization": f"Bearer {token}"}

    response = await client.get(at(company, "/v2/"), headers=headers, server_hostname=DOMAIN)

    assert response.status == status


async def test_a_token_fits_the_repositories_that_it_names(company: Company, client: aiohttp.ClientSession) -> None:
    token = await a_token(company, client, "repository:core/web:pull repository:core/api:push")
    headers = {"Authorization": f"Bearer {token}"}

    url = at(company, "/v2/core/api/manifests/2.7.1")
    response = await client.get(url, headers=headers, server_hostname=DOMAIN)

    assert response.status == 401
    assert 'scope="repository:core/api:pull",error="insufficient_scope"' in response.headers["WWW-Authenticate"]


async def test_a_forged_token_is_as_good_as_none(company: Company, client: aiohttp.ClientSession) -> None:
    headers = {"Authorization": "Bearer e30.e30.ä"}

    response = await client.get(at(company, "/v2/"), headers=headers, server_hostname=DOMAIN)

    assert response.status == 401
    assert 'error="invalid_token"' in response.headers["WWW-Authenticate"]


async def test_a_manifest_is_found_by_tag_and_by_digest_and_may_be_asked_about(
    company: Company, client: aiohttp.ClientSession
) -> None:
    tag = company.home.tag("core/api", "2.7.1")
    assert tag is not None
    headers = {"Authorization": f"Bearer {await a_token(company, client, 'repository:core/api:pull')}"}
    url = at(company, "/v2/core/api/manifests/")

    found = await client.get(url + "2.7.1", headers=headers, server_hostname=DOMAIN)
    same = await client.head(url + tag.image.digest, headers=headers, server_hostname=DOMAIN)
    missing = await client.get(url + "sha256:" + "0" * 64, headers=headers, server_hostname=DOMAIN)

    assert await found.read() == tag.image.manifest
    assert found.headers["Docker-Content-Digest"] == same.headers["Docker-Content-Digest"] == tag.image.digest
    assert (missing.status, (await missing.json())["errors"][0]["code"]) == (404, "MANIFEST_UNKNOWN")


@pytest.mark.parametrize(
    ("door", "bucket"),
    [
        ("203.0.113.20:443", "cri-bbbbb-registry.oss-cn-zhangjiakou.aliyuncs.com"),
        ("10.2.0.20:443", "cri-bbbbb-registry.oss-cn-zhangjiakou-internal.aliyuncs.com"),
    ],
)
async def test_a_layer_is_fetched_from_the_bucket_on_the_callers_side_by_a_signed_link(
    company: Company, client: aiohttp.ClientSession, door: str, bucket: str
) -> None:
    tag = company.home.tag("core/api", "2.7.1")
    assert tag is not None
    headers = {"Authorization": f"Bearer {await a_token(company, client, 'repository:core/api:pull')}"}
    digest = next(iter(tag.image.blobs))
    url = at(company, f"/v2/core/api/blobs/{digest}", door)

    answer = await client.get(url, headers=headers, server_hostname=DOMAIN, allow_redirects=False)
    link = answer.headers["Location"].replace(f"https://{bucket}", at(company, "", f"{bucket}:443"))
    layer = await client.get(link, server_hostname=bucket)
    unsigned = await client.get(link.partition("?")[0], server_hostname=bucket)

    assert (answer.status, layer.status, unsigned.status) == (307, 200, 403)
    assert await layer.read() == tag.image.blobs[digest]


async def test_a_name_that_the_instance_does_not_carry_is_not_served(
    company: Company, client: aiohttp.ClientSession
) -> None:
    response = await client.get(at(company, "/v2/"), headers={"Host": HANGZHOU}, server_hostname=DOMAIN)

    assert response.status == 404


def test_a_token_ends_with_its_time() -> None:
    now_ms = [0]
    tokens = Tokens(lambda: now_ms[0])
    token = tokens.issue(Grant(SERVICE_A, ("core/api",)))

    assert tokens.read(token) == Grant(SERVICE_A, ("core/api",))
    now_ms[0] = TOKEN_SECONDS * 1000
    assert tokens.read(token) is None
