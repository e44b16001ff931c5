"""How the vendor's lists mislead, by the vendor's own client."""

from collections.abc import AsyncIterator, Callable

import pytest
from alibabacloud_cr20181201 import models
from alibabacloud_cr20181201.client import Client

from simulator.app import Simulator, running
from simulator.generator import parse
from tests.simulator.conftest import config

Registry = Callable[[str], Client]


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with running(only={"alibaba"}, generate=parse("26x12")) as simulator:
        yield simulator


@pytest.fixture
def cr(sim: Simulator) -> Client:
    assert sim.alibaba is not None
    return Client(config(sim.alibaba.cr["cn-zhangjiakou"], sim.alibaba.writer))


async def listed(cr: Client, pages: int, size: int = 10) -> list[str]:
    found = []
    for page in range(1, pages + 1):
        request = models.ListRepositoryRequest(instance_id="cri-bbbbb", page_no=page, page_size=size)
        found += [each.repo_id for each in (await cr.list_repository_async(request)).body.repositories]
    return found


async def test_pages_shift_while_others_push(sim: Simulator, cr: Client) -> None:
    sim.faults.set("shifting_pages", "zhangjiakou", True)

    first, second = await listed(cr, 3), await listed(cr, 3)

    assert len(first) == 30
    assert len(set(first)) < 30
    assert len({*first, *second}) == 30


async def test_counts_are_wrong_in_every_direction(sim: Simulator, cr: Client) -> None:
    sim.faults.set("wrong_counts", None, True)
    request = models.ListRepositoryRequest(instance_id="cri-bbbbb")

    told = [(await cr.list_repository_async(request)).body.total_count for _ in range(7)]

    assert set(told) == {"0", "15", "33"}


async def tags(sim: Simulator, cr: Client) -> list[models.ListRepoTagResponseBodyImages]:
    repository = list(sim.world.instances["cri-bbbbb"].repositories.values())[-1]
    request = models.ListRepoTagRequest(instance_id="cri-bbbbb", repo_id=repository.id, page_size=100)
    images: list[models.ListRepoTagResponseBodyImages] = (await cr.list_repo_tag_async(request)).body.images
    return images


async def test_some_digests_have_their_prefix(sim: Simulator, cr: Client) -> None:
    plain = [image.digest for image in await tags(sim, cr)]
    sim.faults.set("prefixed_digests", "zhangjiakou", True)

    mixed = [image.digest for image in await tags(sim, cr)]

    assert {digest.startswith("sha256:") for digest in mixed} == {True, False}
    assert [digest.removeprefix("sha256:") for digest in mixed] == plain


async def test_what_is_not_told_is_the_text_null(sim: Simulator, cr: Client) -> None:
    sim.faults.set("null_texts", "zhangjiakou", True)
    repositories = models.ListRepositoryRequest(instance_id="cri-bbbbb")
    rules = models.ListRepoSyncRuleRequest(instance_id="cri-bbbbb")

    repository = (await cr.list_repository_async(repositories)).body.repositories[0]
    rule = (await cr.list_repo_sync_rule_async(rules)).body.sync_rules[0]

    assert (repository.modified_time, (await tags(sim, cr))[0].image_update) == ("null", "null")
    assert (rule.local_repo_name, rule.create_time, rule.local_namespace_name) == ("null", "null", "core")


async def modified(cr: Client) -> int:
    request = models.GetRepositoryRequest(instance_id="cri-bbbbb", repo_namespace_name="core", repo_name="api")
    return int((await cr.get_repository_async(request)).body.modified_time)


async def test_the_time_of_a_repository_moves_with_its_tags(sim: Simulator, cr: Client) -> None:
    before = await modified(cr)
    sim.world.push("cri-bbbbb", "core/api", "9.9.9")
    pushed = await modified(cr)
    sim.world.delete("cri-bbbbb", "core/api", "9.9.9")

    assert before < pushed <= await modified(cr)


async def test_the_time_of_a_repository_may_be_stuck(sim: Simulator, cr: Client) -> None:
    before = await modified(cr)
    sim.faults.set("modified_time_stuck", "zhangjiakou", True)

    sim.world.push("cri-bbbbb", "core/api", "9.9.9")

    assert await modified(cr) == before


async def test_a_namespace_tells_whether_it_makes_repositories(sim: Simulator, cr: Client) -> None:
    sim.world.instances["cri-bbbbb"].by_hand = ["core"]
    request = models.ListNamespaceRequest(instance_id="cri-bbbbb", page_size=100)

    namespaces = (await cr.list_namespace_async(request)).body.namespaces

    assert {each.namespace_name for each in namespaces if not each.auto_create_repo} == {"core"}
