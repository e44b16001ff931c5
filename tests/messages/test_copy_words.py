"""What is said of copy jobs: inside Slack's limits whatever goes in, and plain at a glance."""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import messages
from bot.domain.copy_choice import IMMUTABLE, NEWER, ON_ITS_WAY, UNCLEAR
from bot.domain.copy_job import Copy, CopyJob, Fate, LeftOut, Phase, Started
from bot.domain.rule_audit import PairAudit
from tests.builders import NOW, ON_CALL
from tests.contracts.test_copies import a_job
from tests.domain.stocks import TARGET, a_feed, a_side, a_tag, a_task
from tests.messages import hostile
from tests.messages.assessments import Tags, an_assessment
from tests.messages.reading import words_of
from tests.messages.test_message_limits import assert_slack_takes, hard

COPIES = st.builds(
    Copy,
    path=hostile.TEXT,
    tag=hostile.TEXT,
    digest=st.just("a" * 64),
    replaces=st.sampled_from(("", "b" * 64)),
    why=hostile.TEXT,
    state=st.sampled_from(list(Fate)),
    task_id=hostile.TEXT,
    reason=hostile.TEXT,
)
JOBS = st.builds(
    a_job,
    asked=hostile.TEXT,
    source=hostile.TEXT,
    target=hostile.TEXT,
    copies=st.lists(COPIES, min_size=1, max_size=40).map(tuple),
    left_out=st.lists(st.builds(LeftOut, hostile.TEXT, hostile.TEXT), max_size=30).map(tuple),
    left_counts=st.dictionaries(hostile.TEXT, st.integers(1, 10**6), max_size=20),
    rest=st.integers(0, 10**6),
    seen=hostile.TEXT,
    phase=st.sampled_from(list(Phase)),
    trouble=hostile.TEXT,
    started=st.sampled_from((None, Started("on-call", ON_CALL, NOW))),
)


def values(_job: CopyJob) -> tuple[str, str]:
    return "copy|x", "dismiss|x"


def a_card(job: CopyJob) -> str:
    message = messages.copy_card(job, values, is_simulation=False)
    return "\n".join([message.text, str(message.blocks)])


@hard
@given(JOBS)
def test_slack_takes_every_word_about_copies(job: CopyJob) -> None:
    assert_slack_takes(messages.copy_card(job, values, is_simulation=True))
    assert_slack_takes(messages.copy_shown(job, is_simulation=False))
    assert_slack_takes(messages.copy_outcome(job, is_simulation=True))
    assert_slack_takes(messages.nothing_to_copy(job))
    assert_slack_takes(messages.copies_decided(job))
    assert_slack_takes(messages.copies_offered(job, None))
    assert_slack_takes(messages.with_copies(messages.actions_list((), NOW), [job] * 10))


def in_states(*states: Fate) -> CopyJob:
    copies = [Copy("core/api", str(n), "a" * 64, state=state, sent=1) for n, state in enumerate(states)]
    return a_job(copies=tuple(copies), phase=Phase.ENDED, ended_at=NOW)


@pytest.mark.parametrize(
    ("states", "verdict"),
    [
        ([Fate.COPIED] * 12, "COPIED: 12 of 12 images at hangzhou, seen by digest"),
        ([Fate.COPIED] * 10 + [Fate.FAILED] * 2, "PARTIAL: 10 of 12 images at hangzhou, 2 failed, seen by digest"),
        ([Fate.FAILED], "FAILED: 0 of 1 image at hangzhou, 1 failed"),
        ([Fate.COPIED, Fate.UNKNOWN], "UNKNOWN: 1 of 2 images at hangzhou, 1 unknown, seen by digest"),
        ([Fate.COPIED, Fate.WAITING], "PARTIAL: 1 of 2 images at hangzhou, 1 never sent, seen by digest"),
    ],
)
def test_the_first_line_of_an_end_is_its_verdict_and_what_it_is_about(states: Iterable[Fate], verdict: str) -> None:
    about_all, about_one = in_states(*states), replace(in_states(*states), asked="core/api:2.7.1")

    assert messages.copy_shown(about_all, is_simulation=False).text == f"{verdict} · critical images from zhangjiakou"
    assert messages.copy_shown(about_one, is_simulation=False).text == f"{verdict} · core/api:2.7.1 from zhangjiakou"


def test_an_end_names_what_was_copied() -> None:
    few, many = in_states(Fate.COPIED, Fate.FAILED, Fate.COPIED), in_states(*[Fate.COPIED] * 12)

    assert "*Copied*: `core/api:0`, `core/api:2`" in a_card(few)
    assert "*Copied*: `core/api:0`, `core/api:1`," in a_card(many)
    assert "`core/api:7` and 4 more'" in a_card(many)
    assert "*Copied*" not in a_card(replace(few, phase=Phase.RUNNING))


