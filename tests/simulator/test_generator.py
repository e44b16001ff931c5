"""Worlds of thousands of repositories."""

from pathlib import Path

import pytest
import yaml
from alibabacloud_cr20181201 import models
from alibabacloud_cr20181201.client import Client
from alibabacloud_tea_openapi.models import Config

from simulator.app import Simulator, running
from simulator.generator import Generation, parse
from simulator.images import sha256
from simulator.world import World

SEED = Path(__file__).parents[2] / "simulator" / "seed.yaml"


def tags(world: World, instance: str) -> dict[str, str]:
    repositories = world.instances[instance].repositories.values()
    return {f"{each.path}:{tag.name}": tag.image.digest for each in repositories for tag in each.tags.values()}


def test_one_seed_makes_the_same_names_and_digests() -> None:
    first, second = (tags(World.seed(parse("50x5@7")), "cri-aaaaa") for _ in range(2))

    assert first == second


def test_another_seed_makes_others() -> None:
    assert tags(World.seed(parse("50x5@7")), "cri-bbbbb") != tags(World.seed(parse("50x5@8")), "cri-bbbbb")


def test_how_many_tags_there_are_is_known_before_they_are_made() -> None:
    world = World.seed(Generation(100, 20, missing=0.2, extra=0.2))

    for instance in world.instances.values():
        for repository in instance.repositories.values():
            assert repository.count == len(repository.tags)


def test_the_target_falls_short_by_the_shares_that_were_asked_for() -> None:
    wanted = Generation(200, 20, missing=0.1, different=0.05, extra=0.02, unshared=0)
    world = World.seed(wanted)
    source, target = tags(world, "cri-bbbbb"), tags(world, "cri-aaaaa")

    assert len(source.keys() - target.keys()) == pytest.approx(400, rel=0.25)
    assert len(target.keys() - source.keys()) == pytest.approx(80, rel=0.4)
    assert sum(target[name] != source[name] for name in target.keys() & source.keys()) == pytest.approx(200, rel=0.3)


def test_what_was_made_can_be_pulled() -> None:
    world = World.seed(parse("3x2"))

    image = list(world.instances["cri-bbbbb"].repositories.values())[-1].tags["1.0.1"].image

    assert image.digest == sha256(image.manifest)
    assert all(sha256(content) == digest for digest, content in image.blobs.items())


def test_the_last_pushes_have_the_tasks_that_carried_them() -> None:
    world = World.seed(parse("500x5"))

    carried = [task for task in world.tasks if task.repo.startswith("team-")]

    assert carried
    for task in carried:
        copy = world.instances[task.target].tag(task.repo, task.tag)
        assert copy is not None
        assert (copy.image, copy.pushed_ms) == (task.image, task.modified_ms)


def test_a_generated_repository_takes_pushes_and_its_copies() -> None:
    world = World.seed(parse("5x2"))
    repo = list(world.instances["cri-bbbbb"].repositories)[-1]

    image = world.push("cri-bbbbb", repo, "9.9.9")

    assert world.land(world.tasks[-1]) is None
    copy = world.instances["cri-aaaaa"].tag(repo, "9.9.9")
    assert copy is not None
    assert copy.image == image


def test_a_reset_takes_back_what_happened_to_generated_repositories() -> None:
    world = World.seed(parse("5x2"))
    repo = list(world.instances["cri-bbbbb"].repositories)[-1]
    world.push("cri-bbbbb", repo, "9.9.9")

    world.reset()

    instance = world.instances["cri-bbbbb"]
    assert sorted(instance.repositories[repo].tags) == ["1.0.0", "1.0.1"]
    assert instance.by_id[instance.repositories[repo].id] is instance.repositories[repo]


def test_a_world_file_may_ask_for_it(tmp_path: Path) -> None:
    document = yaml.safe_load(SEED.read_text(encoding="utf-8"))
    document["generate"] = [{"repositories": 30, "tags": 3, "prefix": "shop", "namespaces": 2, "missing": 0.0}]
    path = tmp_path / "world.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")

    world = World.load(path)

    assert {"shop-00", "shop-01"} <= set(world.instances["cri-aaaaa"].namespaces)
    assert len(world.instances["cri-bbbbb"].repositories) == 34


@pytest.mark.parametrize("text", ["", "x20", "many", "10x20x30", "-5", "0", "10x0", "99999999"])
def test_what_cannot_be_generated_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="generate"):
        parse(text)


def test_the_same_cannot_be_generated_twice() -> None:
    with pytest.raises(ValueError, match="another prefix"):
        World.seed(parse("5x2"), parse("5x2"))


def clients(sim: Simulator) -> dict[str, Client]:
    assert sim.alibaba is not None
    who = sim.alibaba.writer
    keys = {"access_key_id": who.access_key_id, "access_key_secret": who.access_key_secret}
    return {
        region: Client(Config(endpoint=endpoint, protocol="http", **keys))
        for region, endpoint in sim.alibaba.cr.items()
    }


async def test_a_large_world_is_listed_page_by_page() -> None:
    async with running(only={"alibaba"}, generate=parse("250x3")) as sim:
        cr = clients(sim)["cn-zhangjiakou"]
        found = []
        for page in (1, 2, 3, 4):
            request = models.ListRepositoryRequest(instance_id="cri-bbbbb", page_no=page, page_size=100)
            found += [each.repo_id for each in (await cr.list_repository_async(request)).body.repositories]
        images = models.ListRepoTagRequest(instance_id="cri-bbbbb", repo_id=found[-1])

        assert len(set(found)) == 254
        assert (await cr.list_repo_tag_async(images)).body.total_count == "3"
