"""The simulated company and the files that describe one."""

from pathlib import Path

import pytest
import yaml

from simulator.faults import Faults
from simulator.images import sha256
from simulator.model import PENDING
from simulator.picture import Picture
from simulator.world import World

SEED = Path(__file__).parents[2] / "simulator" / "seed.yaml"
HANGZHOU = "sim-a-registry.cn-hangzhou.cr.aliyuncs.com"


@pytest.fixture
def world() -> World:
    return World.seed()


def sentence(tmp_path: Path, text: str) -> str:
    path = tmp_path / "world.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the sentence is what is looked at)
        World.load(path)
    return str(caught.value)


def test_each_vpc_has_its_own_zone_of_the_domain(world: World) -> None:
    values = {vpc: record.value for vpc in world.vpcs if (record := world.record_for_vpc(vpc))}

    assert values == {"vpc-aaaaa": "10.1.0.10", "vpc-bbbbb": "10.2.0.20"}


def test_a_disabled_record_steers_nothing(world: World) -> None:
    world.zones["b83e05d1947f4a2c9d60c71e2fa45b38"].records[0].status = "DISABLE"

    assert world.record_for_vpc("vpc-bbbbb") is None


@pytest.mark.parametrize("where", ["198.51.100.10", "10.1.0.10", HANGZHOU, HANGZHOU.upper() + "."])
def test_an_instance_answers_at_its_addresses_and_names(world: World, where: str) -> None:
    found = world.instance_answering(where)

    assert found is not None
    assert found.id == "cri-aaaaa"


def test_nobody_answers_elsewhere(world: World) -> None:
    assert world.instance_answering("192.0.2.1") is None


def test_a_link_address_is_reached_by_route_only(world: World) -> None:
    assert world.reaches("vpc-bbbbb", "10.1.0.10")

    world.state.routes.clear()

    assert not world.reaches("vpc-bbbbb", "10.1.0.10")
    assert world.reaches("vpc-aaaaa", "10.1.0.10")
    assert world.reaches("vpc-bbbbb", "198.51.100.10")


@pytest.mark.parametrize(
    ("acl", "admitted"), [(None, True), ([], False), (["203.0.113.0/24"], True), (["192.0.2.1/32"], False)]
)
def test_an_access_list_admits_whom_it_contains(world: World, acl: list[str] | None, admitted: bool) -> None:
    instance = world.instances["cri-aaaaa"]
    instance.endpoint.acl = acl

    assert world.admits(instance, "vpc-bbbbb") is admitted


def test_pushing_the_same_tag_again_gives_another_digest(world: World) -> None:
    first = world.push("cri-bbbbb", "core/api", "3.0.0")
    second = world.push("cri-bbbbb", "core/api", "3.0.0")

    assert first.digest != second.digest


def test_an_image_is_named_by_its_content(world: World) -> None:
    image = world.push("cri-bbbbb", "core/api", "3.0.0")

    assert image.digest == sha256(image.manifest)
    assert all(sha256(content) == digest for digest, content in image.blobs.items())


def test_a_push_is_queued_for_replication_by_automatic_rules_alone(world: World) -> None:
    world.push("cri-bbbbb", "core/api", "3.0.0")
    world.push("cri-bbbbb", "platform/tools", "3.0.0")
    world.push("cri-aaaaa", "core/api", "3.0.0")

    queued = [(task.repo, task.source) for task in world.tasks if task.status == PENDING]
    assert queued == [("core/api", "cri-bbbbb")]


def test_a_deletion_stays_where_it_was_made(world: World) -> None:
    world.delete("cri-bbbbb", "core/api", "2.7.1")

    assert world.instances["cri-bbbbb"].tag("core/api", "2.7.1") is None
    assert world.instances["cri-aaaaa"].tag("core/api", "2.7.1") is not None


def test_an_immutable_tag_at_the_target_is_a_conflict(world: World) -> None:
    world.instances["cri-aaaaa"].repositories["core/api"].immutable = True
    world.push("cri-bbbbb", "core/api", "2.7.1")

    assert world.land(world.tasks[-1]) == "TAG_CONFLICT"


@pytest.mark.parametrize(("repo", "tag"), [("nowhere/api", "1"), ("core", "1"), ("core/", "1")])
def test_a_push_outside_every_namespace_is_refused(world: World, repo: str, tag: str) -> None:
    with pytest.raises(ValueError, match="namespace"):
        world.push("cri-bbbbb", repo, tag)