def test_an_end_says_how_to_try_again_what_is_not_there() -> None:
    again = "To try what is still missing again: `/registry sync missing from zhangjiakou to hangzhou`"

    assert again in a_card(in_states(Fate.COPIED, Fate.FAILED))
    assert again in a_card(in_states(Fate.WAITING))
    assert again not in a_card(in_states(Fate.COPIED))
    assert again not in a_card(replace(in_states(Fate.COPIED, Fate.FAILED), phase=Phase.RUNNING))


def test_a_reason_that_many_failures_share_is_said_once() -> None:
    job = in_states(*[Fate.FAILED] * 12)
    reasons = [*["The right is not granted."] * 3, *(f"Reason {n}." for n in range(9))]
    job = replace(job, copies=tuple(replace(c, reason=r) for c, r in zip(job.copies, reasons, strict=True)))

    said = a_card(job)

    assert said.count("The right is not granted.") == 1
    assert "`core/api:0`, `core/api:1`, `core/api:2`: The right is not granted." in said
    assert "`core/api:6`: Reason 3." in said
    assert "and 5 more failed, in the thread" in said


def test_the_file_of_an_end_tells_what_was_there_already() -> None:
    done = [Copy("core/api", str(n), "a" * 64, state=Fate.COPIED, sent=n % 2) for n in range(10)]

    file = messages.copy_file(a_job(copies=tuple(done), phase=Phase.ENDED, ended_at=NOW))

    assert file is not None
    rows = list(csv.reader(io.StringIO(file.content.decode("utf-8-sig"))))
    assert [row[1] for row in rows[1:3]] == ["there already", "copied"]


def test_an_offer_says_first_of_all_that_it_replaces_what_is_newer_or_may_be() -> None:
    newer = Copy("core/api", "1", "a" * 64, "b" * 64, NEWER)
    unclear = Copy("core/api", "2", "a" * 64, "c" * 64, UNCLEAR)

    said = a_card(a_job(copies=(newer, unclear)))

    assert said.startswith(
        "COPY 2 images from zhangjiakou to hangzhou, replacing 2 there (1 NEWER, 1 perhaps newer)? Until"
    )
    assert "`core/api:1` *replaces* `sha256:bbbbbbbbbbbb` at hangzhou: *newer at the target*" in said
    assert "`core/api:2` *replaces* `sha256:cccccccccccc` at hangzhou: *which one is newer is not proven*" in said


@pytest.mark.parametrize(("reason", "is_told"), [(NEWER, True), (UNCLEAR, True), (IMMUTABLE, False)])
def test_what_is_left_out_by_doubt_says_how_to_have_it_all_the_same(reason: str, is_told: bool) -> None:
    job = a_job(asked="core/api", left_out=(LeftOut("core/api:3", reason),), left_counts={reason: 1})
    how = "name exactly it: `/registry sync core/api:3 from zhangjiakou to hangzhou`"

    assert (how in a_card(job)) == is_told
    assert (how in str(messages.nothing_to_copy(job).blocks)) == is_told


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("missing", f"NOTHING TO COPY: critical images, 2 left out ({ON_ITS_WAY}), from zhangjiakou to hangzhou"),
        ("core/api:3", f"NOTHING TO COPY: core/api:3, {ON_ITS_WAY}, from zhangjiakou to hangzhou"),
    ],
)
def test_of_several_images_that_are_left_out_the_first_line_says_how_many(asked: str, words: str) -> None:
    job = a_job(asked=asked, left_out=(LeftOut("core/api:3", ON_ITS_WAY),), left_counts={ON_ITS_WAY: 2})

    assert messages.nothing_to_copy(job).text == words


def test_a_copy_under_way_says_how_to_have_it_once_more_where_it_is_stuck() -> None:
    job = a_job(asked="core/api", left_out=(LeftOut("core/api:3", ON_ITS_WAY),), left_counts={ON_ITS_WAY: 1})
    how = "have it copied again: `/registry sync core/api:3 from zhangjiakou to hangzhou`"

    assert how in str(messages.nothing_to_copy(job).blocks)


def test_an_offer_says_what_it_replaces_what_it_leaves_out_and_how_to_go_on() -> None:
    job = a_job(
        left_out=(LeftOut("core/web:1", "newer at the target"),),
        left_counts={"newer at the target": 4},
        rest=412,
    )

    said = a_card(job)

    assert "COPY 2 images from zhangjiakou to hangzhou, replacing 1 there? Until 03:15 UTC" in said
    assert "`core/api:2` *replaces* `sha256:cccccccccccc` at hangzhou" in said
    assert "*Left out*, newer at the target: `core/web:1` and 3 more" in said
    assert "ask again when it is done, `/registry sync missing from zhangjiakou to hangzhou`" in said
    assert "Copy 2 images" in said


