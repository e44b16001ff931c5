"""What people are told while Redis does not answer: what is read live goes on, and each answer says what it lacks."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.freeze import Freeze
from bot.domain.operation import Operation
from bot.errors import StoreUnavailable
from bot.ports import Listing, Ports
from tests.fakes import FakeClock, FakeOperations, some_ports
from tests.handlers.calls import answer

DOWN = "Redis does not answer."


class _Silent(FakeOperations):
    """A store that answers nothing."""

    async def get(self, operation_id: str) -> Operation:
        raise StoreUnavailable(DOWN, code="E_STORE_DOWN")

    async def listing(self, limit: int = 50) -> Listing:
        raise StoreUnavailable(DOWN, code="E_STORE_DOWN")

    async def freezes(self) -> tuple[Freeze, ...]:
        raise StoreUnavailable(DOWN, code="E_STORE_DOWN")

    async def remember(self, key: str, value: str) -> None:
        raise StoreUnavailable(DOWN, code="E_STORE_DOWN")

    async def recall(self, key: str) -> str | None:
        raise StoreUnavailable(DOWN, code="E_STORE_DOWN")


def without_redis() -> Ports:
    clock = FakeClock()
    return replace(some_ports(clock=clock, operations=_Silent(clock)), store_trouble=lambda: DOWN)


@pytest.mark.covers("F02")
@pytest.mark.parametrize("text", ["status", "replication", "plan failover zhangjiakou", "help"])
async def test_what_is_read_live_is_answered_and_says_in_one_line_what_is_missing(text: str) -> None:
    message = await answer(without_redis(), text)

    said = str(message.blocks)
    assert "Unavailable without Redis: history, open operations, freezes, last known answers." in said
    assert said.count(DOWN) == 1


async def test_a_plan_without_redis_says_in_its_first_line_that_it_cannot_be_requested() -> None:
    message = await answer(without_redis(), "plan failover zhangjiakou")

    assert message.text.endswith("it cannot be requested now")
    assert "sim-a-registry" in str(message.blocks)


@pytest.mark.parametrize("text", ["actions", "show fo-7k2m"])
async def test_what_only_redis_knows_is_refused_with_what_still_answers(text: str) -> None:
    with pytest.raises(StoreUnavailable, match="`plan`, `replication` and `help` still answer") as refused:
        await answer(without_redis(), text)

    assert refused.value.code == "E_STORE_DOWN"


@pytest.mark.parametrize("text", ["failover zhangjiakou", "approve fo-7k2m", "cancel fo-7k2m"])
async def test_what_needs_redis_is_refused(text: str) -> None:
    with pytest.raises(StoreUnavailable):
        await answer(without_redis(), text)


async def test_with_redis_no_answer_speaks_of_it() -> None:
    ports = some_ports()

    for text in ("status", "replication", "plan failover zhangjiakou", "help"):
        assert "Redis" not in str((await answer(ports, text)).blocks)


async def test_one_operation_that_cannot_be_read_hides_no_other_and_is_named() -> None:
    clock = FakeClock()
    store = FakeOperations(clock)
    ports = some_ports(clock=clock, operations=store)
    await answer(ports, "failover zhangjiakou")
    clock.move(timedelta(minutes=1))
    await answer(ports, "failover hangzhou")
    await store.spoil("fo-0001")

    for text in ("actions", "actions open", "status"):
        said = str((await answer(ports, text)).blocks)
        assert "fo-0002" in said
        assert "Cannot be read: fo-0001." in said
