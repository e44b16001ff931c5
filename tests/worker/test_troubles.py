"""A trouble of the worker is told once, then ever more rarely with its count, and once when it is over."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.errors import StoreUnavailable, Unreachable
from bot.worker.troubles import Troubles
from tests.fakes import FakeClock

SILENT = StoreUnavailable("Redis does not answer.")


class _Night:
    """Loops that turn once a second, and what is logged and counted of them."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.counted = Counter[str]()
        self.troubles = Troubles(self.clock, lambda code: self.counted.update([code]))

    def fails(self, seconds: int, *loops: str, error: Exception = SILENT) -> list[tuple[str, Any]]:
        """Let these loops fail for so long; return what was told, with its count."""
        with capture_logs() as logs:
            for _ in range(seconds):
                for loop in loops:
                    self.troubles.failed(loop, error)
                self.clock.move(timedelta(seconds=1))
        return [(entry["event"], entry["count"]) for entry in logs]

    def works(self, seconds: int, *loops: str) -> list[dict[str, Any]]:
        """Let these loops work for so long; return what was told."""
        with capture_logs() as logs:
            for _ in range(seconds):
                for loop in loops:
                    self.troubles.worked(loop)
                self.clock.move(timedelta(seconds=1))
        return [dict(entry) for entry in logs]


@pytest.fixture
def night() -> _Night:
    return _Night()


def test_what_several_loops_meet_is_told_once_and_then_ever_more_rarely_with_its_count(night: _Night) -> None:
    told = night.fails(300, "steps", "cards", "seals")

    # after 0, 5, 15, 35, 75, 135, 195 and 255 seconds
    assert told == [("worker.tick_failed", count) for count in (1, 15, 30, 60, 120, 180, 180, 180)]
    assert night.counted == {"E_STORE_DOWN": 900}


def test_its_end_is_told_once_with_how_often_and_how_long(night: _Night) -> None:
    night.fails(61, "steps", "cards")

    told = night.works(30, "steps", "cards", "people")

    [end] = told
    assert (end["event"], end["code"], end["count"], end["seconds"]) == ("worker.recovered", "E_STORE_DOWN", 122, 60)


def test_what_comes_and_goes_is_one_trouble(night: _Night) -> None:
    told: list[tuple[str, Any]] = []
    for _ in range(20):
        told += night.fails(1, "steps")
        assert night.works(2, "steps") == []

    assert told == [("worker.tick_failed", count) for count in (1, 2, 4, 7)]
    assert [entry["event"] for entry in night.works(15, "steps")] == ["worker.recovered"]


def test_while_one_loop_is_still_in_it_others_that_work_do_not_end_it(night: _Night) -> None:
    night.fails(1, "steps", "inventory hangzhou")
    night.works(29, "steps")
    night.fails(1, "inventory hangzhou")

    assert night.works(29, "steps", "policies") == []


def test_a_loop_that_turns_once_an_hour_does_not_keep_a_trouble_from_being_over(night: _Night) -> None:
    night.fails(5, "steps", "inspection")

    assert [entry["event"] for entry in night.works(120, "steps")] == ["worker.recovered"]


def test_another_trouble_is_told_at_once_and_a_bug_by_its_kind_alone(night: _Night) -> None:
    night.fails(2, "steps")

    assert night.fails(2, "cards", error=Unreachable("Slack does not answer.")) == [("worker.tick_failed", 1)]
    assert night.fails(2, "cards", error=ValueError("canary")) == [("worker.tick_broken", 1)]
    assert night.fails(2, "cards", error=KeyError("canary")) == [("worker.tick_broken", 1)]
    assert night.counted == {"E_STORE_DOWN": 2, "E_UNREACHABLE": 2, "bug": 4}


def test_loops_that_meet_no_trouble_say_nothing(night: _Night) -> None:
    assert night.works(30, "steps", "cards") == []
