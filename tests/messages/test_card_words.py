"""What a card says in each state, to somebody who never saw one."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot import messages
from bot.domain.observation import Observation, Observed
from bot.domain.operation import Operation, Progress, State, SubState, Verb
from bot.domain.plan import Effect, Finding, Level
from bot.ports import Message
from tests import builders as make
from tests.messages.reading import buttons, confirm_of, words_of

LOSS = Finding("CRITICAL_IMAGES", Level.FAIL, Effect.LOSS, "11 of 12 critical images are identical.")
BLOCK = Finding("STANDBY_ANSWERS", Level.FAIL, Effect.BLOCKS, "hangzhou does not answer pulls.")
DOUBT = Finding("REPLICATION", Level.UNKNOWN, Effect.WARNS, "Nobody knows the backlog.")
WARNING = Finding("WAY_BACK", Level.WARN, Effect.WARNS, "hangzhou is Basic edition.")
SUCCESS = Finding("CERTIFICATE", Level.PASS, Effect.NONE, "Valid.")
LATER = make.NOW + timedelta(seconds=90)
APPLIED = (Progress(SubState.APPLIED, applied_at=LATER),)


def card(operation: Operation) -> Message:
    return messages.operation_card(operation, lambda operation, verb: f"{verb}|{operation.id}", LATER)


def observed(name: str, outcome: Observed, sentence: str = "Seen.") -> Observation:
    return Observation(name, 0, outcome, sentence, LATER)


def test_a_pending_card_says_verdict_direction_scope_deadline_and_doubt_in_one_line() -> None:
    operation = make.an_operation(plan=make.a_plan(findings=(LOSS, DOUBT)))

    assert card(operation).text == (
        "GO-WITH-LOSS: pulls of vpc-bbbbb move from zhangjiakou to hangzhou · "
        "needs a second person before 03:15 UTC · 1 unknown"
    )


def test_a_simulated_plan_says_so_first() -> None:
    assert card(make.an_operation(plan=make.a_plan(is_simulation=True))).text.startswith("SIMULATION · GO: ")


def test_a_pending_card_shows_the_exact_change() -> None:
    said = words_of(card(make.an_operation()))

    for exact in ("cross-region.registry.io", "vpc-bbbbb", "A 10.2.0.20", f"CNAME {make.PUBLIC_NAME['hangzhou']}"):
        assert exact in said
    assert "TTL 60 s kept" in said
    assert "zone-b" in said


def test_what_speaks_against_comes_heaviest_first_and_what_speaks_for_is_folded() -> None:
    said = words_of(card(make.an_operation(plan=make.a_plan(findings=(SUCCESS, WARNING, LOSS, BLOCK)))))

    places = [said.index(part) for part in ("*Blocks*", "*Loss*", "*Warning*", "1 check passed: certificate")]
    assert places == sorted(places)


def test_a_pending_card_names_who_asked_why_who_may_approve_the_way_back_and_the_plan() -> None:
    operation = make.an_operation(reason="the <region> is down")
    said = words_of(card(operation))

    assert f"Asked by <@{make.ON_CALL}>" in said
    assert "`the &lt;region&gt; is down`" in said
    assert f"any approver but <@{make.ON_CALL}>" in said
    assert "/registry show fo-7k2m manual" in said
    assert operation.plan.digest[:12] in said


@pytest.mark.parametrize(
    ("needed", "given", "wanted"),
    [
        (1, 0, "needs a second person"),
        (2, 0, "needs 2 other people"),
        (2, 1, "approved by 1, needs one more person"),
        (3, 0, "needs 3 other people"),
        (3, 1, "approved by 1, needs 2 more people"),
        (3, 2, "approved by 2, needs one more person"),
    ],
)
def test_a_pending_card_says_how_many_people_are_still_needed(needed: int, given: int, wanted: str) -> None:
    plan = make.a_plan()
    votes = tuple(make.a_vote(plan, person=f"p{number}") for number in range(given))
    operation = make.an_operation(plan=plan, votes=votes, approvals_needed=needed)

    assert f"hangzhou · {wanted} before 03:15 UTC" in card(operation).text


def test_a_pending_card_has_three_signed_buttons() -> None:
    assert buttons(card(make.an_operation())) == {
        "operation.approve": ("Approve", "primary", "approve|fo-7k2m"),
        "operation.reject": ("Reject", "danger", "reject|fo-7k2m"),
        "operation.cancel": ("Cancel", None, "cancel|fo-7k2m"),
    }


@pytest.mark.parametrize("state", [s for s in State if s is not State.PENDING])
def test_only_an_approved_card_still_has_a_button_and_that_cancels(state: State) -> None:
    expected = {"operation.cancel"} if state is State.APPROVED else set()

    assert set(buttons(card(make.an_operation(state)))) == expected


def test_approving_asks_once_more_with_the_effect_in_words() -> None:
    asked = confirm_of(card(make.an_operation()))

    assert "Pulls of vpc-bbbbb move from zhangjiakou to hangzhou." in asked
    assert "A 10.2.0.20 becomes CNAME sim-a-registry.cn-hangzhou.cr.aliyuncs.com." in asked


@pytest.mark.covers("F64")
@pytest.mark.parametrize("count", [1, 2, 3])
def test_approving_repeats_each_loss(count: int) -> None:
    findings = tuple(replace(LOSS, sentence=f"Loss number {index}, {'long ' * 60}") for index in range(count))
    asked = confirm_of(card(make.an_operation(plan=make.a_plan(findings=findings))))

    assert all(f"Loss number {index}" in asked for index in range(count))
    assert len(asked) <= 300


def test_more_losses_than_a_question_holds_are_counted() -> None:
    asked = confirm_of(card(make.an_operation(plan=make.a_plan(findings=(LOSS,) * 5))))

    assert "And 2 more on the card." in asked


@pytest.mark.parametrize(
    ("state", "first", "then"),
    [
        (State.APPROVED, "APPROVED: pulls of vpc-bbbbb move", "nothing is written yet"),
        (State.APPLYING, "APPLYING: pulls of vpc-bbbbb move", "leave these records alone"),
        (State.VERIFYING, "VERIFYING: pulls of vpc-bbbbb move", "reading back once more"),
        (State.DONE, "DONE: the record of vpc-bbbbb now points at hangzhou", "waiting to see pulls arrive"),
        (State.REJECTED, f"REJECTED: nothing was changed, rejected by <@{make.APPROVER}>", "go where they went"),
        (State.CANCELLED, f"CANCELLED: nothing was changed, cancelled by <@{make.APPROVER}>", "go where they went"),
        (State.EXPIRED, "EXPIRED: nothing was changed, nobody approved in time", "/registry failover zhangjiakou"),
        (State.STALE, "STALE: nothing was changed. ", "look, then ask again: /registry failover zhangjiakou"),
        (State.FAILED, "FAILED: nothing was changed. ", "manual steps on the card"),
        (
            State.PARTIAL,
            "PARTIAL: 0 of 1 record written, from zhangjiakou to hangzhou · moved: none · not moved: vpc-bbbbb · ",
            "manual steps on the card",
        ),
        (State.NEEDS_HUMAN, "NEEDS A HUMAN: ", "look at the record first"),
    ],
)
def test_every_state_has_its_own_first_line(state: State, first: str, then: str) -> None:
    text = card(make.an_operation(state)).text

    assert text.startswith(first)
    assert then in text


def test_an_approval_that_nobody_started_expires_with_that_reason() -> None:
    text = card(make.an_operation(State.EXPIRED, approved_at=make.NOW)).text

    assert "approved, but not started within 2 minutes" in text


def test_a_stale_card_says_the_outcome_with_both_values() -> None:
    outcome = "vpc-bbbbb held A 10.2.0.20, now it holds A 10.2.0.99."

    assert "held A 10.2.0.20, now it holds A 10.2.0.99" in card(make.an_operation(State.STALE, outcome=outcome)).text


def test_the_first_line_repeats_nothing_of_the_outcome() -> None:
    outcome = "Nothing was changed. vpc-bbbbb held A 10.2.0.20, now it holds A 10.2.0.99. Plan again."
    text = card(make.an_operation(State.STALE, outcome=outcome)).text

    assert text.lower().count("nothing was changed") == 1
    assert "again: /registry failover" in text
    assert "Plan again" not in text


def test_each_change_shows_its_sub_state_and_observations_with_times() -> None:
    done = make.an_operation(State.DONE, progress=APPLIED, observations=(observed("CONVERGED", Observed.OK),))
    said = words_of(card(done))

    assert "*APPLIED*: written and read back <!date^" in said
    assert "*CONVERGED*: OK <!date^" in said
    assert "*CONFIRMED*: not observed" in said


def test_a_failed_observation_changes_the_first_line_and_offers_the_way_back() -> None:
    failed = observed("CONFIRMED", Observed.FAILED, "cri-bbbbb answers instead.")
    message = card(make.an_operation(State.DONE, progress=APPLIED, observations=(failed,)))

    assert message.text.startswith("DONE, BUT A CHECK FAILED: ")
    assert "cri-bbbbb answers instead" in message.text
    assert "way back: A 10.2.0.20" in message.text
    assert "Restore A 10.2.0.20, TTL 60 s" in words_of(message)


@pytest.mark.parametrize("state", [State.STALE, State.FAILED, State.PARTIAL, State.NEEDS_HUMAN])
def test_every_bad_end_carries_the_manual_steps(state: State) -> None:
    said = words_of(card(make.an_operation(state)))

    assert "Alibaba Cloud DNS console" in said
    assert "--RecordId record-b --Rr @ --Type CNAME" in said
    assert "--Type A --Value 10.2.0.20 --Ttl 60" in said


def test_a_write_that_may_still_arrive_is_warned_of() -> None:
    progress = (Progress(SubState.UNKNOWN, is_unclean=True),)
    said = words_of(card(make.an_operation(State.NEEDS_HUMAN, progress=progress)))

    assert "may still take effect until <!date^" in said


def test_the_record_says_who_approved_when_and_how_long_it_took() -> None:
    approved_at = make.NOW + timedelta(seconds=80)
    operation = make.an_operation(State.DONE, progress=APPLIED, approved_at=approved_at)
    said = words_of(card(operation))

    assert f"Approved by <@{make.APPROVER}> <!date^" in said
    assert "|2026-11-03 03:00:00 UTC>" in said
    assert "Decided after 1 min 20 s, written after 10 s" in said


def test_a_rejection_shows_its_reason_as_typed() -> None:
    vote = make.a_vote(verb=Verb.REJECT, reason="wait for `them` <!here>")

    assert "`wait for 'them' &lt;!here&gt;`" in words_of(card(make.an_operation(State.REJECTED, votes=(vote,))))


def test_only_people_of_the_operation_are_named_from_an_outcome() -> None:
    outcome = f"<@{make.APPROVER}> may no longer approve this; ask <@U0STRANGER>."
    text = card(make.an_operation(State.STALE, outcome=outcome)).text

    assert f"<@{make.APPROVER}>" in text
    assert "<@U0STRANGER>" not in text
    assert "U0STRANGER" in text


def test_several_changes_are_all_shown_with_which_half_moved() -> None:
    other = make.a_change(view=make.a_view(vpcs=("vpc-ccccc",)))
    plan = make.a_plan(changes=(make.a_change(), other))
    progress = (*APPLIED, Progress(SubState.FAILED, note="Throttling.User"))
    message = card(make.an_operation(State.PARTIAL, plan=plan, progress=progress))

    assert "1 of 2 records written" in message.text
    assert "moved: vpc-bbbbb · not moved: vpc-ccccc" in message.text
    assert "*NOT WRITTEN* in `vpc-ccccc`" in words_of(message)
    assert "Throttling.User." in words_of(message)


def test_a_draft_asks_nobody_and_tells_how_to_ask() -> None:
    message = messages.draft_card(make.a_draft(), LATER)

    assert message.text == (
        "GO: pulls of vpc-bbbbb would move from zhangjiakou to hangzhou · only a plan, nobody was asked"
    )
    assert "/registry failover zhangjiakou to hangzhou via internet" in words_of(message)
    assert buttons(message) == {}


def test_a_no_go_names_what_blocks_in_its_first_line() -> None:
    message = messages.draft_card(make.a_draft(plan=make.a_plan(findings=(BLOCK,))), LATER)

    assert message.text.startswith(
        "NO-GO: failover from zhangjiakou to hangzhou is blocked: hangzhou does not answer pulls · nothing was changed"
    )


def test_a_draft_of_one_view_among_several_keeps_the_choice_in_its_command() -> None:
    draft = make.a_draft(only="vpc-bbbbb")

    assert "via internet only vpc-bbbbb" in words_of(messages.draft_card(draft, LATER))


@pytest.mark.parametrize("state", [State.EXPIRED, State.STALE])
def test_whoever_asks_again_asks_for_no_more_than_before(state: State) -> None:
    operation = make.an_operation(state, only="vpc-bbbbb")

    assert "via internet only vpc-bbbbb" in card(operation).text


def test_show_tells_the_story_and_the_whole_digest() -> None:
    operation = make.an_operation(State.DONE).with_step(LATER, "Record 1 of 1 written.")
    message = messages.show(operation, LATER)

    assert "Record 1 of 1 written." in words_of(message)
    assert operation.plan.digest in words_of(message)
    assert buttons(message) == {}


def test_a_no_go_says_its_block_once_and_what_to_do() -> None:
    said = words_of(messages.draft_card(make.a_draft(plan=make.a_plan(findings=(WARNING, BLOCK))), LATER))

    assert said.count("hangzhou does not answer pulls") == 1
    assert "*Warning*" in said
    assert "Mend it and ask again" in said
