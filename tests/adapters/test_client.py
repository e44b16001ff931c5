"""How calls travel: deadlines, retries, limits, what errors say, and what never leaks."""

import asyncio
import logging
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from bot.adapters.alibaba.answers import Asked, read_answer, require_success
from bot.adapters.alibaba.catalogue import AlibabaCatalogue
from bot.adapters.alibaba.client import Alibaba, Limits
from bot.adapters.alibaba.credentials import Keys
from bot.adapters.alibaba.dns import AlibabaDns
from bot.adapters.alibaba.limits import Gate, Lane
from bot.adapters.alibaba.permissions import Grant, ram_actions
from bot.adapters.alibaba.registry import AlibabaRegistries
from bot.domain.plan import Change
from bot.domain.topology import Account, Topology
from bot.errors import (
    BotError,
    InvalidConfiguration,
    OutcomeUnknown,
    ProviderError,
    Refused,
    Throttled,
    Unreachable,
)
from simulator.alibaba.ram import RENAMED
from simulator.app import Simulator
from tests.adapters.canned import CLOSE, HANG, RESET, Canned, Say, Script, canned
from tests.adapters.conftest import HANGZHOU, HANGZHOU_VIEW, ZHANGJIAKOU, a_client, now

READ = Asked("PrivateZone", "DescribeZoneRecords", None, {"ZoneId": "z1"}, is_write=False)
WRITE = Asked("PrivateZone", "UpdateZoneRecord", None, {"RecordId": "1"}, is_write=True)
RULES = Asked("Container Registry", "ListRepoSyncRule", "cn-hangzhou", {"InstanceId": "cri-aaaaa"}, is_write=False)
NO_RECORDS = Say(200, {"Records": {"Record": []}, "TotalItems": 0, "RequestId": "r"})
THROTTLED = Say(400, {"Code": "Throttling.User", "RequestId": "r"})


async def read_from(*script: Script, limits: Limits | None = None) -> tuple[Canned, BotError | None]:
    """Read records from a server with a script; return the server and the error, if any."""
    async with canned(*script) as server:
        client = a_client(server.address, limits=limits or Limits(read_deadline=2.0, rate=10_000))
        try:
            await AlibabaDns(client).records("z1")
        except BotError as error:
            return server, error
        finally:
            await client.close()
    return server, None


def test_nothing_of_the_sdk_is_imported_before_it_is_needed() -> None:
    code = """
import sys
import bot.adapters.alibaba.dns, bot.adapters.alibaba.registry, bot.adapters.alibaba.permissions
sys.exit(any(name.startswith(("alibabacloud", "darabonba", "Tea")) for name in sys.modules))
"""

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


async def test_many_calls_share_few_connections() -> None:
    async with canned(NO_RECORDS) as server:
        client = a_client(server.address, limits=Limits(rate=10_000, in_flight=4))
        await asyncio.gather(*(AlibabaDns(client).records("z1") for _ in range(100)))
        await client.close()

    assert (len(server.calls), server.connections) == (100, 4)


async def test_a_region_that_hangs_costs_one_deadline(cloud: Simulator, impatient: Alibaba) -> None:
    cloud.faults.set("region_down", "zhangjiakou", True)
    registries = AlibabaRegistries(impatient, now)
    started = time.monotonic()

    with pytest.raises(Unreachable, match=r"cn-zhangjiakou .*did not answer within 0.3 s"):
        await registries.instance(ZHANGJIAKOU)

    assert time.monotonic() - started < 3
    assert (await registries.instance(HANGZHOU)).is_running


async def test_calls_stuck_in_one_region_do_not_hold_up_another(cloud: Simulator, impatient: Alibaba) -> None:
    cloud.faults.set("region_down", "zhangjiakou", True)
    registries = AlibabaRegistries(impatient, now)

    async with asyncio.TaskGroup() as group:
        stuck = [group.create_task(_outcome(registries, cloud)) for _ in range(20)]
        assert (await registries.instance(HANGZHOU)).is_running

    assert {task.result() for task in stuck} == {Unreachable}


