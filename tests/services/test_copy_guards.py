"""The guards of a copy job that nothing else would miss, one by one."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.copy_job import MOST_UNFINISHED, Fate, Phase, Verdict
from bot.domain.topology import Account
from bot.errors import Conflict, InvalidTransition, Refused
from bot.services.copy_offer import MOST_LIVE
from tests.builders import DOMAIN, ON_CALL, a_site, a_topology
from tests.fake_copies import FakeCopies
from tests.fakes import FakeClock, FakeOperations
from tests.handlers.calls import answer
from tests.services.copying import ASK, SOURCE, TARGET, Copying, copying


class _TakingTurns(FakeCopies):
    """A store that lets others go first, a second long, before it tells which jobs there are."""

    def __init__(self, operations: FakeOperations, clock: FakeClock) -> None:
        super().__init__(operations)
        self._clock = clock

    async def live(self) -> tuple[str, ...]:
        await asyncio.sleep(0)
        self._clock.move(timedelta(seconds=1))
        return await super().live()


async def only_versions_are_critical(company: Copying) -> None:
    topology = a_topology(critical={DOMAIN: ("core/*:v*",)})
    company.ports = replace(company.ports, rules=replace(company.ports.rules, topology=topology))
    await company.know()


async def test_a_job_that_runs_although_nobody_confirmed_it_sends_nothing_and_raises_the_alarm() -> None:
    company = await copying()
    job = await company.offer()
    company.copies.held[job.id] = replace(job, phase=Phase.RUNNING)

    await company.work()

    assert company.copier.sent == []
    assert company.alarms == ["forged_copy_job"]
    assert company.job().phase is Phase.ENDED


async def test_a_late_press_on_a_dismissed_offer_is_told_that_and_of_nobodys_confirmation() -> None:
    company = await copying()
    job = await company.offer()
    await company.press(job, button=1)

    with pytest.raises(InvalidTransition) as late:
        await company.press(job)

    assert str(late.value) == f"{job.id} is already dismissed. Ask again to have images copied."


async def test_the_audit_of_an_end_names_who_confirmed() -> None:
    company = await copying(1)
    await company.started()
    await company.work()
    company.land("core/api:0")

    await company.work()

    ended = company.operations.audit[-1]
    assert (ended["event"], ended["person"], ended["user"]) == ("copies ended", "on-call", ON_CALL)


async def test_while_nothing_is_over_no_side_is_read_again() -> None:
    company = await copying(1)
    await company.started()
    await company.work()
    before = len(company.registries.reads)

    await company.work(5)

    assert len(company.registries.reads) == before


async def test_a_switch_that_is_on_is_told_and_nothing_is_written_as_asked_for() -> None:
    company = await copying(1)
    job = await company.started()
    company.ports = replace(company.ports, kill_switch=lambda: "The kill switch is on.")

    await company.work(3)

    assert company.job().trouble == "The kill switch is on."
    assert company.job().version == job.version + 1


async def test_a_refusal_of_the_only_image_of_a_round_does_not_give_up_those_that_wait() -> None:
    company = await copying(MOST_UNFINISHED + 2)
    await company.started()
    await company.work()
    company.land("core/api:0")
    company.copier.fail_next(Refused("Refused.", code="SOME"))

    await company.work(2)

    counts = company.job().counts()
    assert (counts[Fate.FAILED], counts[Fate.WAITING]) == (1, 0)
    assert company.fates()[f"core/api:{MOST_UNFINISHED + 1}"] == "enqueued"


async def test_what_failed_in_a_running_job_may_be_asked_for_again_at_once() -> None:
    company = await copying(2)
    await company.started()
    company.copier.fail_next(Refused("Refused.", code="SOME"))
    await company.work()

    second = await company.offer()

    assert [copy.image for copy in second.copies] == ["core/api:0"]


async def test_copies_the_other_way_are_not_taken_for_those_of_a_job() -> None:
    company = await copying(1)
    await company.started()
    company.registries.put(TARGET, "core/api:0", "e" * 64)

    told = await answer(company.ports, f"sync core/api:0 from {TARGET} to {SOURCE}")

    assert told.text.startswith("1 image waits")


async def test_what_is_there_already_is_counted_by_what_was_asked_for() -> None:
    company = await copying(0)
    for tag in ("v1", "v2", "test"):
        for site in (SOURCE, TARGET):
            company.registries.put(site, f"core/api:{tag}", "a" * 64)
    company.registries.put(SOURCE, "core/api:v3", "b" * 64)
    await only_versions_are_critical(company)

    critical = await company.offer()
    await company.press(critical, button=1)
    everything = await company.offer(f"sync core/api from {SOURCE} to {TARGET}")

    assert (critical.identical, everything.identical) == (2, 4)


async def test_of_very_many_repositories_too_only_critical_images_count() -> None:
    company = await copying(0)
    for number in range(MOST_LIVE + 1):
        for tag in ("v1", "test"):
            company.registries.put(SOURCE, f"core/r{number}:{tag}", f"{number:064x}")
    await only_versions_are_critical(company)

    job = await company.offer()

    assert {copy.tag for copy in job.copies} == {"v1"}
    assert len(job.copies) == MOST_LIVE + 1


async def test_a_short_offer_has_no_file() -> None:
    company = await copying(1)

    await company.offer()

    assert company.workspace.files == []


async def test_another_account_whose_number_is_known_is_copied_into() -> None:
    company = await copying(1)
    partner = {"partner": Account("partner", "acs:ram::2000000000000002:role/registry-bot")}
    topology = a_topology(a_site(TARGET, account="partner"), a_site(SOURCE), accounts=partner)
    company.ports = replace(company.ports, rules=replace(company.ports.rules, topology=topology))

    assert (await answer(company.ports, ASK)).text.startswith("1 image waits")


async def test_of_two_offers_of_the_same_images_the_second_is_not_started_while_the_first_runs() -> None:
    company = await copying()
    first = await company.offer()
    await answer(company.ports, ASK)
    second = next(job for job in company.copies.held.values() if job.id != first.id)
    await company.press(first)

    with pytest.raises(Conflict) as refused:
        await company.press(second)
    await company.work()

    assert str(refused.value).startswith(f"Nothing was started: {first.id} copies these 3 images just now.")
    assert len(company.copier.sent) == 3
    assert company.copies.held[second.id].phase is Phase.OFFERED


async def test_the_second_of_two_presses_at_the_same_moment_is_told_that_the_job_runs() -> None:
    company = await copying()
    company.copies = _TakingTurns(company.operations, company.clock)
    company.ports = replace(company.ports, copies=company.copies)
    job = await company.offer()
    presses = await asyncio.gather(company.press(job), company.press(job), return_exceptions=True)
    await company.work()

    refused = next(press for press in presses if isinstance(press, BaseException))
    assert isinstance(refused, InvalidTransition)
    assert str(refused).startswith(f"{job.id} is already running. It was confirmed by <@{ON_CALL}>")
    assert len(company.copier.sent) == 3


async def test_what_a_job_failed_to_copy_and_something_else_has_brought_counts_as_copied_at_its_end() -> None:
    company = await copying(2)
    await company.started()
    await company.work()
    company.copier.end("ERROR", "NETWORK_ERROR", "core/api:0")
    await company.work()
    failed = company.fates()["core/api:0"]
    company.land("core/api:0", "core/api:1")

    await company.work()

    assert failed == Fate.FAILED
    assert company.job().verdict is Verdict.COPIED


async def test_an_offer_of_what_another_job_has_copied_meanwhile_ends_as_there_already() -> None:
    company = await copying(2)
    first = await company.offer()
    await answer(company.ports, ASK)
    second = next(job for job in company.copies.held.values() if job.id != first.id)
    await company.press(first)
    await company.work()
    company.land("core/api:0", "core/api:1")
    await company.work()

    await company.press(second)
    await company.work()

    assert company.shown(first).startswith("COPIED: 2 of 2 images at hangzhou, seen by digest")
    assert company.shown(second).startswith("THERE ALREADY: 2 of 2 images at hangzhou, nothing copied, seen by digest")
    assert "*There already*: `core/api:0`, `core/api:1`" in str(company.workspace.cards()[1].message.blocks)
    assert company.operations.audit[-1]["outcome"] == "THERE ALREADY: 2 of 2"
    assert len(company.copier.sent) == 2


async def test_an_end_tells_what_was_there_already_from_what_was_copied() -> None:
    company = await copying(3)
    job = await company.started()
    company.land("core/api:1")
    await company.work()
    company.land("core/api:0", "core/api:2")

    await company.work()

    said = str(company.workspace.cards()[0].message.blocks)
    assert company.shown(job).startswith("COPIED: 3 of 3 images at hangzhou, 1 there already, seen by digest")
    assert "*Copied*: `core/api:0`, `core/api:2`" in said
    assert "*There already*: `core/api:1`" in said
    assert company.operations.audit[-1]["outcome"] == "COPIED: 3 of 3, 1 there already"
