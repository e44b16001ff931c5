"""Requests that Slack did not send, or not now, or not like this: an answer, never a crash, and nothing is kept."""

import asyncio
import io
from collections.abc import AsyncIterator, Iterator

import pytest
from structlog.testing import capture_logs

from bot.domain.operation import State
from bot.server import EVENTS_PATH
from tests.abuse.http_door import command, interaction, now, post, send, signature
from tests.builders import APPROVER, ON_CALL
from tests.office import Office, office

SECRET_WORD = "a-word-that-nobody-may-log"
CLICK = {"type": "block_actions", "user": {"id": ON_CALL, "team_id": "T01SIM"}}
NESTED = "[" * 20_000 + "]" * 20_000
HALF_READABLE = '{"type":"block_actions","x":' + "[" * 900 + "]" * 900 + "}"
MALFORMED = [
    "payload=",
    "payload=null",
    "payload=1",
    "payload=NaN",
    "payload=%7B",
    f"payload={SECRET_WORD}",
    "payload=%22\\ud800%22",
    "payload={}",
    'payload={"type":1}',
    'payload={"type":"block_actions","actions":[]}',
    'payload={"type":"block_actions","actions":[1]}',
    'payload={"type":"block_actions","container":[],"actions":[{"action_id":1}]}',
    'payload={"type":"block_actions","team":"x","user":1}',
    'payload={"type":"view_submission","view":1}',
    'payload={"type":"event_callback","event":1}',
    'payload={"command":"/x","authorizations":[1]}',
    "",
    "%",
    "a=%00",
    "ssl_check=1",
    interaction(NESTED),
    interaction(HALF_READABLE),
    NESTED,
]


