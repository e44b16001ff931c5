"""Operations as documents: equal bytes for equal operations, and nothing foreign let in."""

import json
from typing import Any

import pytest

from bot.adapters.documents import decode, encode, encode_plan
from bot.domain.observation import Observation, Observed
from bot.domain.operation import SCHEMA, Progress, State, Step, SubState
from bot.errors import ForgedApproval, StoreUnavailable
from tests.builders import NOW, a_plan, an_operation

PLAN = encode_plan(an_operation())


def altered(document: str, **fields: Any) -> str:
    return json.dumps(json.loads(document) | fields)


@pytest.mark.parametrize("state", State)
def test_an_operation_survives_the_round_trip(state: State) -> None:
    operation = an_operation(state)

    assert decode(encode(operation), encode_plan(operation)) == operation


def test_everything_that_may_gather_in_an_operation_survives() -> None:
    progress = Progress(
        SubState.APPLIED, True, applied_at=NOW, request_ids=("A", "B"), note='späť 张家口 \u2028 "quoted"'
    )
    seen = Observation("CONFIRMED", 0, Observed.NOT_OBSERVED, "no vantage", NOW)
    operation = an_operation(State.DONE, progress=(progress,), observations=(seen,), steps=(Step(NOW, "one"),))

    assert decode(encode(operation), encode_plan(operation)) == operation


def test_equal_operations_have_equal_documents() -> None:
    operation = an_operation(State.APPLYING)

    assert encode(decode(encode(operation), PLAN)) == encode(operation) == encode(an_operation(State.APPLYING))


def test_the_document_carries_the_digest_of_its_plan() -> None:
    assert json.loads(encode(an_operation()))["digest"] == a_plan().digest


@pytest.mark.covers("F28")
def test_a_newer_schema_is_refused_with_what_to_do() -> None:
    newer = altered(encode(an_operation()), schema=SCHEMA + 1, news="of another kind")

    with pytest.raises(
        StoreUnavailable, match=r"fo-7k2m was written by a newer version of this bot.*finish the update"
    ):
        decode(newer, PLAN)


@pytest.mark.parametrize(
    "document",
    ["", "{", "[]", "null", "{}", '{"schema": "1"}', altered(encode(an_operation()), state="GONE"), '{"schema": 1}'],
)
def test_what_is_no_document_is_refused_without_quoting_it(document: str) -> None:
    with pytest.raises(StoreUnavailable, match="not a document of this bot") as refused:
        decode(document, PLAN)

    assert refused.value.code == "E_UNREADABLE"


def test_a_plan_changed_behind_our_back_is_forged() -> None:
    with pytest.raises(ForgedApproval, match="does not match its digest"):
        decode(encode(an_operation()), altered(PLAN, to="elsewhere"))


def test_a_document_without_a_digest_is_forged() -> None:
    with pytest.raises(ForgedApproval):
        decode(altered(encode(an_operation()), digest=None), PLAN)


@pytest.mark.parametrize("plan", ["", "null", "{}", "[]"])
def test_a_document_without_its_plan_is_unreadable(plan: str) -> None:
    with pytest.raises(StoreUnavailable, match="not a document of this bot"):
        decode(encode(an_operation()), plan)
