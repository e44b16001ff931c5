"""What was observed: values that are recognised or unknown, never guessed."""

from typing import Any

import pytest

from bot.domain.overview import Overview
from bot.domain.snapshot import (
    InternetEndpoint,
    TaskFeed,
    Unknown,
    VpcLink,
    movable_value,
    serving_site,
)
from tests.builders import (
    HOME_ADDRESS,
    NOW,
    PUBLIC_NAME,
    a_record,
    a_site_state,
    a_snapshot,
    a_view_state,
    an_instance,
    endpoints,
)

SITES = {name: a_site_state(name) for name in ("hangzhou", "zhangjiakou")}


@pytest.mark.parametrize("value", [PUBLIC_NAME["hangzhou"], HOME_ADDRESS["hangzhou"]])
def test_a_value_is_recognised_by_the_public_name_and_by_the_link_address(value: str) -> None:
    assert serving_site(value, SITES) == SITES["hangzhou"].site


def test_a_value_of_no_site_is_unknown() -> None:
    assert serving_site("203.0.113.99", SITES) == Unknown("203.0.113.99 belongs to no configured site")


def test_while_a_site_is_silent_a_foreign_value_might_be_its_own() -> None:
    blind = {**SITES, "zhangjiakou": a_site_state("zhangjiakou", endpoints=Unknown("no answer"))}

    assert serving_site("203.0.113.99", blind) == Unknown(
        "203.0.113.99 is at no site that answered, and zhangjiakou did not answer"
    )
    assert serving_site(HOME_ADDRESS["hangzhou"], blind) == SITES["hangzhou"].site


def test_an_endpoint_that_is_off_and_a_link_without_address_are_no_values() -> None:
    closed = endpoints(internet=InternetEndpoint(False, None, None), links=(VpcLink("vpc-1", "", "CREATING"),))

    assert closed.addresses() == frozenset()


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ((a_record(type="CNAME", value="name.example."),), "name.example"),
        ((a_record(), a_record("hangzhou", status="DISABLE")), HOME_ADDRESS["zhangjiakou"]),
        ((), Unknown("0 enabled `@` records")),
        ((a_record(status="DISABLE"),), Unknown("0 enabled `@` records")),
        ((a_record(), a_record("hangzhou")), Unknown("2 enabled `@` records")),
        (Unknown("no answer"), Unknown("no answer")),
    ],
)
def test_only_a_single_enabled_record_is_the_value_in_force(records: Any, expected: str | Unknown) -> None:
    assert movable_value(a_view_state(records=records)) == expected


@pytest.mark.parametrize(
    ("value", "is_away"), [(HOME_ADDRESS["zhangjiakou"], False), (PUBLIC_NAME["hangzhou"], True), ("192.0.2.1", False)]
)
def test_a_view_is_away_only_when_it_is_known_to_pull_from_another_site(value: str, is_away: bool) -> None:
    state = a_view_state(records=(a_record(value=value),))

    assert Overview(NOW, SITES, (state,)).is_away(state) is is_away


def test_an_overview_gives_the_reason_for_a_view_that_nobody_could_read() -> None:
    state = a_view_state(records=Unknown("no answer within 3 s"))

    assert Overview(NOW, SITES, (state,)).serving(state) == Unknown("no answer within 3 s")


@pytest.mark.parametrize(
    ("edition", "can"),
    [("Enterprise_Advanced", True), ("Enterprise_Standard", True), ("Enterprise_Basic", False), ("Economy", False)],
)
def test_basic_and_economy_instances_are_no_replication_source(edition: str, can: bool) -> None:
    assert an_instance(edition=edition).can_replicate_out is can


@pytest.mark.parametrize(("enabled", "status", "is_open"), [(True, "RUNNING", True), (False, "RUNNING", False)])
def test_an_endpoint_that_is_switched_off_is_closed_whatever_its_status(
    enabled: bool, status: str, is_open: bool
) -> None:
    assert InternetEndpoint(enabled, status, "name").is_open is is_open


def test_a_feed_is_partial_when_the_vendor_has_more_tasks_than_were_read() -> None:
    assert TaskFeed((), 1, NOW).is_partial
    assert not TaskFeed((), 0, NOW).is_partial


@pytest.mark.parametrize(
    ("fields", "is_same"),
    [
        ({}, True),
        ({"value": HOME_ADDRESS["zhangjiakou"] + "."}, True),
        ({"weight": None, "priority": None, "line": None, "remark": None, "status": None}, True),
        ({"value": "10.2.0.99"}, False),
        ({"type": "CNAME"}, False),
        ({"ttl": 30}, False),
        ({"record_id": "record-x"}, False),
        ({"zone_id": "zone-x"}, False),
        ({"rr": "www"}, False),
        ({"weight": 2}, False),
        ({"priority": 2}, False),
        ({"line": "oversea"}, False),
        ({"remark": "edited"}, False),
        ({"status": "DISABLE"}, False),
    ],
)
def test_two_readings_agree_when_nothing_that_both_of_them_say_differs(fields: Any, is_same: bool) -> None:
    record = a_record(weight=1, priority=1)

    assert record.agrees_with(a_record(**{"weight": 1, "priority": 1, **fields})) is is_same


def test_the_site_is_recognised_whatever_the_case_of_its_name_and_with_a_final_dot() -> None:
    sites = a_snapshot().sites
    name = endpoints("hangzhou").internet.system_domain or ""

    assert serving_site(f"{name.upper()}.", sites) == sites["hangzhou"].site
