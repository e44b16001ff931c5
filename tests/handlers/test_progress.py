"""How often answers that show how something goes are edited, counted in virtual time."""

import random
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

import pytest

from tests.handlers.progress import MINUTE, READ_AFTER, Away, Cut, Mute, Slow, edited
from tests.simulation.loop import SimLoop


@pytest.fixture
def loop() -> Iterator[SimLoop]:
    loop = SimLoop(random.Random(1))
    yield loop
    loop.wind_up()


def test_one_answer_alone_is_edited_every_two_seconds_and_soon_every_ten(loop: SimLoop) -> None:
    workspace = edited(loop, 1)

    times = [at for at, _ in workspace.progress]
    gaps = [round(later - before) for before, later in pairwise(times)]
    assert set(gaps[:5]) == {2}
    assert set(gaps[8:]) == {10}
    assert READ_AFTER <= workspace.ends[0] <= READ_AFTER + 2


def test_twenty_at_once_take_twenty_edits_a_minute_together_and_each_its_share(loop: SimLoop) -> None:
    workspace = edited(loop, 20)

    times = [at for at, _ in workspace.progress]
    assert max(sum(at <= other < at + MINUTE for other in times) for at in times) <= 20
    assert sorted(set(Counter(ts for _, ts in workspace.progress).values())) == [5]
    assert len(workspace.ends) == 20
    assert READ_AFTER <= min(workspace.ends) <= max(workspace.ends) <= READ_AFTER + 2


def test_a_comparison_after_a_first_reading_shows_its_progress(loop: SimLoop) -> None:
    workspace = edited(loop, 1, Slow)

    assert next(text for at, _, text in workspace.edits if at > READ_AFTER + 5).startswith("COMPARING")
    assert len(workspace.ends) == 1


def test_an_answer_that_redis_cut_off_is_given_whole_once_redis_is_back(loop: SimLoop) -> None:
    workspace = edited(loop, 1, Cut)

    assert len(workspace.ends) == 1
    assert READ_AFTER + 8 < workspace.ends[0] <= READ_AFTER + 25
    assert workspace.posts[0].message.text.startswith("BEHIND: 2 of 2")


def test_the_list_is_there_once_slack_is_back_though_it_went_away_right_after_the_last_word(loop: SimLoop) -> None:
    workspace = edited(loop, 1, place=Away)

    assert len(workspace.ends) == 1
    assert len(workspace.files) == 1


def test_a_last_word_that_waited_for_slack_tells_how_old_it_is_by_then(loop: SimLoop) -> None:
    workspace = edited(loop, 1, place=Mute)

    assert workspace.ends[0] >= READ_AFTER + 3 * MINUTE
    assert ", as of 8 min" in workspace.posts[0].message.text
