"""Every state meets every event: what the table allows, and that nothing else is possible."""

from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest

from bot.domain.observation import CONFIRMED, CONVERGED, Observation, Observed
from bot.domain.operation import (
    LEASE,
    SEND_DEADLINE,
    TRANSITIONS,
    WRITE_TIMEOUT,
    Event,
    Operation,
    Progress,
    State,
    SubState,
    Verb,
    advance,
)
from bot.domain.plan import Kind
from bot.errors import InvalidTransition
from tests.builders import NOW, ON_CALL, a_change, a_plan, a_vote, an_operation

LATER = NOW + timedelta(minutes=1)
TERMINAL = {"DONE", "REJECTED", "CANCELLED", "EXPIRED", "STALE", "FAILED", "PARTIAL", "NEEDS_HUMAN"}
EXPECTED = """
               PENDING    APPROVED   APPLYING     VERIFYING
approve        APPROVED   -          -            -
reject         REJECTED   -          -            -
cancel         CANCELLED  CANCELLED  -            -
expire         EXPIRED    EXPIRED    -            -
claim          -          APPLYING   APPLYING     -
read_back      -          -          VERIFYING    -
confirm        -          -          -            DONE
differ         STALE      STALE      STALE        -
fail           -          -          FAILED       -
apply_some     -          -          PARTIAL      -
lose_track     -          -          NEEDS_HUMAN  NEEDS_HUMAN
lift           -          DONE       -            -
"""
"""What follows an event in an open state; `-` is refused, and so is every event in a terminal state."""


def expectations() -> dict[tuple[State, Event], State | None]:
    header, *rows = EXPECTED.strip("\n").splitlines()
    states = [State(name) for name in header.split()]
    expected: dict[tuple[State, Event], State | None] = dict.fromkeys(product(State, Event))
    for row in rows:
        name, *outcomes = row.split()
        for state, outcome in zip(states, outcomes, strict=True):
            expected[state, Event[name.upper()]] = None if outcome == "-" else State(outcome)
    return expected


def _one_for(event: Event, state: State) -> Operation:
    """Return an operation of the kind to which this event can happen."""
    kind = Kind.UNFREEZE if event is Event.LIFT else Kind.FAILOVER
    return an_operation(state, plan=a_plan(kind=kind))


ALLOWED = {pair: after for pair, after in expectations().items() if after}
REFUSED = [pair for pair, after in expectations().items() if after is None]


def test_every_pair_of_state_and_event_has_its_expectation() -> None:
    assert len(expectations()) == len(State) * len(Event) == 12 * 12
    assert {state.value for state in State if state.is_terminal} == TERMINAL


@pytest.mark.parametrize(("pair", "after"), ALLOWED.items(), ids=str)
def test_an_event_that_the_table_has_moves_on(pair: tuple[State, Event], after: State) -> None:
    state, event = pair

    assert advance(_one_for(event, state), event, LATER).state is after


@pytest.mark.parametrize(("state", "event"), REFUSED)
def test_an_event_that_the_table_has_not_is_refused_in_words(state: State, event: Event) -> None:
    with pytest.raises(InvalidTransition, match=f"fo-7k2m is {state}: it can no longer {event}"):
        advance(an_operation(state), event, LATER)


@pytest.mark.parametrize(("kind", "event"), [(Kind.FAILOVER, Event.LIFT), (Kind.UNFREEZE, Event.CLAIM)])
def test_a_failover_lifts_nothing_and_a_lift_writes_nothing(kind: Kind, event: Event) -> None:
    with pytest.raises(InvalidTransition):
        advance(an_operation(State.APPROVED, plan=a_plan(kind=kind)), event, LATER)


def test_nothing_leads_out_of_a_terminal_state_or_back() -> None:
    order = [State.PENDING, State.APPROVED, State.APPLYING, State.VERIFYING]

    assert not any(state.is_terminal for state, _ in TRANSITIONS)
    assert all(
        after.is_terminal or order.index(after) >= order.index(state) for (state, _), after in TRANSITIONS.items()
    )


def test_every_state_but_the_first_can_be_reached_and_every_open_one_left() -> None:
    assert set(TRANSITIONS.values()) == set(State) - {State.PENDING}
    assert {state for state, _ in TRANSITIONS} == {state for state in State if not state.is_terminal}


@pytest.mark.parametrize("pair", [pair for pair, after in ALLOWED.items() if after.is_terminal], ids=str)
def test_an_end_is_timed_and_gives_the_lease_back(pair: tuple[State, Event]) -> None:
    ended = advance(_one_for(pair[1], pair[0]), pair[1], LATER, "why")

    assert (ended.ended_at, ended.lease, ended.outcome, ended.is_terminal) == (LATER, None, "why", True)


