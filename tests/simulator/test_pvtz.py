"""PrivateZone, asked by the vendor's own client."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from alibabacloud_pvtz20180101 import models
from alibabacloud_pvtz20180101.client import Client
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from darabonba.exceptions import UnretryableException

from simulator.alibaba.ram import Identity
from simulator.alibaba.server import Alibaba
from simulator.app import Simulator
from simulator.model import Record
from tests.simulator.conftest import config

DOMAIN = "cross-region.registry.io"
HANGZHOU = "sim-a-registry.cn-hangzhou.cr.aliyuncs.com"
ZONE = "b83e05d1947f4a2c9d60c71e2fa45b38"
RECORD_ID = 1152921504606847002


def record(sim: Simulator) -> Record:
    found = sim.world.record_for_vpc("vpc-bbbbb")
    assert found is not None
    return found


async def update(client: Client, **changes: Any) -> int:
    wanted = {"record_id": RECORD_ID, "rr": "@", "type": "CNAME", "value": HANGZHOU, "ttl": 60, **changes}
    response = await client.update_zone_record_async(models.UpdateZoneRecordRequest(**wanted))
    answered: int = response.body.record_id
    return answered


async def refusal(client: Client, **changes: Any) -> str:
    with pytest.raises(AlibabaCloudException) as caught:
        await update(client, **changes)
    return str(caught.value.code)


async def names(client: Client, **wanted: Any) -> list[str]:
    response = await client.describe_zones_async(models.DescribeZonesRequest(**wanted))
    return [zone.zone_name for zone in response.body.zones.zone]


async def test_a_search_without_mode_finds_every_name_that_contains_the_keyword(zones: Client) -> None:
    assert await names(zones, keyword=DOMAIN) == [DOMAIN, DOMAIN, f"a.{DOMAIN}"]


async def test_an_exact_search_finds_both_zones_of_the_name(zones: Client) -> None:
    assert await names(zones, keyword=DOMAIN, search_mode="EXACT") == [DOMAIN, DOMAIN]


async def test_a_search_mode_without_keyword_does_nothing(zones: Client) -> None:
    assert len(await names(zones, search_mode="EXACT")) == 4


async def test_zones_are_found_by_vpc_with_those_that_the_registry_made_for_itself(zones: Client) -> None:
    found = await names(zones, query_vpc_id="vpc-bbbbb")

    assert found == [DOMAIN, f"a.{DOMAIN}", "sim-b-registry-vpc.cn-zhangjiakou.cr.aliyuncs.com"]


async def test_pages_count_everything_and_show_their_share(zones: Client) -> None:
    request = models.DescribeZonesRequest(page_number=2, page_size=3)

    body = (await zones.describe_zones_async(request)).body

    assert (body.total_items, body.total_pages, len(body.zones.zone)) == (4, 2, 1)


async def test_a_page_of_more_than_a_hundred_is_refused(zones: Client) -> None:
    with pytest.raises(AlibabaCloudException, match="PageSize"):
        await zones.describe_zones_async(models.DescribeZonesRequest(page_size=500))


async def test_a_zone_tells_its_vpcs_and_times_by_the_minute(zones: Client) -> None:
    body = (await zones.describe_zone_info_async(models.DescribeZoneInfoRequest(zone_id=ZONE))).body

    vpc = body.bind_vpcs.vpc[0]
    assert (vpc.vpc_id, vpc.region_id, vpc.vpc_user_id) == ("vpc-bbbbb", "cn-zhangjiakou", None)
    assert len(body.create_time) == len("2026-11-23T03:00Z")


async def test_the_vpcs_of_a_zone_come_in_another_order_each_time(sim: Simulator, zones: Client) -> None:
    sim.world.zones[ZONE].vpcs.append("vpc-ccccc")
    request = models.DescribeZoneInfoRequest(zone_id=ZONE)

    first, second = [
        [vpc.vpc_id for vpc in (await zones.describe_zone_info_async(request)).body.bind_vpcs.vpc] for _ in range(2)
    ]

    assert first != second
    assert sorted(first) == sorted(second) == ["vpc-bbbbb", "vpc-ccccc"]


async def test_an_unknown_zone_is_invalid(zones: Client) -> None:
    with pytest.raises(AlibabaCloudException) as caught:
        await zones.describe_zone_info_async(models.DescribeZoneInfoRequest(zone_id="nowhere"))

    assert (caught.value.code, caught.value.status_code) == ("Zone.Invalid.Id", 400)


async def test_a_missing_parameter_is_named(zones: Client) -> None:
    with pytest.raises(AlibabaCloudException) as caught:
        await zones.describe_zone_info_async(models.DescribeZoneInfoRequest())

    assert caught.value.code == "MissingZoneId"


async def test_a_record_id_survives_the_wire_whole(zones: Client) -> None:
    request = models.DescribeZoneRecordsRequest(zone_id=ZONE, keyword="@", search_mode="EXACT")

    body = (await zones.describe_zone_records_async(request)).body

    assert [each.record_id for each in body.records.record] == [RECORD_ID]


async def test_an_update_changes_the_record_in_place_and_writes_the_log(sim: Simulator, zones: Client) -> None:
    assert await update(zones) == RECORD_ID

    changed = record(sim)
    assert (changed.type, changed.value, changed.remark) == ("CNAME", HANGZHOU, "set by platform")
    logs = (await zones.describe_change_logs_async(models.DescribeChangeLogsRequest(zone_id=ZONE))).body
    assert [line.creator_id for line in logs.change_logs.change_log] == ["registry-bot"]


async def test_what_an_update_leaves_out_falls_back_to_its_default(sim: Simulator, zones: Client) -> None:
    record(sim).ttl, record(sim).line, record(sim).weight = 30, "other", 7

    await update(zones, ttl=None)

    assert (record(sim).ttl, record(sim).line, record(sim).weight) == (60, "default", 1)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"ttl": 77}, "Record.Invalid.TTL"),
        ({"record_id": 5}, "Record.Invalid.Id"),
        ({"value": "not a name"}, "Record.Invalid.Value"),
        ({"type": "A", "value": "10.0.0.256"}, "Record.Invalid.Value"),
        ({"type": "A", "value": "10.2.0.20"}, "Record.Invalid.Conflict"),
        ({"value": None}, "MissingValue"),
        ({"type": "NS"}, "InvalidParameter.Type"),
        ({"client_token": "x" * 65}, "InvalidParameter.ClientToken"),
    ],
)
async def test_a_bad_update_is_refused_and_changes_nothing(
    sim: Simulator, zones: Client, changes: dict[str, Any], code: str
) -> None:
    assert await refusal(zones, **changes) == code
    assert (record(sim).value, sim.world.state.changes) == ("10.2.0.20", [])


@pytest.mark.parametrize("status", ["ENABLE", "DISABLE"])
async def test_a_cname_beside_another_record_is_a_conflict(sim: Simulator, zones: Client, status: str) -> None:
    sim.world.zones[ZONE].records.append(Record(7, "@", "TXT", "note", status=status))

    assert await refusal(zones) == "Record.Invalid.Conflict"


async def test_a_client_token_makes_a_repeat_safe(sim: Simulator, zones: Client) -> None:
    await update(zones, client_token="t-1")
    record(sim).value = "elsewhere.example"

    assert await update(zones, client_token="t-1") == RECORD_ID

    assert record(sim).value == "elsewhere.example"
    assert [call["effective"] for call in sim.calls] == [True, False]


async def test_a_client_token_belongs_to_its_parameters(zones: Client) -> None:
    await update(zones, client_token="t-1")

    assert await refusal(zones, client_token="t-1", ttl=5) == "IdempotentParameterMismatch"


async def test_a_reader_may_look_but_not_write(sim: Simulator, reader: Client) -> None:
    assert len(await names(reader)) == 4
    with pytest.raises(AlibabaCloudException) as caught:
        await update(reader)

    assert (caught.value.code, caught.value.status_code) == ("Forbidden.RAM", 403)
    assert caught.value.access_denied_detail["AuthAction"] == "pvtz:UpdateZoneRecord"
    assert record(sim).value == "10.2.0.20"


async def test_other_writes_are_forbidden_and_counted(sim: Simulator, zones: Client) -> None:
    with pytest.raises(AlibabaCloudException) as caught:
        await zones.bind_zone_vpc_async(models.BindZoneVpcRequest(zone_id=ZONE))

    assert caught.value.code == "Forbidden.RAM"
    assert [call["action"] for call in sim.calls] == ["BindZoneVpc"]
    assert sim.world.zones[ZONE].vpcs == ["vpc-bbbbb"]


async def test_a_call_that_the_vendor_does_not_have_is_not_found(zones: Client) -> None:
    with pytest.raises(AlibabaCloudException) as caught:
        await zones.describe_tags_async(models.DescribeTagsRequest(resource_type="ZONE"))

    assert (caught.value.code, caught.value.status_code) == ("InvalidAction.NotFound", 404)


async def test_the_blocking_methods_sign_alike(zones: Client) -> None:
    request = models.DescribeZonesRequest(keyword="a b/@*~:,", search_mode="EXACT")

    body = (await asyncio.to_thread(zones.describe_zones, request)).body

    assert body.total_items == 0


async def test_while_privatezone_is_down_everything_is_unavailable(sim: Simulator, zones: Client) -> None:
    sim.faults.set("pvtz_down", None, True)

    with pytest.raises(AlibabaCloudException) as caught:
        await names(zones)

    assert (caught.value.code, caught.value.status_code) == ("ServiceUnavailable", 503)


async def test_throttled_calls_are_denied_by_flow_control(sim: Simulator, zones: Client) -> None:
    sim.faults.set("throttled", None, True)

    assert await refusal(zones) == "Throttling.User"


async def test_an_update_may_take_effect_though_its_answer_is_lost(sim: Simulator, zones: Client) -> None:
    sim.faults.set("applied_but_timed_out", "zhangjiakou", True)

    with pytest.raises(UnretryableException):
        await update(zones)

    assert record(sim).value == HANGZHOU


async def test_the_answer_of_another_sites_update_arrives(sim: Simulator, zones: Client) -> None:
    sim.faults.set("applied_but_timed_out", "hangzhou", True)

    assert await update(zones) == RECORD_ID


async def test_a_write_may_take_effect_long_after_its_caller_gave_up(
    sim: Simulator, alibaba: Alibaba, zones: Client
) -> None:
    alibaba.cloud.timing.late_ms = 50
    sim.faults.set("late_write", "zhangjiakou", True)

    with pytest.raises(UnretryableException):
        await update(zones)
    assert record(sim).value != HANGZHOU

    await _until(lambda: record(sim).value == HANGZHOU)
    assert [call["effective"] for call in sim.calls] == [True]


async def test_a_late_write_that_was_sent_twice_with_one_token_takes_effect_once(
    sim: Simulator, alibaba: Alibaba, zones: Client
) -> None:
    alibaba.cloud.timing.late_ms = 50
    sim.faults.set("late_write", None, True)
    for _ in range(2):
        with pytest.raises(UnretryableException):
            await update(zones, client_token="same")

    await _until(lambda: all(call.get("status") for call in sim.calls))

    assert [call["effective"] for call in sim.calls] == [True, False]


async def test_a_late_write_does_not_reach_into_a_fresh_world(sim: Simulator, alibaba: Alibaba, zones: Client) -> None:
    sim.faults.set("late_write", None, True)
    with pytest.raises(UnretryableException):
        await update(zones)

    sim.reset()

    await _until(lambda: alibaba.cloud.late == set())
    assert record(sim).value != HANGZHOU


async def test_a_record_may_be_read_as_it_was_for_a_while_after_it_was_written(
    sim: Simulator, alibaba: Alibaba, zones: Client
) -> None:
    sim.faults.set("stale_reads", "zhangjiakou", True)
    await update(zones)

    assert [await _read(zones), await _listed(zones)] == ["10.2.0.20", "10.2.0.20"]
    assert record(sim).value == HANGZHOU

    alibaba.cloud.timing.stale_ms = 0
    assert [await _read(zones), await _listed(zones)] == [HANGZHOU, HANGZHOU]


async def test_reads_of_another_sites_record_do_not_lag(sim: Simulator, zones: Client) -> None:
    sim.faults.set("stale_reads", "hangzhou", True)
    await update(zones)

    assert await _read(zones) == HANGZHOU


async def _read(zones: Client) -> str:
    read = await zones.describe_zone_record_async(models.DescribeZoneRecordRequest(record_id=RECORD_ID))
    return str(read.body.value)


async def _listed(zones: Client) -> str:
    listed = await zones.describe_zone_records_async(models.DescribeZoneRecordsRequest(zone_id=ZONE))
    return str(listed.body.records.record[0].value)


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.01)


async def test_the_change_log_names_whose_key_made_the_call(alibaba: Alibaba) -> None:
    colleague = Identity("colleague", "LTAI5tColleague", "a-secret", may_write=True)
    alibaba.admit(colleague)
    theirs = Client(config(alibaba.pvtz, colleague))
    await update(theirs)

    found = (await theirs.describe_change_logs_async(models.DescribeChangeLogsRequest(zone_id=ZONE))).body

    assert [line.creator_id for line in found.change_logs.change_log] == ["colleague"]


async def test_slowness_is_felt_and_can_be_set(sim: Simulator, alibaba: Alibaba, zones: Client) -> None:
    alibaba.cloud.timing.slow_ms = 50
    sim.faults.set("slow", None, True)
    before = asyncio.get_running_loop().time()

    await names(zones)

    assert asyncio.get_running_loop().time() - before >= 0.05
