"""PrivateZone as the bot reads and writes it."""

from dataclasses import replace

import pytest

from bot.adapters.alibaba.client import Alibaba
from bot.adapters.alibaba.credentials import Keys
from bot.adapters.alibaba.dns import AlibabaDns
from bot.domain.plan import Change
from bot.domain.topology import View
from bot.errors import NotMovable, OutcomeUnknown, Refused, Throttled, Unreachable
from simulator.app import Simulator
from simulator.model import Record as SimulatedRecord
from simulator.model import Zone as SimulatedZone
from tests.adapters.canned import RESET, Say, canned
from tests.adapters.conftest import DOMAIN, HANGZHOU_VIEW, ZHANGJIAKOU_VIEW, a_client, now

ZONE = {"ZoneId": "z", "ZoneName": DOMAIN}
TARGET = "sim-a-registry.cn-hangzhou.cr.aliyuncs.com"


async def a_change(dns: AlibabaDns) -> Change:
    zone = await dns.zone(ZHANGJIAKOU_VIEW)
    (record,) = await dns.records(zone.zone_id)
    return Change(ZHANGJIAKOU_VIEW, zone, record, replace(record, type="CNAME", value=TARGET))


@pytest.mark.covers("A38")
async def test_of_two_zones_with_one_name_each_view_gets_the_one_bound_to_its_vpc(dns: AlibabaDns) -> None:
    ours, theirs = await dns.zone(ZHANGJIAKOU_VIEW), await dns.zone(HANGZHOU_VIEW)

    assert (ours.name, ours.vpcs, theirs.vpcs) == (DOMAIN, ("vpc-bbbbb",), ("vpc-aaaaa",))
    assert ours.zone_id != theirs.zone_id
    assert (ours.zone_type, ours.dns_group) == ("AUTH_ZONE", "FAST_ZONE")


async def test_a_zone_whose_name_only_contains_ours_is_never_taken(dns: AlibabaDns) -> None:
    names = {zone.name for zone in await dns.list_zones(DOMAIN)}

    assert names == {DOMAIN}


async def test_a_vpc_without_a_zone_gets_a_sentence_that_says_what_there_is(dns: AlibabaDns) -> None:
    with pytest.raises(NotMovable, match=r"No PrivateZone zone .* vpc-ccccc.* is bound to vpc-aaaaa"):
        await dns.zone(View("elsewhere", DOMAIN, ("vpc-ccccc",)))


async def test_one_view_over_two_zones_is_not_movable(dns: AlibabaDns) -> None:
    with pytest.raises(NotMovable, match="several zones"):
        await dns.zone(View("both", DOMAIN, ("vpc-aaaaa", "vpc-bbbbb")))


async def test_only_the_records_at_the_apex_are_read_whatever_their_status(cloud: Simulator, dns: AlibabaDns) -> None:
    zone = cloud.world.view("vpc-bbbbb")
    assert zone is not None
    zone.records.append(SimulatedRecord(2**53 + 1, "@", "TXT", "hello", status="DISABLE"))
    zone.records.append(SimulatedRecord(7, "www", "A", "10.2.0.9"))

    records = await dns.records(zone.id)

    assert [(r.rr, r.type, r.status) for r in records] == [("@", "A", "ENABLE"), ("@", "TXT", "DISABLE")]
    assert records[1].record_id == str(2**53 + 1)


async def test_a_record_can_be_read_by_its_id(dns: AlibabaDns) -> None:
    change = await a_change(dns)

    record = await dns.record(change.existing.record_id)

    assert (record.value, record.ttl, record.line) == ("10.2.0.20", 60, "default")


async def test_a_view_costs_two_calls_however_many_zones_share_its_name(cloud: Simulator, dns: AlibabaDns) -> None:
    for n in range(50):
        cloud.world.zones[f"z{n}"] = SimulatedZone(f"z{n}", DOMAIN, [f"vpc-{n}"], [])

    await dns.zone(ZHANGJIAKOU_VIEW)

    assert [call["action"] for call in cloud.calls] == ["DescribeZones", "DescribeZoneInfo"]


