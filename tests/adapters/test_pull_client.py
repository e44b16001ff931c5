"""Asking registries for images as pulls do, at the simulated ones."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from bot.adapters.alibaba.client import Alibaba
from bot.adapters.alibaba.credentials import Keys
from bot.adapters.pull_client import OpenRegistry, RegistryPuller
from bot.adapters.pull_login import Login, read_challenge
from bot.domain.manifests import Manifest, digest_of, read_manifest
from bot.domain.pulling import Absent, Content, Lack
from bot.errors import Refused, Unreachable
from simulator.app import Simulator, running
from simulator.canary import MARK
from simulator.images import Image
from tests.adapters.conftest import EAGER, HANGZHOU, ZHANGJIAKOU, a_client, now

DOMAIN = "sim-a-registry.cn-hangzhou.cr.aliyuncs.com"
API = "core/api"
SERVICE = "registry.aliyuncs.com:cn-hangzhou:26842:cri-aaaaa"
MANY = Image("core/api:many", platforms=("amd64", "arm64"))


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Simulator]:
    async with running(only={"alibaba", "registries"}) as simulator:
        monkeypatch.setenv("SSL_CERT_FILE", simulator.announcement["ca"])
        simulator.world.put("cri-aaaaa", API, "many", MANY)
        yield simulator


@pytest.fixture
async def cloud(world: Simulator) -> AsyncIterator[Alibaba]:
    where = world.announcement["alibaba"]
    client = a_client(where["pvtz"], where["cr"], Keys(where["access_key_id"], where["access_key_secret"]), EAGER)
    yield client
    await client.close()


def redirects(simulator: Simulator) -> dict[str, tuple[str, int]]:
    pairs = (pair.split("=") for pair in simulator.announcement["env"]["REGISTRY_BOT_CONNECT_TO"].split(","))
    return {source: (target.split(":")[0], int(target.split(":")[1])) for source, target in pairs}


@pytest.fixture
def puller(world: Simulator, cloud: Alibaba) -> RegistryPuller:
    return RegistryPuller(cloud, now, redirects(world), deadline=2.0)


@asynccontextmanager
async def reaching(puller: RegistryPuller) -> AsyncIterator[OpenRegistry]:
    async with puller.reach(HANGZHOU, DOMAIN) as registry:
        yield registry


def kept(world: Simulator, tag: str = "2.7.1") -> Image:
    found = world.world.instances["cri-aaaaa"].tag(API, tag)
    assert found is not None
    return found.image


async def test_a_tag_names_its_digest_and_the_digest_its_bytes(world: Simulator, puller: RegistryPuller) -> None:
    image = kept(world)

    async with reaching(puller) as registry:
        digest = await registry.digest(API, "2.7.1")
        content = await registry.manifest(API, image.digest)

    assert digest == image.digest
    assert content == Content(image.manifest, image.media_type)
    assert registry.at == DOMAIN


async def test_an_index_comes_as_such_and_so_do_the_images_that_it_names(puller: RegistryPuller) -> None:
    async with reaching(puller) as registry:
        content = await registry.manifest(API, "many")
        assert isinstance(content, Content)
        index = read_manifest(content.raw, content.media_type)
        assert isinstance(index, Manifest)
        children = [await registry.digest(API, child.digest) for child in index.children]

    assert children == [child.digest for child in MANY.children]


async def test_a_layer_is_looked_for_where_the_redirect_leads(world: Simulator, puller: RegistryPuller) -> None:
    layer = digest_of(kept(world).layer)

    async with reaching(puller) as registry:
        there = await registry.blob(API, layer)
        world.faults.set("blob_missing", "hangzhou", True)
        lost = await registry.blob(API, layer)
        unknown = await registry.blob(API, digest_of(b"nothing"))

    assert there is None
    assert lost == Absent(Lack.MISSING, "has lost it from its store")
    assert unknown == Absent(Lack.MISSING, "does not have it")


async def test_what_is_listed_and_not_there_is_missing(world: Simulator, puller: RegistryPuller) -> None:
    world.faults.set("manifest_missing", "hangzhou", True)

    async with reaching(puller) as registry:
        found = await registry.digest(API, "2.7.1")
        nowhere = await registry.digest("core/nowhere", "1")

    assert found == nowhere == Absent(Lack.MISSING, "does not have it")


async def test_one_token_is_asked_for_each_repository(world: Simulator, puller: RegistryPuller) -> None:
    async with reaching(puller) as registry:
        for _ in range(3):
            await registry.digest(API, "2.7.1")
        await registry.digest("core/web", "1")

    asked = [call["action"] for call in world.calls]
    assert asked.count("GetAuthorizationToken") == 1


async def test_a_token_that_the_registry_takes_no_more_is_renewed(world: Simulator, puller: RegistryPuller) -> None:
    async with reaching(puller) as registry:
        await registry.digest(API, "2.7.1")
        registry._tokens._slots[API].token = "spoilt"  # type: ignore[attr-defined]
        found = await registry.digest(API, "2.7.1")

    assert found == kept(world).digest


async def test_without_the_permission_to_get_a_login_the_action_is_named(
    world: Simulator, puller: RegistryPuller
) -> None:
    assert world.alibaba
    world.alibaba.cloud.ram.denied.add("cr:GetAuthorizationToken")

    with pytest.raises(Refused, match=r"lacks the RAM action cr:GetAuthorizationToken on \*\."):
        async with reaching(puller):
            pass


async def test_without_the_permission_to_pull_every_image_is_refused_with_the_action(
    world: Simulator, puller: RegistryPuller
) -> None:
    assert world.alibaba
    world.alibaba.cloud.ram.denied.add("cr:PullRepository")

    async with reaching(puller) as registry:
        found = await registry.digest(API, "2.7.1")

    assert isinstance(found, Absent)
    assert found.lack is Lack.REFUSED
    assert "cr:PullRepository" in found.reason


async def test_another_site_is_another_login(world: Simulator, cloud: Alibaba, puller: RegistryPuller) -> None:
    async with puller.reach(ZHANGJIAKOU, "sim-b-registry.cn-zhangjiakou.cr.aliyuncs.com") as registry:
        assert isinstance(await registry.digest(API, "2.7.1"), str)

    with pytest.raises(Unreachable, match="Whoever answers for zhangjiakou is not cri-bbbbb"):
        async with puller.reach(ZHANGJIAKOU, DOMAIN):
            pass


async def test_a_name_outside_the_vendors_is_not_logged_in_to(puller: RegistryPuller) -> None:
    with pytest.raises(Unreachable, match="is no name of the vendor's"):
        async with puller.reach(HANGZHOU, "registry.example.com"):
            pass


async def test_a_region_that_is_down_is_silent(world: Simulator, cloud: Alibaba) -> None:
    world.faults.set("region_down", "hangzhou", True)

    with pytest.raises(Unreachable, match=f"{DOMAIN} did not answer within 0.2 s"):
        async with RegistryPuller(cloud, now, redirects(world), deadline=0.2).reach(HANGZHOU, DOMAIN):
            pass


async def test_an_instance_that_falls_silent_meanwhile_is_silent_for_each_image(
    world: Simulator, cloud: Alibaba
) -> None:
    async with RegistryPuller(cloud, now, redirects(world), deadline=0.3).reach(HANGZHOU, DOMAIN) as registry:
        assert isinstance(await registry.digest(API, "2.7.1"), str)
        world.faults.set("region_down", "hangzhou", True)
        found = await registry.digest(API, "2.7.1")

    assert isinstance(found, Absent)
    assert found.lack is Lack.SILENT


async def test_a_certificate_that_is_not_trusted_is_said(
    world: Simulator, cloud: Alibaba, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")

    with pytest.raises(Unreachable, match="shows a certificate that the bot does not trust"):
        async with RegistryPuller(cloud, now, redirects(world)).reach(HANGZHOU, DOMAIN):
            pass


async def test_a_password_that_ends_soon_is_renewed(world: Simulator, cloud: Alibaba) -> None:
    later = RegistryPuller(cloud, lambda: datetime.now(UTC) + timedelta(minutes=59), redirects(world))

    async with later.reach(HANGZHOU, DOMAIN) as registry:
        await registry.digest(API, "2.7.1")

    assert [call["action"] for call in world.calls].count("GetAuthorizationToken") == 2


@pytest.mark.parametrize(
    "realm",
    [
        "https://dockerauth-ee.cn-hangzhou.aliyuncs.com/auth",
        "https://dockerauth.cn-hangzhou.aliyuncs.com/auth",
        "https://dockerauth-cn-hangzhou.aliyuncs.com/auth",
        "https://dockerauth-ee-vpc.cn-hangzhou.aliyuncs.com:443/auth",
    ],
)
def test_the_vendors_token_services_of_the_region_are_known(realm: str) -> None:
    challenge = read_challenge(f'Bearer realm="{realm}",service="{SERVICE}"', HANGZHOU)

    assert (str(challenge.realm), challenge.service) == (realm.replace(":443", ""), SERVICE)


@pytest.mark.parametrize(
    "realm",
    [
        "http://dockerauth-ee.cn-hangzhou.aliyuncs.com/auth",
        "https://dockerauth-ee.cn-zhangjiakou.aliyuncs.com/auth",
        "https://dockerauth-ee.cn-hangzhou.aliyuncs.com.example.com/auth",
        "https://dockerauth-ee.cn-hangzhou.aliyuncs.com@example.com/auth",
        "https://dockerauth-ee.cn-hangzhou.aliyuncs.com:8443/auth",
        "https://dockerauth-eexcn-hangzhou.aliyuncs.com/auth",
        "https://example.com/?dockerauth-ee.cn-hangzhou.aliyuncs.com/auth",
        "",
    ],
)
def test_the_password_follows_no_challenge_elsewhere(realm: str) -> None:
    with pytest.raises(Unreachable, match="does not log in there"):
        read_challenge(f'Bearer realm="{realm}",service="{SERVICE}"', HANGZHOU)


@pytest.mark.parametrize("challenge", ["", "Basic realm=x", f'Basic realm="r",service="{SERVICE}"', 'Bearer realm="r"'])
def test_whoever_does_not_name_the_instance_gets_no_password(challenge: str) -> None:
    with pytest.raises(Unreachable, match="is not cri-aaaaa"):
        read_challenge(challenge, HANGZHOU)


async def test_no_secret_shows_in_what_holds_one(puller: RegistryPuller, world: Simulator) -> None:
    async with reaching(puller) as registry:
        await registry.digest(API, "2.7.1")
        login = await registry._tokens._login()  # type: ignore[attr-defined]

        assert MARK in login.password
        assert MARK not in f"{login!r} {registry!r} {registry._tokens!r}"
        assert repr(Login("user", "word", None)) == "Login(expires_at=None)"
