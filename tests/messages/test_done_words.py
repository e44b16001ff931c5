"""The first line of a finished failover claims no more than was seen."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot import messages
from bot.domain.observation import Observation, Observed
from bot.domain.operation import Operation, Progress, State, SubState
from tests import builders as make

LATER = make.NOW + timedelta(seconds=90)
APPLIED = (Progress(SubState.APPLIED, applied_at=LATER),)
POINTS = "DONE: the record of vpc-bbbbb now points at hangzhou"
UNSEEN = "whether pulls work is not observed from here: try one"


def line_of(operation: Operation) -> str:
    return messages.operation_card(operation, lambda operation, verb: f"{verb}|{operation.id}", LATER).text


def observed(name: str, outcome: Observed) -> Observation:
    return Observation(name, 0, outcome, "Seen.", LATER)


@pytest.mark.parametrize(
    ("converged", "confirmed", "line"),
    [
        (
            Observed.OK,
            Observed.OK,
            "DONE: pulls of vpc-bbbbb now go to hangzhou · "
            "seen: DNS gives the new value, and hangzhou answers under the custom name",
        ),
        (Observed.NOT_OBSERVED, Observed.OK, f"{POINTS} · hangzhou answers under the custom name · {UNSEEN}"),
        (Observed.OK, Observed.NOT_OBSERVED, f"{POINTS} · {UNSEEN}"),
        (Observed.NOT_OBSERVED, Observed.NOT_OBSERVED, f"{POINTS} · {UNSEEN}"),
        (Observed.OK, Observed.WAITING, f"{POINTS} · waiting to see pulls arrive"),
        (Observed.WAITING, None, f"{POINTS} · waiting to see pulls arrive"),
        (None, Observed.OK, f"{POINTS} · waiting to see pulls arrive"),
        (None, None, f"{POINTS} · waiting to see pulls arrive"),
    ],
)
@pytest.mark.parametrize("watched_until", [LATER + timedelta(minutes=1), LATER - timedelta(minutes=1)])
def test_done_claims_working_pulls_only_when_dns_and_the_standby_were_both_seen(
    converged: Observed | None, confirmed: Observed | None, line: str, watched_until: datetime
) -> None:
    looks = (("CONVERGED", converged), ("CONFIRMED", confirmed))
    seen = tuple(observed(name, outcome) for name, outcome in looks if outcome is not None)
    done = make.an_operation(State.DONE, progress=APPLIED, watch_until=watched_until, observations=seen)

    assert line_of(done) == line


def test_done_claims_working_pulls_only_when_every_view_was_seen() -> None:
    other = make.a_change(view=make.a_view(vpcs=("vpc-ccccc",)))
    first = (observed("CONVERGED", Observed.OK), observed("CONFIRMED", Observed.OK))
    second = tuple(replace(look, change=1) for look in first)
    done = make.an_operation(
        State.DONE, plan=make.a_plan(changes=(make.a_change(), other)), progress=APPLIED * 2, observations=first
    )

    assert "now go to" not in line_of(done)
    assert "now go to hangzhou" in line_of(replace(done, observations=(*first, *second)))
