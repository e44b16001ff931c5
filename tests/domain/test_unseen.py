"""Which pushes that no list knows would be lost."""

import pytest

from bot.domain.report import Question
from bot.domain.unseen import uncopied
from tests.builders import a_site
from tests.domain.stocks import SOURCE, TARGET, a_task


@pytest.mark.parametrize(
    ("image", "status", "counts", "counts_by_name"),
    [
        ("core/api:v1", "ERROR", True, True),
        ("core/api:v1", "PENDING", True, True),
        ("core/api:v1", "SUCCESS", False, False),
        ("core/api:test", "ERROR", False, True),
        ("other/api:v1", "ERROR", False, True),
    ],
)
def test_what_is_not_done_counts_where_it_is_critical_or_was_asked_for_by_name(
    image: str, status: str, counts: bool, counts_by_name: bool
) -> None:
    task = a_task(status, image=image)
    critical, named = (
        Question(a_site(SOURCE), a_site(TARGET), ("core/*:v*",), repositories) for repositories in (None, "*/api")
    )

    assert uncopied([task], critical) == ((task,) if counts else ())
    assert uncopied([task], named) == ((task,) if counts_by_name else ())
