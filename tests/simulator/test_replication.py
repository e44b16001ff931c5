"""The replication engine."""

import asyncio

import pytest

from simulator.faults import Faults
from simulator.model import SyncTask
from simulator.replication import Engine
from simulator.world import World


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
