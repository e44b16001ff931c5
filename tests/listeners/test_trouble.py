"""Slow, hanging and broken handlers, and payloads that nobody expects: everything is acknowledged, in words."""

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.domain.access import Identity, Role
from bot.errors import StoreUnavailable
from bot.ports import Message, Ports
from bot.routing import Call, Router
from tests.builders import ON_CALL
from tests.office import office
from tests.secrets import BOT_TOKEN, leaks


def _router(handler: Any, slow: str = "") -> Router:
    router = Router()
    router.subcommand("try", usage="try", role=Role.VIEWER, slow=slow)(handler)
    return router


async def test_a_slow_answer_is_announced_and_then_delivered() -> None:
    go_on = asyncio.Event()

    async def try_(call: Call, ports: Ports) -> Message:
        """Wait."""
        await go_on.wait()
        return Message("Here it is")

    async with office(router=_router(try_, "Looking…"), budget=0.3) as place:
        said = await place.say(ON_CALL, "try")
        go_on.set()
        await place.settled()

        assert (said, place.whispers(ON_CALL)[-1]) == ("Looking…", "Here it is")


async def test_a_slow_answer_is_announced_long_before_the_budget_is_used_up() -> None:
    go_on = asyncio.Event()

    async def try_(call: Call, ports: Ports) -> Message:
        """Wait."""
        await go_on.wait()
        return Message("Here it is")

    async with office(router=_router(try_, "Looking…"), budget=60) as place:
        async with asyncio.timeout(2):
            said = await place.say(ON_CALL, "try")
        go_on.set()
        await place.settled()

        assert (said, place.whispers(ON_CALL)[-1]) == ("Looking…", "Here it is")


async def test_a_slow_handler_that_is_quick_for_once_answers_at_once_and_only_once() -> None:
    async def try_(call: Call, ports: Ports) -> Message:
        """Answer."""
        return Message("Here it is")

    async with office(router=_router(try_, "Looking…")) as place:
        said = await place.say(ON_CALL, "try")
        await place.settled()

        assert (said, place.whispers(ON_CALL)) == ("Here it is", ["Here it is"])


@pytest.mark.covers("F45")
async def test_an_answer_that_response_url_does_not_take_is_whispered() -> None:
    go_on = asyncio.Event()

    async def try_(call: Call, ports: Ports) -> Message:
        """Wait."""
        await go_on.wait()
        return Message("Here it is")

    async with office(router=_router(try_, "Looking…"), budget=60) as place:
        await place.say(ON_CALL, "try")
        place.slack._responses.reset()  # Slack forgets the URL
        go_on.set()
        await place.settled()

        assert place.whispers(ON_CALL)[-1] == "Here it is"


async def test_an_answer_that_slack_takes_nowhere_is_lost_with_a_log_and_nothing_else() -> None:
    go_on = asyncio.Event()

    async def try_(call: Call, ports: Ports) -> Message:
        """Wait."""
        await go_on.wait()
        return Message("Here it is")

    with capture_logs() as logs:
        async with office(router=_router(try_, "Looking…"), budget=60) as place:
            await place.say(ON_CALL, "try")
            place.faults.set("slack_down", None, True)
            go_on.set()
            await place.settled()

    assert "answer.lost" in [entry["event"] for entry in logs]


async def test_a_hanging_vote_is_refused_within_the_budget() -> None:
    async def try_(call: Call, ports: Ports) -> Message:
        """Hang."""
        await asyncio.Event().wait()
        return Message("never")

    async with office(router=_router(try_), budget=0.3) as place:
        said = await place.say(ON_CALL, "try")
        left = len(place.tasks)

    assert "No answer came in time" in said
    assert left <= 1


async def test_a_hanging_gate_is_refused_within_the_budget() -> None:
    class Hanging:
        async def identity(self, user_id: str, max_age: object) -> Identity:
            await asyncio.Event().wait()
            raise AssertionError

        def cached(self, user_id: str) -> None:
            return None

    async with office(identities=Hanging(), budget=0.3) as place:
        said = await place.say(ON_CALL, "status")

    assert "did not say in time who you are" in said


async def test_a_bug_is_answered_with_a_reference_and_logged_without_values() -> None:
    async def try_(call: Call, ports: Ports) -> Message:
        """Fail."""
        raise RuntimeError(BOT_TOKEN)

    with capture_logs() as logs:
        async with office(router=_router(try_)) as place:
            said = await place.say(ON_CALL, "try")
    (failed,) = [entry for entry in logs if entry["event"] == "delivery.failed"]

    assert f"reference {failed['reference']}" in said
    assert failed["error"] == "RuntimeError"
    assert "test_trouble.py" in failed["where"][-1]
    assert leaks(f"{said}{logs}") == []


async def test_our_own_errors_are_the_sentence_they_carry_and_their_code() -> None:
    async def try_(call: Call, ports: Ports) -> Message:
        """Fail."""
        raise StoreUnavailable("Redis does not answer. Nothing was decided.")

    async with office(router=_router(try_)) as place:
        said = await place.say(ON_CALL, "try")

    assert said == "Redis does not answer. Nothing was decided. `E_STORE_DOWN`"


@pytest.mark.parametrize(
    "payload",
    [
        {"type": "shortcut", "callback_id": "old"},
        {"type": "message_action", "callback_id": "old", "response_url": "https://evil.example/"},
        {"type": "view_submission", "view": {"type": "modal", "callback_id": "old"}},
        {"type": "view_closed", "view": {"type": "modal", "callback_id": "old"}},
        {"type": "block_suggestion", "action_id": "old", "block_id": "b", "value": "x"},
        {"type": "event_callback", "event": {"type": "app_home_opened", "user": "U1"}},
        {"type": "event_callback", "event": {"type": "message", "text": "hi", "user": "U1", "channel": "C1"}},
        {"command": "/other", "text": "status"},
        {"type": "block_actions", "actions": [{"action_id": "a", "block_id": "b", "type": "button", "value": "x"}]},
        {"type": "block_actions", "user": None, "container": None, "actions": [{"action_id": "a", "block_id": "b"}]},
    ],
)
async def test_every_kind_of_payload_is_acknowledged(payload: dict[str, Any]) -> None:
    said: list[Any] = []
    with capture_logs() as logs:
        async with office() as place:
            said.append(await place.socket._dispatch(payload, {}))

    assert "delivery.failed" not in [entry["event"] for entry in logs]
    assert "hangzhou" not in str(said)


@pytest.mark.covers("A52")
async def test_deliveries_are_counted_without_ids() -> None:
    async with office() as place:
        await place.say(ON_CALL, "help")
        await place.say("U01GUEST", "help")
        text = place.metrics.exposition().decode()

    assert 'registry_bot_deliveries_total{kind="command",outcome="answered"} 1.0' in text
    assert 'registry_bot_deliveries_total{kind="command",outcome="refused"} 1.0' in text
    assert 'registry_bot_ack_seconds_count{kind="command"} 2.0' in text
    assert "U01" not in text
