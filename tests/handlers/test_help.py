"""/registry help"""

import pytest

from bot.errors import UsageError
from tests.builders import ON_CALL
from tests.fakes import some_ports
from tests.handlers.calls import answer


async def test_help_lists_every_subcommand_and_ends_with_who_asks() -> None:
    message = await answer(some_ports(), "help")
    shown = str(message.blocks)

    assert all(f"/registry {verb}" in shown for verb in ("help", "status", "replication", "plan", "failover", "show"))
    assert f"You are {ON_CALL}: on-call, approver and requester." in str(message.blocks[-1])


async def test_help_tells_a_member_without_a_role_what_they_are() -> None:
    message = await answer(some_ports(), "help", "U01MEMBER")

    assert "You are U01MEMBER: not in the people list" in message.text


async def test_help_can_be_asked_about_one_verb() -> None:
    message = await answer(some_ports(), "help failover")

    assert "/registry failover" in str(message.blocks)
    assert "/registry status" not in str(message.blocks)


async def test_help_about_one_verb_says_once_what_it_does() -> None:
    message = await answer(some_ports(), "help failover")

    assert str(message.blocks).count("Ask for a failover away from a site") == 1


async def test_help_says_that_who_asked_may_cancel_too() -> None:
    assert "_Who asked, and approvers._" in str((await answer(some_ports(), "help cancel")).blocks)


async def test_help_about_an_unknown_verb_lists_the_known_ones() -> None:
    with pytest.raises(UsageError, match="Commands: help, status"):
        await answer(some_ports(), "help dance")
