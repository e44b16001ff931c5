"""Every answer says what is frozen, and no answer waits for that, or breaks by it."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from bot.domain.access import Role
from bot.domain.freeze import Freeze
from bot.errors import StoreUnavailable
from bot.listeners import Delivery
from bot.ports import Message, Ports
from bot.routing import Call, Router
from bot.services.admission import Visitor
from tests.builders import APPROVER, CHANNEL, ON_CALL, WORKSPACE, a_freeze
from tests.fakes import FakeClock, FakeOperations
from tests.messages.reading import words_of
from tests.office import office

AT_OPS = Visitor(APPROVER, WORKSPACE, CHANNEL, "ops")
AT_ASKING = Visitor(ON_CALL, WORKSPACE, CHANNEL, "ops")
UNKNOWN = "FROZEN, for all that is known: Redis does not say"


class _Store(FakeOperations):
    """A store that answers everything but what is frozen."""

    def __init__(self, trouble: str) -> None:
        super().__init__(FakeClock())
        self._trouble = trouble

    async def freezes(self) -> Any:
        """Hang, fail, or break."""
        if self._trouble == "hangs":
            await asyncio.sleep(60)
        raise StoreUnavailable("Redis does not answer.") if self._trouble == "fails" else ValueError("a bug")


async def test_an_answer_a_refusal_and_a_click_all_say_what_is_frozen() -> None:
    async with office() as at:
        card = await at.asked()
        at.ports.operations.put_freeze(a_freeze(scope="hangzhou"))  # type: ignore[attr-defined]

        assert (await at.say(APPROVER, "help")).endswith(" · FROZEN: hangzhou")
        assert (await at.say(APPROVER, "show fo-0000")).endswith(" · FROZEN: hangzhou")
        assert (await at.click(APPROVER, card["ts"], "operation.reject")).endswith(" · FROZEN: hangzhou")


async def test_a_slip_of_the_pen_and_a_button_of_another_version_are_told_it_as_well() -> None:
    async with office() as at:
        card = await at.asked()
        at.ports.operations.put_freeze(a_freeze(scope="hangzhou"))  # type: ignore[attr-defined]

        told = await at.say("U01MEMBER", "statsu")
        pressed = await at.desk.click(
            Delivery(AT_OPS, "", action_id="operation.gone", value="x", message_ts=card["ts"])
        )

        assert ("'statsu' is not a command" in told, told.endswith(" · FROZEN: hangzhou")) == (True, True)
        assert pressed.message is not None
        assert pressed.message.text.endswith(" · FROZEN: hangzhou")


@pytest.mark.parametrize("typed", ["failover zhangjiakou", "failover " + "x" * 3000])
async def test_a_member_who_is_refused_at_the_door_is_told_it_as_well(typed: str) -> None:
    async with office() as at:
        at.ports.operations.put_freeze(a_freeze(scope="hangzhou"))  # type: ignore[attr-defined]

        assert (await at.say("U01MEMBER", typed)).endswith(" · FROZEN: hangzhou")
        assert "FROZEN" not in await at.say("U01GUEST", typed)


@pytest.mark.parametrize("switch", ["", "The kill switch is on (REGISTRY_BOT_FREEZE)."])
async def test_a_refusal_because_of_a_freeze_tells_that_freeze_once_and_others_beside_it(switch: str) -> None:
    async with office(kill_switch=lambda: switch) as at:
        at.ports.operations.put_freeze(a_freeze(scope="zhangjiakou"))  # type: ignore[attr-defined]
        at.ports.operations.put_freeze(a_freeze(scope="shanghai"))  # type: ignore[attr-defined]

        told = (await at.desk.command(Delivery(AT_ASKING, "", text="failover zhangjiakou"))).message

    assert told is not None
    assert "E_FROZEN" in told.text
    assert told.text.endswith(" · FROZEN: shanghai" if not switch else " · FROZEN: shanghai, zhangjiakou")
    assert words_of(told).count(switch or "zhangjiakou is frozen by") == 1
    assert ("*FROZEN*: zhangjiakou" in words_of(told)) == bool(switch)


async def test_a_hanging_answer_is_ended_with_what_was_seen_so_far() -> None:
    async def try_(call: Call, ports: Ports) -> Message:
        """Hang."""
        await asyncio.Event().wait()
        return Message("never")

    router = Router()
    router.subcommand("try", usage="try", role=Role.VIEWER)(try_)
    for store, seen in ((FakeOperations(FakeClock()), "FROZEN: hangzhou"), (_Store("hangs"), UNKNOWN)):
        store.put_freeze(a_freeze(scope="hangzhou"))
        async with office(router=router, budget=0.3, operations=store) as at:
            told = await at.say(APPROVER, "try")

        assert "No answer came in time" in told
        assert told.endswith(f" · {seen}")


@pytest.mark.parametrize("trouble", ["hangs", "fails", "breaks"])
async def test_an_answer_comes_in_time_whatever_becomes_of_the_look(trouble: str) -> None:
    async with office(operations=_Store(trouble)) as at:
        told = await at.say(APPROVER, "help")

    assert told.startswith("Moves image pulls to another site")
    assert told.endswith(UNKNOWN)


class _Dawdling(FakeOperations):
    """A store that takes its time to write a freeze down, so that others look meanwhile."""

    async def freeze(self, freeze: Freeze, entry: Mapping[str, str]) -> None:
        """Let everybody else go first."""
        for _ in range(5):
            await asyncio.sleep(0)
        await super().freeze(freeze, entry)


async def test_a_freeze_that_the_store_did_not_take_is_not_shown_as_one_that_it_does_not_have_yet() -> None:
    async with office(operations=_Dawdling(FakeClock())) as at:
        await at.say(APPROVER, "freeze hangzhou until 2h because x")

        told = (await at.desk.command(Delivery(AT_OPS, "", text="freeze hangzhou until 1h because y"))).message

    assert told is not None
    assert "E_ALREADY_FROZEN" in told.text
    assert words_of(told).count("*FROZEN*") == 1
    assert "Only this bot knows" not in words_of(told)


class _Counting(FakeOperations):
    """A store that counts how often it is asked what is frozen."""

    looks = 0

    async def freezes(self) -> tuple[Freeze, ...]:
        """Count, and answer."""
        self.looks += 1
        return await super().freezes()


@pytest.mark.parametrize("text", ["help", "plan failover zhangjiakou", "replication", "show fo-0000"])
async def test_an_answer_asks_the_store_once_what_is_frozen(text: str) -> None:
    store = _Counting(FakeClock())
    async with office(operations=store) as at:
        await at.say(ON_CALL, text)
        await at.settled()

    assert store.looks == 1


async def test_strangers_are_not_told_what_is_frozen() -> None:
    async with office() as at:
        at.ports.operations.put_freeze(a_freeze())  # type: ignore[attr-defined]

        assert "FROZEN" not in await at.say("U01GUEST", "status")
        assert "FROZEN" not in await at.say("U01GUEST", "statsu")
