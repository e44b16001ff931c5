"""What an ended operation left, how long it is watched, and what another value in its records means."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.drift import (
    MOST_SIGHTINGS,
    astray,
    attributed,
    close_until,
    explaining,
    left_by,
    news,
    watched_changes,
    watched_records,
)
from bot.domain.operation import Operation, Progress, State, SubState
from bot.domain.record import ChangeLogLine, Record
from bot.domain.sighting import Sight, Sighting
from tests.builders import NOW, PUBLIC_NAME, a_change, a_plan, a_record, an_operation

STRANGE = "10.99.0.99"
TARGET = PUBLIC_NAME["hangzhou"]
LATER = NOW + timedelta(minutes=5)
WHERE = "cross-region.registry.io in vpc-bbbbb"
CHANGED = {State.DONE, State.PARTIAL, State.FAILED, State.NEEDS_HUMAN}


def _done(**fields: Any) -> Operation:
    return an_operation(State.DONE, progress=(Progress(SubState.APPLIED, applied_at=NOW),), **fields)


def _now(**fields: Any) -> Record:
    """Return the record of a finished operation, but for these fields."""
    return replace(a_change().desired, **fields)


def _seen(operation: Operation, record: Record | None) -> Sighting:
    found = news(operation, 0, record, LATER)
    assert found is not None
    return found


def _told(operation: Operation, record: Record | None) -> Operation:
    return replace(operation, sightings=(*operation.sightings, _seen(operation, record)))


@pytest.mark.parametrize("state", State)
def test_only_an_operation_that_sent_or_applied_something_is_watched(state: State) -> None:
    assert watched_changes(an_operation(state)) == ((0,) if state in CHANGED else ())


@pytest.mark.parametrize(
    ("progress", "is_watched"),
    [
        (Progress(), False),
        (Progress(SubState.CLAIMED), False),
        (Progress(is_unclean=True), True),
        (Progress(sent_at=NOW), True),
        (Progress(SubState.APPLIED), True),
        (Progress(SubState.FAILED), True),
        (Progress(SubState.UNKNOWN), True),
    ],
)
def test_of_a_partial_operation_only_what_was_tried_is_watched(progress: Progress, is_watched: bool) -> None:
    plan = a_plan(changes=(a_change(), a_change("hangzhou")))
    partial = an_operation(State.PARTIAL, plan=plan, progress=(Progress(SubState.APPLIED), progress))

    assert watched_records(partial) == (("record-b", "record-a") if is_watched else ("record-b",))


@pytest.mark.parametrize(("ttl", "minutes"), [(60, 16), (5, 15 + 5 / 60), (600, 25), (86400, 25)])
def test_the_close_look_lasts_as_long_as_a_signature_lives_and_a_cache_up_to_ten_minutes(
    ttl: int, minutes: float
) -> None:
    done = _done(plan=a_plan(changes=(a_change(existing=a_record(ttl=ttl)),)), ended_at=NOW)

    assert close_until(done) == NOW + timedelta(minutes=minutes)


def test_what_was_applied_is_left_as_desired_and_everything_else_as_it_was() -> None:
    assert left_by(_done(), 0) == a_change().desired
    for state in (State.FAILED, State.NEEDS_HUMAN):
        assert left_by(an_operation(state), 0) == a_record()


@pytest.mark.parametrize(
    "record", [_now(), _now(remark="a note"), _now(value=f"{TARGET.upper()}."), _now(line=None, weight=None)]
)
def test_a_record_as_it_was_left_is_no_news_whatever_its_remark(record: Record) -> None:
    assert news(_done(), 0, record, LATER) is None


@pytest.mark.parametrize(
    ("record", "holds"),
    [
        (_now(type="A", value=STRANGE), f"A {STRANGE}"),
        (_now(ttl=600), "TTL 600"),
        (_now(status="DISABLE"), "status DISABLE"),
        (_now(type="A", value=STRANGE, ttl=5), f"A {STRANGE}, TTL 5"),
        (_now(line="telecom"), "line telecom"),
        (None, "no record"),
    ],
)
def test_anything_else_is_told_with_what_it_holds_and_what_was_left(record: Record | None, holds: str) -> None:
    seen = _seen(_done(), record)

    assert (seen.sight, seen.holds, seen.at) == (Sight.FOREIGN, holds, LATER)
    assert seen.sentence == (
        f"{WHERE} now holds {holds}, where this operation left CNAME {TARGET}. The bot leaves it as it is."
    )


def test_a_value_from_before_the_operation_is_called_that() -> None:
    told = _seen(_done(), a_record()).sentence

    assert "now holds A 10.2.0.20, its value from before this operation" in told
    assert "Somebody put it back, or an earlier write of the bot took effect late." in told


@pytest.mark.parametrize("state", [State.FAILED, State.NEEDS_HUMAN])
def test_the_planned_value_after_a_bad_end_is_a_late_write_of_the_bot(state: State) -> None:
    seen = _seen(an_operation(state), _now())

    assert (seen.sight, seen.holds) == (Sight.LATE, f"CNAME {TARGET}")
    assert "a write of this operation took effect late, after it had ended" in seen.sentence


def test_the_former_value_after_a_bad_end_is_no_news() -> None:
    assert news(an_operation(State.NEEDS_HUMAN), 0, a_record(), LATER) is None


def test_one_value_is_told_once_and_each_further_one_again() -> None:
    told = _told(_done(), _now(type="A", value=STRANGE))

    assert news(told, 0, _now(type="A", value=STRANGE), LATER) is None
    assert _seen(told, _now(type="A", value="10.99.0.98")).holds == "A 10.99.0.98"


def test_a_return_is_told_and_clears_what_was_astray() -> None:
    told = _told(_done(), _now(type="A", value=STRANGE))
    back = _told(told, _now())

    assert [seen.holds for seen in astray(told)] == [f"A {STRANGE}"]
    assert back.sightings[-1].sight is Sight.RESTORED
    assert back.sightings[-1].sentence == f"{WHERE} holds CNAME {TARGET} again, as this operation left it."
    assert astray(back) == ()


def test_records_are_told_apart() -> None:
    two = an_operation(State.DONE, plan=a_plan(changes=(a_change(), a_change("hangzhou"))))
    told = replace(two, sightings=(Sighting(1, Sight.FOREIGN, "A 1", "Changed.", NOW),))

    assert news(told, 0, _now(type="A", value="1"), LATER) is not None


@pytest.mark.covers("F58")
@pytest.mark.parametrize(("seconds", "is_news"), [(29, False), (30, True)])
def test_the_former_value_right_after_our_write_may_only_be_an_old_answer(seconds: int, is_news: bool) -> None:
    found = news(_done(), 0, a_record(), NOW + timedelta(seconds=seconds))

    assert (found is not None) is is_news


def test_a_value_that_never_was_there_before_is_told_at_once() -> None:
    assert news(_done(), 0, _now(type="A", value=STRANGE), NOW) is not None


def test_a_record_that_flaps_for_ever_is_told_of_so_often_and_no_more() -> None:
    operation = _done()
    for _ in range(MOST_SIGHTINGS // 2):
        operation = _told(_told(operation, None), _now())

    assert operation.sightings[-1].sentence.endswith("No further change of these records is told.")
    assert not operation.sightings[-2].sentence.endswith("is told.")
    assert news(operation, 0, None, LATER) is None


def _line(content: str = "", person: str | None = "wang", **fields: Any) -> ChangeLogLine:
    return replace(ChangeLogLine(NOW, person, "198.51.100.9", "update", content), **fields)


def test_the_change_log_says_who_from_where_when_and_what() -> None:
    seen = attributed(_seen(_done(), None), _line("removed it."))

    assert seen.sentence.endswith(" Change log: wang from 198.51.100.9 at 03:00:00 UTC: removed it.")
    assert seen.person == "wang"


def test_a_line_that_says_little_is_told_with_what_it_has() -> None:
    seen = attributed(_seen(_done(), None), _line(person=None, address=None))

    assert seen.sentence.endswith(" Change log: somebody at 03:00:00 UTC: update.")
    assert seen.person == ""


def test_a_silent_log_is_said_to_be_silent() -> None:
    assert attributed(_seen(_done(), None), None).sentence.endswith(" The change log does not say who.")


OURS, THEIRS, OTHER = _line(f"@ to {TARGET}", "bot"), _line(f"@ to {STRANGE}"), _line("the remark", "li")


@pytest.mark.parametrize(
    ("lines", "record", "expected"),
    [
        ((OTHER, THEIRS, OURS), _now(value=STRANGE), THEIRS),
        ((OURS, OTHER), _now(value=STRANGE), OTHER),
        ((OURS,), _now(value=STRANGE), None),
        ((OURS, OTHER), _now(ttl=5), OTHER),
        ((OTHER, OURS), None, OTHER),
        ((), None, None),
    ],
)
def test_the_line_that_names_the_value_explains_it_and_never_the_one_about_what_was_left(
    lines: tuple[ChangeLogLine, ...], record: Record | None, expected: ChangeLogLine | None
) -> None:
    assert explaining(lines, a_change().desired, record) == expected
