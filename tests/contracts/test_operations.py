"""What every store decides: the fake in memory and the script in a real Redis, held to the same."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.freeze import SET_BY_HAND
from bot.domain.operation import Operation, State, Verb
from bot.errors import (
    AlreadyOpen,
    ForgedApproval,
    Frozen,
    OutOfTime,
    RecordHeld,
    UnknownOperation,
    VersionConflict,
)
from bot.ports import IndexMove
from tests.builders import NOW, ON_CALL, a_change, a_lease, a_plan, a_vote, an_operation
from tests.contracts.conftest import Observed, Subject, a_commit, taken

MOMENT = timedelta(seconds=60)
BOTH_RECORDS = a_plan(changes=(a_change("zhangjiakou"), a_change("hangzhou")))


async def test_what_was_committed_is_read_back_with_its_new_version(store: Observed) -> None:
    stored = await taken(store)

    assert stored.version == 1
    assert await store.get("fo-7k2m") == stored == replace(an_operation(), version=1)


@pytest.mark.parametrize("state", State)
async def test_an_operation_of_any_state_survives_being_stored(store: Observed, state: State) -> None:
    stored = await taken(store, state=state)

    assert await store.get("fo-7k2m") == stored


async def test_an_unknown_id_is_refused_in_words(store: Observed) -> None:
    with pytest.raises(UnknownOperation, match="No operation is called fo-0000"):
        await store.get("fo-0000")


async def test_a_change_of_an_operation_that_is_not_there_is_refused(store: Observed) -> None:
    with pytest.raises(UnknownOperation):
        await store.commit(a_commit(an_operation(version=3)))


async def test_a_commit_on_an_old_version_is_refused_and_writes_nothing(store: Observed) -> None:
    first = await taken(store)
    second = await store.commit(a_commit(replace(first, reason="second"), "second"))

    with pytest.raises(VersionConflict, match="fo-7k2m"):
        await store.commit(a_commit(replace(first, reason="late"), "late"))

    assert await store.get("fo-7k2m") == second


async def test_a_copy_of_what_a_failover_has_lost_is_refused_even_where_its_number_has_come_again(
    store: Observed,
) -> None:
    first = await taken(store)
    lost = replace(first, reason="written to a primary that is gone", stamp="another attempt")

    with pytest.raises(VersionConflict):
        await store.commit(a_commit(lost))

    assert (await store.get("fo-7k2m")).stamp == first.stamp == "taken"


async def test_a_taken_id_is_a_version_conflict(store: Observed) -> None:
    await taken(store)

    with pytest.raises(VersionConflict):
        await store.commit(a_commit(an_operation(), "another", index=IndexMove.TAKE))


async def test_the_same_attempt_again_gives_the_same_answer(store: Observed) -> None:
    first = await taken(store)

    assert await taken(store) == first
    assert (await store.get("fo-7k2m")).version == 1


async def test_an_attempt_is_recognised_even_after_somebody_else_moved_on(store: Observed) -> None:
    first = await taken(store)
    vote = a_commit(replace(first, reason="mine"), "mine")
    mine = await store.commit(vote)
    await store.commit(a_commit(replace(mine, reason="theirs"), "theirs"))

    assert await store.commit(vote) == mine
    assert (await store.get("fo-7k2m")).reason == "theirs"


async def test_of_many_at_once_exactly_one_wins(store: Observed) -> None:
    first = await taken(store)
    commits = [store.commit(a_commit(first, f"attempt-{number}")) for number in range(100)]

    outcomes = await asyncio.gather(*commits, return_exceptions=True)

    assert sum(isinstance(outcome, Operation) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, VersionConflict) for outcome in outcomes) == 99


async def test_a_commit_counts_from_its_earliest_moment_on(subject: Subject) -> None:
    first = await taken(subject.store)

    with pytest.raises(OutOfTime, match="too early"):
        await subject.store.commit(a_commit(first, not_before=subject.now() + MOMENT))
    assert (await subject.store.commit(a_commit(first, not_before=subject.now() - MOMENT))).version == 2


async def test_a_commit_counts_until_its_latest_moment(subject: Subject) -> None:
    first = await taken(subject.store)

    with pytest.raises(OutOfTime, match="over"):
        await subject.store.commit(a_commit(first, not_after=subject.now() - MOMENT))
    assert (await subject.store.commit(a_commit(first, not_after=subject.now() + MOMENT))).version == 2


async def test_the_kill_switch_stops_what_respects_it_and_nothing_else(subject: Subject) -> None:
    first = await taken(subject.store)
    assert await subject.store.freezes() == ()

    await subject.freeze()

    assert await subject.store.freezes() == (SET_BY_HAND,)
    with pytest.raises(Frozen):
        await subject.store.commit(a_commit(first, unless_frozen=("hangzhou",)))
    assert (await subject.store.commit(a_commit(first))).version == 2


async def test_a_second_operation_on_an_open_record_is_refused_with_the_first_ones_id(store: Observed) -> None:
    await taken(store)

    with pytest.raises(AlreadyOpen) as refused:
        await taken(store, id="fo-0002", plan=BOTH_RECORDS)

    assert refused.value.operation_id == "fo-7k2m"
    with pytest.raises(UnknownOperation):
        await store.get("fo-0002")
    assert await store.open_on("record-a") is None


async def test_an_open_operation_is_found_by_each_of_its_records(store: Observed) -> None:
    await taken(store, plan=BOTH_RECORDS)

    assert [await store.open_on(record) for record in ("record-a", "record-b", "record-c")] == ["fo-7k2m"] * 2 + [None]


async def test_an_ended_operation_frees_its_records(store: Observed) -> None:
    first = await taken(store)
    await store.commit(a_commit(first, index=IndexMove.RELEASE))

    assert await store.open_on("record-b") is None
    assert (await taken(store, id="fo-0002")).version == 1


async def test_what_is_noted_on_an_ended_operation_minds_no_later_one(store: Observed) -> None:
    ended = await store.commit(a_commit(await taken(store), index=IndexMove.RELEASE))
    await taken(store, id="fo-0002")

    noted = await store.commit(a_commit(replace(ended, outcome="seen"), "noted"))

    assert (noted.version, await store.open_on("record-b")) == (3, "fo-0002")


async def test_an_operation_that_never_took_its_records_may_not_act_on_anothers(store: Observed) -> None:
    await taken(store)

    with pytest.raises(AlreadyOpen):
        await store.commit(a_commit(an_operation(id="fo-0002"), index=IndexMove.KEEP))


async def test_releasing_leaves_anothers_records_alone(store: Observed) -> None:
    await taken(store)
    await store.commit(a_commit(an_operation(id="fo-0002"), index=IndexMove.RELEASE))

    assert await store.open_on("record-b") == "fo-7k2m"


async def test_a_record_on_hold_refuses_what_respects_holds_and_tells_the_seconds(store: Observed) -> None:
    first = await taken(store)
    held = await store.commit(a_commit(first, hold_for=timedelta(seconds=120)))

    with pytest.raises(RecordHeld, match="on hold for") as refused:
        await store.commit(a_commit(held, "again", unless_held=True))

    assert 118 <= refused.value.seconds <= 120
    assert 118 <= await store.held_for("record-b") <= 120
    assert (await store.commit(a_commit(held, "again"))).version == 3


async def test_what_respects_holds_goes_on_where_there_is_none(store: Observed) -> None:
    first = await taken(store)

    assert (await store.commit(a_commit(first, "again", unless_held=True))).version == 2


async def test_a_hold_is_never_shortened(store: Observed) -> None:
    first = await taken(store)
    second = await store.commit(a_commit(first, hold_for=timedelta(seconds=120)))
    await store.commit(a_commit(second, "shorter", hold_for=timedelta(seconds=5)))

    assert await store.held_for("record-b") > 100


async def test_a_hold_covers_every_record_and_no_other(store: Observed) -> None:
    await store.commit(a_commit(await taken(store, plan=BOTH_RECORDS), hold_for=timedelta(seconds=120)))

    assert await store.held_for("record-a") > 0 < await store.held_for("record-b")
    assert await store.held_for("record-c") == 0


def forged_documents() -> dict[str, Operation]:
    approved = an_operation(State.APPROVED)
    own = replace(a_vote(), person="on-call", user_id=ON_CALL)
    return {
        "approved without a vote": replace(approved, votes=()),
        "claimed without a vote": an_operation(lease=a_lease()),
        "approved by the requester": replace(approved, votes=(own,)),
        "approved by the requester's second account": replace(
            approved, votes=(replace(own, user_id="U09ONCALL"), a_vote())
        ),
        "approved by the requester under another name": replace(approved, votes=(a_vote(user_id=ON_CALL),)),
        "approved by the requester beside another": replace(approved, votes=(a_vote(), own)),
        "approved for another plan": replace(approved, votes=(a_vote(a_plan(nonce="1" * 32)),)),
        "approved by a word that rejects": replace(approved, votes=(a_vote(verb=Verb.REJECT),)),
    }


@pytest.mark.parametrize("operation", forged_documents().values(), ids=forged_documents().keys())
async def test_an_approval_without_two_distinct_persons_is_refused(store: Observed, operation: Operation) -> None:
    with pytest.raises(ForgedApproval):
        await store.commit(a_commit(operation, index=IndexMove.TAKE))

    with pytest.raises(UnknownOperation):
        await store.get("fo-7k2m")


async def test_a_plan_cannot_be_exchanged_under_its_operation(store: Observed) -> None:
    first = await taken(store)

    with pytest.raises(ForgedApproval):
        await store.commit(a_commit(replace(first, plan=a_plan(nonce="1" * 32))))


async def test_a_refused_commit_leaves_no_trace(store: Observed) -> None:
    first = await taken(store)
    forged = replace(first, votes=(), approved_at=NOW)

    with pytest.raises(ForgedApproval):
        await store.commit(a_commit(forged, "forged", due_at=NOW, hold_for=MOMENT, index=IndexMove.RELEASE))

    assert await store.due(NOW) == ()
    assert await store.held_for("record-b") == 0
    assert await store.open_on("record-b") == "fo-7k2m"
    assert await store.get("fo-7k2m") == first


async def test_the_drawing_of_a_card_is_for_one_at_a_time(subject: Subject) -> None:
    until = subject.now() + MOMENT
    wanted = (("fo-7k2m", "one"), ("fo-7k2m", "another"), ("fo-0002", "another"))
    claims = [await subject.store.claim_news(operation_id, owner, until) for operation_id, owner in wanted]
    await subject.store.release_news("fo-7k2m")

    assert claims == [True, False, True]
    assert await subject.store.claim_news("fo-7k2m", "another", until)


async def test_who_has_the_drawing_of_a_card_already_takes_it_anew_and_for_longer(subject: Subject) -> None:
    await subject.store.claim_news("fo-7k2m", "one", subject.now() + timedelta(milliseconds=50))

    assert await subject.store.claim_news("fo-7k2m", "one", subject.now() + MOMENT)
    await asyncio.sleep(0.06)
    assert not await subject.store.claim_news("fo-7k2m", "another", subject.now() + MOMENT)


async def test_the_drawing_of_a_card_comes_free_by_itself(subject: Subject) -> None:
    await subject.store.claim_news("fo-7k2m", "one", subject.now())
    await asyncio.sleep(0.02)

    assert await subject.store.claim_news("fo-7k2m", "another", subject.now() + MOMENT)
