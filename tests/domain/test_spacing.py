"""How long a message that shows how something goes is left as it is."""

from datetime import timedelta

import pytest

from bot.domain.spacing import YOUNG, spacing


@pytest.mark.parametrize(
    ("age", "at_once", "seconds"),
    [
        (timedelta(0), 1, 2),
        (YOUNG - timedelta(seconds=1), 1, 2),
        (YOUNG, 1, 10),
        (timedelta(0), 2, 6),
        (YOUNG, 3, 10),
        (YOUNG, 4, 12),
        (timedelta(0), 20, 60),
    ],
)
def test_a_young_message_is_edited_often_and_several_share_what_there_is(
    age: timedelta, at_once: int, seconds: int
) -> None:
    assert spacing(age, at_once) == timedelta(seconds=seconds)
