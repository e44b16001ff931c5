"""Copy jobs where something is in the way: a site that is silent, a store that is not trusted, a list of before."""

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.copy_job import STALLED_AFTER, CopyJob, Fate, Verdict
from bot.domain.copy_steps import SETTLES
from bot.errors import NotPermitted, OutcomeUnknown, Refused, Unreachable
from tests.services.copying import SOURCE, TARGET, copying


async def test_a_press_on_another_message_than_the_stored_one_counts_for_nothing() -> None:
    company = await copying()
    job = await company.offer()

    with pytest.raises(NotPermitted, match="not the message of"):
        await company.press(job, message_ts="1793674800.999999")

    assert company.events() == ["copies offered"]


async def test_a_message_whose_post_was_never_answered_is_made_known_by_its_press() -> None:
    company = await copying()
    job = await company.offer()
    company.copies.held[job.id] = replace(job, ts="")

    await company.press(job)
    await company.work()

    assert company.job().ts == job.ts
    assert company.shown(job).startswith("COPYING")


async def test_a_button_of_another_list_than_the_stored_one_counts_for_nothing() -> None:
    company = await copying()
    job = await company.offer()
    company.copies.held[job.id] = replace(job, copies=job.copies[:1])

    with pytest.raises(NotPermitted, match="is not on record"):
        await company.press(job)


async def test_a_job_that_is_gone_is_not_on_record() -> None:
    company = await copying()
    job = await company.offer()
    company.copies.held.clear()

    with pytest.raises(NotPermitted, match="is not on record"):
        await company.press(job)


@pytest.mark.parametrize("site", [SOURCE, TARGET])
async def test_while_a_site_does_not_tell_what_it_holds_nothing_is_sent_and_that_is_said(site: str) -> None:
    company = await copying()
    await company.started()
    company.registries.down.add(site)

    await company.work(2)
    assert company.copier.sent == []
    assert company.job().trouble == f"{site}: cn-{site} does not answer."

    company.registries.down.clear()
    await company.work()
    assert len(company.copier.sent) == 3
    assert company.job().trouble == ""


@pytest.mark.parametrize(
    "stop",
    [
        {"kill_switch": lambda: "The kill switch is on."},
        {"store_trouble": lambda: "Redis keeps nothing."},
        {"is_stopping": lambda: True},
    ],
)
async def test_a_stopped_bot_sends_nothing_and_follows_what_is_under_way(stop: dict[str, object]) -> None:
    company = await copying(1)
    await company.started()
    running = company.ports

    company.ports = replace(running, **stop)  # type: ignore[arg-type]
    await company.work(2)
    assert company.copier.sent == []

    company.ports = running
    await company.work()
    company.land("core/api:0")
    company.ports = replace(running, **stop)  # type: ignore[arg-type]
    await company.work()
    assert company.job().verdict is Verdict.COPIED


async def test_different_refusals_of_a_round_do_not_give_up_the_rest() -> None:
    company = await copying(30)
    await company.started()
    company.copier.fail_next(*(Refused(f"Refused {n % 2}.", code="SOME") for n in range(20)))

    await company.work(2)

    assert company.job().counts()[Fate.FAILED] == 20
    assert len(company.copier.sent) == 10


async def test_one_refusal_of_one_image_is_that_images_alone() -> None:
    company = await copying(2)
    await company.started()
    company.copier.fail_next(Refused("Refused.", code="SOME"))

    await company.work()

    assert company.fates() == {"core/api:0": "failed", "core/api:1": "enqueued"}


async def test_what_never_left_is_sent_again_as_often_as_it_takes() -> None:
    company = await copying(1)
    await company.started()
    company.copier.fail_next(*[Refused("It cannot be reached.")] * 6)

    await company.work(7)

    assert company.fates() == {"core/api:0": "enqueued"}


async def test_what_arrived_although_its_task_never_ended_is_seen_at_the_end() -> None:
    company = await copying(2)
    await company.started()
    await company.work()
    company.registries.put(TARGET, "core/api:0", f"{0:064x}")
    company.clock.move(STALLED_AFTER)

    await company.work()

    assert company.fates() == {"core/api:0": "copied", "core/api:1": "unknown"}


async def test_a_call_without_an_answer_is_left_alone_until_it_must_have_come_into_force() -> None:
    company = await copying(1)
    await company.started()
    company.copier.fail_next(OutcomeUnknown("No answer came."))

    await company.work(10)

    assert company.copier.sent == []
    assert company.fates() == {"core/api:0": "asked"}


async def test_while_its_tasks_are_not_told_nothing_is_sent_again() -> None:
    company = await copying(1)
    await company.started()
    company.copier.fail_next(OutcomeUnknown("No answer came."), after=True)
    await company.work()
    company.copier.down = Unreachable("zhangjiakou does not answer.")

    await company.work(3, seconds=SETTLES.total_seconds())

    assert len(company.copier.sent) == 1
    assert company.fates() == {"core/api:0": "asked"}
    assert company.job().trouble == "zhangjiakou does not answer."


async def test_a_target_that_is_silent_when_a_task_ends_fails_nothing() -> None:
    company = await copying(1)
    await company.started()
    await company.work()
    company.land("core/api:0")
    company.registries.down.add(TARGET)
    await company.work(3, seconds=60)
    before = company.fates()

    company.registries.down.clear()
    await company.work()

    assert (before, company.fates()) == ({"core/api:0": "enqueued"}, {"core/api:0": "copied"})


async def test_the_kill_switch_is_looked_at_once_more_right_before_each_call() -> None:
    company = await copying(1)
    await company.started()
    switch: list[str] = []
    save = company.copies.save

    async def pulled(*args: Any) -> CopyJob:
        switch.append("The kill switch is on.")
        return await save(*args)

    company.copies.save = pulled  # type: ignore[method-assign, assignment]
    company.ports = replace(company.ports, kill_switch=lambda: switch[0] if switch else "")
    await company.work()

    assert (company.copier.sent, company.fates()) == ([], {"core/api:0": "waiting"})
    assert company.job().copies[0].sent == 0


async def test_rounds_in_which_nothing_happens_write_nothing() -> None:
    company = await copying(1)
    await company.started()
    await company.work()
    version = company.job().version

    await company.work(5)

    assert company.job().version == version
