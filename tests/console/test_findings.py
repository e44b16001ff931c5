"""Which zone belongs to which site, and what the first file says where nobody can tell."""

from dataclasses import replace

import pytest

from bot.configuration import parse_registry
from bot.console.findings import FoundInstance, FoundZone, candidates, is_own, owner, shared_domains, sites
from bot.console.registry_file import compose
from bot.domain.record import Zone
from bot.domain.snapshot import Unknown, VpcLink
from tests.builders import DOMAIN, HOME_ADDRESS, NOW, VPC, a_record, a_zone, an_instance, endpoints, other

BOTH = ("hangzhou", "zhangjiakou")


def _found(site: str, *vpcs: str) -> FoundInstance:
    links = tuple(VpcLink(vpc, HOME_ADDRESS[site], "RUNNING") for vpc in vpcs or (VPC[site],))
    return FoundInstance(f"cn-{site}", an_instance(site), endpoints(site, links=links))


def _zone(site: str) -> FoundZone:
    return FoundZone(a_zone(site), (a_record(site),))


def test_a_zone_belongs_to_the_instance_linked_to_its_vpc_wherever_it_points_now() -> None:
    moved = FoundZone(a_zone("hangzhou"), (a_record("hangzhou", value=HOME_ADDRESS["zhangjiakou"]),))
    instances = tuple(map(_found, BOTH))

    assert owner(moved, instances) is instances[0]


def test_where_both_instances_are_linked_a_zone_belongs_to_the_one_it_points_at() -> None:
    instances = tuple(_found(site, *VPC.values()) for site in BOTH)

    assert [owner(_zone(site), instances) for site in BOTH] == list(instances)


def test_a_zone_that_fits_nobody_is_left_to_people_and_said_so() -> None:
    stray = FoundZone(a_zone(zone_id="zone-x", vpcs=("vpc-xxxxx",)), ())
    found = sites([_found(site) for site in BOTH], [_zone("hangzhou"), stray])
    text = compose((DOMAIN,), found, [_zone("hangzhou"), stray], NOW)

    assert "Zone zone-x (cross-region.registry.io, bound to vpc-xxxxx) belongs to none" in text
    assert parse_registry(text).topology().site("zhangjiakou").views[0].zone is None


def test_an_instance_whose_endpoints_are_silent_still_becomes_a_site() -> None:
    silent = replace(_found("zhangjiakou"), endpoints=Unknown("no answer\nin time"))
    text = compose((DOMAIN,), sites([_found("hangzhou"), silent], []), [], NOW)

    assert "its endpoints could not be read: no answer in time" in text
    assert parse_registry(text).topology().site("zhangjiakou").internal_vpc is None


def test_two_instances_of_one_region_get_names_of_their_own() -> None:
    twins = [_found("hangzhou"), replace(_found("zhangjiakou"), region="cn-hangzhou")]

    assert [site.name for site in sites(twins, [])] == ["hangzhou", "hangzhou-2"]


def test_only_domains_on_two_instances_count_and_only_instances_that_carry_one() -> None:
    internet = replace(endpoints("hangzhou").internet, custom_domains=("other.example.com",))
    stranger = replace(_found("hangzhou"), endpoints=endpoints("hangzhou", internet=internet))
    pair = tuple(map(_found, BOTH))

    assert shared_domains([*pair, stranger]) == (DOMAIN,)
    assert candidates([*pair, stranger], [DOMAIN]) == pair


@pytest.mark.parametrize(
    "zone",
    [
        a_zone(zone_type="CLOUD_PRODUCT_ZONE"),
        a_zone(creator_subtype="STS"),
        a_zone(name="x.cr.aliyuncs.com"),
        a_zone(vpcs=()),
        a_zone(is_secondary=True),
    ],
)
def test_zones_of_a_cloud_product_and_unbound_ones_are_left_out(zone: Zone) -> None:
    assert not is_own(zone)


def test_the_standby_is_reached_internally_where_its_public_endpoint_is_off() -> None:
    internet = replace(endpoints("hangzhou").internet, enabled=False)
    closed = replace(_found("hangzhou"), endpoints=endpoints("hangzhou", internet=internet))
    text = compose((DOMAIN,), sites([closed, _found("zhangjiakou")], []), [], NOW)

    routes = {site.name: site.route for site in parse_registry(text).topology().sites.values()}
    assert routes == {"hangzhou": "internet", other("hangzhou"): "internal"}
