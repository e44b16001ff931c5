"""/registry show <id> timeline"""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot import messages
from bot.domain.chain import AuditEntry
from bot.errors import StoreUnavailable
from bot.ports import Ports
from bot.services.sealing import PAGE
from bot.services.timeline import MOST_PAGES
from tests.builders import APPROVER, an_operation
from tests.fake_trail import FakeTrail
from tests.fakes import FakeOperations, some_ports
from tests.handlers.calls import answer
from tests.messages.reading import words_of


async def _asked_and_cancelled(ports: Ports) -> None:
    await answer(ports, "failover zhangjiakou because the region is down")
    await answer(ports, "approve fo-0001", APPROVER)
    await answer(ports, "cancel fo-0001 because it is back")


async def test_a_timeline_tells_who_did_what_when_and_what_it_came_to() -> None:
    ports = some_ports()
    await _asked_and_cancelled(ports)
    told = words_of(await answer(ports, "show fo-0001 timeline"))

    lines = told.splitlines()
    assert [line for line in lines if "on-call: requested, now PENDING. GO" in line and "because the region" in line]
    assert [line for line in lines if "approver: approved, PENDING → APPROVED. approvals: 1 of 1" in line]
    assert [line for line in lines if "on-call: cancelled, APPROVED → CANCELLED. because it is back" in line]
    assert "Times are UTC" in told
    assert "<@" not in told


async def test_a_timeline_leaves_out_what_belongs_to_others() -> None:
    ports = some_ports()
    await _asked_and_cancelled(ports)
    await ports.operations.record({"event": "refused", "operation": "fo-9999", "code": "E_EXPIRED"})

    assert "E_EXPIRED" not in words_of(await answer(ports, "show fo-0001 timeline"))


def _entries(count: int, event: str = "requested") -> list[AuditEntry]:
    fields = {"event": event, "person": "lin", "operation": "fo-7k2m", "reason": "x" * 150}
    return [AuditEntry(f"{1_800_000_000_000 + n}-0", {**fields, "seq": str(n)}) for n in range(1, count + 1)]


def test_what_came_from_outside_is_told_of_somebody_else() -> None:
    seen = AuditEntry("1800000000000-0", {"event": "EXTERNAL", "seq": "1", "told": "It now holds A 10.99.0.99."})
    message = messages.timeline(an_operation(), [seen], is_read_to_end=True)

    assert " somebody else: EXTERNAL. It now holds A 10.99.0.99." in words_of(message)


def test_a_long_timeline_says_how_many_lines_are_missing() -> None:
    message = messages.timeline(an_operation(), _entries(100), is_read_to_end=True)

    told = words_of(message)
    shown = told.count("lin: requested")
    assert 30 < shown < 100
    assert f"{100 - shown} more lines did not fit here" in told


def test_it_says_what_was_archived_and_what_was_not_read() -> None:
    nothing = words_of(messages.timeline(an_operation(), [], is_read_to_end=True))
    rest = words_of(messages.timeline(an_operation(), _entries(1, "approve"), is_read_to_end=False))

    assert "its entries were archived" in nothing
    assert "What came before was archived." in rest
    assert "was not read to its end" in rest


async def test_a_long_trail_is_read_for_a_while_only() -> None:
    ports = some_ports()
    await _asked_and_cancelled(ports)
    for _ in range(MOST_PAGES * PAGE):
        await ports.operations.record({"event": "refused"})

    assert "was not read to its end" in words_of(await answer(ports, "show fo-0001 timeline"))


class _Silent(FakeTrail):
    """A trail that does not answer."""

    async def entries(self, after: str, limit: int, until: str = "+") -> tuple[AuditEntry, ...]:
        """Be down."""
        raise StoreUnavailable("Redis does not answer. Nothing was recorded (E_STORE_DOWN).")


async def test_without_redis_it_is_a_sentence() -> None:
    ports = some_ports()
    await _asked_and_cancelled(ports)
    silent = replace(ports, trail=_Silent(FakeOperations(ports.clock)))

    with pytest.raises(StoreUnavailable, match="Redis does not answer"):
        await answer(silent, "show fo-0001 timeline")


async def test_days_are_named_where_they_change() -> None:
    first, second = _entries(2)
    later = replace(second, id=str(int(first.at.timestamp() * 1000 + timedelta(days=2).total_seconds() * 1000)) + "-0")

    assert f"{later.at:%m-%d %H:%M:%S} lin" in words_of(
        messages.timeline(an_operation(), [first, later], is_read_to_end=True)
    )