def test_a_reset_undoes_everything(world: World) -> None:
    world.push("cri-bbbbb", "core/api", "3.0.0")
    world.zones.clear()

    world.reset()

    assert world.instances["cri-bbbbb"].tag("core/api", "3.0.0") is None
    assert world.record_for_vpc("vpc-bbbbb") is not None


def test_a_reset_can_be_done_twice(world: World) -> None:
    for _ in range(2):
        world.zones.clear()
        world.reset()

    assert len(world.zones) == 4


def test_the_picture_says_why_pulls_fail(world: World) -> None:
    faults = Faults()

    def view() -> dict[str, object]:
        views = Picture(world, faults)()["views"]
        assert isinstance(views, list)
        return dict(views[1])

    assert (view()["pulls"], view()["instance"]) == ("ok", "cri-bbbbb")
    faults.set("region_down", "zhangjiakou", True)
    assert view()["pulls"] == "failing: zhangjiakou does not answer"
    world.zones["b83e05d1947f4a2c9d60c71e2fa45b38"].records[0].value = "10.99.0.99"
    assert view()["pulls"] == "failing: nothing answers at 10.99.0.99"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("domain:", "domane:", "unknown key 'domane'"),
        ("ttl: 60", "ttl: sixty", "ttl must be a number, not 'sixty'"),
        ("site: hangzhou", "site: mars", "site 'mars'"),
        ("standby: [hangzhou]", "standby: [mars]", "standby 'mars'"),
        ("id: 1152921504606847001", "id: 1152921504606847002", "same id"),
        ("source: cri-bbbbb", "source: cri-aaaaa", "only Enterprise_Advanced can be a source"),
        ("repo: core/api", "repo: nowhere/api", "no namespace of"),
        ("sites:", "sites: [", "not YAML"),
    ],
)
def test_a_broken_world_file_is_explained_in_a_sentence(tmp_path: Path, old: str, new: str, said: str) -> None:
    text = SEED.read_text(encoding="utf-8")

    assert said in sentence(tmp_path, text.replace(old, new))


@pytest.mark.parametrize("text", ["", "- 1", "just words", "sites: 1"])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, text: str) -> None:
    assert "world.yaml" in sentence(tmp_path, text)


def test_a_world_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"Cannot read .*none\.yaml"):
        World.load(tmp_path / "none.yaml")


def test_one_entry_can_stand_for_many_repositories(tmp_path: Path) -> None:
    document = yaml.safe_load(SEED.read_text(encoding="utf-8"))
    document["images"] = [{"repo": "core/app-{n}", "count": 40, "tags": ["1", "2"], "at": ["cri-bbbbb", "cri-aaaaa"]}]
    path = tmp_path / "large.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")

    world = World.load(path)

    assert len(world.instances["cri-aaaaa"].repositories) == 40
    assert len(world.tasks) == 80


def test_a_fault_without_target_covers_every_site() -> None:
    faults = Faults(lambda: ("hangzhou", "zhangjiakou"))
    faults.set("slow", None, True)

    assert faults.active("slow", "hangzhou")
    assert not faults.active("throttled", "hangzhou")


def test_a_fault_of_one_site_leaves_the_others_alone() -> None:
    faults = Faults(lambda: ("hangzhou", "zhangjiakou"))
    faults.set("slow", "hangzhou", True)

    assert (faults.active("slow", "hangzhou"), faults.active("slow", "zhangjiakou")) == (True, False)
    assert (faults.active("slow"), faults.anywhere("slow")) == (False, True)


@pytest.mark.parametrize(("name", "target"), [("sloth", None), ("slow", "mars")])
def test_an_unknown_fault_or_site_is_refused(name: str, target: str | None) -> None:
    with pytest.raises(ValueError, match="Known"):
        Faults(lambda: ("hangzhou",)).set(name, target, True)


def test_only_a_change_of_a_fault_is_told() -> None:
    told: list[tuple[str, str | None, bool]] = []
    faults = Faults()
    faults.subscribe(lambda *change: told.append(change))

    faults.set("slow", None, True)
    faults.set("slow", None, True)
    faults.clear()

    assert told == [("slow", None, True), ("slow", None, False)]