async def _outcome(registries: AlibabaRegistries, cloud: Simulator) -> type[BotError] | None:
    try:
        await registries.instance(ZHANGJIAKOU)
    except BotError as error:
        return type(error)
    return None


async def test_a_read_is_repeated_once_on_a_connection_that_had_died() -> None:
    server, error = await read_from(CLOSE, NO_RECORDS)

    assert (error, len(server.calls), server.connections) == (None, 2, 2)


async def test_a_connection_that_dies_twice_is_an_error() -> None:
    server, error = await read_from(CLOSE)

    assert (type(error), len(server.calls)) == (Unreachable, 2)


@pytest.mark.covers("F46")
async def test_a_throttled_read_waits_as_long_as_it_is_told_and_succeeds() -> None:
    told = Say(400, {"Code": "Throttling.User"}, {"x-acs-retry-after": "30"})
    started = time.monotonic()

    server, error = await read_from(told, told, NO_RECORDS)

    assert (error, len(server.calls)) == (None, 3)
    assert 0.06 <= time.monotonic() - started < 10  # told in milliseconds; in seconds it would be sixty


@pytest.mark.covers("F46")
async def test_a_read_that_stays_throttled_gives_up_after_three_repeats() -> None:
    told = Say(429, {"Code": "Throttling.User"}, {"x-acs-retry-after": "1"})

    server, error = await read_from(told)

    assert isinstance(error, Throttled)
    assert len(server.calls) == 4


async def test_a_pause_that_the_deadline_does_not_allow_is_not_made() -> None:
    server, error = await read_from(THROTTLED, limits=Limits(read_deadline=0.15, rate=10_000))

    assert isinstance(error, Throttled)
    assert len(server.calls) == 1


@pytest.mark.covers("F53")
async def test_temporary_credentials_that_ran_out_are_renewed_and_the_read_repeated() -> None:
    keys = iter([Keys("old", "s", "expired"), Keys("new", "s", "fresh")])
    async with canned(Say(400, {"Code": "InvalidSecurityToken.Expired"}), NO_RECORDS) as server:
        client = Alibaba(now=now, pvtz_endpoint=server.address, protocol="http", sources={"main": lambda: next(keys)})
        assert await AlibabaDns(client).records("z1") == ()
        await client.close()

    assert len(server.calls) == 2


@pytest.mark.parametrize("script", [HANG, RESET, Say(302, b"", {"Location": "http://127.0.0.1:1/"}), Say(200, b"[]")])
async def test_no_usable_answer_to_a_read_is_unreachable(script: Script) -> None:
    _, error = await read_from(script, limits=Limits(read_deadline=0.2, rate=10_000))

    assert isinstance(error, Unreachable)


async def test_a_port_that_nobody_listens_on_is_unreachable() -> None:
    client = a_client("127.0.0.1:1")

    with pytest.raises(Unreachable, match="cannot be reached"):
        await AlibabaDns(client).records("z1")

    await client.close()


@pytest.mark.covers("F52")
@pytest.mark.parametrize(
    ("status", "code", "kind", "words"),
    [
        (400, "Throttling", Throttled, "slow down"),
        (503, "Throttling.Api", Throttled, "slow down"),
        (400, "System.Busy", Throttled, "slow down"),
        (429, None, Throttled, "slow down"),
        (403, "Forbidden.RAM", Refused, r"pvtz:DescribeZoneRecords on acs:pvtz::\*:zone/z1"),
        (404, "InvalidAccessKeyId.NotFound", Refused, "does not know the bot's access key"),
        (400, "InvalidAccessKeyId.Inactive", Refused, "inactive"),
        (400, "SignatureDoesNotMatch", Refused, "ALIBABA_CLOUD_ACCESS_KEY_SECRET"),
        (400, "InvalidTimeStamp.Expired", Refused, "clock"),
        (400, "IllegalTimestamp", Refused, "clock"),
        (400, "InvalidSecurityToken.Expired", Refused, "temporary credentials"),
        (400, "Zone.Invalid.Id", Refused, "zone id"),
        (400, "Zone.Invalid.UserId", Refused, "another account"),
        (400, "Something.New", Refused, "the vendor says"),
        (500, "InternalError", Unreachable, "500 .InternalError"),
        (502, None, Unreachable, "502"),
        (404, None, Unreachable, "404"),
    ],
)
def test_an_error_says_what_happened_and_what_to_do(
    status: int, code: str | None, kind: type[ProviderError], words: str
) -> None:
    body = b"<html></html>" if code is None else b'{"Code": "%s", "Message": "the vendor says"}' % code.encode()

    with pytest.raises(kind, match=words) as raised:
        read_answer(READ, status, body, None)

    assert raised.value.code == code


