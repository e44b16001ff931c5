"""Looking at the world: whole and in time whatever hangs, never guessed, and honest about what is remembered."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.moves import Move
from bot.domain.operation import State
from bot.domain.snapshot import Endpoints, Instance, Silence, Unknown
from bot.domain.topology import Route, Site
from bot.errors import BotError, ForgedApproval, StoreUnavailable, UnknownSite, Unreachable
from bot.services.survey import survey_sites, take_snapshot
from tests.builders import DOMAIN, HOME_ADDRESS, NOW, PUBLIC_NAME, a_site, a_topology, a_view, endpoints
from tests.fakes import FakeClock, FakeOperations, FakeRegistries
from tests.services.world import World, a_world

SHORT = timedelta(seconds=0.02)
PATIENCE = timedelta(seconds=3)


class _HangingRegistries(FakeRegistries):
    """A region that takes every call and never answers."""

    async def instance(self, site: Site) -> Instance:
        """Hang for one site."""
        if site.name in self.down:
            await asyncio.Event().wait()
        return await super().instance(site)


class _NoStore(FakeOperations):
    """A store that cannot tell what is open."""

    def __init__(self, error: BotError) -> None:
        super().__init__(FakeClock())
        self._error = error

    async def listing(self, limit: int = 50) -> Any:
        """Fail."""
        raise self._error


async def _snapshot(world: World, route: Route = Route.INTERNET) -> Any:
    sites = world.ports.rules.topology.sites
    away, to = sites["zhangjiakou"], sites["hangzhou"]
    return await take_snapshot(world.ports, away, to, route, away.views)


async def test_every_view_says_where_it_pulls_from() -> None:
    world = a_world()
    world.zones.edit("record-b", type="CNAME", value=PUBLIC_NAME["hangzhou"])

    overview = await survey_sites(world.ports)

    serving = {state.view.site: overview.serving(state) for state in overview.views}
    assert {site: getattr(found, "name", found) for site, found in serving.items()} == {
        "hangzhou": "hangzhou",
        "zhangjiakou": "hangzhou",
    }
    assert [state.view.site for state in overview.views if overview.is_away(state)] == ["zhangjiakou"]
    assert (overview.taken_at, overview.store_note, overview.frozen) == (NOW, "", ())


@pytest.mark.parametrize("only", ["zhangjiakou", "张家口", "zjk", "vpc-bbbbb"])
async def test_the_look_is_narrowed_to_a_site_an_alias_or_a_vpc(only: str) -> None:
    overview = await survey_sites(a_world().ports, only)

    assert [state.view.site for state in overview.views] == ["zhangjiakou"]
    assert set(overview.sites) == {"hangzhou", "zhangjiakou"}


async def test_a_domain_shows_every_view_of_it() -> None:
    assert len((await survey_sites(a_world().ports, DOMAIN)).views) == 2


async def test_a_word_that_names_nothing_gets_the_likely_names() -> None:
    with pytest.raises(UnknownSite) as unknown:
        await survey_sites(a_world().ports, "hangzho")

    assert str(unknown.value) == (
        "No site is called 'hangzho'. Did you mean hangzhou? Known sites: hangzhou, zhangjiakou. "
        "A domain or a VPC id works too."
    )


async def test_a_dead_region_is_a_row_with_the_reason_and_the_others_are_whole() -> None:
    world = a_world()
    world.registries.down.add("zhangjiakou")

    overview = await survey_sites(world.ports)

    assert overview.sites["zhangjiakou"].instance == Unknown("cn-zhangjiakou does not answer")
    assert isinstance(overview.sites["hangzhou"].instance, Instance)
    assert len(overview.views) == 2


async def test_a_region_that_hangs_costs_its_time_limit_and_no_more() -> None:
    world = a_world(read_deadline=SHORT)
    hanging = _HangingRegistries("zhangjiakou")

    async with asyncio.timeout(1):
        overview = await survey_sites(replace(world.ports, registries=hanging))

    assert overview.sites["zhangjiakou"].instance == Unknown("no answer within 0.02 s")


async def test_endpoints_of_a_silent_site_are_the_last_known_ones_with_their_age_and_reason() -> None:
    world = a_world()
    await survey_sites(world.ports)
    world.registries.down.add("zhangjiakou")

    found = (await survey_sites(world.ports)).sites["zhangjiakou"].endpoints

    assert isinstance(found, Endpoints)
    assert (found.is_live, found.as_of, found.silence) == (False, NOW, "cn-zhangjiakou does not answer")


async def test_a_zone_that_cannot_be_read_is_unknown_with_the_reason() -> None:
    world = a_world()
    world.zones.unreadable = Unreachable("PrivateZone does not answer.")

    state = (await survey_sites(world.ports)).views[0]

    assert state.zone == state.records == Unknown("PrivateZone does not answer")


async def test_a_view_without_a_zone_is_a_row_too() -> None:
    world = a_world(topology=a_topology(a_site("hangzhou"), a_site(views=(a_view(vpcs=("vpc-x",)),))))

    overview = await survey_sites(world.ports)

    assert overview.serving(overview.views[1]) == Unknown(f"{DOMAIN} in vpc-x has 0 zones", is_silence=False)


async def test_open_operations_are_listed_and_ended_ones_are_not() -> None:
    world = a_world()
    operation = await world.ask()
    world.operations.put(replace(operation, id="fo-9999", state=State.DONE))

    assert [op.id for op in (await survey_sites(world.ports)).open_operations] == [operation.id]


@pytest.mark.parametrize("error", [StoreUnavailable("Redis does not answer."), ForgedApproval("A plan was changed.")])
async def test_without_the_store_the_look_is_still_answered_and_says_what_is_missing(error: BotError) -> None:
    world = a_world()
    world.ports = replace(world.ports, operations=_NoStore(error))

    overview = await survey_sites(world.ports)

    assert "Unavailable without Redis: history, open operations" in overview.store_note
    assert str(error) in overview.store_note
    assert not overview.frozen
    assert len(overview.views) == 2


async def test_without_the_store_a_kill_switch_of_this_process_is_still_shown() -> None:
    world = a_world()
    store = _NoStore(StoreUnavailable("Redis does not answer."))
    world.ports = replace(world.ports, operations=store, kill_switch=lambda: "REGISTRY_BOT_FREEZE is set.")

    assert (await survey_sites(world.ports)).frozen == ("all",)


async def test_a_store_in_trouble_is_a_note_and_no_kill_switch() -> None:
    world = a_world()
    world.ports = replace(world.ports, store_trouble=lambda: "Redis takes no writes.")

    overview = await survey_sites(world.ports)

    assert (overview.frozen, overview.store_note) == ((), "Redis takes no writes.")


async def test_the_kill_switch_and_its_reason_are_shown() -> None:
    world = a_world(is_simulation=True)
    world.ports = replace(world.ports, kill_switch=lambda: "REGISTRY_BOT_FREEZE is set.")

    overview = await survey_sites(world.ports)

    assert (overview.frozen, overview.store_note) == (("all",), "REGISTRY_BOT_FREEZE is set.")
    assert overview.is_simulation


async def test_the_kill_switch_in_the_store_is_shown() -> None:
    world = a_world()
    await world.operations.freeze_by_hand()

    assert (await survey_sites(world.ports)).frozen == ("all",)


async def test_the_standby_is_asked_by_the_name_that_would_be_written() -> None:
    world = a_world()

    snapshot = await _snapshot(world)

    assert snapshot.standby_answer.dialled == PUBLIC_NAME["hangzhou"]
    assert snapshot.home_answer.dialled == PUBLIC_NAME["zhangjiakou"]


async def test_from_outside_the_private_route_is_not_observable() -> None:
    snapshot = await _snapshot(a_world(), Route.INTERNAL)

    assert snapshot.standby_answer == Unknown("the bot runs outside these VPCs and cannot see their private route")


async def test_from_inside_the_private_route_is_asked_by_its_address() -> None:
    snapshot = await _snapshot(a_world(topology=a_topology(bot_vpc="vpc-bbbbb")), Route.INTERNAL)

    assert snapshot.standby_answer.dialled == HOME_ADDRESS["hangzhou"]


async def test_a_standby_without_an_address_in_its_vpc_cannot_be_asked() -> None:
    world = a_world(topology=a_topology(bot_vpc="vpc-bbbbb"))
    world.registries.reachable["hangzhou"] = endpoints(links=())

    assert (await _snapshot(world, Route.INTERNAL)).standby_answer == Unknown("hangzhou has no address in vpc-aaaaa")


async def test_a_standby_whose_endpoints_are_unknown_cannot_be_asked() -> None:
    world = a_world()
    world.registries.down.add("hangzhou")

    assert (await _snapshot(world)).standby_answer == Unknown("cn-hangzhou does not answer")


async def test_a_dead_home_is_asked_by_its_last_known_name() -> None:
    world = a_world()
    await survey_sites(world.ports)
    world.registries.down.add("zhangjiakou")
    world.data_plane.silence("zhangjiakou")

    assert isinstance((await _snapshot(world)).home_answer, Silence)


async def test_what_was_done_to_a_record_lately_is_known_from_ended_operations() -> None:
    world = a_world()
    done = await world.carry_out(await world.approve())

    applied_at = done.progress[0].applied_at
    assert applied_at is not None
    assert (await _snapshot(world)).moves == (Move("record-b", "zhangjiakou", "hangzhou", applied_at),)


@pytest.mark.parametrize("error", [StoreUnavailable("Redis does not answer."), ForgedApproval("A plan was changed.")])
async def test_without_the_store_no_move_is_known_and_the_rest_is(error: BotError) -> None:
    world = a_world()
    world.ports = replace(world.ports, operations=_NoStore(error))

    assert (await _snapshot(world)).moves == ()
