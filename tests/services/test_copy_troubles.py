"""Copy jobs where something is in the way: a site that is silent, a store that is not trusted, a list of before."""

from dataclasses import replace

import pytest

from bot.domain.copy_job import STALLED_AFTER, Fate, Verdict
from bot.errors import NotPermitted, Refused, Unreachable, UserError
from bot.services.copy_offer import MOST_LIVE
from tests.builders import DOMAIN, a_topology
from tests.fake_inventories import FakeCatalogue
from tests.handlers.calls import answer
from tests.services.copying import ASK, SOURCE, TARGET, Copying, copying


def catalogue(company: Copying) -> FakeCatalogue:
    assert isinstance(company.ports.catalogue, FakeCatalogue)
    return company.ports.catalogue


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


@pytest.mark.parametrize("site", [SOURCE, TARGET])
async def test_a_site_that_is_silent_is_named_when_copies_are_asked_for(site: str) -> None:
    company = await copying()
    company.registries.down.add(site)

    with pytest.raises(UserError, match=f"{site}|cn-{site}"):
        await answer(company.ports, ASK)


async def test_only_critical_images_count_as_missing() -> None:
    company = await copying(0)
    company.ports = replace(
        company.ports,
        rules=replace(company.ports.rules, topology=a_topology(critical={DOMAIN: ("core/api:v*",)})),
    )
    for tag in ("v1", "test"):
        company.registries.put(SOURCE, f"core/api:{tag}", "a" * 64)
    company.registries.put(TARGET, "core/api:v0", "b" * 64)
    await company.know()

    few = await company.offer()
    several = await answer(company.ports, f"sync core/api from {SOURCE} to {TARGET}")

    assert [copy.image for copy in few.copies] == ["core/api:v1"]
    assert few.left_counts == {}
    assert several.text.startswith("2 images wait")


async def test_of_very_many_repositories_the_kept_lists_are_shown_and_each_is_looked_at_when_sent() -> None:
    company = await copying(0)
    for number in range(MOST_LIVE + 1):
        company.registries.put(SOURCE, f"core/r{number}:1", f"{number:064x}")
    await company.know()

    job = await company.offer()
    company.registries.put(TARGET, "core/r0:1", "b" * 64)
    await company.press(job)
    await company.work()

    assert len(job.copies) == MOST_LIVE + 1
    assert job.seen == "as read at 03:00 UTC, looked at again when sent"
    assert company.fates()["core/r0:1"] == "failed"


async def test_exactly_so_many_repositories_are_asked_about_at_once() -> None:
    company = await copying(0)
    for number in range(MOST_LIVE):
        company.registries.put(SOURCE, f"core/r{number}:1", f"{number:064x}")
    await company.know()

    assert (await company.offer()).seen == "both sites asked just now"


@pytest.mark.parametrize("is_silent", [False, True])
async def test_a_namespace_that_the_target_lacks_is_predicted_from_what_it_says_else_from_what_is_kept(
    is_silent: bool,
) -> None:
    company = await copying(0)
    company.registries.put(SOURCE, "core/new:1", "a" * 64)
    company.registries.put(SOURCE, "other/new:1", "a" * 64)
    await company.know()
    if is_silent:
        catalogue(company).down[TARGET] = Unreachable("hangzhou does not answer.")

    made = await answer(company.ports, f"sync core/new:1 from {SOURCE} to {TARGET}")
    stopped = await answer(company.ports, f"sync other/new:1 from {SOURCE} to {TARGET}")

    assert made.text.startswith("1 image waits")
    assert "the target has no such namespace" in str(stopped.blocks)


async def test_a_target_that_was_never_read_says_so() -> None:
    company = await copying(1)
    company.ports.inventories.known.clear()  # type: ignore[attr-defined]
    company.ports.inventories.kept.clear()  # type: ignore[attr-defined]

    with pytest.raises(UserError, match="has not been read yet"):
        await answer(company.ports, ASK)


async def test_an_image_that_is_there_already_is_said_to_be() -> None:
    company = await copying(0)

    told = await answer(company.ports, f"sync core/api:same from {SOURCE} to {TARGET}")

    assert told.text == "NOTHING TO COPY: core/api:same, 1 there already, from zhangjiakou to hangzhou"
