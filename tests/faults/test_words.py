"""A primary that dies right after somebody decided: what was confirmed is kept, the rest is said to be unsafe."""

import asyncio
import re
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from bot.adapters.clock import SystemClock
from bot.adapters.redis_store import RedisOperations
from bot.domain.freeze import Freeze
from bot.domain.operation import Operation, State, Verb
from bot.errors import AlreadyFrozen, InvalidTransition, StoreUnavailable, Unconfirmed, VersionConflict
from bot.ports import WORD_DURABLE_WITHIN
from bot.services import freezing
from bot.services.requests import cast_vote
from tests.builders import APPROVER, ON_CALL, WORKSPACE, a_freeze
from tests.faults.bots import PATIENCE, Bots, two_bots
from tests.faults.servers import Pair, a_pair, told

SMALL_TALK = 40
"""Bytes by which the stream may grow by itself, for a question that the primary asks its replicas now and then."""
FROZEN = {"event": "frozen", "person": "on-call"}


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    async with a_pair() as pair:
        yield pair


@pytest.fixture
async def bots(pair: Pair) -> AsyncIterator[Bots]:
    """Two bots that wait for the replica."""
    async with two_bots(pair.door.url, replicas=1) as bots:
        yield bots


def _store(pair: Pair) -> RedisOperations:
    """Return another bot's store, none of whose connections has written anything."""
    return RedisOperations(
        pair.door.url,
        clock=SystemClock(),
        workspace=WORKSPACE,
        replicas=1,
        connect_timeout=PATIENCE,
        operation_timeout=PATIENCE,
    )


async def _vote(bots: Bots, operation: Operation, verb: Verb) -> Operation:
    return await cast_vote(bots.second, operation.id, verb, APPROVER)


@pytest.mark.covers("F05")
@pytest.mark.parametrize("verb", list(Verb))
async def test_a_vote_that_was_acknowledged_outlives_the_primary(pair: Pair, bots: Bots, verb: Verb) -> None:
    voted = await _vote(bots, await bots.world.ask(), verb)
    await pair.cut_the_wire()

    await _fail_over(pair, bots)

    assert await bots.now(voted) == voted


@pytest.mark.covers("F05", "F08")
async def test_a_vote_that_the_replica_does_not_have_counts_for_now_and_its_owner_hears_that_it_may_be_lost(
    pair: Pair, bots: Bots
) -> None:
    operation = await bots.world.ask()
    await pair.in_sync()
    await pair.cut_the_wire()

    with pytest.raises(Unconfirmed, match="is recorded, but it is lost if Redis fails over now") as heard:
        await _vote(bots, operation, Verb.CANCEL)
    before = await bots.now(operation)
    await _fail_over(pair, bots)

    assert "`/registry cancel" in str(heard.value)
    assert heard.value.code == "E_STORE_NOT_DURABLE"
    assert (before.state, (await bots.now(operation)).state) == (State.CANCELLED, State.PENDING)


async def test_saying_it_again_is_answered_as_before_only_once_the_replica_has_it(pair: Pair, bots: Bots) -> None:
    operation = await bots.world.ask()
    pair.signal(pair.replica, signal.SIGSTOP)

    for _ in range(2):
        with pytest.raises(Unconfirmed):
            await _vote(bots, operation, Verb.REJECT)
    pair.signal(pair.replica, signal.SIGCONT)

    with pytest.raises(InvalidTransition, match="already REJECTED"):
        await _vote(bots, operation, Verb.REJECT)


async def test_an_approval_that_the_replica_does_not_have_is_acted_upon_only_with_a_claim_that_it_has(
    pair: Pair, bots: Bots
) -> None:
    operation = await bots.world.ask()
    await pair.in_sync()
    await pair.cut_the_wire()
    with pytest.raises(Unconfirmed):
        await _vote(bots, operation, Verb.APPROVE)

    error = await bots.try_step(bots.second, operation)
    await _fail_over(pair, bots)

    assert isinstance(error, Unconfirmed)
    assert (bots.sent(), (await bots.now(operation)).state) == (0, State.PENDING)