@pytest.mark.covers("F50", "F52")
@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, b'{"Code": "Throttling.User"}', Throttled),
        (400, b'{"Code": "Record.Invalid.Conflict"}', Refused),
        (403, b'{"Code": "Forbidden.RAM"}', Refused),
        (403, b"<html>proxy</html>", OutcomeUnknown),
        (500, b'{"Code": "InternalError"}', OutcomeUnknown),
        (503, b'{"Code": "ServiceUnavailable"}', OutcomeUnknown),
        (502, b"<html></html>", OutcomeUnknown),
        (200, b"", OutcomeUnknown),
        (200, b"[]", OutcomeUnknown),
    ],
)
def test_a_write_is_refused_only_by_a_clear_no(status: int, body: bytes, kind: type[ProviderError]) -> None:
    with pytest.raises(kind):
        read_answer(WRITE, status, body, None)


def test_a_business_failure_inside_a_200_is_a_refusal() -> None:
    with pytest.raises(Refused, match=r"INSTANCE_NOT_EXIST.*instance, region and account") as refused:
        require_success(RULES, {"IsSuccess": False, "Code": "INSTANCE_NOT_EXIST", "RequestId": "r-1"})

    assert refused.value.request_id == "r-1"


@pytest.mark.parametrize("body", [{}, {"Code": "success"}])
def test_an_answer_that_does_not_say_whether_it_succeeded_is_none(body: dict[str, object]) -> None:
    with pytest.raises(Unreachable):
        require_success(RULES, body)


@pytest.mark.parametrize("body", [{"IsSuccess": True, "Code": "success"}, {"IsSuccess": "true"}])
def test_success_is_recognised_in_both_spellings(body: dict[str, object]) -> None:
    require_success(RULES, body)


def test_the_permission_named_is_the_ram_action_not_the_api_call() -> None:
    with pytest.raises(Refused, match=r"cr:ListSyncRule on acs:cr:cn-hangzhou:\*:repository/cri-aaaaa\*"):
        require_success(RULES, {"IsSuccess": False, "Code": "NoPrivilege"})


async def test_a_wrong_key_and_a_wrong_secret_are_told_apart(cloud: Simulator) -> None:
    where = cloud.announcement["alibaba"]
    unknown = a_client(where["pvtz"], keys=Keys("LTAI5tUnknown", "s"))
    wrong = a_client(where["pvtz"], keys=Keys(where["access_key_id"], "wrong"))

    with pytest.raises(Refused, match="does not know the bot's access key"):
        await AlibabaDns(unknown).zone(HANGZHOU_VIEW)
    with pytest.raises(Refused, match="ALIBABA_CLOUD_ACCESS_KEY_SECRET"):
        await AlibabaDns(wrong).zone(HANGZHOU_VIEW)

    await unknown.close()
    await wrong.close()


@pytest.mark.parametrize("script", [HANG, RESET, CLOSE, Say(400, {"Code": "Forbidden.RAM"}), Say(200, b"x")])
async def test_no_error_has_the_signature_anywhere_in_its_chain(script: Script) -> None:
    _, error = await read_from(script, limits=Limits(read_deadline=0.2, rate=10_000))

    assert error is not None
    seen = " ".join(f"{each!r} {each} {vars(each)}" for each in _chain(error))
    assert not re.search(r"ACS3|Authorization|top-secret|Signature=", seen)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


