"""What is refused is written down: who, what, and why by its code; a flood of it in one line."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.freeze import Freeze
from bot.domain.operation import Verb
from bot.errors import StoreUnavailable
from bot.listeners import Desk
from bot.listeners.deliveries import Delivery
from bot.listeners.pace import DECISIONS
from bot.ports import Card, Message, Ports
from bot.services.admission import Visitor
from bot.services.buttons import button_value
from bot.tasks import Tasks
from handlers import all_handlers
from tests.builders import APPROVER, CHANNEL, NOW, ON_CALL, WORKSPACE, a_freeze, an_identity, an_operation
from tests.fakes import FakeClock, FakeIdentities, FakeOperations, some_ports


class _Waiting(FakeClock):
    """A clock on which whoever sleeps is woken by the test."""

    def __init__(self) -> None:
        super().__init__()
        self.over = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        """Wait until the test says that it is over."""
        await self.over.wait()


@dataclass
class _Room:
    """A desk, and what was told and written down there."""

    desk: Desk
    ports: Ports
    store: FakeOperations
    clock: _Waiting
    tasks: Tasks
    told: list[str] = field(default_factory=list)

    async def click(self, user: str, value: str = "x", team: str = WORKSPACE) -> str:
        visitor = Visitor(user, team, CHANNEL, "ops")
        reply = await self.desk.click(
            Delivery(visitor, "", action_id="operation.approve", value=value, message_ts="1.1")
        )
        return reply.message.text if reply.message else ""

    async def say(self, user: str, text: str, team: str = WORKSPACE) -> str:
        reply = await self.desk.command(Delivery(Visitor(user, team, CHANNEL, "ops"), "", text=text))
        return reply.message.text if reply.message else ""

    async def entries(self) -> list[dict[str, str]]:
        """Return the refusals in the audit, with all tasks ended."""
        self.clock.over.set()
        await self.tasks.drain(timedelta(seconds=5))
        return [dict(entry) for entry in self.store.audit if entry["event"] == "refused"]


async def _room(**overrides: Any) -> _Room:
    clock, tasks = _Waiting(), Tasks()
    store = overrides.pop("operations", None) or FakeOperations(clock)
    ports = some_ports(clock=clock, operations=store, **overrides)
    store.put(an_operation(version=1))
    await store.save_card("fo-7k2m", Card(CHANNEL, "1.1", 1))
    return _Room(Desk(ports, all_handlers(), tasks, _nowhere), ports, store, clock, tasks)


async def _nowhere(_url: str, _message: Message) -> None:
    """Deliver nothing."""


@pytest.mark.covers("A01")
async def test_a_refused_click_is_in_the_audit_with_person_code_channel_and_operation() -> None:
    room = await _room()
    value = button_value(room.ports, an_operation(), Verb.APPROVE)

    assert (await room.click(ON_CALL, value)).endswith("`E_SELF_APPROVAL`")
    (entry,) = await room.entries()
    assert {name: entry[name] for name in ("person", "user", "verb", "code", "channel", "operation", "count")} == {
        "person": "on-call",
        "user": ON_CALL,
        "verb": "operation.approve",
        "code": "E_SELF_APPROVAL",
        "channel": CHANNEL,
        "operation": "fo-7k2m",
        "count": "1",
    }


@pytest.mark.parametrize(
    ("typed", "code", "operation"),
    [
        ("failover nowhere", "E_BAD_TARGET", ""),
        ("approve fo-0000", "E_UNKNOWN_ACTION", "fo-0000"),
        ("approve <!channel>", "E_USAGE", ""),
        ("approve fo-7k2m", "E_SELF_APPROVAL", "fo-7k2m"),
    ],
)
async def test_a_refused_act_is_in_the_audit(typed: str, code: str, operation: str) -> None:
    room = await _room()
    await room.say(ON_CALL, typed)

    assert [(e["code"], e.get("operation", "")) for e in await room.entries()] == [(code, operation)]


@pytest.mark.parametrize("typed", ["show fo-0000", "status nowhere", "failvoer zhangjiakou"])
async def test_a_slip_of_somebody_who_only_reads_is_not(typed: str) -> None:
    room = await _room()
    await room.say(ON_CALL, typed)

    assert await room.entries() == []


@pytest.mark.covers("A04", "A05")
@pytest.mark.parametrize("account", [{"is_guest": True}, {"is_stranger": True}, {"team_id": "T09OTHER"}])
async def test_an_outsider_hears_the_same_words_whatever_there_is(account: dict[str, Any]) -> None:
    room = await _room()
    identities = room.ports.identities
    assert isinstance(identities, FakeIdentities)
    identities.known["U09GUEST"] = an_identity("U09GUEST", **account)
    asked = ["status", "show fo-7k2m", "show fo-0000", "approve fo-7k2m", "approve fo-0000", "nonsense"]
    value = button_value(room.ports, an_operation(), Verb.APPROVE)

    heard = {await room.say("U09GUEST", text) for text in asked}
    heard |= {await room.click("U09GUEST", value), await room.click("U09GUEST")}

    assert len(heard) == 1
    assert heard.pop().endswith("`E_EXTERNAL_USER`")
    assert {(e["user"], e["code"]) for e in await room.entries()} == {("U09GUEST", "E_EXTERNAL_USER")}


@pytest.mark.covers("A27")
async def test_of_a_hundred_clicks_five_are_handled_and_the_rest_is_one_line_with_its_count() -> None:
    room = await _room()
    heard = [await room.click(APPROVER) for _ in range(100)]

    assert [words.endswith("`E_UNTRUSTED_BUTTON`") for words in heard] == [True] * DECISIONS + [False] * 95
    assert heard[DECISIONS].endswith("`E_TOO_FAST`")
    assert set(heard[DECISIONS + 1 :]) == {""}
    entries = await room.entries()
    assert [(e["code"], e["count"]) for e in entries[DECISIONS:]] == [("E_TOO_FAST", "95")]


async def test_who_waits_is_heard_again_and_others_never_notice() -> None:
    room = await _room()
    for _ in range(DECISIONS + 1):
        await room.click(APPROVER)

    assert "E_UNTRUSTED_BUTTON" in await room.click(ON_CALL)
    room.clock.move(timedelta(seconds=10))
    assert "E_UNTRUSTED_BUTTON" in await room.click(APPROVER)


async def test_typed_decisions_count_with_clicks_and_reading_never() -> None:
    room = await _room()
    for _ in range(DECISIONS):
        await room.say(APPROVER, "approve fo-0000")

    assert (await room.click(APPROVER)).endswith("`E_TOO_FAST`")
    assert (await room.say(APPROVER, "reject fo-7k2m")).endswith("`E_TOO_FAST`")
    assert "E_TOO_FAST" not in await room.say(APPROVER, "actions")


@pytest.mark.parametrize("words", ["watch", "sync core/api from zhangjiakou to hangzhou"])
async def test_who_has_asked_for_something_too_often_may_still_decide(words: str) -> None:
    room = await _room()
    told = [await room.say(APPROVER, words) for _ in range(DECISIONS + 1)]

    assert told[-1].endswith("`E_TOO_FAST`")
    assert "E_TOO_FAST" not in await room.click(APPROVER)


class _Deaf(FakeOperations):
    """A store that takes no entries."""

    async def record(self, entry: Any) -> None:
        """Be down."""
        raise StoreUnavailable("Redis does not answer.")


async def test_without_redis_a_refusal_is_told_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    room = await _room(operations=_Deaf(FakeClock(NOW)))
    await room.click(ON_CALL)
    await room.entries()

    said = capsys.readouterr().out
    assert "E_UNTRUSTED_BUTTON" in said
    assert "audit.not_recorded" in said


@pytest.mark.covers("A48")
async def test_what_somebody_typed_makes_no_line_of_its_own() -> None:
    room = await _room()
    await room.say(ON_CALL, 'approve fo-7k2m because x\n{"event": "operation.moved"}\u202e\u2028')
    (entry,) = await room.entries()

    assert all(value.isprintable() and len(value) < 100 for value in entry.values())


async def test_who_has_pressed_too_often_may_still_freeze() -> None:
    room = await _room()
    for _ in range(DECISIONS + 1):
        told = await room.click(APPROVER)
    assert "E_TOO_FAST" in told

    assert (await room.say(APPROVER, "freeze all because something is wrong")).startswith("FROZEN: all sites")


class _Counting(FakeOperations):
    """A store that counts how often it is asked what is frozen."""

    looks = 0

    async def freezes(self) -> tuple[Freeze, ...]:
        """Count, and answer."""
        self.looks += 1
        return await super().freezes()


async def _hurry(room: _Room, user: str) -> str:
    for _ in range(DECISIONS):
        await room.say(user, "approve fo-0000")
    return await room.say(user, "approve fo-0000")


async def test_who_is_too_fast_is_told_what_is_frozen_at_no_more_than_a_look_a_second() -> None:
    store = _Counting(FakeClock())
    store.put_freeze(a_freeze(scope="hangzhou"))
    room = await _room(operations=store)
    told = [await _hurry(room, APPROVER)]
    looks = store.looks

    told += [await room.say(APPROVER, "approve fo-0000") for _ in range(10)]
    assert store.looks == looks
    room.clock.move(timedelta(seconds=2))
    told += [await room.say(APPROVER, "approve fo-0000") for _ in range(10)]
    assert store.looks == looks + 1
    assert [words for words in told if "`E_TOO_FAST` · FROZEN: hangzhou" not in words] == []


async def test_who_is_too_fast_is_told_what_was_frozen_here_meanwhile() -> None:
    room = await _room()
    await _hurry(room, APPROVER)
    room.ports.local_freezes.add(a_freeze(scope="hangzhou"), {})

    assert (await room.say(APPROVER, "approve fo-0000")).endswith("`E_TOO_FAST` · FROZEN: hangzhou")


async def test_a_stranger_who_is_too_fast_is_not_told_what_is_frozen() -> None:
    room = await _room()
    room.store.put_freeze(a_freeze())
    room.ports.identities.known["U09GUEST"] = an_identity("U09GUEST", is_guest=True)  # type: ignore[attr-defined]

    assert (await _hurry(room, "U09GUEST")).endswith("`E_TOO_FAST`")
