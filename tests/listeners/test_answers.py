"""An answer always reaches its asker: by the URL that came with the question, else in the channel, else directly."""

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.domain.access import Role
from bot.listeners.deliveries import Delivery
from bot.ports import Message, Ports
from bot.routing import Call, Router
from bot.services.admission import Visitor
from tests.builders import ON_CALL, WORKSPACE
from tests.office import Office, office

ANSWER = "Here it is"


class Slow:
    """A handler that answers when it is told to."""

    def __init__(self) -> None:
        self.router = Router()
        self.go_on = asyncio.Event()

        @self.router.subcommand("try", usage="try", role=Role.VIEWER, slow="Looking…")
        async def try_(call: Call, ports: Ports) -> Message:
            """Wait."""
            await self.go_on.wait()
            return Message(ANSWER)


async def ask(place: Office, slow: Slow) -> None:
    """Ask, have Slack forget the URL for the answer, and wait until it is delivered."""
    await place.say(ON_CALL, "try")
    place.slack._responses.reset()
    slow.go_on.set()
    await place.settled()


def direct(place: Office) -> list[Any]:
    return [message["text"] for message in place.posts(f"D{ON_CALL[1:]}")]


@pytest.mark.covers("F45")
async def test_an_answer_whose_url_is_used_up_is_shown_in_the_channel_to_its_asker_alone() -> None:
    slow = Slow()
    async with office(router=slow.router, budget=60) as place:
        await ask(place, slow)

        assert place.whispers(ON_CALL)[-1] == ANSWER
        assert direct(place) == []


@pytest.mark.covers("F45")
async def test_an_answer_that_the_channel_does_not_take_either_comes_directly() -> None:
    slow = Slow()
    async with office(router=slow.router, budget=60) as place:
        place.slack.refuse("chat.postEphemeral", "user_not_in_channel")

        await ask(place, slow)

        assert direct(place) == [ANSWER]


@pytest.mark.covers("A40")
async def test_an_answer_is_never_sent_to_a_foreign_host_and_an_alarm_is_raised() -> None:
    heard: list[str] = []
    async with office(alarm=heard.append) as place:
        desk = place.desk
        visitor = Visitor(ON_CALL, WORKSPACE, "C01OPS", "ops")

        with capture_logs() as logs:
            desk.tell(Delivery(visitor, "https://hooks.slack.com.attacker.example/x"), Message(ANSWER))
            await place.settled()

        assert "foreign_response_url" in heard
        assert "alarm.foreign_response_url" in [entry["event"] for entry in logs]
        assert place.whispers(ON_CALL) == [ANSWER]