@pytest.fixture
def said_nothing(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """Hold that none of these words was printed or logged."""
    words = [SECRET_WORD]
    yield words
    printed = capfd.readouterr()
    assert [word for word in words if word in printed.out + printed.err + caplog.text] == []
    assert "Traceback" not in printed.err


@pytest.mark.covers("A12")
@pytest.mark.parametrize(
    "forged",
    [
        {},
        {"X-Slack-Signature": ""},
        {"X-Slack-Signature": "v0=" + "0" * 64},
        {"X-Slack-Signature": "v1=x"},
        {"X-Slack-Signature": "v0=é"},
    ],
    ids=str,
)
@pytest.mark.parametrize("body", [command(f"status because {SECRET_WORD}"), interaction(NESTED), MALFORMED[4]])
async def test_without_slacks_signature_nothing_is_parsed_done_or_logged(
    said_nothing: list[str], forged: dict[str, str], body: str
) -> None:
    async with office(by_http=True) as place:
        told = await send(place, body, **({"X-Slack-Request-Timestamp": now()} | forged))
        deliveries = place.metrics.exposition().decode()

    assert (told.status, told.body) == (401, '{"error": "signature"}')
    assert 'registry_bot_refused_requests_total{reason="signature"} 1.0' in deliveries
    assert "registry_bot_deliveries_total{" not in deliveries


@pytest.mark.covers("A12")
async def test_a_signature_is_good_for_its_own_body_and_its_own_time_only(said_nothing: list[str]) -> None:
    async with office(by_http=True) as place:
        await place.asked()
        body, at = command("reject fo-0001", APPROVER), now()
        real = {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": signature(place, body, at)}
        other_body = await send(place, body.replace("reject", "approve"), **real)
        other_time = await send(place, body, **(real | {"X-Slack-Request-Timestamp": now(-20)}))
        operation = await place.ports.operations.get("fo-0001")

    assert (other_body.status, other_time.status, operation.votes) == (401, 401, ())


@pytest.mark.covers("A13")
async def test_signed_bytes_that_are_sent_again_make_one_vote() -> None:
    async with office(by_http=True) as place:
        await place.asked()
        body, at = command("approve fo-0001", APPROVER), now()
        told = [await post(place, body, at) for _ in range(3)]
        operation = await place.ports.operations.get("fo-0001")

    assert [each.status for each in told] == [200, 200, 200]
    assert (operation.state, len(operation.votes)) == (State.APPROVED, 1)


@pytest.mark.covers("A14", "A15")
@pytest.mark.parametrize(
    "timestamp",
    [now(-301), now(-86_400), "abc", "-5", "1" * 400, "1e9", " ", "٣", "0"],
    ids=["just over", "yesterday", "a word", "negative", "400 digits", "exponent", "blank", "other digits", "zero"],
)
async def test_a_time_that_is_over_or_no_time_is_turned_away_though_the_signature_fits(timestamp: str) -> None:
    async with office(by_http=True) as place:
        await place.asked()
        code = signature(place, command("approve fo-0001", APPROVER), timestamp)
        told = await send(
            place,
            command("approve fo-0001", APPROVER),
            **{"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": code},
        )
        operation = await place.ports.operations.get("fo-0001")

    assert (told.status, told.body) == (401, '{"error": "timestamp"}')
    assert operation.votes == ()


@pytest.mark.covers("A15")
@pytest.mark.parametrize("seconds", [290, -290])
async def test_a_request_from_another_time_counts_once_and_raises_the_alarm_about_clocks(seconds: int) -> None:
    with capture_logs() as logs:
        async with office(by_http=True) as place:
            await place.asked()
            body, at = command("approve fo-0001", APPROVER), now(seconds)
            told = [await post(place, body, at) for _ in range(2)]
            operation = await place.ports.operations.get("fo-0001")
            metrics = place.metrics.exposition().decode()

    assert [each.status for each in told] == [200, 200]
    assert len(operation.votes) == 1
    skews = [entry["seconds"] for entry in logs if entry["event"] == "alarm.clock_skew"]
    assert all(abs(skew + seconds) <= 5 for skew in skews)
    assert (len(skews), 'registry_bot_alarms_total{kind="clock_skew"} 2.0' in metrics) == (2, True)


async def test_a_minute_of_difference_is_nothing_unusual() -> None:
    async with office(by_http=True) as place:
        told = [await post(place, command("help"), now(seconds)) for seconds in (0, -50, 50)]
        metrics = place.metrics.exposition().decode()

    assert [each.status for each in told] == [200, 200, 200]
    assert "registry_bot_alarms_total{" not in metrics


@pytest.mark.covers("A49")
async def test_what_no_slack_would_send_is_malformed_and_never_a_crash(said_nothing: list[str]) -> None:
    kinds = ("application/x-www-form-urlencoded", "application/json")
    async with office(by_http=True) as place:
        told = [(body[:60], kind, await post(place, body, kind=kind)) for body in MALFORMED for kind in kinds]
        metrics = place.metrics.exposition().decode()

    assert [each for each in told if each[2].status != 400] == []
    assert f'registry_bot_refused_requests_total{{reason="malformed"}} {float(len(told))}' in metrics


@pytest.mark.covers("A49")
async def test_a_click_on_a_message_of_ten_thousand_blocks_is_answered_like_any_other() -> None:
    button = {"action_id": "operation.approve", "block_id": "b", "type": "button", "value": "x"}
    async with office(by_http=True) as place:
        flood = CLICK | {"message": {"blocks": [{}] * 10_000}, "actions": [button] * 500}
        told = await post(place, interaction(flood))

    assert told.status == 200


@pytest.mark.covers("A49")
async def test_five_mebibytes_are_refused_before_anybody_parses_them() -> None:
    async with office(by_http=True) as place:
        body = command("x" * 5 * 1024**2)
        headers = {"X-Slack-Request-Timestamp": now(), "X-Slack-Signature": signature(place, body, now())}
        told = await send(place, io.BytesIO(body.encode()), **headers)

    assert told.status == 413


@pytest.mark.covers("A49")
async def test_a_body_that_drips_is_given_up_and_others_are_answered_meanwhile() -> None:
    async def drip() -> AsyncIterator[bytes]:
        for byte in b"payload=%7B%7D":
            yield bytes([byte])
            await asyncio.sleep(0.5)

    async with office(by_http=True) as place:
        dripping = asyncio.ensure_future(send(place, drip(), **{"X-Slack-Request-Timestamp": now()}))
        await asyncio.sleep(0.1)
        meanwhile = await post(place, command("help"))
        told = await dripping

    assert (meanwhile.status, told.status, told.body) == (200, 408, '{"error": "slow"}')


@pytest.mark.covers("A49")
async def test_an_envelope_that_nobody_can_read_costs_no_connection_and_one_answer_in_words() -> None:
    async with office() as place:
        said = await place.socket._dispatch({"type": "block_actions", "user": 1, "authorizations": [1]}, {})
        await _frames(place, NESTED, "{", "[]", "1")
        after = await place.say(ON_CALL, "help")

    assert "reference" in str(said)
    assert f"You are {ON_CALL}" in after


async def _frames(place: Office, *frames: str) -> None:
    for connection in place.slack.sockets._connections:
        for frame in frames:
            await connection.socket.send_str(frame)


def test_the_door_is_where_these_tests_knock() -> None:
    assert EVENTS_PATH == "/slack/events"
