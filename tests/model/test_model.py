"""The protocol holds in every order of events and faults within the bounds, and breaks without any of its guards."""

import os
from datetime import timedelta

import pytest

from bot.domain.operation import HOLD, LEASE, MAX_CLAIMS, SEND_DEADLINE, WRITE_TIMEOUT
from bot.services.writing import READ_BACK_BUDGET
from tests.model.explorations import DEEP, PROTOCOL, WITHOUT, Exploration
from tests.model.rules import Bounds
from tests.model.search import differences

RUNS = PROTOCOL | DEEP if os.environ.get("DEEP") else PROTOCOL


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("exploration", RUNS.values(), ids=RUNS.keys())
def test_nothing_breaks_in_any_order_of_events(exploration: Exploration) -> None:
    found = exploration.run()

    assert not found.broken, "\n".join([*found.broken, *differences(found.way)])
    assert found.worlds > 1000


@pytest.mark.parametrize("exploration", WITHOUT.values(), ids=WITHOUT.keys())
def test_something_breaks_without(exploration: Exploration) -> None:
    found = exploration.run()

    assert found.broken


def test_the_spans_of_the_model_stand_to_each_other_as_those_of_the_product() -> None:
    bounds = Bounds()

    assert bounds.deadline < bounds.lease
    assert SEND_DEADLINE + WRITE_TIMEOUT < timedelta(seconds=READ_BACK_BUDGET) < LEASE
    assert 1 < bounds.claims <= MAX_CLAIMS
    assert bounds.life < bounds.hold
    assert SEND_DEADLINE + WRITE_TIMEOUT < HOLD
