"""From a wish to a plan: which circumstances give which plan, and which give a sentence instead."""

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.draft import Draft
from bot.domain.grammar import Wish
from bot.domain.plan import Verdict
from bot.domain.snapshot import VpcLink
from bot.domain.topology import Route
from bot.errors import NotMovable, UnknownSite, UsageError
from bot.services.planning import draft, sites_of
from bot.services.survey import survey_sites
from tests.builders import (
    HOME_ADDRESS,
    PUBLIC_NAME,
    VPC,
    a_site,
    a_topology,
    a_view,
    a_zone,
    an_instance,
    endpoints,
)
from tests.services.world import World, a_world, a_world_of_two_views


async def _draft(world: World, **fields: Any) -> Draft:
    return await draft(world.ports, replace(Wish("zhangjiakou"), **fields))


async def _refused(world: World, **fields: Any) -> str:
    with pytest.raises((NotMovable, UsageError, UnknownSite)) as refused:
        await _draft(world, **fields)
    return str(refused.value)


async def test_a_bare_wish_takes_the_first_standby_and_the_configured_route() -> None:
    plan = (await _draft(a_world())).plan

    assert (plan.away, plan.to, plan.route) == ("zhangjiakou", "hangzhou", Route.INTERNET)
    assert [change.desired.target for change in plan.changes] == [f"CNAME {PUBLIC_NAME['hangzhou']}"]


async def test_a_draft_keeps_what_it_was_narrowed_down_to() -> None:
    world = a_world_of_two_views()

    assert (await _draft(world, only="vpc-ccccc")).only == "vpc-ccccc"
    assert (await _draft(world)).only == ""


async def test_the_route_of_the_wish_wins_over_the_configured_one() -> None:
    plan = (await _draft(a_world(), route=Route.INTERNAL)).plan

    assert [change.desired.target for change in plan.changes] == [f"A {HOME_ADDRESS['hangzhou']}"]


async def test_two_plans_of_the_same_wish_have_different_digests() -> None:
    world = a_world()

    assert (await _draft(world)).plan.digest != (await _draft(world)).plan.digest


async def test_a_healthy_standby_makes_a_go() -> None:
    drafted = await _draft(a_world())

    assert drafted.plan.verdict is Verdict.GO
    assert drafted.plan.policy_hash == a_world().ports.rules.access.policy_hash(a_topology().sites.values())


async def test_planning_changes_nothing() -> None:
    world = a_world()

    await _draft(world)

    assert (world.zones.sent, world.operations.audit) == ([], [])


async def test_a_site_cannot_take_over_from_itself() -> None:
    assert await _refused(a_world(), to="zhangjiakou") == (
        "zhangjiakou cannot take over from itself. Its standbys: hangzhou."
    )


async def test_of_several_standbys_the_named_one_takes_over_else_the_first() -> None:
    away, third = a_site(standby=("hangzhou", "third")), replace(a_site("hangzhou"), name="third")
    world = a_world(topology=a_topology(away, a_site("hangzhou"), third))

    assert sites_of(world.ports, Wish("zhangjiakou", to="third")) == ("zhangjiakou", "third")
    assert sites_of(world.ports, Wish("zhangjiakou")) == ("zhangjiakou", "hangzhou")


async def test_only_a_configured_standby_takes_over() -> None:
    third = replace(a_site("hangzhou"), name="shanghai", instance="cri-ccccc", aliases=())
    world = a_world(topology=a_topology(a_site("hangzhou"), a_site(), third))

    assert await _refused(world, to="shanghai") == "shanghai is no standby of zhangjiakou. Its standbys: hangzhou."


async def test_an_unknown_site_is_refused() -> None:
    assert "No site is called 'mars'" in await _refused(a_world(), away="mars")


async def test_a_narrowing_that_names_nothing_is_refused() -> None:
    assert "'only vpc-aaaaa' names no view of this site" in await _refused(a_world(), only="vpc-aaaaa")


async def test_a_narrowing_plans_only_that_view() -> None:
    plan = (await _draft(a_world_of_two_views(), only="vpc-ccccc")).plan

    assert plan.record_ids == ("record-c",)


async def test_a_site_that_is_already_away_has_nothing_to_change() -> None:
    world = a_world()
    world.zones.edit("record-b", type="CNAME", value=PUBLIC_NAME["hangzhou"] + ".")

    assert await _refused(world) == (
        f"vpc-bbbbb already pulls from hangzhou (CNAME {PUBLIC_NAME['hangzhou']}): there is nothing to change."
    )


async def test_of_two_views_only_the_one_that_is_not_away_yet_is_planned() -> None:
    world = a_world_of_two_views()
    world.zones.edit("record-b", type="CNAME", value=PUBLIC_NAME["hangzhou"])

    assert (await _draft(world)).plan.record_ids == ("record-c",)


async def test_an_unmovable_view_among_two_stops_the_whole_plan() -> None:
    world = a_world_of_two_views()
    world.zones.edit("record-c", status="DISABLE")

    assert "is disabled" in await _refused(world)


