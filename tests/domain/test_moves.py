"""What was done to a record lately, and which warnings come of it."""

from datetime import timedelta

import pytest

from bot.domain.moves import Move, changed_often, repeated, taken_back
from tests.builders import NOW

WITHIN = timedelta(minutes=5)


def _move(ago: timedelta, away: str = "zhangjiakou", to: str = "hangzhou", record: str = "record-b") -> Move:
    return Move(record, away, to, NOW - ago)


@pytest.mark.parametrize(
    ("seconds", "told"), [(0, "seconds ago"), (59, "seconds ago"), (60, "1 min ago"), (299, "4 min ago")]
)
def test_the_latest_move_says_how_long_ago_it_was(seconds: int, told: str) -> None:
    moves = [_move(timedelta(minutes=4, seconds=59)), _move(timedelta(seconds=seconds))]

    assert told in repeated(moves, "zhangjiakou", "hangzhou", NOW, WITHIN)
    assert told in taken_back(moves, "hangzhou", "zhangjiakou", NOW, WITHIN)


def test_a_move_the_other_way_repeats_nothing_and_one_the_same_way_takes_nothing_back() -> None:
    moves = [_move(timedelta(0))]

    assert repeated(moves, "hangzhou", "zhangjiakou", NOW, WITHIN) == ""
    assert taken_back(moves, "zhangjiakou", "hangzhou", NOW, WITHIN) == ""


def test_a_move_of_five_minutes_ago_is_no_news() -> None:
    moves = [_move(WITHIN)]

    assert repeated(moves, "zhangjiakou", "hangzhou", NOW, WITHIN) == ""
    assert taken_back(moves, "hangzhou", "zhangjiakou", NOW, WITHIN) == ""


def test_only_records_changed_three_times_within_the_hour_are_named() -> None:
    moves = [_move(timedelta(minutes=minutes), record="record-b") for minutes in (0, 30, 59)]
    others = [_move(timedelta(minutes=minutes), record="record-c") for minutes in (0, 59, 60)]

    told = changed_often([*moves, *others], {"record-b": "vpc-bbbbb", "record-c": "vpc-ccccc"}, NOW)

    assert told.startswith("Within the last hour the record of vpc-bbbbb was changed 3 times: find out why")
    assert "vpc-ccccc" not in told
    assert changed_often(others, {"record-c": "vpc-ccccc"}, NOW) == ""
