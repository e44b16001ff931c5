"""People who push all day, and what the target has of it."""

import pytest

from simulator.faults import Faults
from simulator.generator import parse
from simulator.pushes import Pushers
from simulator.replication import Engine
from simulator.truth import truth
from simulator.world import World

SOURCE, TARGET = "cri-bbbbb", "cri-aaaaa"


class Day:
    """A world whose people push when told to."""

    def __init__(self) -> None:
        self.world, self.faults = World.seed(parse("40x3")), Faults()
        self.pushers = Pushers(self.world, self.faults)

    def pass_by(self, seconds: int) -> int:
        """Let the time go by; return how many images were pushed."""
        before = len(self.world.tasks)
        start = self.world.now_ms()
        for step in range(seconds * 10 + 1):
            self.pushers.tick(start + step * 100)
        return len(self.world.tasks) - before


@pytest.fixture
def day() -> Day:
    return Day()


def test_nobody_pushes_until_told_to(day: Day) -> None:
    assert day.pass_by(60) == 0


def test_so_many_are_pushed_as_was_said(day: Day) -> None:
    day.pushers.set(SOURCE, 300)

    assert day.pass_by(60) == pytest.approx(300, abs=40)  # some delete, and some repositories no rule covers


def test_a_rate_of_nothing_sends_everybody_home(day: Day) -> None:
    day.pushers.set(SOURCE, 300)
    day.pushers.set(SOURCE, 0)

    assert day.pass_by(60) == 0


def test_nobody_pushes_where_the_region_is_down(day: Day) -> None:
    day.pushers.set(SOURCE, 300)
    day.faults.set("region_down", "zhangjiakou", True)

    assert day.pass_by(60) == 0


def test_the_last_pushes_are_remembered(day: Day) -> None:
    day.pushers.set(SOURCE, 300)
    day.pass_by(60)

    assert len(day.world.state.pushes) == 8
    assert {push.instance for push in day.world.state.pushes} == {SOURCE}


@pytest.mark.parametrize(("instance", "rate"), [("cri-none", 1), (SOURCE, -1), (SOURCE, 10**9)])
def test_a_rate_that_makes_no_sense_is_refused(day: Day, instance: str, rate: int) -> None:
    with pytest.raises(ValueError, match=r"No instance|per_minute"):
        day.pushers.set(instance, rate)


def test_the_truth_follows_pushes_copies_and_lies(day: Day) -> None:
    world = day.world
    before = truth(world, SOURCE, TARGET)
    world.push(SOURCE, "core/api", "9.0.0")
    world.push(SOURCE, "core/api", "2.7.1")
    world.push(TARGET, "core/api", "8.0.0")

    after = truth(world, SOURCE, TARGET)

    assert after.missing - before.missing == {"core/api:9.0.0"}
    assert after.different - before.different == {"core/api:2.7.1"}
    assert after.extra - before.extra == {"core/api:8.0.0"}
    engine = Engine(world, day.faults, lag_seconds=0.0)
    for _ in range(2):
        engine.tick(world.now_ms() + 1000)
    assert truth(world, SOURCE, TARGET).missing == before.missing


def test_the_truth_of_some_repositories(day: Day) -> None:
    found = truth(day.world, SOURCE, TARGET, "platform/*")

    assert found.counts == {"identical": 3, "missing": 1, "different": 0, "extra": 0}
    assert found.missing == {"platform/tools:1.1"}


def test_the_truth_needs_instances_that_exist(day: Day) -> None:
    with pytest.raises(ValueError, match="No instance is called"):
        truth(day.world, SOURCE, "cri-none")
