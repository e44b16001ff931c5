"""Probes, metrics, and the filter in front of Slack's requests."""

import hashlib
import hmac
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest

from bot.adapters.clock import SystemClock
from bot.metrics import Metrics
from bot.server import EVENTS_PATH, LARGEST_BODY, Server
from tests.builders import APPROVER, NOW, ON_CALL
from tests.fakes import FakeClock
from tests.office import Office, office

STAMP = str(int(NOW.timestamp()))


class _Door:
    """A server whose events are noted instead of handled."""

    def __init__(self) -> None:
        self.troubles: list[str] = []
        self.taken: list[str] = []
        self.metrics = Metrics()
        self.server = Server(
            FakeClock(), self.metrics, self._why_not, host="127.0.0.1", port=0, metrics_port=0, takes_events=True
        )

    async def _why_not(self) -> list[str]:
        return self.troubles

    async def take(self, body: str, headers: object) -> tuple[int, str, str]:
        self.taken.append(body)
        return 200, "application/json", '{"text": "taken"}'


@pytest.fixture
async def door() -> AsyncIterator[_Door]:
    door = _Door()
    door.server.events = door.take
    await door.server.start()
    yield door
    await door.server.close()


async def _get(port: int, path: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}{path}") as answer:
        return answer.status, await answer.text()


async def _post(port: int, body: bytes | str, timestamp: str = STAMP, **headers: str) -> tuple[int, str]:
    url = f"http://127.0.0.1:{port}{EVENTS_PATH}"
    sent = {"X-Slack-Request-Timestamp": timestamp, **headers}
    async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=sent) as answer:
        return answer.status, await answer.text()


async def test_a_living_process_says_so_even_when_it_is_not_ready(door: _Door) -> None:
    door.troubles = ["Redis does not answer"]

    assert (await _get(door.server.port, "/healthz"))[0] == 200


async def test_readiness_names_the_reasons(door: _Door) -> None:
    door.troubles = ["no connection to Slack yet"]
    status, text = await _get(door.server.port, "/readyz")

    assert status == 503
    assert "no connection to Slack yet" in text


@pytest.mark.covers("A52")
async def test_readiness_names_no_workspace_person_or_channel(door: _Door) -> None:
    door.troubles = ["the token is of workspace T0OTHER, this store of T01SIM; E_STORE_FULL, HTTP 503, U01LIN, C01OPS"]
    _status, text = await _get(door.server.port, "/readyz")

    assert not [word for word in ("T0OTHER", "T01SIM", "U01LIN", "C01OPS") if word in text]
    assert "E_STORE_FULL, HTTP 503" in text


async def test_a_ready_process_says_so(door: _Door) -> None:
    assert await _get(door.server.port, "/readyz") == (200, '{"status": "ready"}')


async def test_metrics_stand_on_a_port_of_their_own(door: _Door) -> None:
    door.metrics.deliveries.labels("command", "answered").inc()
    status, text = await _get(door.server.metrics_port, "/metrics")

    assert status == 200
    assert 'registry_bot_deliveries_total{kind="command",outcome="answered"} 1.0' in text
    assert (await _get(door.server.port, "/metrics"))[0] == 404


async def test_a_request_goes_through_with_its_raw_body(door: _Door) -> None:
    assert await _post(door.server.port, "text=a%20b") == (200, '{"text": "taken"}')
    assert door.taken == ["text=a%20b"]


@pytest.mark.parametrize("timestamp", ["", "abc", "1" * 400, "-5", "٣", "1.5", "0", STAMP + "0"])
async def test_a_timestamp_that_slack_would_not_send_is_turned_away(door: _Door, timestamp: str) -> None:
    headers = {"X-Slack-Request-Timestamp": timestamp}
    url = f"http://127.0.0.1:{door.server.port}{EVENTS_PATH}"
    async with aiohttp.ClientSession() as session, session.post(url, data="x", headers=headers) as answer:
        status = answer.status

    assert status == 401
    assert door.taken == []


@pytest.mark.covers("F29")
@pytest.mark.parametrize(("seconds", "status"), [(-301, 401), (-299, 200), (299, 200), (301, 401)])
async def test_a_request_may_be_five_minutes_off(door: _Door, seconds: int, status: int) -> None:
    assert (await _post(door.server.port, "x", str(int(STAMP) + seconds)))[0] == status


@pytest.mark.parametrize(("size", "status"), [(LARGEST_BODY - 1, 200), (LARGEST_BODY + 1, 413)])
async def test_a_body_has_a_largest_size(door: _Door, size: int, status: int) -> None:
    assert (await _post(door.server.port, b"x" * size))[0] == status


async def test_a_large_body_without_a_length_is_cut_off(door: _Door) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(LARGEST_BODY // 1024 + 2):
            yield b"x" * 1024

    url = f"http://127.0.0.1:{door.server.port}{EVENTS_PATH}"
    headers = {"X-Slack-Request-Timestamp": STAMP}
    async with aiohttp.ClientSession() as session, session.post(url, data=chunks(), headers=headers) as answer:
        assert answer.status == 413


async def test_a_body_that_is_not_text_is_turned_away(door: _Door) -> None:
    assert (await _post(door.server.port, b"\xff\xfe"))[0] == 401


async def test_before_slack_is_known_requests_are_put_off(door: _Door) -> None:
    door.server.events = None

    assert (await _post(door.server.port, "x"))[0] == 503


async def test_in_socket_mode_there_is_no_door_for_slack() -> None:
    async with office() as place:
        assert (await _post(place.server.port, "x"))[0] == 404


def _signed(place: Office, body: str, timestamp: str) -> dict[str, str]:
    base = f"v0:{timestamp}:{body}".encode()
    code = hmac.new(place.slack.signing_secret.encode(), base, hashlib.sha256).hexdigest()
    return {"X-Slack-Signature": f"v0={code}", "Content-Type": "application/x-www-form-urlencoded"}


def _command(text: str, **fields: Any) -> str:
    payload = {"user_id": ON_CALL, "team_id": "T01SIM", "channel_id": "C01OPS", "channel_name": "ops"}
    return urlencode(payload | {"command": "/registry", "text": text, "response_url": ""} | fields)


def _now() -> str:
    return str(int(SystemClock().now().timestamp()))


async def test_a_wrong_signature_is_refused_and_its_body_is_logged_nowhere(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    async with office(by_http=True) as place:
        headers = _signed(place, "another body", _now())
        status, _text = await _post(place.server.port, _command("a-secret-word"), _now(), **headers)

    printed = capfd.readouterr()
    assert status == 401
    assert "a-secret-word" not in printed.out + printed.err + caplog.text


@pytest.mark.covers("F34")
async def test_a_signed_request_sent_twice_counts_once() -> None:
    async with office(by_http=True) as place:
        await place.say(ON_CALL, "failover zhangjiakou")
        body, timestamp = _command("reject fo-0001", user_id=APPROVER), _now()
        headers = _signed(place, body, timestamp)
        answers = [await _post(place.server.port, body, timestamp, **headers) for _ in range(2)]
        operation = await place.ports.operations.get("fo-0001")

    assert [status for status, _ in answers] == [200, 200]
    assert len(operation.votes) == 1
