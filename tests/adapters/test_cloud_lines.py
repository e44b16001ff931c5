"""A line to the cloud that drips, breaks off or carries a time that is off: one send, and the outcome said truly."""

import time
from datetime import timedelta

import pytest

from bot.adapters.alibaba.client import Limits
from bot.adapters.alibaba.dns import AlibabaDns
from bot.domain.plan import Change
from bot.errors import OutcomeUnknown, Refused
from simulator.app import Simulator
from tests.adapters.canned import Say, canned
from tests.adapters.conftest import a_client, now
from tests.adapters.test_dns import a_change
from tests.proxy import Proxy, proxy_to

DONE = Say(200, {"RequestId": "r-1", "RecordId": "1"})
CUT = (b'{"RequestId": "r-1", "Reco', b'{"RequestId"', b"[", b"\xff\xfe{}")


async def _drip(proxy: Proxy) -> None:
    proxy.drip = 0.05


async def _swallow(proxy: Proxy) -> None:
    proxy.is_black_hole = True


async def _lose(proxy: Proxy) -> None:
    proxy.lose_reply_to(b"UpdateZoneRecord")


async def _cut(proxy: Proxy) -> None:
    proxy.resets_instead_of_reply = 1


LINES = {"drips": _drip, "swallows": _swallow, "loses the reply": _lose, "is cut": _cut}


@pytest.mark.covers("F51")
@pytest.mark.parametrize("line", LINES)
async def test_a_write_over_a_line_that_fails_is_unknown_within_its_whole_deadline(line: str, dns: AlibabaDns) -> None:
    change = await a_change(dns)
    async with canned(DONE) as server, proxy_to(f"http://{server.address}") as proxy:
        client = a_client(proxy.address, limits=Limits(write_deadline=0.4, rate=10_000))
        await client.load()
        await LINES[line](proxy)
        started = time.monotonic()

        with pytest.raises(OutcomeUnknown):
            await AlibabaDns(client).apply(change, "token")
        await client.close()

    assert time.monotonic() - started < 3
    assert len(server.calls) <= 1


@pytest.mark.covers("F51")
def test_a_write_may_take_eight_seconds_in_all() -> None:
    assert Limits().write_deadline == 8.0


@pytest.mark.covers("F50")
@pytest.mark.parametrize("body", CUT)
async def test_an_answer_that_breaks_off_in_the_middle_is_unknown(body: bytes, dns: AlibabaDns) -> None:
    change = await a_change(dns)

    assert isinstance(await _written(change, Say(200, body)), OutcomeUnknown)


@pytest.mark.covers("F52")
@pytest.mark.parametrize("minutes", [-20, 20])
async def test_a_clock_that_is_off_is_named_and_the_write_is_not_applied(
    cloud: Simulator, dns: AlibabaDns, minutes: int
) -> None:
    change = await a_change(dns)
    assert cloud.alibaba is not None
    cloud.alibaba.cloud.verifier._now = lambda: now() + timedelta(minutes=minutes)

    with pytest.raises(Refused, match="clock"):
        await dns.apply(change, "token")
    cloud.alibaba.cloud.verifier._now = now

    assert await dns.record(change.existing.record_id) == change.existing


@pytest.mark.covers("F53")
async def test_a_write_with_credentials_that_ran_out_is_known_not_applied_and_says_so(dns: AlibabaDns) -> None:
    change = await a_change(dns)

    error = await _written(change, Say(400, {"Code": "InvalidSecurityToken.Expired", "RequestId": "r-1"}))

    assert isinstance(error, Refused)
    assert "temporary credentials" in str(error)
    assert error.request_id == "r-1"


async def _written(change: Change, answer: Say) -> Exception | None:
    """Send a write to a server with one answer, and return what came of it."""
    async with canned(answer) as server:
        client = a_client(server.address)
        try:
            await AlibabaDns(client).apply(change, "token")
        except (OutcomeUnknown, Refused) as error:
            return error
        finally:
            await client.close()
            assert len(server.calls) == 1
    return None