async def test_the_sdk_prints_and_logs_nothing_even_when_told_to(
    alibaba: Alibaba, dns: AlibabaDns, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DEBUG", "sdk")
    await dns.zone(HANGZHOU_VIEW)
    for name in ("darabonba-core", "alibabacloud-tea", "credentials"):
        logging.getLogger(name).critical("a header with a token")

    assert capfd.readouterr() == ("", "")


async def test_a_region_without_a_host_is_named() -> None:
    client = a_client(cr="cn-hangzhou=127.0.0.1:1, cn-beijing=127.0.0.1:2")

    with pytest.raises(InvalidConfiguration, match=r"cn-zhangjiakou.*cn-beijing, cn-hangzhou"):
        await AlibabaRegistries(client, now).instance(ZHANGJIAKOU)

    await client.close()


async def test_bulk_reading_leaves_room_for_a_single_read() -> None:
    gate = Gate(rate=8, in_flight=8)
    bulk = 0
    while gate._missing(Lane.BULK) == 0:
        await gate.spend(Lane.BULK)
        bulk += 1

    assert bulk == 6
    assert gate._missing(Lane.READ) == 0


@pytest.mark.parametrize("lane", [Lane.BULK, Lane.SCAN])
async def test_of_a_burst_one_call_begins_in_each_turn_of_the_loop(lane: Lane) -> None:
    gate = Gate(rate=1_000, in_flight=100)
    turn, begun = 0, list[int]()

    async def begin() -> None:
        await gate.spend(lane)
        begun.append(turn)

    calls = asyncio.gather(*(begin() for _ in range(50)))
    while not calls.done():
        await asyncio.sleep(0)
        turn += 1

    assert len(set(begun)) == 50


async def test_a_write_does_not_wait_for_slots_or_tokens() -> None:
    gate = Gate(rate=1, in_flight=1)
    await gate.spend(Lane.READ)

    async with gate.turn(Lane.READ), asyncio.timeout(0.9), gate.turn(Lane.WRITE):
        await gate.spend(Lane.WRITE)


async def test_reads_beyond_the_rate_wait_their_turn() -> None:
    gate = Gate(rate=50, in_flight=8)
    started = time.monotonic()

    await asyncio.gather(*(gate.spend(Lane.READ) for _ in range(60)))

    assert time.monotonic() - started > 0.15


def test_the_policy_of_a_configuration_grants_writes_on_its_own_zones_only() -> None:
    view = replace(HANGZHOU_VIEW, zone="z1")
    site = replace(HANGZHOU, views=(view,), account="partner")
    accounts = {"main": Account("main"), "partner": Account("partner", "acs:ram::1:role/bot")}

    grants = ram_actions(Topology({"hangzhou": site}, {}, (), accounts))

    writes = [grant for grant in grants if "Update" in grant.action]
    assert writes == [Grant("main", "pvtz:UpdateZoneRecord", "acs:pvtz::*:zone/z1")]
    assert Grant("partner", "cr:ListRepositoryTag", "acs:cr:cn-hangzhou:*:repository/cri-aaaaa*") in grants
    assert Grant("main", "sts:AssumeRole", "acs:ram::1:role/bot") in grants


async def test_the_policy_grants_exactly_what_the_bot_calls(
    cloud: Simulator, alibaba: Alibaba, dns: AlibabaDns, registries: AlibabaRegistries
) -> None:
    zone = await dns.zone(HANGZHOU_VIEW)
    with_zone = replace(HANGZHOU, views=(replace(HANGZHOU_VIEW, zone=zone.zone_id),))
    (record,) = await dns.records(zone.zone_id)
    change = Change(HANGZHOU_VIEW, zone, await dns.record(record.record_id), replace(record, value="10.1.0.11"))
    await dns.apply(change, "token")
    await dns.changes(zone.zone_id, now())
    await registries.instance(HANGZHOU)
    await registries.endpoints(HANGZHOU)
    await registries.inventory(HANGZHOU, ("core/*",))
    await registries.sync_rules(HANGZHOU)
    await registries.sync_tasks(HANGZHOU)
    await AlibabaCatalogue(alibaba).namespaces(HANGZHOU)

    granted = {grant.action for grant in ram_actions(Topology({"hangzhou": with_zone}, {}, (), {}))}
    needed = {RENAMED.get(call["action"], f"{call['product']}:{call['action']}") for call in cloud.calls}
    assert needed == granted
