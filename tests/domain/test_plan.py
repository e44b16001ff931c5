"""What a plan names, which values a record may get, and which records may be moved at all."""

from dataclasses import asdict, fields, replace
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.access import canonical_json
from bot.domain.plan import Effect, Kind, Plan, Verdict, change_to, desired_value, movable_record, verdict
from bot.domain.snapshot import InternetEndpoint, Unknown, VpcLink
from bot.domain.topology import Route
from bot.errors import NotMovable, Unreadable
from tests.builders import (
    DOMAIN,
    HOME_ADDRESS,
    PUBLIC_NAME,
    VPC,
    a_change,
    a_finding,
    a_freeze,
    a_plan,
    a_record,
    a_site,
    a_topology,
    a_view,
    a_view_state,
    a_zone,
    endpoints,
)

RANGES = a_topology().internal_ranges
OTHER_VALUES: dict[str, Any] = {
    "workspace": "T09OTHER",
    "away": "hangzhou",
    "to": "shanghai",
    "route": Route.INTERNAL,
    "changes": (a_change("hangzhou"),),
    "findings": (a_finding(sentence="Hangzhou answers slowly."),),
    "policy_hash": "another policy",
    "tool_version": "0.2.0",
    "nonce": "1" * 32,
    "is_simulation": True,
    "plan_version": 2,
    "lifts": (a_freeze(),),
}
EFFECT_LISTS = st.lists(st.sampled_from(Effect), max_size=6)


def _moved(state: Any, kind: str = "CNAME", value: str = PUBLIC_NAME["hangzhou"]) -> Any:
    return change_to(state, kind, value)


def _with_link(ip: str, **fields_of_link: Any) -> Any:
    return endpoints("hangzhou", links=(replace(VpcLink(VPC["hangzhou"], ip, "RUNNING"), **fields_of_link),))


def test_the_list_of_other_values_names_every_field_of_a_plan() -> None:
    assert {field.name for field in fields(Plan)} == {*OTHER_VALUES, "kind"}
    assert list(Kind) == [Kind.FAILOVER, Kind.UNFREEZE]


def test_a_plan_that_lifts_nothing_has_the_digest_that_it_had_before_plans_could() -> None:
    before = {name: value for name, value in asdict(a_plan()).items() if name != "lifts"}

    assert a_plan().digest == sha256(canonical_json(before)).hexdigest()


def test_a_plan_wants_its_records_and_the_freezes_that_it_lifts() -> None:
    plan = a_plan(lifts=(a_freeze(), a_freeze(scope="hangzhou")))

    assert plan.subjects == ("record-b", "freeze:all", "freeze:hangzhou")


@pytest.mark.parametrize("field", OTHER_VALUES)
def test_a_plan_that_differs_in_any_field_has_another_digest(field: str) -> None:
    other = replace(a_plan(), **{field: OTHER_VALUES[field]})

    assert other.digest != a_plan().digest


@given(st.sampled_from(["value", "ttl", "line", "weight", "priority", "remark", "status"]), st.integers(1, 10**9))
def test_a_plan_that_rests_on_another_record_has_another_digest(field: str, number: int) -> None:
    value: Any = number if field in ("ttl", "weight", "priority") else f"changed-{number}"
    change = replace(a_change(), existing=a_record(**{field: value}))

    assert a_plan(changes=(change,)).digest == a_plan(changes=(change,)).digest
    assert (a_plan(changes=(change,)).digest == a_plan().digest) == (change == a_change())


def test_the_order_of_changes_is_part_of_the_digest() -> None:
    one, two = a_change(), a_change("hangzhou")

    assert a_plan(changes=(one, two)).digest != a_plan(changes=(two, one)).digest


@given(EFFECT_LISTS)
def test_the_verdict_is_the_worst_effect(effects: list[Effect]) -> None:
    expected = Verdict.NO_GO if Effect.BLOCKS in effects else Verdict.GO
    expected = Verdict.GO_WITH_LOSS if expected is Verdict.GO and Effect.LOSS in effects else expected

    assert verdict(a_finding(effect=effect) for effect in effects) is expected


@given(EFFECT_LISTS, st.sampled_from(Effect))
def test_another_finding_never_makes_a_verdict_better(effects: list[Effect], another: Effect) -> None:
    order = list(Verdict)
    before, after = ([a_finding(effect=e) for e in found] for found in (effects, [*effects, another]))

    assert order.index(verdict(after)) >= order.index(verdict(before))


