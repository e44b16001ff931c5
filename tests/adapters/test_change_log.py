"""Who changed a zone's records, as PrivateZone's change log tells it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.adapters.alibaba.dns import AlibabaDns
from bot.domain.plan import Change
from bot.domain.record import ChangeLogLine
from bot.errors import Gone, Refused, Unreachable
from simulator import editing
from simulator.app import Simulator
from tests.adapters.canned import Say, canned
from tests.adapters.conftest import ZHANGJIAKOU_VIEW, a_client, now

AN_HOUR = timedelta(hours=1)
ZONE = "b83e05d1947f4a2c9d60c71e2fa45b38"


async def _log(dns: AlibabaDns, since: timedelta = AN_HOUR) -> tuple[ChangeLogLine, ...]:
    return await dns.changes((await dns.zone(ZHANGJIAKOU_VIEW)).zone_id, now() - since)


async def test_an_edit_at_the_console_is_told_with_who_from_where_when_and_what(
    cloud: Simulator, dns: AlibabaDns
) -> None:
    editing.third_party_edit(cloud.world, "zhangjiakou")

    (line,) = await _log(dns)

    assert (line.person, line.address, line.action) == ("console-user", "192.0.2.1", "rewrite")
    assert editing.STRANGE_ADDRESS in line.content
    assert abs(now() - line.at) < timedelta(minutes=1)


async def test_a_write_of_the_bot_stands_in_the_log_under_its_own_name(cloud: Simulator, dns: AlibabaDns) -> None:
    editing.third_party_edit(cloud.world, "zhangjiakou")
    zone = await dns.zone(ZHANGJIAKOU_VIEW)
    (record,) = await dns.records(zone.zone_id)
    back = Change(ZHANGJIAKOU_VIEW, zone, record, replace(record, value="10.2.0.20"))
    await dns.apply(back, "token")

    assert [line.person for line in await _log(dns)] == ["registry-bot", "console-user"]


async def test_what_was_logged_before_is_left_out(cloud: Simulator, dns: AlibabaDns) -> None:
    editing.third_party_edit(cloud.world, "zhangjiakou")

    assert await _log(dns, since=-AN_HOUR) == ()


async def test_what_others_did_in_other_zones_is_left_out(cloud: Simulator, dns: AlibabaDns) -> None:
    editing.third_party_edit(cloud.world, "hangzhou")

    assert await _log(dns) == ()


async def test_a_change_of_the_zone_itself_is_no_line_about_a_record(cloud: Simulator, dns: AlibabaDns) -> None:
    editing.edit_zone(cloud.world, cloud.world.sites["zhangjiakou"], {"remark": "ours"})

    assert await _log(dns) == ()


async def test_a_log_that_may_not_be_read_names_the_permission_that_is_missing(
    cloud: Simulator, dns: AlibabaDns
) -> None:
    assert cloud.alibaba is not None
    cloud.alibaba.cloud.ram.denied.add("pvtz:DescribeChangeLogs")

    with pytest.raises(Refused, match=r"lacks the RAM action pvtz:DescribeChangeLogs on \*"):
        await _log(dns)


async def test_lines_come_newest_first_whatever_their_order_and_types_and_odd_ones_are_left_out() -> None:
    lines = [
        {"Id": 1, "OperTimestamp": "1000", "Content": "older", "CreatorId": "null", "CreatorUserId": 17},
        {"Id": "2", "OperTimestamp": 2000, "CreatorId": "lin", "OperIp": "null"},
        {"Id": 3, "Content": "without a time"},
    ]
    async with canned(Say(body={"ChangeLogs": {"ChangeLog": lines}, "TotalItems": 3})) as server:
        client = a_client(server.address)
        told = await AlibabaDns(client).changes(ZONE, now())
        await client.close()

    assert [(line.person, line.address, line.content) for line in told] == [("lin", None, ""), ("17", None, "older")]


async def test_a_long_log_is_read_page_by_page(cloud: Simulator, dns: AlibabaDns) -> None:
    for _ in range(130):
        editing.third_party_edit(cloud.world, "zhangjiakou")

    assert len(await _log(dns)) == 130


async def test_an_answer_without_a_list_is_no_empty_log() -> None:
    async with canned(Say(body=[])) as server:
        client = a_client(server.address)
        with pytest.raises(Unreachable):
            await AlibabaDns(client).changes(ZONE, now())
        await client.close()


async def test_a_record_that_was_removed_is_told_apart_from_one_that_may_not_be_read(
    cloud: Simulator, dns: AlibabaDns
) -> None:
    assert cloud.alibaba is not None
    (record,) = await dns.records((await dns.zone(ZHANGJIAKOU_VIEW)).zone_id)
    editing.edit_record(cloud.world, cloud.world.sites["zhangjiakou"], {"act": "remove"})

    with pytest.raises(Gone):
        await dns.record(record.record_id)

    cloud.alibaba.cloud.ram.denied.add("pvtz:DescribeZoneRecord")
    with pytest.raises(Refused) as refused:
        await dns.record(record.record_id)
    assert not isinstance(refused.value, Gone)
