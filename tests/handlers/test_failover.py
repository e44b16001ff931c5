"""/registry failover"""

import asyncio

import pytest

from bot.domain.operation import Requester, State
from bot.errors import AlreadyOpen, NotPermitted, Unreachable, UsageError, UserError
from bot.ports import Card, Channel
from bot.services.marks import is_genuine_request
from tests.builders import CHANNEL, ON_CALL
from tests.fakes import FakeDataPlane, FakeWorkspace, some_ports
from tests.handlers.calls import answer


async def test_a_failover_is_only_asked_for() -> None:
    ports = some_ports()
    message = await answer(ports, "failover zhangjiakou because the Region is down")
    operation = await ports.operations.get("fo-0001")

    assert "fo-0001" in message.text
    assert operation.state is State.PENDING
    assert operation.requester == Requester("on-call", ON_CALL, operation.requester.mac)
    assert is_genuine_request(ports, operation)
    assert (operation.reason, operation.channel) == ("the Region is down", CHANNEL)


async def test_a_plan_that_must_not_run_is_shown_and_not_stored() -> None:
    ports = some_ports()
    assert isinstance(ports.data_plane, FakeDataPlane)
    ports.data_plane.silence("hangzhou")
    message = await answer(ports, "failover zhangjiakou")

    assert "NO-GO" in message.text
    assert await ports.operations.recent() == ()


async def test_a_second_request_for_the_same_record_names_the_first() -> None:
    ports = some_ports()
    await answer(ports, "failover zhangjiakou")

    with pytest.raises(AlreadyOpen, match="fo-0001"):
        await answer(ports, "failover zhangjiakou")


async def test_whoever_is_nobody_to_the_bot_may_not_ask() -> None:
    with pytest.raises(NotPermitted) as refused:
        await answer(some_ports(), "failover zhangjiakou", "U01MEMBER")

    assert refused.value.code == "E_NOT_REQUESTER"


async def test_asked_from_elsewhere_the_answer_links_to_the_card_once_it_is_there() -> None:
    ports = some_ports(workspace=FakeWorkspace(Channel(CHANNEL, "ops", True, False)))
    asking = asyncio.create_task(answer(ports, "failover zhangjiakou", channel_id="C09ELSE"))
    while not await ports.operations.recent():
        await asyncio.sleep(0)
    await ports.operations.save_card("fo-0001", Card(CHANNEL, "1793674800.000009", 1))
    message = await asking

    assert f"/archives/{CHANNEL}/p1793674800000009|the card>" in str(message.blocks)


async def test_a_card_that_is_late_is_not_waited_for_long() -> None:
    message = await answer(some_ports(), "failover zhangjiakou", channel_id="C09ELSE")

    assert f"the card in <#{CHANNEL}>" in str(message.blocks)


@pytest.mark.parametrize(
    ("home", "kind"),
    [
        (Channel(CHANNEL, "ops", False, False), UserError),
        (Channel(CHANNEL, "ops", True, True), NotPermitted),
        (Channel("C0OTHER", "other", True, False), UserError),
    ],
)
async def test_without_a_usable_home_channel_nothing_is_asked(home: Channel, kind: type[Exception]) -> None:
    ports = some_ports(workspace=FakeWorkspace(home))

    with pytest.raises(kind):
        await answer(ports, "failover zhangjiakou", channel_id="C09ELSE")
    assert await ports.operations.recent() == ()


async def test_while_slack_does_not_tell_about_channels_nothing_is_asked() -> None:
    class Silent(FakeWorkspace):
        async def channel(self, channel_id: str) -> Channel:
            raise Unreachable("Slack does not answer.")

    ports = some_ports(workspace=Silent())

    with pytest.raises(Unreachable):
        await answer(ports, "failover zhangjiakou")
    assert await ports.operations.recent() == ()


@pytest.mark.parametrize("text", ["failover", "failover zhangjiakou to", "failover zhangjiakou via pigeon"])
async def test_incomplete_words_get_a_sentence(text: str) -> None:
    with pytest.raises(UsageError):
        await answer(some_ports(), text)