async def test_a_server_that_narrows_too_far_is_asked_for_the_whole_list() -> None:
    nothing = Say(200, {"Zones": {"Zone": []}, "TotalItems": 0})
    listed = Say(200, {"Zones": {"Zone": [ZONE]}, "TotalItems": 1})
    info = Say(200, ZONE | {"ZoneType": "AUTH_ZONE", "BindVpcs": {"Vpc": [{"VpcId": "vpc-bbbbb"}]}})
    async with canned(nothing, listed, info) as server:
        client = a_client(server.address)
        zone = await AlibabaDns(client).zone(ZHANGJIAKOU_VIEW)
        await client.close()

    assert zone.zone_id == "z"
    assert [query.get("QueryVpcId") for _, query in server.calls] == ["vpc-bbbbb", None, None]


async def test_more_zones_than_fit_on_a_page_are_all_found(cloud: Simulator, dns: AlibabaDns) -> None:
    for n in range(120):
        cloud.world.zones[f"z{n}"] = SimulatedZone(f"z{n}", DOMAIN, [f"vpc-{n}"], [])

    assert len(await dns.list_zones(DOMAIN)) == 122


async def test_applying_sends_every_field_that_was_read_and_keeps_the_record(cloud: Simulator, dns: AlibabaDns) -> None:
    change = await a_change(dns)

    written = await dns.apply(change, "0123456789abcdef-0")

    sent = next(call for call in cloud.calls if call["action"] == "UpdateZoneRecord")
    assert sent["params"] == {
        "RecordId": change.existing.record_id,
        "Rr": "@",
        "Type": "CNAME",
        "Value": TARGET,
        "Ttl": "60",
        "Line": "default",
        "Weight": "1",
        "Priority": "1",
        "ClientToken": "0123456789abcdef-0",
    }
    assert written.request_id == sent["request_id"]
    assert await dns.record(change.existing.record_id) == change.desired


async def test_a_field_that_the_read_left_out_is_not_made_up(cloud: Simulator, dns: AlibabaDns) -> None:
    change = await a_change(dns)
    desired = replace(change.desired, line=None, weight=None, priority=None)

    await dns.apply(replace(change, desired=desired), "token")

    sent = next(call["params"] for call in cloud.calls if call["action"] == "UpdateZoneRecord")
    assert not {"Line", "Weight", "Priority"} & set(sent)


async def test_a_write_whose_answer_is_lost_is_unknown_and_sent_once(cloud: Simulator, dns: AlibabaDns) -> None:
    change = await a_change(dns)
    cloud.faults.set("applied_but_timed_out", "zhangjiakou", True)

    with pytest.raises(OutcomeUnknown, match="may or may not"):
        await dns.apply(change, "token")

    assert [call["action"] for call in cloud.calls].count("UpdateZoneRecord") == 1


async def test_a_throttled_write_is_not_repeated_and_known_not_applied(cloud: Simulator, dns: AlibabaDns) -> None:
    change = await a_change(dns)
    cloud.faults.set("throttled", None, True)

    with pytest.raises(Throttled, match="Nothing was changed"):
        await dns.apply(change, "token")

    assert [call["action"] for call in cloud.calls].count("UpdateZoneRecord") == 1


async def test_a_write_without_permission_names_the_action_to_grant(cloud: Simulator, dns: AlibabaDns) -> None:
    change = await a_change(dns)
    assert cloud.alibaba is not None
    cloud.alibaba.cloud.ram.denied.add("pvtz:UpdateZoneRecord")

    with pytest.raises(Refused, match="pvtz:UpdateZoneRecord") as refused:
        await dns.apply(change, "token")

    assert (refused.value.code, bool(refused.value.request_id)) == ("Forbidden.RAM", True)


async def test_an_update_that_conflicts_is_refused_in_words(cloud: Simulator, dns: AlibabaDns) -> None:
    change = await a_change(dns)
    zone = cloud.world.view("vpc-bbbbb")
    assert zone is not None
    zone.records.append(SimulatedRecord(8, "@", "TXT", "in the way"))

    with pytest.raises(Refused, match="stands in the way"):
        await dns.apply(change, "token")


