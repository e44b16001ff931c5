"""The replication engine."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from simulator.faults import Faults
from simulator.model import Behaviour, SyncRule, SyncTask
from simulator.replication import Engine
from simulator.world import KEPT_TASKS, World


class Site:
    """A world with an engine that moves when told to."""

    def __init__(self) -> None:
        self.world = World.seed()
        self.faults = Faults()
        self.engine = Engine(self.world, self.faults)

    def push(self, repo: str = "core/api", tag: str = "3.0.0") -> SyncTask:
        self.world.push("cri-bbbbb", repo, tag)
        return self.world.tasks[-1]

    def run(self, task: SyncTask, seconds: float) -> str:
        """Let the time since the push be `seconds`, tick by tick."""
        for step in range(int(seconds * 10) + 1):
            self.engine.tick(task.created_ms + step * 100)
        return task.status


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.mark.parametrize(
    ("seconds", "status"), [(0.9, "PENDING"), (1.0, "SYNCHRONIZING"), (1.9, "SYNCHRONIZING"), (2.0, "SUCCESS")]
)
def test_a_push_is_copied_with_a_lag(site: Site, seconds: float, status: str) -> None:
    task = site.push()

    assert site.run(task, seconds) == status


def test_a_finished_copy_has_the_digest_of_its_source_and_the_time_of_its_end(site: Site) -> None:
    task = site.push()

    site.run(task, 5)

    copies = [site.world.instances[name].tag("core/api", "3.0.0") for name in ("cri-bbbbb", "cri-aaaaa")]
    assert copies[0]
    assert copies[1]
    assert copies[0].image.digest == copies[1].image.digest
    assert task.modified_ms - task.created_ms == 2000


def test_of_two_pushes_of_one_tag_the_later_stays(site: Site) -> None:
    site.push()
    last = site.push()

    site.run(last, 5)

    copy = site.world.instances["cri-aaaaa"].tag("core/api", "3.0.0")
    assert copy
    assert copy.image == last.image


@pytest.mark.parametrize("target", ["hangzhou", "zhangjiakou", None])
@pytest.mark.parametrize("fault", ["replication_stalled", "region_down"])
def test_a_fault_at_either_end_holds_copies_up(site: Site, fault: str, target: str | None) -> None:
    task = site.push()
    site.run(task, 1)

    site.faults.set(fault, target, True)

    assert site.run(task, 60) == "SYNCHRONIZING"
    assert site.world.instances["cri-aaaaa"].tag("core/api", "3.0.0") is None


def test_what_was_held_up_goes_on_when_the_fault_is_over(site: Site) -> None:
    task = site.push()
    site.faults.set("replication_stalled", None, True)
    site.run(task, 60)

    site.faults.set("replication_stalled", None, False)

    assert site.run(task, 60) == "SUCCESS"


def test_an_immutable_tag_at_the_target_is_a_conflict(site: Site) -> None:
    site.world.instances["cri-aaaaa"].repositories["core/api"].immutable = True
    task = site.push(tag="2.7.1")

    assert site.run(task, 5) == "ERROR"
    assert task.issue == "TAG_CONFLICT"


def test_a_cancelled_copy_stays_cancelled(site: Site) -> None:
    task = site.push()
    task.status = "CANCELED"

    assert site.run(task, 5) == "CANCELED"


async def test_a_running_engine_works_by_itself() -> None:
    world = World.seed()
    engine = Engine(world, Faults(), lag_seconds=0.0)
    world.push("cri-bbbbb", "core/api", "3.0.0")

    await engine.start()
    async with asyncio.timeout(5):
        while world.tasks[-1].status != "SUCCESS":
            await asyncio.sleep(0.01)
    await engine.close()

    assert world.instances["cri-aaaaa"].tag("core/api", "3.0.0") is not None


def test_a_copy_that_lies_says_success_and_brings_nothing(site: Site) -> None:
    site.faults.set("false_success", "hangzhou", True)
    task = site.push()

    assert site.run(task, 5) == "SUCCESS"
    assert site.world.instances["cri-aaaaa"].tag("core/api", "3.0.0") is None


def test_a_copy_that_lies_about_a_tag_that_moved_brings_the_image_before(site: Site) -> None:
    first = site.push()
    site.world.tasks.clear()
    site.faults.set("false_success", None, True)
    task = site.push()

    assert site.run(task, 5) == "SUCCESS"
    copy = site.world.instances["cri-aaaaa"].tag("core/api", "3.0.0")
    assert copy
    assert copy.image == first.image


def test_a_share_of_copies_lies_and_a_share_fails(site: Site) -> None:
    site.world.state.behaviour = Behaviour(false_success=0.3, failures=0.2)
    tasks = [site.push(tag=f"3.0.{n}") for n in range(200)]

    site.run(tasks[-1], 5)

    failed = [task for task in tasks if task.status == "ERROR"]
    at_target = site.world.instances["cri-aaaaa"].repositories["core/api"].tags
    absent = [task for task in tasks if task.status == "SUCCESS" and task.tag not in at_target]
    assert {task.issue for task in failed} == {"NETWORK_ERROR"}
    assert len(failed) == pytest.approx(40, abs=20)
    assert len(absent) == pytest.approx(50, abs=25)


def test_lags_are_spread_around_the_usual_one(site: Site) -> None:
    site.world.state.behaviour = Behaviour(lag_ms=4_000, spread=1.0)
    tasks = [site.push(tag=f"3.0.{n}") for n in range(50)]

    site.run(tasks[-1], 4)

    arrived = sum(task.status == "SUCCESS" for task in tasks)
    assert 10 < arrived < 40


def test_what_was_deleted_before_it_was_copied_cannot_be_copied(site: Site) -> None:
    task = site.push()
    site.world.delete("cri-bbbbb", "core/api", "3.0.0")

    assert site.run(task, 5) == "ERROR"


@pytest.mark.parametrize("status", ["STOPPED", "RUNNING"])
def test_a_target_that_is_stopped_takes_no_copies(site: Site, status: str) -> None:
    site.world.instances["cri-aaaaa"].status = status
    task = site.push()

    assert site.run(task, 5) == ("SUCCESS" if status == "RUNNING" else "ERROR")


def test_a_namespace_that_makes_no_repositories_takes_only_copies_into_those_it_has(site: Site) -> None:
    site.world.instances["cri-aaaaa"].by_hand = ["core"]
    known, fresh = site.push(), site.push(repo="core/fresh")

    assert (site.run(known, 5), site.run(fresh, 5), fresh.issue) == ("SUCCESS", "ERROR", "INTERNAL_ERROR")


def test_a_source_that_lost_its_edition_copies_nothing(site: Site) -> None:
    before = len(site.world.tasks)
    site.world.instances["cri-bbbbb"].specification = "Enterprise_Basic"

    site.world.push("cri-bbbbb", "core/api", "3.0.0")

    assert len(site.world.tasks) == before


def test_tasks_of_a_long_day_are_forgotten_once_they_have_ended(site: Site) -> None:
    task = site.push()
    done = replace(task, status="SUCCESS")
    for _ in range(KEPT_TASKS):
        site.world.queue(done)

    assert len(site.world.tasks) <= KEPT_TASKS
    assert task in site.world.tasks


@pytest.mark.parametrize(
    ("rule", "repo", "tag", "covered"),
    [
        ({"scope": "INSTANCE", "namespace_filter": "team-.*"}, "team-1/api", "1", True),
        ({"scope": "INSTANCE", "namespace_filter": "team"}, "team-1/api", "1", False),
        ({"scope": "INSTANCE", "namespace_filter": ".*", "repo_filter": "a.i"}, "core/api", "1", True),
        ({"scope": "NAMESPACE", "namespace": "core", "repo_filter": "ap"}, "core/api", "1", False),
        ({"scope": "NAMESPACE", "namespace": "core", "tag_filter": "v[0-9]+"}, "core/api", "v12", True),
        ({"scope": "NAMESPACE", "namespace": "core", "tag_filter": "v[0-9]+"}, "core/api", "v12-rc", False),
        ({"scope": "REPO", "namespace": "core", "repo": "api"}, "core/api", "1", True),
        ({"scope": "REPO", "namespace": "core", "repo": "ap."}, "core/api", "1", False),
        ({"scope": "NAMESPACE", "namespace": "core", "tag_filter": "v["}, "core/api", "v[", False),
    ],
)
def test_a_rule_covers_what_its_filters_match_whole(rule: dict[str, Any], repo: str, tag: str, covered: bool) -> None:
    assert SyncRule("crsr-1", "one", "cri-bbbbb", "cri-aaaaa", **rule).covers(repo, tag) is covered
