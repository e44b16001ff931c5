"""A store that fails for a while, or for good, at each named moment of an execution; how it ends is the same."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.domain.operation import State
from bot.errors import StoreUnavailable, UnknownOperation
from simulator.local_redis import LocalRedis
from tests.faults.bots import PATIENCE, two_bots
from tests.faults.servers import a_server, told
from tests.proxy import Proxy, proxy_to

COMMITS = ("claimed", "read back", "second read-back")
CALLS = (*COMMITS, "re-read", "zones.record", "zones.apply", "read-back")
MOMENTS = [f"{when} {call}" for call in CALLS for when in ("before", "after")]
TROUBLE_LASTS = 0.3
SIDE_BY_SIDE = 5


Command = tuple[str | int, ...]
TROUBLES: dict[str, tuple[Command, Command | None]] = {
    "read-only": (("REPLICAOF", "127.0.0.1", 1), ("REPLICAOF", "NO", "ONE")),
    "full": (("CONFIG", "SET", "maxmemory", 1), ("CONFIG", "SET", "maxmemory", 0)),
    "locked out": (("ACL", "SETUSER", "default", "-@all", "+acl"), ("ACL", "SETUSER", "default", "+@all")),
    "forgotten scripts": (("SCRIPT", "FLUSH"), None),
    "cut connections": (("CLIENT", "KILL", "TYPE", "normal"), None),
}
"""What an administrator does to a Redis, and what undoes it, where it does not pass by itself."""


@pytest.mark.covers("F09", "F12", "F13", "F17")
@pytest.mark.parametrize("name", TROUBLES)
async def test_a_trouble_that_passes_ends_done_with_one_effect_wherever_it_comes(name: str) -> None:
    turns = asyncio.Semaphore(SIDE_BY_SIDE)

    async def in_turn(moment: str) -> None:
        async with turns:
            await _passing(*TROUBLES[name], moment)

    async with asyncio.TaskGroup() as group:
        for moment in MOMENTS:
            group.create_task(in_turn(moment))


async def _passing(do: Command, undo: Command | None, moment: str) -> None:
    async with a_server() as server, two_bots(server.url, operation_timeout=PATIENCE) as bots:
        operation = await bots.world.approve()
        over: list[asyncio.Task[None]] = []

        async def begin() -> None:
            await told(server, *do)
            over.append(asyncio.ensure_future(_undo(server, undo)))

        bots.moments.acts = {moment: begin}
        done = await bots.carry_out(operation, by="first")
        await asyncio.gather(*over)

        assert done.state is State.DONE, (moment, bots.moments.passed)
        assert len(bots.world.zones.applied) == 1, (moment, bots.moments.passed)
        assert len(over) == 1, moment
        await bots.events()


async def _undo(server: LocalRedis, undo: Command | None) -> None:
    await asyncio.sleep(TROUBLE_LASTS)
    if undo:
        await told(server, *undo)


@pytest.mark.covers("F10")
@pytest.mark.parametrize("moment", ["before claimed", "after claimed", "after zones.apply"])
async def test_a_redis_that_stands_still_for_longer_than_a_call_costs_a_turn_and_nothing_else(moment: str) -> None:
    async with a_server() as server, two_bots(server.url) as bots:
        operation = await bots.world.approve()
        stands: list[asyncio.Task[str]] = []

        async def stand_still() -> None:
            stands.append(asyncio.ensure_future(told(server, "DEBUG", "SLEEP", 1.5)))
            await asyncio.sleep(0.05)

        bots.moments.acts = {moment: stand_still}
        error = await bots.try_step(bots.first, operation)
        done = await bots.carry_out(operation)
        await asyncio.gather(*stands)

        assert isinstance(error, StoreUnavailable)
        assert (done.state, len(bots.world.zones.applied)) == (State.DONE, 1)


@pytest.fixture
async def server() -> AsyncIterator[LocalRedis]:
    async with a_server() as server:
        yield server


@pytest.fixture
async def door(server: LocalRedis) -> AsyncIterator[Proxy]:
    async with proxy_to(server.url) as door:
        yield door


@pytest.mark.covers("F03")
async def test_a_claim_whose_reply_is_lost_is_recognised_as_ones_own_and_used(door: Proxy) -> None:
    async with two_bots(door.url) as bots:
        operation = await bots.world.approve()

        async def lose() -> None:
            door.lose_reply_to(b"EVALSHA")

        bots.moments.acts = {"before claimed": lose}
        assert await bots.try_step(bots.first, operation) is None
        verifying = await bots.now(operation)
        done = await bots.carry_out(operation)

        assert (verifying.state, bots.sent()) == (State.VERIFYING, 1)
        assert (done.state, done.progress[0].claims, done.has_unclean_write) == (State.DONE, 1, False)
        assert (await bots.events()).count("claimed") == 1


@pytest.mark.covers("F15")
@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_store_that_is_wiped_is_not_written_to_any_more_and_nothing_is_sent_twice(
    server: LocalRedis, moment: str
) -> None:
    async with two_bots(server.url) as bots:
        operation = await bots.world.approve()
        sent: list[int] = []

        async def wipe() -> None:
            sent.append(bots.sent())
            await told(server, "FLUSHALL")

        bots.moments.acts = {moment: wipe}
        for ports in (bots.first, bots.first, bots.second):
            await bots.try_step(ports, operation)

        with pytest.raises(UnknownOperation):
            await bots.store.get(operation.id)
        assert not (await bots.store.write_mode(is_volatile_allowed=True)).is_allowed
        assert bots.sent() == sent[0] + (moment in _USED), moment
        assert len(bots.world.zones.applied) <= 1
        assert await told(server, "DBSIZE") == "0"


_USED = {"after re-read", "before zones.record", "after zones.record", "before zones.apply"}
"""When a bot has just seen its claim in the store: what it does within the next seconds is covered by what it saw."""
