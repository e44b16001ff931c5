"""A primary that dies, is cut off or waits for its replica in vain: never two owners, never a second effect."""

import asyncio
import signal
from collections.abc import AsyncIterator

import pytest

from bot.domain.operation import State, Verb
from bot.errors import StoreUnavailable
from bot.services.requests import cast_vote
from tests.builders import APPROVER
from tests.faults.bots import PATIENCE, Bots, two_bots
from tests.faults.servers import Pair, a_pair, a_server, follow, told


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    async with a_pair() as pair:
        yield pair


@pytest.fixture
async def bots(pair: Pair) -> AsyncIterator[Bots]:
    """Two bots that wait for the replica."""
    async with two_bots(pair.door.url, replicas=1) as bots:
        yield bots


@pytest.mark.covers("F05")
async def test_a_claim_that_was_acknowledged_and_lost_is_not_used_and_another_bot_goes_on(pair: Pair) -> None:
    async with two_bots(pair.door.url) as bots:  # without waiting for the replica, or nothing would be lost
        operation = await bots.world.approve()
        await pair.in_sync()
        bots.moments.acts = {"before claimed": pair.cut_the_wire, "after claimed": pair.fail_over}

        await bots.try_step(bots.first, operation)
        lost = await bots.now(operation)
        sent_by_the_loser = bots.sent()
        done = await bots.carry_out(operation, by="second")

        assert (lost.state, lost.lease, sent_by_the_loser) == (State.APPROVED, None, 0)
        assert (done.state, bots.sent()) == (State.DONE, 1)
        assert (await bots.events()).count("claimed") == 1


@pytest.mark.covers("F06")
async def test_a_failover_between_write_and_finish_repeats_the_finish_on_the_new_primary(
    pair: Pair, bots: Bots
) -> None:
    operation = await bots.world.approve()
    bots.moments.acts = {"after zones.apply": pair.fail_over}

    done = await bots.carry_out(operation, by="first")

    assert (done.state, bots.sent(), done.has_unclean_write) == (State.DONE, 1, False)


@pytest.mark.covers("F06")
async def test_a_finish_that_finds_no_primary_is_taken_over_by_reading_and_the_record_rests(
    pair: Pair, bots: Bots
) -> None:
    operation = await bots.world.approve()
    bots.moments.acts = {"after zones.apply": pair.kill_primary}
    failed = await bots.try_step(bots.first, operation)
    await pair.promote()

    async with a_server() as third:
        await follow(third, pair.replica)
        done = await bots.carry_out(operation, by="second")

    assert isinstance(failed, StoreUnavailable)
    assert (done.state, bots.sent(), done.has_unclean_write) == (State.DONE, 1, True)
    assert int(await told(pair.replica, "PTTL", "{registry-bot}:hold:record-b")) > 110_000
    await bots.events()


@pytest.mark.covers("F07")
async def test_a_primary_that_lost_its_replica_takes_no_decision_and_no_claim(pair: Pair, bots: Bots) -> None:
    await told(pair.primary, "CONFIG", "SET", "min-replicas-max-lag", 1)
    await told(pair.primary, "CONFIG", "SET", "min-replicas-to-write", 1)
    approved = await bots.world.approve()
    await pair.cut_the_wire()
    await _refuses_writes(pair)

    error = await bots.try_step(bots.first, approved)
    with pytest.raises(StoreUnavailable, match="too few replicas") as refused:
        await cast_vote(bots.second, approved.id, Verb.CANCEL, APPROVER)

    assert isinstance(error, StoreUnavailable)
    assert {error.code, refused.value.code} == {"E_STORE_NOT_DURABLE"}
    assert bots.sent() == 0
    assert (await bots.now(approved)).state is State.APPROVED


@pytest.mark.covers("F08")
async def test_a_claim_is_given_back_as_long_as_the_replica_does_not_have_it(pair: Pair, bots: Bots) -> None:
    operation = await bots.world.approve()
    await pair.in_sync()
    pair.signal(pair.replica, signal.SIGSTOP)

    errors = [await bots.try_step(bots.first, operation) for _ in range(2)]
    waiting = await bots.now(operation)
    pair.signal(pair.replica, signal.SIGCONT)
    done = await bots.carry_out(operation)

    assert {error.code for error in errors if isinstance(error, StoreUnavailable)} == {"E_STORE_NOT_DURABLE"}
    assert (waiting.state, waiting.lease, waiting.progress[0].claims) == (State.APPLYING, None, 0)
    assert (done.state, bots.sent(), done.has_unclean_write) == (State.DONE, 1, False)


async def _refuses_writes(pair: Pair) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                await told(pair.primary, "SET", "probe", "1")
            except StoreUnavailable:
                return
            await asyncio.sleep(0.05)
