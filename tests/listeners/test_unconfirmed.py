"""A word that Redis took and its replicas do not have yet: told in one sentence, and never called a refusal."""

from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from bot.domain.operation import State
from tests.builders import APPROVER, ON_CALL
from tests.fakes import FakeClock, FakeOperations
from tests.office import Office, office

APPROVE = "operation.approve"


@pytest.fixture
async def place() -> AsyncIterator[Office]:
    """An office whose Redis has a replica."""
    async with office(operations=FakeOperations(FakeClock())) as place:
        yield place


def _store(place: Office) -> FakeOperations:
    assert isinstance(place.ports.operations, FakeOperations)
    return place.ports.operations


async def test_a_vote_that_a_failover_may_lose_is_told_with_its_code_and_how_to_be_sure(place: Office) -> None:
    card = await place.asked()
    _store(place).is_replica_behind = True

    answer = await place.click(APPROVER, card["ts"], APPROVE)

    assert answer.startswith("Your approval of fo-0001 is recorded, but it is lost if Redis fails over now.")
    assert "/registry approve fo-0001" in answer
    assert answer.count("E_STORE_NOT_DURABLE") == 1
    assert (await place.ports.operations.get("fo-0001")).state is State.APPROVED


async def test_what_was_counted_is_not_entered_as_refused(place: Office) -> None:
    card = await place.asked()
    _store(place).is_replica_behind = True

    with capture_logs() as lines:
        await place.click(APPROVER, card["ts"], APPROVE)

    assert [entry["event"] for entry in _store(place).audit] == ["requested", "approve"]
    assert "delivery.unconfirmed" in [line["event"] for line in lines]


async def test_pressed_again_it_is_answered_as_counted_only_once_the_replica_has_it(place: Office) -> None:
    card = await place.asked()
    _store(place).is_replica_behind = True
    first, second = [await place.click(APPROVER, card["ts"], APPROVE) for _ in range(2)]
    _store(place).is_replica_behind = False

    third = await place.click(APPROVER, card["ts"], APPROVE)

    assert first == second
    assert "already APPROVED" in third
    assert "E_STORE_NOT_DURABLE" not in third


async def test_a_request_that_a_failover_may_lose_is_told_and_its_card_posted(place: Office) -> None:
    _store(place).is_replica_behind = True

    said = await place.say(ON_CALL, "failover zhangjiakou because the region is down")
    await place.post_cards()

    assert said.startswith("Your request fo-0001 is recorded, but it is lost if Redis fails over now.")
    assert "/registry show fo-0001" in said
    assert len(place.posts()) == 1


async def test_a_freeze_that_a_failover_may_lose_is_told_as_not_safe_yet(place: Office) -> None:
    _store(place).is_replica_behind = True

    said = await place.say(ON_CALL, "freeze all because of a migration")

    assert said == "FROZEN: all sites, until two people lift it · not safe yet"
    assert len(await place.ports.operations.freezes()) == 1
