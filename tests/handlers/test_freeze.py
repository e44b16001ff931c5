"""/registry freeze and unfreeze"""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.operation import State
from bot.errors import AlreadyFrozen, NotPermitted, StoreUnavailable, UsageError, UserError
from tests.builders import APPROVER, CHANNEL, NOW, ON_CALL
from tests.fakes import FakeClock, FakeOperations, some_ports, some_rules
from tests.handlers.calls import answer

MEMBER = "U01MEMBER"


async def test_a_freeze_is_answered_with_what_was_understood() -> None:
    ports = some_ports()

    message = await answer(ports, "freeze zjk until 2h because Storage migration")

    assert message.text == "FROZEN: zhangjiakou, until 05:00 UTC"
    [freeze] = await ports.operations.freezes()
    assert (freeze.scope, freeze.until, freeze.reason, freeze.user_id) == (
        "zhangjiakou",
        NOW + timedelta(hours=2),
        "Storage migration",
        ON_CALL,
    )


async def test_in_a_simulation_a_freeze_says_so_where_it_was_typed_too() -> None:
    ports = some_ports(rules=replace(some_rules(), is_simulation=True))

    message = await answer(ports, "freeze all because x")

    assert message.text == "SIMULATION · FROZEN: all sites, until two people lift it"


async def test_everybody_reads_of_a_freeze_where_it_was_typed_and_at_home_only_from_the_worker() -> None:
    elsewhere = await answer(some_ports(), "freeze all because x", channel_id="C02INC")
    at_home = await answer(some_ports(), "freeze all because x", channel_id=CHANNEL)

    assert (elsewhere.in_channel, at_home.in_channel) == (True, False)


@pytest.mark.parametrize("text", ["freeze", "freeze all", "freeze all until because x", "unfreeze", "unfreeze all"])
async def test_words_that_leave_something_out_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match=r"/registry|A time is"):
        await answer(some_ports(), text)


async def test_a_shorter_freeze_is_refused_with_the_one_that_is_on() -> None:
    ports = some_ports()
    await answer(ports, "freeze all because x")

    with pytest.raises(AlreadyFrozen, match=f"All sites are frozen by <@{ON_CALL}>"):
        await answer(ports, "freeze all until 1h because y", APPROVER)


@pytest.mark.parametrize("verb", ["freeze", "unfreeze"])
async def test_a_member_without_an_entry_in_the_people_list_does_neither(verb: str) -> None:
    with pytest.raises(NotPermitted):
        await answer(some_ports(), f"{verb} all because x", MEMBER)


async def test_without_redis_the_answer_says_that_only_this_bot_knows() -> None:
    operations = FakeOperations(FakeClock())
    operations.fail_freezing(StoreUnavailable("Redis does not answer. Nothing was recorded (E_STORE_DOWN)."))

    message = await answer(some_ports(operations=operations), "freeze all because x")

    assert message.text.endswith("only this bot knows, it is not in Redis")
    assert message.in_channel
    assert "E_STORE_DOWN" in str(message.blocks)
    assert "do not restart this bot" in str(message.blocks)


async def test_a_lift_is_a_request_that_somebody_else_approves() -> None:
    ports = some_ports()
    await answer(ports, "freeze all because x")

    message = await answer(ports, "unfreeze all because the migration is over")

    operation = await ports.operations.get("uf-0001")
    assert (operation.state, operation.channel, operation.reason) == (State.PENDING, CHANNEL, "the migration is over")
    assert "needs a second person" in message.text
    assert len(await ports.operations.freezes()) == 1


async def test_what_is_not_frozen_is_not_asked_to_be_lifted() -> None:
    with pytest.raises(UserError, match="Not all sites are frozen"):
        await answer(some_ports(), "unfreeze all because x")
