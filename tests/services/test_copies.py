"""Critical images of two sites: as both answer in time, else as they are kept, and never known better than they are."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.inventory import Coverage, Repository, Tag
from bot.domain.plan import Level, Verdict
from bot.domain.snapshot import Comparison, Inventory, Replication, Unknown
from bot.domain.topology import Route, Site
from bot.errors import StoreUnavailable
from bot.services import copies
from bot.services.planning import draft_for
from bot.services.survey import survey_replication, take_snapshot
from tests.builders import IMAGES, INSTANCE_ID, NOW
from tests.domain.stocks import SOURCE, TARGET, a_repository, a_tag, at
from tests.fake_inventories import FakeInventories
from tests.fakes import FakeRegistries
from tests.services.world import World, a_world

LIMIT = timedelta(seconds=0.02)
API, WEB, BASE = ("core/api", "2.7.1", "1"), ("core/web", "5.2.0", "2"), ("platform/base", "base-1", "3")
"""The images that both sites have when they answer, by path, tag and the letter of their digest."""


class _SlowLists(FakeRegistries):
    """Registries whose lists of images come after the time limit, and everything else at once."""

    async def inventory(self, site: Site, globs: tuple[str, ...]) -> Inventory:
        """Answer late."""
        await asyncio.sleep(LIMIT.total_seconds() * 3)
        return await super().inventory(site, globs)


class _HungStore(FakeInventories):
    """A store that has given the coverage and then gives nothing more."""

    async def paths(self, instance: str) -> tuple[str, ...]:
        """Hang."""
        await asyncio.sleep(60)
        return ()


def _held(*images: tuple[str, str, str], read_at: float = -3) -> Iterable[Repository]:
    for path, tag, letter in images:
        yield a_repository(path, {tag: a_tag(letter)}, read_at=at(read_at))


async def _keep(world: World, site: str, held: Iterable[Repository], **fields: Any) -> None:
    known: dict[str, Any] = {"as_of": at(-3)} | fields
    await world.ports.inventories.put(INSTANCE_ID[site], held)
    await world.ports.inventories.save_coverage(Coverage(INSTANCE_ID[site], **known))


async def _survey(world: World) -> Replication:
    sites = world.ports.rules.topology.sites
    return await survey_replication(world.ports, sites[SOURCE], sites[TARGET], LIMIT)


async def _compared(world: World) -> Comparison:
    found = (await _survey(world)).comparison
    assert isinstance(found, Comparison), found
    return found


def _slow_world() -> World:
    world = a_world(read_deadline=LIMIT)
    world.ports = replace(world.ports, registries=_SlowLists())
    return world


async def test_where_both_sides_answer_nothing_of_what_is_kept_counts() -> None:
    world = a_world()
    await _keep(world, SOURCE, _held(API, ("core/gone", "1", "9")))
    await _keep(world, TARGET, ())

    found = await _compared(world)

    assert (found.home_is_live, found.standby_is_live) == (True, True)
    assert (found.found.critical.identical, found.found.critical.lost) == (len(IMAGES), 0)


async def test_both_sides_are_compared_without_the_store_while_they_answer() -> None:
    world = a_world()
    world.inventories.down = StoreUnavailable("Redis does not answer.")

    assert (await _compared(world)).found.critical.identical == len(IMAGES)


async def test_a_silent_home_is_compared_as_it_is_kept_with_the_standby_of_now() -> None:
    world = a_world()
    await _keep(world, SOURCE, _held(API, WEB, ("core/new", "1", "9"), ("web/shop", "1", "9")), silent_since=at(-1))
    await _keep(world, TARGET, ())
    world.registries.down.add(SOURCE)

    found = await _compared(world)

    assert (found.home_is_live, found.standby_is_live) == (False, True)
    assert (found.found.critical.identical, found.found.critical.lost) == (2, 1)
    assert [each.image for each in found.found.missing] == ["core/new:1"]
    assert (found.home.coverage.silent_since, found.standby.coverage.as_of) == (at(-1), NOW)
    assert (await _survey(world)).rules == Unknown("cn-zhangjiakou does not answer")


async def test_lists_that_take_too_long_are_compared_as_both_are_kept() -> None:
    world = _slow_world()
    await _keep(world, SOURCE, _held(API, WEB))
    await _keep(world, TARGET, _held(API, read_at=-2), as_of=at(-2))
    sites = world.ports.rules.topology.sites

    snapshot = await take_snapshot(world.ports, sites[SOURCE], sites[TARGET], Route.INTERNET, sites[SOURCE].views)

    assert isinstance(snapshot.replication, Replication)
    found = snapshot.replication.comparison
    assert isinstance(found, Comparison)
    assert (found.home_is_live, found.standby_is_live) == (False, False)
    assert [each.image for each in found.found.missing] == ["core/web:5.2.0"]
    assert (found.home.coverage.as_of, found.standby.coverage.as_of) == (at(-3), at(-2))
    assert not isinstance(snapshot.replication.rules, Unknown)


async def test_a_pass_that_was_broken_off_compares_what_it_had_read() -> None:
    world = a_world()
    await _keep(world, SOURCE, _held(API), as_of=None, repositories=1)
    world.registries.down.add(SOURCE)

    found = await _compared(world)

    assert (found.found.critical.identical, found.home.is_whole) == (1, False)


async def test_a_side_that_neither_answers_nor_was_ever_read_is_unknown() -> None:
    world = a_world()
    world.registries.down.add(SOURCE)

    assert (await _survey(world)).comparison == Unknown(
        "zhangjiakou: cn-zhangjiakou does not answer, and what it holds was never read whole"
    )


async def test_a_slow_list_of_a_standby_that_was_never_read_is_unknown_with_the_limit() -> None:
    world = _slow_world()
    await _keep(world, SOURCE, _held(API))

    assert (await _survey(world)).comparison == Unknown(
        "hangzhou: no answer within 0.02 s, and what it holds was never read whole"
    )


async def test_a_silent_side_is_unknown_without_the_store_and_both_are_to_blame() -> None:
    world = a_world()
    world.registries.down.add(SOURCE)
    world.inventories.down = StoreUnavailable("Redis does not answer.")

    assert (await _survey(world)).comparison == Unknown(
        "zhangjiakou: cn-zhangjiakou does not answer, and Redis does not answer"
    )


async def test_a_store_that_hangs_holds_nobody_up_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    world = a_world()
    world.ports = replace(world.ports, inventories=_HungStore())
    await _keep(world, SOURCE, ())
    world.registries.down.add(SOURCE)
    monkeypatch.setattr(copies, "WITHIN", 0.02)

    assert (await _survey(world)).comparison == Unknown("what is kept could not be read within 0.02 s")


async def test_a_plan_of_a_silent_home_says_what_would_be_lost_and_since_when_nobody_knows() -> None:
    world = a_world()
    late = a_repository("core/late", {"9": Tag("9" * 64, at(-5))}, read_at=at(-3))
    await _keep(world, SOURCE, (*_held(API), late), silent_since=at(3))
    world.registries.down.add(SOURCE)
    world.clock.move(timedelta(minutes=4))
    sites = world.ports.rules.topology.sites

    plan = (await draft_for(world.ports, sites[SOURCE], sites[TARGET], Route.INTERNET, sites[SOURCE].views)).plan

    told = next(finding for finding in plan.findings if finding.code == "CRITICAL_IMAGES")
    assert (plan.verdict, told.level) == (Verdict.GO_WITH_LOSS, Level.FAIL)
    assert told.sentence == (
        "As of 02:57 UTC, 6 min before zhangjiakou could no longer be read: "
        "1 of 2 critical images are identical at hangzhou; missing: core/late:9 (pushed 02:55)."
    )
