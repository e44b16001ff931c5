"""A list of images takes longer the more there are: a plan goes by the last one known, who asks for copies waits."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from bot.domain.snapshot import Comparison, Inventory, Replication, Unknown
from bot.domain.topology import Route, Site
from bot.services.survey import survey_replication, take_snapshot
from tests.builders import NOW
from tests.fakes import FakeRegistries
from tests.services.world import World, a_world

SHORT, PATIENT = timedelta(seconds=0.02), timedelta(seconds=5)
AN_HOUR_AGO = NOW - timedelta(hours=1)


class _SlowLists(FakeRegistries):
    """Registries whose lists of images come after the short time limit, and everything else at once."""

    async def inventory(self, site: Site, globs: tuple[str, ...]) -> Inventory:
        """Answer late."""
        await asyncio.sleep(SHORT.total_seconds() * 3)
        return await super().inventory(site, globs)


class _EarlierLists(FakeRegistries):
    """Registries as they were an hour ago."""

    async def inventory(self, site: Site, globs: tuple[str, ...]) -> Inventory:
        """Answer as of then."""
        return replace(await super().inventory(site, globs), as_of=AN_HOUR_AGO)


async def _copies(world: World, limit: timedelta) -> Replication:
    sites = world.ports.rules.topology.sites
    return await survey_replication(world.ports, sites["zhangjiakou"], sites["hangzhou"], limit)


def _slow_world() -> World:
    world = a_world(read_deadline=SHORT)
    world.ports = replace(world.ports, registries=_SlowLists())
    return world


async def test_a_plan_goes_by_the_last_known_lists_of_both_sites_with_their_age() -> None:
    world = _slow_world()
    await _copies(replace_registries(world, _EarlierLists()), PATIENT)
    sites = world.ports.rules.topology.sites
    away, to = sites["zhangjiakou"], sites["hangzhou"]

    snapshot = await take_snapshot(world.ports, away, to, Route.INTERNET, away.views)

    assert isinstance(snapshot.replication, Replication)
    found = snapshot.replication.comparison
    assert isinstance(found, Comparison)
    assert (found.home_is_live, found.standby_is_live) == (False, False)
    assert (found.home_as_of, found.standby_as_of) == (AN_HOUR_AGO, AN_HOUR_AGO)
    assert not isinstance(snapshot.replication.rules, Unknown)


async def test_a_slow_list_that_was_never_seen_is_unknown_with_the_site_and_the_limit() -> None:
    assert (await _copies(_slow_world(), SHORT)).comparison == Unknown("zhangjiakou: no answer within 0.02 s")


async def test_who_waits_longer_gets_the_lists_of_now() -> None:
    found = (await _copies(_slow_world(), PATIENT)).comparison

    assert isinstance(found, Comparison)
    assert (found.home_is_live, found.standby_is_live, found.home_as_of) == (True, True, NOW)


def replace_registries(world: World, registries: FakeRegistries) -> World:
    """Return the same world with other registries in it, and the same memory."""
    return replace(world, ports=replace(world.ports, registries=registries))
