"""/registry actions and show"""

import pytest

from bot.errors import UnknownOperation, UsageError
from tests.builders import APPROVER
from tests.fakes import some_ports
from tests.handlers.calls import answer


async def test_actions_lists_what_was_asked_for() -> None:
    ports = some_ports()
    await answer(ports, "failover zhangjiakou")

    assert "fo-0001" in str((await answer(ports, "actions")).blocks)


async def test_actions_open_leaves_out_what_has_ended_and_mine_what_others_asked_for() -> None:
    ports = some_ports()
    await answer(ports, "failover zhangjiakou")
    still_open = await answer(ports, "actions open")
    theirs = await answer(ports, "actions mine", APPROVER)
    await answer(ports, "cancel fo-0001")
    ended = await answer(ports, "actions open")

    assert "fo-0001" in str(still_open.blocks)
    assert "fo-0001" not in str(theirs.blocks) + str(ended.blocks)


async def test_actions_takes_no_other_word() -> None:
    with pytest.raises(UsageError):
        await answer(some_ports(), "actions everything")


async def test_show_tells_the_story_and_has_no_buttons() -> None:
    ports = some_ports()
    await answer(ports, "failover zhangjiakou because the region is down")
    message = await answer(ports, "show fo-0001")

    assert "the region is down" in str(message.blocks)
    assert "operation.approve" not in str(message.blocks)


async def test_show_manual_gives_the_steps_by_hand() -> None:
    ports = some_ports()
    await answer(ports, "failover zhangjiakou")
    message = await answer(ports, "show fo-0001 manual")

    assert "UpdateZoneRecord" in str(message.blocks)


@pytest.mark.parametrize("text", ["show", "show manual", "show fo-0001 fo-0002", "show ../etc"])
async def test_show_needs_one_id(text: str) -> None:
    with pytest.raises(UsageError):
        await answer(some_ports(), text)


async def test_show_of_an_unknown_operation_says_so() -> None:
    with pytest.raises(UnknownOperation):
        await answer(some_ports(), "show fo-9999")
