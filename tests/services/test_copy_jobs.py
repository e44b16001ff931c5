"""A confirmed copy job to its end, on a company in memory."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.copy_job import MOST_UNFINISHED, STALLED_AFTER, Phase, Verdict
from bot.domain.copy_steps import SETTLES, SHOWS_WITHIN
from bot.errors import (
    OutcomeUnknown,
    Refused,
    Throttled,
    Unreachable,
)
from bot.services import freezing
from tests.builders import APPROVER, ON_CALL, a_site, a_topology
from tests.fake_inventories import FakeCatalogue
from tests.handlers.calls import answer
from tests.services.copying import SOURCE, TARGET, copying


async def test_what_is_missing_is_offered_confirmed_once_copied_and_seen_by_digest() -> None:
    company = await copying()

    offered = await company.offer()
    told = await company.press(offered)
    await company.work()
    company.land("core/api:0", "core/api:1", "core/api:2")
    await company.work(2)

    assert company.workspace.cards()[0].message.text.startswith("COPIED: 3 of 3 images at hangzhou, seen by digest")
    assert told == f"{offered.id} is started: 3 images from zhangjiakou to hangzhou. Its message shows how it goes."
    assert [sent.image for sent in company.copier.sent] == ["core/api:0", "core/api:1", "core/api:2"]
    assert not any(sent.overrides for sent in company.copier.sent)
    assert company.job().verdict is Verdict.COPIED
    assert company.job().is_told
    assert company.events() == ["copies offered", "copies started", "copies ended"]
    thread = [post for post in company.workspace.posts if post.thread_ts]
    assert [post.message.text for post in thread] == [f"{company.shown(offered)} <@{ON_CALL}>"]


async def test_nothing_is_sent_before_somebody_confirms() -> None:
    company = await copying()

    job = await company.offer()
    await company.work(3)

    assert company.copier.sent == []
    assert company.shown(job).startswith("COPY 3 images from zhangjiakou to hangzhou? Until 03:15 UTC")


async def test_a_job_that_somebody_wrote_into_redis_sends_nothing() -> None:
    company = await copying()
    job = await company.started()
    bigger = replace(job, copies=(*job.copies, replace(job.copies[0], tag="other")))
    company.copies.held[job.id] = bigger

    await company.work()

    assert company.copier.sent == []
    assert company.alarms == ["forged_copy_job"]
    assert company.job().verdict is Verdict.FAILED


async def test_a_freeze_meanwhile_stops_further_copies_and_is_told() -> None:
    company = await copying(MOST_UNFINISHED + 5)
    await company.started()
    await company.work()
    await freezing.freeze(company.ports, "all", "on-call", ON_CALL)
    company.land(*(sent.image for sent in company.copier.sent))

    await company.work(3)

    assert len(company.copier.sent) == MOST_UNFINISHED
    assert company.job().trouble.startswith("All sites are frozen by")
    company.clock.move(STALLED_AFTER)
    await company.work()
    assert company.job().verdict is Verdict.PARTIAL
    assert "5 never sent" in company.shown(company.job())


async def test_no_more_than_a_few_are_under_way_at_once() -> None:
    company = await copying(MOST_UNFINISHED + 7)
    await company.started()

    await company.work(4)
    assert len(company.copier.sent) == MOST_UNFINISHED

    company.land("core/api:0", "core/api:1")
    await company.work()
    assert len(company.copier.sent) == MOST_UNFINISHED + 2


async def test_a_lost_answer_is_looked_for_and_adopted_and_not_sent_twice() -> None:
    company = await copying(1)
    await company.started()
    company.copier.fail_next(OutcomeUnknown("No answer came."), after=True)

    await company.work()
    assert company.fates() == {"core/api:0": "asked"}
    company.clock.move(SETTLES)
    await company.work()

    assert company.fates() == {"core/api:0": "enqueued"}
    assert len(company.copier.sent) == 1


@pytest.mark.parametrize("minutes", [1, -1])
async def test_a_lost_answer_is_told_from_an_older_task_also_where_the_bots_clock_is_off(minutes: int) -> None:
    off, company = timedelta(minutes=minutes), await copying(1)
    await company.started()
    assert isinstance(company.ports.catalogue, FakeCatalogue)
    company.ports.catalogue.skew = {SOURCE: off}
    company.copier.fail_next(OutcomeUnknown("No answer came."), after=True)
    await company.work()
    for task_id, task in [*company.copier.tasks.items()]:
        made_at = company.clock.now() - off
        older = replace(task, task_id="rst-old", status="ERROR", created_at=made_at - timedelta(seconds=30))
        company.copier.tasks |= {task_id: replace(task, created_at=made_at), "rst-old": older}
    company.clock.move(SETTLES)

    await company.work()

    assert company.job().copies[0].task_id == "rst-0001"
    assert len(company.copier.sent) == 1


async def test_a_call_that_never_arrived_is_sent_again_but_not_for_ever() -> None:
    company = await copying(1)
    await company.started()
    company.copier.fail_next(*[OutcomeUnknown("No answer came.")] * 3)

    await company.work(9, seconds=SETTLES.total_seconds())

    assert company.copier.sent == []
    assert "asked for 3 times without an answer" in company.job().copies[0].reason


async def test_being_asked_to_slow_down_slows_and_fails_nothing() -> None:
    company = await copying(2)
    await company.started()
    company.copier.fail_next(*[Throttled("Slow down.")] * 8)

    await company.work(6)

    assert set(company.fates().values()) == {"enqueued"}
    assert len(company.copier.sent) == 2


async def test_a_task_that_says_success_without_its_image_is_a_failure_and_said_so() -> None:
    company = await copying(2)
    await company.started()
    await company.work()
    company.land("core/api:0")
    company.copier.end("SUCCESS")

    await company.work(2, seconds=SHOWS_WITHIN.total_seconds())

    assert company.fates() == {"core/api:0": "copied", "core/api:1": "failed"}
    assert company.job().copies[1].reason == "task rst-0002 says SUCCESS, hangzhou does not have it"
    assert company.shown(company.job()).startswith("PARTIAL: 1 of 2 images at hangzhou, 1 failed, seen by digest")


async def test_a_task_that_fails_is_told_with_its_issue() -> None:
    company = await copying(1)
    await company.started()
    await company.work()
    company.copier.end("ERROR", "TAG_CONFLICT")

    await company.work()

    assert "immutable or names another image (TAG_CONFLICT)" in company.job().copies[0].reason


async def test_without_progress_a_job_ends_unknown_and_names_its_tasks() -> None:
    company = await copying(1)
    await company.started()
    await company.work()
    company.clock.move(STALLED_AFTER)

    await company.work()

    assert company.job().verdict is Verdict.UNKNOWN
    assert "rst-0001" in str(company.workspace.cards()[0].message.blocks)


async def test_a_right_that_lacks_ends_a_job_after_its_first_calls() -> None:
    company = await copying(MOST_UNFINISHED + 10)
    await company.started()
    lacking = Refused("the bot's identity lacks the RAM action cr:CreateRepositorySync.", code="NoPermission")
    company.copier.fail_next(*[lacking] * MOST_UNFINISHED)

    await company.work(2)

    assert company.job().verdict is Verdict.FAILED
    assert company.job().phase is Phase.ENDED
    assert "cr:CreateRepositorySync" in str(company.workspace.cards()[0].message.blocks)


async def test_what_was_pushed_anew_or_has_changed_at_the_target_since_is_not_sent() -> None:
    company = await copying(3)
    await company.started()
    company.registries.put(SOURCE, "core/api:0", "a" * 64)
    company.registries.put(TARGET, "core/api:1", "b" * 64)
    company.registries.take(SOURCE, "core/api:2")

    await company.work(2)

    assert company.copier.sent == []
    reasons = [copy.reason for copy in company.job().copies]
    assert reasons[0] == "pushed anew at zhangjiakou since the list was made"
    assert reasons[1] == "hangzhou has got another image under this tag since the list was made"
    assert reasons[2] == "zhangjiakou no longer has it"


async def test_what_is_there_by_now_ends_a_job_without_a_call() -> None:
    company = await copying(1)
    await company.started()
    company.registries.put(TARGET, "core/api:0", f"{0:064x}")

    await company.work(2)

    assert company.copier.sent == []
    assert company.job().verdict is Verdict.THERE


async def test_a_source_that_falls_silent_is_waited_for() -> None:
    company = await copying(1)
    await company.started()
    await company.work()
    company.copier.down = Unreachable("zhangjiakou does not answer.")
    await company.work()

    assert company.job().trouble == "zhangjiakou does not answer."
    company.copier.down = None
    company.land("core/api:0")
    await company.work()
    assert company.job().verdict is Verdict.COPIED


async def test_two_bots_at_once_send_each_image_once() -> None:
    company = await copying(5)
    await company.started()

    await asyncio.gather(company.work(3, "bot-1"), company.work(3, "bot-2"))

    assert len(company.copier.sent) == 5


async def test_show_tells_of_a_job_and_actions_lists_it_while_it_is_open() -> None:
    company = await copying()
    job = await company.started()
    await company.work()

    shown, listed = await answer(company.ports, f"show {job.id}"), await answer(company.ports, "actions open")
    theirs = await answer(company.ports, "actions mine", APPROVER)
    company.land("core/api:0", "core/api:1", "core/api:2")
    await company.work()
    after = await answer(company.ports, "actions open")

    assert shown.text == "COPYING: 0 of 3 images at hangzhou · critical images from zhangjiakou"
    assert "copies.start" not in str(shown.blocks)
    assert listed.text == "No operations, 1 copy job"
    assert job.id in str(listed.blocks)
    assert job.id not in str(theirs.blocks) + str(after.blocks)


async def test_a_job_whose_site_is_gone_from_the_configuration_ends_and_says_so() -> None:
    company = await copying(2)
    await company.started()
    topology = a_topology(a_site(SOURCE, standby=(SOURCE,)))
    company.ports = replace(company.ports, rules=replace(company.ports.rules, topology=topology))

    await company.work()

    assert (company.copier.sent, company.job().verdict) == ([], Verdict.FAILED)
    assert "registry.yaml names other instances by now" in str(company.workspace.cards()[0].message.blocks)