def test_an_approval_is_timed() -> None:
    assert advance(an_operation(), Event.APPROVE, LATER).approved_at == LATER


def test_a_claim_changes_neither_the_time_of_approval_nor_an_outcome() -> None:
    claimed = advance(an_operation(State.APPROVED, outcome="kept"), Event.CLAIM, LATER)

    assert (claimed.approved_at, claimed.ended_at, claimed.outcome) == (NOW, None, "kept")


def test_two_owners_never_overlap() -> None:
    assert SEND_DEADLINE + WRITE_TIMEOUT + timedelta(seconds=3 + 2) < LEASE


def test_one_person_counts_once_however_many_accounts_approve() -> None:
    twice = an_operation().with_vote(a_vote()).with_vote(a_vote(user_id="U09APPROVER"))

    assert len(twice.votes) == len(twice.approvals) == 1


@pytest.mark.parametrize(
    "vote",
    [a_vote(verb=Verb.REJECT), a_vote(a_plan(nonce="1" * 32))],
    ids=["another word", "another plan"],
)
def test_only_approvals_of_exactly_this_plan_count(vote: object) -> None:
    assert an_operation(votes=(vote,)).approvals == ()


def test_two_persons_are_two_approvals() -> None:
    both = an_operation().with_vote(a_vote()).with_vote(a_vote(person="on-call", user_id=ON_CALL))

    assert [vote.person for vote in both.approvals] == ["approver", "on-call"]


def test_the_next_change_is_the_first_that_is_not_applied() -> None:
    two = an_operation(plan=a_plan(changes=(a_change("zhangjiakou"), a_change("hangzhou"))))
    half = two.with_progress(0, Progress(SubState.APPLIED))

    assert (two.next_change(), half.next_change()) == (0, 1)
    assert half.with_progress(1, Progress(SubState.APPLIED)).next_change() is None
    assert half.progress[1] == Progress()


def test_an_unclear_write_is_remembered() -> None:
    operation = an_operation(State.APPLYING)

    assert not operation.has_unclean_write
    assert operation.with_progress(0, Progress(is_unclean=True)).has_unclean_write


def test_a_step_is_added_to_the_story() -> None:
    told = an_operation().with_step(NOW, "first").with_step(LATER, "second")

    assert [(step.at, step.text) for step in told.steps] == [(NOW, "first"), (LATER, "second")]


def test_the_latest_look_at_a_change_replaces_the_one_before() -> None:
    failed = Observation("CONVERGED", 0, Observed.FAILED, "The old value is served.", NOW)
    elsewhere = replace(failed, change=1, outcome=Observed.OK)
    seen = an_operation(State.DONE).with_observation(failed).with_observation(elsewhere)

    mended = seen.with_observation(replace(failed, outcome=Observed.OK))

    assert seen.has_failed_observation
    assert not mended.has_failed_observation
    assert (len(mended.observations), mended.state) == (2, State.DONE)


def _seen(*looks: tuple[str, int, Observed]) -> Operation:
    done = an_operation(State.DONE, plan=a_plan(changes=(a_change("zhangjiakou"), a_change("hangzhou"))))
    return replace(done, observations=tuple(Observation(*look, "Seen.", NOW) for look in looks))


EVERYTHING = tuple((name, change, Observed.OK) for name in (CONVERGED, CONFIRMED) for change in (0, 1))


def test_pulls_are_seen_to_work_only_when_dns_and_instance_of_every_change_are() -> None:
    assert _seen(*EVERYTHING).is_seen_working


@pytest.mark.parametrize("missing", range(len(EVERYTHING)))
@pytest.mark.parametrize("instead", [None, Observed.WAITING, Observed.NOT_OBSERVED, Observed.FAILED])
def test_one_thing_that_was_not_seen_is_enough_for_not_being_seen_to_work(
    missing: int, instead: Observed | None
) -> None:
    name, change, _ = EVERYTHING[missing]
    rest = (*EVERYTHING[:missing], *EVERYTHING[missing + 1 :])
    seen = _seen(*rest) if instead is None else _seen(*rest, (name, change, instead))

    assert not seen.is_seen_working
    assert seen.is_observed is (instead not in (None, Observed.WAITING))


def test_before_any_look_nothing_is_seen_to_work() -> None:
    assert not _seen().is_seen_working


def test_an_approval_lapses_two_minutes_after_it_and_without_its_moment_two_minutes_after_the_request() -> None:
    approved = an_operation(State.APPROVED, approved_at=NOW + timedelta(minutes=5))

    assert approved.lapses_at == NOW + timedelta(minutes=7)
    assert replace(approved, approved_at=None).lapses_at == NOW + timedelta(minutes=2)