@pytest.mark.covers("A36", "A38")
@pytest.mark.parametrize(
    ("zones", "words"),
    [
        ((a_zone("hangzhou"),), "has 0 zones"),
        ((a_zone(), a_zone(zone_id="zone-x")), "has 2 zones"),
        ((a_zone(zone_id="zone-x"),), "E_ZONE_MISMATCH"),
        ((a_zone(zone_type="CLOUD_PRODUCT_ZONE"),), "E_MANAGED_ZONE"),
        ((a_zone(vpcs=("vpc-bbbbb", "vpc-x")),), "other VPCs are bound than configured (vpc-bbbbb, vpc-x)"),
    ],
)
async def test_a_zone_that_is_missing_doubled_or_another_one_stops_the_plan(zones: Any, words: str) -> None:
    world = a_world()
    world.zones.zones = list(zones)
    world.zones.edit("record-b", zone_id=zones[0].zone_id)

    assert words in await _refused(world)


@pytest.mark.parametrize(
    ("record", "words"),
    [({"ttl": 61}, "has TTL 61 s"), ({"status": "DISABLE"}, "is disabled"), ({"type": "MX"}, "is of type MX")],
)
async def test_an_odd_record_stops_the_plan(record: dict[str, Any], words: str) -> None:
    world = a_world()
    world.zones.edit("record-b", **record)

    assert words in await _refused(world)


async def test_a_second_record_stops_the_plan() -> None:
    world = a_world()
    world.zones.edit("record-a", zone_id="zone-b")

    assert "has 2 `@` records" in await _refused(world)


async def test_a_view_without_a_zone_id_in_the_configuration_stops_the_plan() -> None:
    world = a_world(topology=a_topology(a_site("hangzhou"), a_site(views=(a_view(zone=None),))))

    assert "does not name its zone id" in await _refused(world)


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "169.254.169.254", "100.100.2.136", "203.0.113.9", "fd00::1", "010.1.0.1"]
)
async def test_an_address_that_may_not_be_written_stops_the_plan(address: str) -> None:
    world = a_world()
    world.registries.reachable["hangzhou"] = endpoints(links=(VpcLink(VPC["hangzhou"], address, "RUNNING"),))

    assert f"reports {address}, which is outside internal_ranges" in await _refused(world, route=Route.INTERNAL)


async def test_a_value_is_never_taken_from_memory() -> None:
    world = a_world()
    await survey_sites(world.ports)
    world.registries.down.add("hangzhou")

    assert await _refused(world) == (
        "The value to write must come from hangzhou itself, and its region does not say: "
        "cn-hangzhou does not answer (last good answer: 03:00 UTC). "
        "Nothing was changed. Ask again, or take the manual steps: `registry-bot manual zhangjiakou`."
    )


async def test_a_standby_that_never_answered_gives_no_value_either() -> None:
    world = a_world()
    world.registries.down.add("hangzhou")

    assert "its region does not say: cn-hangzhou does not answer." in await _refused(world)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (
            lambda w: w.registries.instances.update(hangzhou=an_instance(status="STOPPED")),
            "The instance at hangzhou is STOPPED",
        ),
        (lambda w: w.data_plane.silence("hangzhou"), "hangzhou does not answer pulls"),
        (lambda w: w.zones.edit("record-b", value="10.2.0.99"), "The present value of"),
        (
            lambda w: w.registries.reachable.update(
                hangzhou=endpoints(internet=replace(endpoints().internet, custom_domains=()))
            ),
            "does not carry the custom name",
        ),
    ],
)
async def test_a_standby_that_cannot_serve_makes_a_no_go_with_its_reason(spoil: Any, words: str) -> None:
    world = a_world()
    spoil(world)

    plan = (await _draft(world)).plan

    assert plan.verdict is Verdict.NO_GO
    assert any(words in finding.sentence for finding in plan.findings if finding.effect == "blocks")


async def test_a_dead_home_does_not_stop_its_own_failover() -> None:
    world = a_world()
    await survey_sites(world.ports)
    await world.know_images()
    world.registries.down.add("zhangjiakou")
    world.data_plane.silence("zhangjiakou")

    assert (await _draft(world)).plan.verdict is Verdict.GO


async def test_a_dead_home_of_which_nothing_is_remembered_can_still_be_left() -> None:
    world = a_world()
    world.registries.down.add("zhangjiakou")
    world.data_plane.silence("zhangjiakou")

    assert (await _draft(world)).plan.verdict is Verdict.GO_WITH_LOSS


async def test_a_simulation_is_part_of_the_plan() -> None:
    assert (await _draft(a_world(is_simulation=True))).plan.is_simulation


async def test_a_vpc_of_another_site_that_would_stay_behind_is_named() -> None:
    world = a_world()
    world.zones.edit("record-b", value=HOME_ADDRESS["hangzhou"])

    drafted = await draft(world.ports, Wish("hangzhou"))

    assert [change.view.vpcs for change in drafted.plan.changes] == [("vpc-aaaaa",)]
    assert any("vpc-bbbbb pulls from hangzhou too and is NOT moved" in f.sentence for f in drafted.plan.findings)


async def test_a_view_of_the_same_site_that_was_left_out_on_purpose_is_not_named() -> None:
    plan = (await _draft(a_world_of_two_views(), only="vpc-ccccc")).plan

    assert "LEFT_BEHIND" not in [finding.code for finding in plan.findings]


async def test_an_open_request_in_the_opposite_direction_is_named() -> None:
    world = a_world()
    waiting = await world.ask()

    drafted = await draft(world.ports, Wish("hangzhou"))

    assert any(f"{waiting.id} is open and would move pulls to hangzhou" in f.sentence for f in drafted.plan.findings)