@pytest.mark.parametrize("is_known_here", [True, False], ids=["a connection that wrote", "another bot"])
async def test_what_was_read_is_confirmed_whoever_asks(pair: Pair, bots: Bots, is_known_here: bool) -> None:
    operation = await bots.world.ask()
    store = bots.store if is_known_here else _store(pair)
    await store.confirm(operation, WORD_DURABLE_WITHIN)
    await pair.cut_the_wire()

    with pytest.raises(Unconfirmed, match=r"Only 0 of 1 Redis replicas have this after 0\.3 s"):
        await store.confirm(operation, WORD_DURABLE_WITHIN)

    await store.close()


async def test_what_was_read_and_then_lost_is_not_confirmed_but_to_be_read_again(pair: Pair, bots: Bots) -> None:
    operation = await bots.world.ask()
    await pair.in_sync()
    await pair.cut_the_wire()
    with pytest.raises(Unconfirmed):
        await _vote(bots, operation, Verb.REJECT)
    rejected = await bots.now(operation)
    await _fail_over(pair, bots)

    with pytest.raises(VersionConflict):
        await bots.store.confirm(rejected, WORD_DURABLE_WITHIN)


@pytest.mark.parametrize("is_longer", [False, True], ids=["the same", "one that lasts longer"])
async def test_a_freeze_that_is_there_already_counts_only_once_the_replica_has_it(pair: Pair, is_longer: bool) -> None:
    first, second = _store(pair), _store(pair)
    held = _frozen()
    wanted = replace(held, until=held.at.replace(year=2099)) if is_longer else held
    await first.adopt()
    await second.adopt()
    pair.signal(pair.replica, signal.SIGSTOP)
    for store, freeze in ((first, held), (second, wanted)):
        with pytest.raises(Unconfirmed):
            await store.freeze(freeze, FROZEN)
    pair.signal(pair.replica, signal.SIGCONT)

    found: Any = await asyncio.gather(second.freeze(wanted, FROZEN), return_exceptions=True)

    assert [type(each) for each in found] == [AlreadyFrozen if is_longer else type(None)]
    assert await first.freezes() == (held,)
    assert await first.link.call("XLEN", "{registry-bot}:audit") == 1
    await first.close()
    await second.close()


@pytest.mark.parametrize("again", ["the same freeze", "a freeze that lasts longer", "what was read"])
async def test_what_is_there_already_goes_to_the_replica_once_more(pair: Pair, bots: Bots, again: str) -> None:
    operation, held = await bots.world.ask(), _frozen()
    await bots.store.freeze(held, FROZEN)
    before = await _sent_to_the_replica(pair)

    if again == "what was read":
        await bots.store.confirm(operation, WORD_DURABLE_WITHIN)
    elif again == "the same freeze":
        await bots.store.freeze(held, FROZEN)
    else:
        with pytest.raises(AlreadyFrozen):
            await bots.store.freeze(replace(held, until=held.at.replace(year=2099)), FROZEN)

    assert await _sent_to_the_replica(pair) > before + SMALL_TALK


async def test_a_freeze_that_a_failover_loses_is_set_again_by_the_bot_that_took_it(pair: Pair, bots: Bots) -> None:
    await bots.store.adopt()
    await pair.in_sync()
    await pair.cut_the_wire()
    taken = await freezing.freeze(bots.second, "all", "on-call", ON_CALL, reason="migration")
    await _fail_over(pair, bots)
    lost = await bots.store.freezes()

    await freezing.write_down(bots.second)

    assert (lost, "Only 0 of 1 Redis replicas" in taken.doubt, taken.trouble) == ((), True, "")
    assert await bots.store.freezes() == (taken.freeze,)
    assert bots.second.local_freezes.freezes() == (taken.freeze,)  # until a replica has it


async def _sent_to_the_replica(pair: Pair) -> int:
    """Return the bytes of the stream: from Redis 7.2 on, WAIT speaks only of a connection's own part of it."""
    told_so = await told(pair.primary, "INFO", "replication")
    return int(re.findall(r"master_repl_offset:(\d+)", told_so)[0])


async def _fail_over(pair: Pair, bots: Bots) -> None:
    """Fail over, and have the bots notice that their connections are gone."""
    await pair.fail_over()
    async with asyncio.timeout(15):
        while True:
            with suppress(StoreUnavailable):
                await bots.store.link.call("PING")
                return
            await asyncio.sleep(0.02)


def _frozen() -> Freeze:
    return a_freeze(at=SystemClock().now().replace(microsecond=0))
