"""Several records of one operation: how each stands, and what to do where only some are written."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot import messages
from bot.domain.operation import Operation, Progress, State, SubState
from bot.ports import Message
from tests import builders as make

AT = make.NOW + timedelta(seconds=40)
WRITTEN = Progress(SubState.APPLIED, applied_at=AT, request_ids=("REQ-1",))
REFUSED = Progress(SubState.FAILED, request_ids=("REQ-2",), note="The identity lacks a right")
WAITING = Progress()


def several(state: State, *progress: Progress) -> Operation:
    """Return an operation with as many views as there are states of writing."""
    letters = "bcdefgh"[: len(progress)]
    views = [make.a_view(vpcs=(f"vpc-{letter * 5}",), zone=f"zone-{letter}") for letter in letters]
    changes = tuple(make.a_change(view=view) for view in views)
    return make.an_operation(state, plan=make.a_plan(changes=changes), progress=progress)


def card(operation: Operation) -> Message:
    return messages.operation_card(operation, lambda _operation, verb: verb, AT)


def paragraphs(message: Message) -> list[str]:
    return [str(block["text"]["text"]) for block in message.blocks if block["type"] == "section"]


def rows(message: Message) -> list[str]:
    """Return what is said of each record."""
    return [text for text in paragraphs(message) if " in `vpc-" in text.partition("\n")[0]]


def test_each_record_says_in_words_how_it_stands_what_it_was_becomes_and_by_which_request() -> None:
    first, second, third = rows(card(several(State.PARTIAL, WRITTEN, REFUSED, WAITING)))

    assert first.startswith("*WRITTEN* <!date^")
    assert first.endswith("Request REQ-1")
    assert second.startswith("*NOT WRITTEN* in `vpc-ccccc`")
    assert "The identity lacks a right. Request REQ-2" in second
    assert third.startswith("*NOT WRITTEN* in `vpc-ddddd`")
    for row in (first, second, third):
        assert "`A 10.2.0.20` → `CNAME sim-a-registry.cn-hangzhou.cr.aliyuncs.com`" in row


@pytest.mark.covers("F55")
def test_a_half_written_plan_says_what_to_do_next_and_how() -> None:
    said = paragraphs(card(several(State.PARTIAL, WRITTEN, WAITING)))

    [step] = [text for text in said if text.startswith("*Next*")]
    assert "Set by hand what is not written, or restore what is" in step
    by_hand = [text for text in said if text.startswith("*By hand*")]
    assert [("vpc-ccccc" in text, "Restore" in text) for text in by_hand] == [(True, True), (False, True)]


def test_who_cannot_know_what_is_in_force_is_told_to_look_first() -> None:
    said = paragraphs(card(several(State.NEEDS_HUMAN, WRITTEN, Progress(SubState.UNKNOWN))))

    assert any(text.startswith("*UNKNOWN* in `vpc-ccccc`") for text in said)
    assert any(text.startswith("*Next*: Look at each record first.") for text in said)


def test_while_writing_goes_on_each_record_shows_its_turn_and_nothing_is_to_do() -> None:
    said = rows(card(several(State.APPLYING, WRITTEN, Progress(SubState.CLAIMED), WAITING)))

    words = [row.partition(" in ")[0].split(" <")[0] for row in said]
    assert words == ["*WRITTEN*", "*BEING WRITTEN*", "*NOT WRITTEN YET*"]
    assert "*Next*" not in str(card(several(State.APPLYING, WRITTEN, WAITING)).blocks)


def test_a_single_record_keeps_its_own_form() -> None:
    message = card(several(State.APPLYING, Progress(SubState.CLAIMED)))

    assert "*CLAIMED*: being written now." in str(message.blocks)


def test_very_many_records_fit_one_message() -> None:
    operation = several(State.PARTIAL, WRITTEN, *[REFUSED] * 6)
    plan = replace(operation.plan, changes=operation.plan.changes * 6)
    message = card(replace(operation, plan=plan, progress=operation.progress * 6))

    assert len(rows(message)) == 20
    assert len(message.blocks) <= 50
    assert "And 22 more records" in str(message.blocks)
