"""Images for several platforms, and copies that arrive in part, as the data plane shows them."""

import aiohttp
import pytest

from simulator.images import INDEX_TYPE, MANIFEST_TYPE, Image, sha256
from simulator.registries.pull import PullFailed
from simulator.registries.shelf import MOST_KEPT, Shelf
from simulator.replication import Engine
from tests.simulator.data_plane import Company, a_token, at

INDEX = Image("core/many:1.0", platforms=("amd64", "arm64"))


@pytest.fixture
def many(company: Company) -> Company:
    """A company whose source holds an image for two platforms."""
    company.world.put("cri-bbbbb", "core/many", "1.0", INDEX)
    return company


async def manifest(
    company: Company, client: aiohttp.ClientSession, reference: str, accept: str = "*/*"
) -> aiohttp.ClientResponse:
    token = await a_token(company, client, "repository:core/many:pull")
    headers = {"Authorization": f"Bearer {token}", "Accept": accept}
    url = at(company, f"/v2/core/many/manifests/{reference}")
    return await client.get(url, headers=headers, server_hostname="cross-region.registry.io")


async def test_an_index_names_an_image_for_each_platform(many: Company, client: aiohttp.ClientSession) -> None:
    answer = await manifest(many, client, "1.0")

    named = (await answer.json(content_type=None))["manifests"]
    assert (answer.content_type, sha256(await answer.read())) == (INDEX_TYPE, INDEX.digest)
    assert [each["platform"]["architecture"] for each in named] == ["amd64", "arm64"]
    for each in named:
        child = await manifest(many, client, each["digest"])
        assert (child.content_type, sha256(await child.read())) == (MANIFEST_TYPE, each["digest"])


async def test_a_client_that_does_not_speak_of_indexes_gets_none(many: Company, client: aiohttp.ClientSession) -> None:
    answers = [await manifest(many, client, "1.0", accept) for accept in (MANIFEST_TYPE, INDEX_TYPE)]

    assert [answer.status for answer in answers] == [404, 200]


async def test_an_image_for_several_platforms_can_be_pulled(many: Company) -> None:
    pulled = await many.workload("vpc-bbbbb").pull("core/many", "1.0")

    assert (pulled.digest, pulled.layers) == (INDEX.digest, 1)


def test_an_index_tells_its_bytes_and_those_of_its_images() -> None:
    assert INDEX.size == len(INDEX.manifest) + sum(child.size for child in INDEX.children)
    assert len(INDEX.blobs) == 4


def copied(company: Company, repo: str, tag: str) -> None:
    """Let what was pushed last arrive."""
    engine = Engine(company.world, company.faults, lag_seconds=0.0)
    for _ in range(2):
        engine.tick(company.world.now_ms() + 1_000)
    assert company.world.instances["cri-aaaaa"].tag(repo, tag) is not None


async def test_a_copy_in_part_has_its_manifest_and_not_its_layer(company: Company) -> None:
    company.faults.set("incomplete_copies", "hangzhou", True)
    company.world.push("cri-bbbbb", "core/api", "3.0.0")
    copied(company, "core/api", "3.0.0")

    with pytest.raises(PullFailed, match="layer"):
        await company.workload("vpc-aaaaa").pull("core/api", "3.0.0")

    assert await company.workload("vpc-bbbbb").pull("core/api", "3.0.0")


async def test_an_index_that_was_copied_in_part_lacks_an_image(many: Company) -> None:
    many.faults.set("incomplete_copies", "hangzhou", True)
    many.world.push("cri-bbbbb", "core/many", "1.0")
    task = many.world.tasks[-1]
    task.image = INDEX
    copied(many, "core/many", "1.0")

    tag = many.world.instances["cri-aaaaa"].tag("core/many", "1.0")
    assert tag
    assert tag.lacks == {INDEX.children[-1].digest}
    many.world.land(task)
    assert not tag.lacks


def test_a_shelf_keeps_the_contents_of_the_last_links() -> None:
    shelf = Shelf()
    for number in range(MOST_KEPT + 1):
        shelf.put(f"sha256:{number}", b"")

    assert (shelf.get("sha256:0"), shelf.get("sha256:1")) == (None, b"")
