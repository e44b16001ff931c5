"""The next step of one image of a copy job, by what both sites and its task say."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.copy_job import STALLED_AFTER, Copy, Fate, Phase, Started, confirmation
from bot.domain.copy_steps import (
    MOST_SENT,
    SETTLES,
    SHOWS_WITHIN,
    Ends,
    arrived,
    followed,
    is_over,
    is_settled,
    overrides,
    ready,
    recovered,
)
from bot.domain.explaining import CLOCKS
from bot.domain.inventory import Repository, Tag
from tests.builders import INSTANCE_ID, NOW, ON_CALL
from tests.contracts.test_copies import a_job
from tests.domain.stocks import ENDS, a_task, at

A, B, C = "a" * 64, "b" * 64, "c" * 64
NAMES = Ends("zhangjiakou", "hangzhou")
WAITING = Copy("core/api", "1", A)
REPLACING = replace(WAITING, replaces=B)
ASKED = replace(WAITING, state=Fate.ASKED, since=NOW, sent=1)
ENQUEUED = replace(WAITING, state=Fate.ENQUEUED, since=NOW, task_id="rst-1")


def shelf(digest: str = "") -> dict[str, Repository]:
    tags = {"1": Tag(digest)} if digest else {}
    return {"core/api": Repository("core/api", "crr-1", tags, NOW, 0)}


@pytest.mark.parametrize(
    ("copy", "here", "there", "state"),
    [
        (WAITING, A, "", Fate.WAITING),
        (WAITING, A, A, Fate.COPIED),
        (WAITING, "", A, Fate.COPIED),
        (WAITING, "", "", Fate.FAILED),
        (WAITING, C, "", Fate.FAILED),
        (WAITING, A, B, Fate.FAILED),
        (REPLACING, A, B, Fate.WAITING),
        (REPLACING, A, "", Fate.WAITING),
        (REPLACING, A, C, Fate.FAILED),
        (REPLACING, C, B, Fate.FAILED),
    ],
)
def test_only_what_was_confirmed_is_sent(copy: Copy, here: str, there: str, state: Fate) -> None:
    assert ready(copy, shelf(here), shelf(there), NAMES, NOW).state is state


def test_a_repository_that_is_nowhere_is_gone_at_the_source_and_new_at_the_target() -> None:
    assert ready(WAITING, {}, {}, NAMES, NOW).reason == "zhangjiakou no longer has it"
    assert ready(WAITING, shelf(A), {}, NAMES, NOW).state is Fate.WAITING


@pytest.mark.parametrize(
    ("copy", "there", "is_said"), [(WAITING, "", False), (REPLACING, B, True), (REPLACING, "", False)]
)
def test_a_copy_replaces_only_what_is_there_and_was_confirmed(copy: Copy, there: str, is_said: bool) -> None:
    assert overrides(copy, shelf(there)) is is_said


def test_success_is_believed_when_the_digest_shows_and_doubted_for_a_while() -> None:
    done = a_task("SUCCESS")

    seen = followed(ENQUEUED, done, shelf(A), NAMES, NOW)
    doubted = followed(ENQUEUED, done, shelf(), NAMES, NOW)
    waited = followed(doubted, done, shelf(), NAMES, NOW + SHOWS_WITHIN - timedelta(seconds=1))
    missing = followed(doubted, done, shelf(), NAMES, NOW + SHOWS_WITHIN)
    other = followed(doubted, done, shelf(B), NAMES, NOW + SHOWS_WITHIN)

    assert (seen.state, doubted.state, waited) == (Fate.COPIED, Fate.ENQUEUED, doubted)
    assert missing.reason == "task rst-1 says SUCCESS, hangzhou does not have it"
    assert other.reason == "task rst-1 says SUCCESS, hangzhou has another image"


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        (None, "task rst-1 is gone, and hangzhou does not have it"),
        (a_task("ERROR", task_id="rst-1", issue="NETWORK_ERROR"), "task rst-1 ended ERROR (NETWORK_ERROR)"),
        (a_task("CANCELED", task_id="rst-1"), "task rst-1 ended CANCELED"),
        (
            a_task("ERROR", issue="TAG_CONFLICT"),
            "hangzhou refused it: the tag there is immutable or names another image (TAG_CONFLICT)",
        ),
    ],
)
def test_what_ends_otherwise_fails_with_its_reason_unless_it_is_there(task: object, reason: str) -> None:
    failed = followed(ENQUEUED, task, shelf(), NAMES, NOW)  # type: ignore[arg-type]
    there = followed(ENQUEUED, task, shelf(A), NAMES, NOW)  # type: ignore[arg-type]

    assert (failed.state, failed.reason, there.state) == (Fate.FAILED, reason, Fate.COPIED)


def test_a_task_is_over_when_it_is_gone_or_has_ended() -> None:
    assert [is_over(a_task(status)) for status in ("PENDING", "SYNCHRONIZING", "SUCCESS", "ERROR")] == [
        False,
        False,
        True,
        True,
    ]
    assert is_over(None)


def test_a_call_without_an_answer_settles_after_a_while() -> None:
    assert not is_settled(ASKED, NOW + SETTLES - timedelta(seconds=1))
    assert is_settled(ASKED, NOW + SETTLES)


def test_the_first_task_made_since_is_taken_for_ones_own() -> None:
    first, later = a_task("PENDING", made=1, task_id="rst-7"), a_task("PENDING", made=2, task_id="rst-6")

    adopted = recovered(ASKED, [later, first], ENDS[1], NOW)

    assert (adopted.state, adopted.task_id) == (Fate.ENQUEUED, "rst-7")


def test_clocks_may_differ_by_a_little() -> None:
    near = replace(a_task(), created_at=NOW - CLOCKS)
    far = replace(a_task(), created_at=NOW - CLOCKS - timedelta(seconds=1))

    assert recovered(ASKED, [near], ENDS[1], NOW).state is Fate.ENQUEUED
    assert recovered(ASKED, [far], ENDS[1], NOW).state is Fate.WAITING


@pytest.mark.parametrize(
    "task",
    [
        a_task(made=1, to_instance="cri-other"),
        a_task(made=-10),
        replace(a_task(), created_at=None),
    ],
)
def test_a_task_to_elsewhere_of_before_or_of_no_time_is_not_ones_own(task: object) -> None:
    again = recovered(ASKED, [task], ENDS[1], at(1))  # type: ignore[list-item]

    assert (again.state, again.task_id) == (Fate.WAITING, "")


def test_what_never_shows_is_given_up() -> None:
    assert recovered(replace(ASKED, sent=MOST_SENT - 1), [], ENDS[1], NOW).state is Fate.WAITING
    assert recovered(replace(ASKED, sent=MOST_SENT), [], ENDS[1], NOW).state is Fate.FAILED


def test_what_arrived_is_copied_and_all_else_stays() -> None:
    assert arrived(ENQUEUED, shelf(A), NOW).state is Fate.COPIED
    assert arrived(ENQUEUED, shelf(B), NOW) == ENQUEUED


def test_a_job_stalls_by_its_last_progress() -> None:
    started = Started("on-call", ON_CALL, NOW)
    job = a_job(phase=Phase.RUNNING, started=started)

    assert not job.is_stalled(NOW + STALLED_AFTER - timedelta(seconds=1))
    assert job.is_stalled(NOW + STALLED_AFTER)
    assert not replace(job, progressed_at=at(1)).is_stalled(NOW + STALLED_AFTER)
    assert not replace(job, started=replace(started, at=at(5))).is_stalled(NOW + STALLED_AFTER)
    assert replace(job, started=None).is_stalled(NOW + STALLED_AFTER)


def test_only_another_state_is_progress() -> None:
    job = a_job(phase=Phase.RUNNING, progressed_at=NOW)
    moved = job.changed([job.copies[0].to(Fate.ASKED, at(1))], at(1))
    same = moved.changed([replace(moved.copies[0], done_since=at(2))], at(2))

    assert (moved.progressed_at, same.progressed_at) == (at(1), at(1))
    assert same.copies[0].done_since == at(2)


def test_nobody_can_sign_what_nobody_confirmed() -> None:
    with pytest.raises(ValueError, match="nobody has confirmed"):
        confirmation(a_job(), "T01SIM")


def test_the_digest_of_a_job_names_its_list_and_nothing_that_happens_later() -> None:
    job = a_job()
    moved = job.changed([job.copies[0].to(Fate.COPIED, NOW)], NOW)
    others = [
        replace(job, copies=job.copies[:1]),
        replace(job, copies=(replace(job.copies[0], replaces=C), job.copies[1])),
        replace(job, target="zhangjiakou"),
        replace(job, instances=(INSTANCE_ID["hangzhou"], "cri-other")),
        replace(job, id="sy-0002"),
    ]

    assert moved.digest == job.digest
    assert len({job.digest, *(other.digest for other in others)}) == len(others) + 1