@pytest.mark.covers("F50")
@pytest.mark.parametrize(
    "answer",
    [
        {"RequestId": "r", "RecordId": 5},
        {"RequestId": "r"},
        ["not", "an", "object"],
        b"<html>Bad gateway</html>",
        b"",
    ],
)
async def test_an_answer_to_a_write_that_does_not_name_the_record_is_unknown(answer: object, dns: AlibabaDns) -> None:
    change = await a_change(dns)

    async with canned(Say(200, answer)) as server:
        client = a_client(server.address)
        with pytest.raises(OutcomeUnknown):
            await AlibabaDns(client).apply(change, "token")
        await client.close()

    assert len(server.calls) == 1


@pytest.mark.covers("F66")
@pytest.mark.parametrize(
    "answer",
    [
        {"Zones": {"Zone": [ZONE]}},
        {"Zones": {"Zone": ["text"]}, "TotalItems": 1},
        {"Zones": {"Zone": [{}]}, "TotalItems": 1},
        {"Zones": {"Zone": [ZONE]}, "TotalItems": 2},
        {"RequestId": "r", "TotalItems": 3},
    ],
)
async def test_half_a_list_or_one_of_unknown_shape_is_no_list(answer: object) -> None:
    async with canned(Say(200, answer)) as server:
        client = a_client(server.address)
        with pytest.raises(Unreachable):
            await AlibabaDns(client).zone(ZHANGJIAKOU_VIEW)
        await client.close()


@pytest.mark.covers("F66")
async def test_a_list_whose_second_page_fails_is_no_list() -> None:
    first = {"Zones": {"Zone": [ZONE | {"ZoneId": f"z{n}"} for n in range(100)]}, "TotalItems": "150"}
    async with canned(Say(200, first), Say(500, {"Code": "InternalError"})) as server:
        client = a_client(server.address)
        with pytest.raises(Unreachable):
            await AlibabaDns(client).list_zones(DOMAIN)
        await client.close()

    assert [query["PageNumber"] for _, query in server.calls] == ["1", "2"]
    assert {query["SearchMode"] for _, query in server.calls} == {"EXACT"}


async def test_numbers_and_booleans_that_come_as_text_are_read() -> None:
    listed = {"Zones": {"Zone": [ZONE | {"CreatorSubType": "STS"}]}, "TotalItems": "1"}
    info = ZONE | {"ZoneType": "AUTH_ZONE", "SlaveDns": "true", "BindVpcs": {"Vpc": [{"VpcId": "vpc-bbbbb"}]}}
    record = {"RecordId": "9007199254740993", "Rr": "@", "Type": "A", "Value": "10.2.0.20", "Ttl": "60"}
    records = {"Records": {"Record": [record]}, "TotalItems": "1"}
    async with canned(Say(200, listed), Say(200, info), Say(200, records)) as server:
        client = a_client(server.address)
        zone = await AlibabaDns(client).zone(ZHANGJIAKOU_VIEW)
        (read,) = await AlibabaDns(client).records("z")
        await client.close()

    assert (zone.is_secondary, zone.creator_subtype, zone.dns_group) == (True, "STS", None)
    assert (read.record_id, read.ttl, read.weight, read.line) == ("9007199254740993", 60, None, None)


async def test_a_broken_connection_during_a_write_is_unknown(dns: AlibabaDns) -> None:
    change = await a_change(dns)

    async with canned(RESET) as server:
        client = a_client(server.address)
        with pytest.raises(OutcomeUnknown):
            await AlibabaDns(client).apply(change, "token")
        await client.close()

    assert len(server.calls) == 1


async def test_without_keys_a_write_is_not_sent_and_known_not_applied(cloud: Simulator, dns: AlibabaDns) -> None:
    def no_keys() -> Keys:
        raise RuntimeError("no keys")

    change = await a_change(dns)
    where = cloud.announcement["alibaba"]
    keyless = Alibaba(now=now, pvtz_endpoint=where["pvtz"], protocol="http", sources={"main": no_keys})

    with pytest.raises(Refused, match="no valid Alibaba Cloud credentials"):
        await AlibabaDns(keyless).apply(change, "token")
    await keyless.close()

    assert "UpdateZoneRecord" not in [call["action"] for call in cloud.calls]


async def test_a_write_that_finds_nobody_is_known_not_applied(dns: AlibabaDns) -> None:
    change = await a_change(dns)
    client = a_client("127.0.0.1:1")

    with pytest.raises(Refused, match="nothing was sent"):
        await AlibabaDns(client).apply(change, "token")

    await client.close()
