"""What the list of an offer rests on: what both sites say now, else what is kept of them."""

from dataclasses import replace

import pytest

from bot.errors import Unreachable, UserError
from bot.services.copy_offer import MOST_LIVE
from tests.builders import DOMAIN, INSTANCE_ID, a_topology
from tests.fake_inventories import FakeCatalogue, FakeInventories
from tests.handlers.calls import answer
from tests.handlers.kept import keep
from tests.services.copying import ASK, SOURCE, TARGET, Copying, copying


def catalogue(company: Copying) -> FakeCatalogue:
    assert isinstance(company.ports.catalogue, FakeCatalogue)
    return company.ports.catalogue


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
    company.registries.put(TARGET, "core/r1:only-here", "d" * 64)
    company.registries.put(SOURCE, "platform/base:1", "d" * 64)
    company.registries.put(SOURCE, "platform/tools:1", "d" * 64)
    await company.know()

    job = await company.offer()
    company.registries.put(TARGET, "core/r0:1", "b" * 64)
    await company.press(job)
    await company.work()

    assert len(job.copies) == MOST_LIVE + 2 - 1  # the namespace platform is not there
    assert job.left_counts == {"the target has no such namespace": 1}
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


@pytest.mark.parametrize("site", [SOURCE, TARGET])
async def test_a_site_that_was_never_read_says_so(site: str) -> None:
    company = await copying(1)
    inventories = company.ports.inventories
    assert isinstance(inventories, FakeInventories)
    inventories.known.pop(INSTANCE_ID[site])
    inventories.kept.pop(INSTANCE_ID[site])

    with pytest.raises(UserError, match=f"What {site} holds has not been read yet"):
        await answer(company.ports, ASK)


async def test_what_is_there_already_is_counted_of_what_was_asked_for() -> None:
    company = await copying(0)
    for site in (SOURCE, TARGET):
        company.registries.put(site, "core/api:other", "e" * 64)

    one = await answer(company.ports, f"sync core/api:same from {SOURCE} to {TARGET}")
    all_of_it = await answer(company.ports, f"sync core/api from {SOURCE} to {TARGET}")

    assert one.text == "NOTHING TO COPY: core/api:same, 1 there already, from zhangjiakou to hangzhou"
    assert all_of_it.text == "NOTHING TO COPY: core/api, 2 there already, from zhangjiakou to hangzhou"


async def test_a_list_that_came_short_is_said_to_be() -> None:
    company = await copying(0)
    await keep(company.ports, TARGET, *company.registries.repositories(TARGET).values(), unlisted=3)

    assert "not all was read" in str((await answer(company.ports, ASK)).blocks)


async def test_a_namespace_that_was_made_since_the_last_reading_is_no_hindrance() -> None:
    company = await copying(0)
    company.registries.put(SOURCE, "other/new:1", "a" * 64)
    catalogue(company).spaces[TARGET] = {"other": True}

    told = await answer(company.ports, f"sync other/new:1 from {SOURCE} to {TARGET}")

    assert told.text.startswith("1 image waits")


async def test_namespaces_that_nobody_tells_hinder_nothing() -> None:
    company = await copying(0)
    company.registries.put(SOURCE, "other/new:1", "a" * 64)
    catalogue(company).down[TARGET] = Unreachable("hangzhou does not answer.")
    assert isinstance(company.ports.inventories, FakeInventories)
    company.ports.inventories.known.clear()

    told = await answer(company.ports, f"sync other/new:1 from {SOURCE} to {TARGET}")

    assert told.text.startswith("1 image waits")