def test_the_internet_route_points_at_the_generated_public_name() -> None:
    assert desired_value(Route.INTERNET, a_site("hangzhou"), endpoints(), RANGES) == ("CNAME", PUBLIC_NAME["hangzhou"])


def test_the_internal_route_points_at_the_address_in_the_standbys_own_vpc() -> None:
    assert desired_value(Route.INTERNAL, a_site("hangzhou"), endpoints(), RANGES) == ("A", HOME_ADDRESS["hangzhou"])


@pytest.mark.covers("A34")
@pytest.mark.parametrize(
    ("internet", "words"),
    [
        (InternetEndpoint(False, None, None), "is not open (off)"),
        (InternetEndpoint(True, "CREATING", PUBLIC_NAME["hangzhou"]), "is not open (CREATING)"),
        (InternetEndpoint(True, "RUNNING", None), "E_VALUE_NOT_ALLOWED"),
        (InternetEndpoint(True, "RUNNING", "registry.attacker.example"), "E_VALUE_NOT_ALLOWED"),
        (InternetEndpoint(True, "RUNNING", "evilcr.aliyuncs.com.example"), "E_VALUE_NOT_ALLOWED"),
    ],
)
def test_a_public_endpoint_that_is_off_or_not_the_vendors_own_is_no_value(
    internet: InternetEndpoint, words: str
) -> None:
    with pytest.raises(NotMovable) as refused:
        desired_value(Route.INTERNET, a_site("hangzhou"), endpoints(internet=internet), RANGES)

    assert words in str(refused.value)


@pytest.mark.covers("A35")
@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "169.254.169.254",
        "100.100.2.136",
        "100.64.0.1",
        "203.0.113.9",
        "224.0.0.1",
        "0.0.0.0",
        "::1",
        "::ffff:10.1.0.10",
        "fd00::1",
        "010.1.0.10",
        "0x0a01000a",
        "167837706",
        "10.1",
        " 10.1.0.10",
        "10.1.0.10/32",
        "１０.1.0.10",
        "10.1.0.10\n",
        "",
        PUBLIC_NAME["hangzhou"],
    ],
)
def test_an_address_outside_the_internal_ranges_or_in_a_strange_form_is_no_value(address: str) -> None:
    with pytest.raises(NotMovable, match="E_VALUE_NOT_ALLOWED"):
        desired_value(Route.INTERNAL, a_site("hangzhou"), _with_link(address), RANGES)


@pytest.mark.parametrize("address", ["10.1.0.10", "172.31.255.254", "192.168.0.1"])
def test_an_address_inside_the_internal_ranges_is_a_value(address: str) -> None:
    assert desired_value(Route.INTERNAL, a_site("hangzhou"), _with_link(address), RANGES) == ("A", address)


def test_no_internal_range_admits_no_address() -> None:
    with pytest.raises(NotMovable, match="outside internal_ranges"):
        desired_value(Route.INTERNAL, a_site("hangzhou"), endpoints(), ())


@pytest.mark.parametrize("link", [{"vpc_id": "vpc-other"}, {"status": "CREATING"}])
def test_without_a_running_link_in_the_standbys_vpc_the_internal_route_is_closed(link: dict[str, str]) -> None:
    with pytest.raises(NotMovable, match=r"no running address in vpc-aaaaa\. Use `via internet`"):
        desired_value(Route.INTERNAL, a_site("hangzhou"), _with_link("10.1.0.10", **link), RANGES)


def test_a_standby_without_internal_vpc_has_no_internal_route() -> None:
    with pytest.raises(NotMovable, match="internal_vpc is not set"):
        desired_value(Route.INTERNAL, a_site("hangzhou", internal_vpc=None), endpoints(), RANGES)


def test_a_change_keeps_everything_but_type_and_value() -> None:
    change = _moved(a_view_state(records=(a_record(weight=1, priority=5, remark="ours"),)))

    assert replace(change.desired, type="A", value=HOME_ADDRESS["zhangjiakou"]) == change.existing
    assert (change.desired.type, change.desired.value) == ("CNAME", PUBLIC_NAME["hangzhou"])
    assert change.restored_by() == f"A {HOME_ADDRESS['zhangjiakou']}"