def test_what_is_replaced_is_named_before_all_else() -> None:
    missing = [Copy("core/api", str(n), "a" * 64, why="no rule copies it") for n in range(20)]
    replacing = [Copy("core/web", str(n), "a" * 64, "b" * 64) for n in range(10)]

    few, many = a_card(a_job(copies=(*missing, replacing[0]))), a_card(a_job(copies=(*missing, *replacing)))

    assert "`core/web:0` *replaces*" in few
    assert "and 13 more, in the thread" in few
    assert many.count("*replaces*") == 8
    assert "and 22 more, of which 2 *replace* others, in the thread" in many


def test_only_an_offer_has_buttons() -> None:
    assert "copies.start" in a_card(a_job())
    for phase in set(Phase) - {Phase.OFFERED}:
        assert "copies.start" not in a_card(a_job(phase=phase))


def test_a_long_list_is_a_file_in_which_nothing_computes() -> None:
    many = tuple(Copy("core/api", str(n), "a" * 64) for n in range(30))
    job = a_job(copies=many, left_out=(LeftOut("=core/x:1", "newer at the target"),))

    file = messages.copy_file(job)

    assert file is not None
    assert messages.copy_file(a_job()) is None
    rows = list(csv.reader(io.StringIO(file.content.decode("utf-8-sig"))))
    assert len(rows) == 32
    assert rows[1] == ["core/api:0", "waiting", "", f"sha256:{'a' * 64}", "", ""]
    assert rows[-1][:3] == ["'=core/x:1", "left out", "newer at the target"]
    assert file.title.startswith("30 images to copy, zhangjiakou to hangzhou")


def test_what_holds_a_job_up_is_said_while_it_runs() -> None:
    job = a_job(phase=Phase.RUNNING, started=Started("on-call", ON_CALL, NOW + timedelta(seconds=1)))

    assert "*Held up*, tried again by itself: hangzhou does not answer." in a_card(
        replace(job, trouble="hangzhou does not answer.")
    )
    assert "0 under way, 2 waiting; ends after 30 min without any progress" in a_card(job)


def test_a_job_that_runs_says_when_anything_last_came_of_it() -> None:
    assert "2 waiting, last progress <!date^" in a_card(a_job(phase=Phase.RUNNING, progressed_at=NOW))


def test_an_answer_about_losses_says_how_to_have_them_copied_while_that_is_possible() -> None:
    behind = an_assessment({"core/api": {"1": a_tag()}}, {})
    silent = replace(behind.report.source.coverage, silent_since=NOW)
    assert isinstance(behind.audit, PairAudit)
    asked = "To have it copied: `/registry sync missing from zhangjiakou to hangzhou`"

    assert asked in words_of(messages.replication(behind, NOW))
    for other in (
        an_assessment({"core/api": {"1": a_tag()}}, {"core/api": {"1": a_tag()}}),
        an_assessment({"core/api": {"1": a_tag()}}, {}, repositories="core/*"),
        replace(behind, report=replace(behind.report, source=replace(behind.report.source, coverage=silent))),
        replace(behind, audit=replace(behind.audit, mute=(("zhangjiakou", "no answer within 3 s"),))),
        replace(behind, audit=replace(behind.audit, mute=(("hangzhou", "no answer within 3 s"),))),
    ):
        assert "To have it copied" not in words_of(messages.replication(other, NOW))


@pytest.mark.parametrize(
    ("held", "fields", "is_offered"),
    [
        ({}, {"rules": ()}, True),
        ({}, {"rules": (), "sides": (a_side(), a_side(TARGET, namespaces={}))}, False),
        ({}, {"rules": (), "sides": (a_side(), a_side(TARGET, namespaces={"core": False}))}, False),
        ({"core/api": {}}, {"rules": (), "sides": (a_side(), a_side(TARGET, namespaces={"core": False}))}, True),
        ({"core/api": {"1": a_tag("b", -90)}}, {}, True),
        ({"core/api": {"1": a_tag("b", -90)}}, {"is_immutable": True}, False),
        ({"core/api": {"1": a_tag("b", -30)}}, {}, False),
        ({}, {"feed": a_feed(a_task("PENDING"))}, False),
    ],
)
def test_an_answer_offers_copies_only_where_one_would_be_made(
    held: Mapping[str, Tags], fields: Mapping[str, Any], is_offered: bool
) -> None:
    known = an_assessment({"core/api": {"1": a_tag()}}, held, **fields)

    assert ("To have it copied" in words_of(messages.replication(known, NOW))) == is_offered


def test_an_answer_says_of_how_many_of_the_missing_a_copy_would_be_made() -> None:
    sides = (a_side(), a_side(TARGET, namespaces={"core": False}))
    known = an_assessment(
        {"core/api": {"1": a_tag()}, "core/new": {"1": a_tag()}}, {"core/api": {}}, rules=(), sides=sides
    )

    assert "To have 1 of 2 copied: `/registry sync missing" in words_of(messages.replication(known, NOW))