@pytest.mark.parametrize("value", [PUBLIC_NAME["hangzhou"], PUBLIC_NAME["hangzhou"] + "."])
def test_a_view_that_holds_the_value_already_has_nothing_to_change(value: str) -> None:
    with pytest.raises(NotMovable, match="there is nothing to change"):
        _moved(a_view_state(records=(a_record(type="CNAME", value=value),)))


@pytest.mark.parametrize("record", [{"line": None}, {"line": ""}, {"ttl": 5}, {"ttl": 86400}, {"status": None}])
def test_a_record_on_the_default_line_with_a_ttl_of_the_api_can_be_moved(record: dict[str, Any]) -> None:
    state = a_view_state(records=(a_record(**record),))

    assert movable_record(state) == (a_zone(), a_record(**record))


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ((), "has no `@` record"),
        ((a_record(status="DISABLE"),), "is disabled"),
        ((a_record(), a_record("hangzhou")), "has 2 `@` records (A 10.2.0.20, A 10.1.0.10)"),
        ((a_record(), a_record("hangzhou", status="DISABLE")), "has 2 `@` records"),
        ((a_record(type="TXT"),), "is of type TXT"),
        ((a_record(type="AAAA", value="fd00::1"),), "is of type AAAA"),
        ((a_record(line="oversea"),), "only on line oversea"),
        ((a_record(ttl=61),), "has TTL 61 s, which the API cannot write back (only 5, 30, 60"),
    ],
)
def test_a_view_without_exactly_one_plain_record_cannot_be_moved(records: tuple[Any, ...], words: str) -> None:
    with pytest.raises(NotMovable) as refused:
        _moved(a_view_state(records=records))

    assert words in str(refused.value)


@pytest.mark.covers("A36", "A38")
@pytest.mark.parametrize(
    ("zone", "words"),
    [
        ({"zone_id": "zone-x"}, "E_ZONE_MISMATCH"),
        ({"name": "other.registry.io"}, "E_ZONE_MISMATCH"),
        ({"zone_type": "CLOUD_PRODUCT_ZONE"}, "E_MANAGED_ZONE"),
        ({"name": "sim-vpc.cn-hangzhou.cr.aliyuncs.com"}, "E_MANAGED_ZONE"),
        ({"creator_subtype": "STS"}, "E_MANAGED_ZONE"),
        ({"is_secondary": True}, "a secondary DNS copy"),
        ({"dns_group_changing": True}, "changing its DNS group"),
        ({"vpcs": ("vpc-bbbbb", "vpc-ccccc")}, "other VPCs are bound than configured (vpc-bbbbb, vpc-ccccc)"),
        ({"vpcs": ()}, "other VPCs are bound than configured (none)"),
    ],
)
def test_a_zone_that_is_not_exactly_the_configured_one_cannot_be_moved(zone: dict[str, Any], words: str) -> None:
    with pytest.raises(NotMovable) as refused:
        _moved(a_view_state(zone=a_zone(**zone)))

    assert words in str(refused.value)
    assert "Nothing was changed; correct it and ask again." in str(refused.value)


def test_a_view_without_a_zone_id_in_the_configuration_may_not_be_written() -> None:
    with pytest.raises(NotMovable, match="does not name its zone id, so the bot may not write it"):
        _moved(a_view_state(view=a_view(zone=None)))


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ({"zone": Unknown("no answer within 3 s")}, f"The zone of {DOMAIN} in vpc-bbbbb could not be read: no answer"),
        ({"records": Unknown("no answer within 3 s")}, "The `@` record of"),
    ],
)
def test_a_view_that_could_not_be_read_cannot_be_moved(part: dict[str, Any], words: str) -> None:
    with pytest.raises(NotMovable) as refused:
        _moved(a_view_state(**part))

    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("part", "is_silence"),
    [
        ({"zone": Unknown("no answer within 3 s")}, True),
        ({"records": Unknown("no answer within 3 s")}, True),
        ({"zone": Unknown("it has 0 zones", is_silence=False)}, False),
        ({"records": Unknown("it has 0 zones", is_silence=False)}, False),
    ],
)
def test_a_view_that_did_not_answer_may_be_read_again_and_one_that_answered_wrongly_not(
    part: dict[str, Any], is_silence: bool
) -> None:
    with pytest.raises(NotMovable) as refused:
        _moved(replace(a_view_state(), **part))

    assert isinstance(refused.value, Unreadable) is is_silence
