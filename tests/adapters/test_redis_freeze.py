"""What an administrator, or anybody, writes into the freeze key past the bot: everything counts as frozen then."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import nullcontext
from dataclasses import replace

import pytest

from bot.adapters.clock import SystemClock
from bot.adapters.redis_freeze import encode
from bot.adapters.redis_keys import FREEZE
from bot.domain.freeze import SET_BY_HAND, Freeze, scopes_of
from bot.errors import AlreadyFrozen, Frozen
from tests.builders import WORKSPACE, a_freeze, an_operation
from tests.contracts.conftest import ObservedRedis, a_commit, taken

ENTRY = {"event": "frozen", "person": "on-call"}
BETWEEN = scopes_of("zhangjiakou", "hangzhou")


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[ObservedRedis]:
    store = ObservedRedis(redis_url, clock=SystemClock(), workspace=WORKSPACE)
    yield store
    await store.close()


def _as_text(_freeze: Freeze) -> tuple[str, ...]:
    return ("SET", FREEZE, "1")


def _as_garbage(_freeze: Freeze) -> tuple[str, ...]:
    return ("HSET", FREEZE, "hangzhou", "stop")


def _elsewhere(freeze: Freeze) -> tuple[str, ...]:
    return ("HSET", FREEZE, "shanghai", encode(freeze))


def _without_a_time(freeze: Freeze) -> tuple[str, ...]:
    return ("HSET", FREEZE, "shanghai", encode(replace(freeze, scope="shanghai")).replace('"at":', '"when":'))


BY_HAND: list[Callable[[Freeze], tuple[str, ...]]] = [_as_text, _as_garbage, _elsewhere, _without_a_time]


@pytest.mark.parametrize("command", BY_HAND)
async def test_what_somebody_sets_past_the_bot_freezes_all(
    store: ObservedRedis, command: Callable[[Freeze], tuple[str, ...]]
) -> None:
    first = await taken(store)
    await store.link.call(*command(a_freeze()))

    assert await store.freezes() == (SET_BY_HAND,)
    with pytest.raises(Frozen, match="frozen by hand in Redis"):
        await store.commit(a_commit(first, unless_frozen=BETWEEN))


@pytest.mark.parametrize("value", ["stop", "5", "{}", '{"at": "now"}'])
async def test_what_cannot_be_read_freezes_all_and_is_never_replaced(store: ObservedRedis, value: str) -> None:
    first = await taken(store)
    await store.link.call("HSET", FREEZE, "all", value)

    with pytest.raises(AlreadyFrozen):
        await store.freeze(a_freeze(), ENTRY)
    with pytest.raises(Frozen, match="frozen by hand in Redis"):
        await store.commit(a_commit(first, unless_frozen=BETWEEN))
    assert await store.link.call("HGET", FREEZE, "all") == value


async def test_a_key_of_another_type_is_left_alone_and_the_freeze_still_told(store: ObservedRedis) -> None:
    await store.link.call("SET", FREEZE, "1")

    await store.freeze(a_freeze(), ENTRY)

    assert await store.freezes() == (SET_BY_HAND,)
    assert len(await store.entries()) == 1


@pytest.mark.parametrize("is_shorter", [False, True], ids=["the same", "one that ends before"])
async def test_a_freeze_that_stays_as_it_is_is_written_once_more_for_replicas_to_be_waited_for(
    store: ObservedRedis, is_shorter: bool
) -> None:
    held = a_freeze()
    await store.freeze(held, ENTRY)
    before = await _writes(store)

    with pytest.raises(AlreadyFrozen) if is_shorter else nullcontext():
        await store.freeze(replace(held, until=held.at.replace(year=2099)) if is_shorter else held, ENTRY)

    assert await _writes(store) == before + 1


async def test_a_commit_that_is_repeated_is_written_once_more_for_replicas_to_be_waited_for(
    store: ObservedRedis,
) -> None:
    commit = a_commit(an_operation(), attempt="first")
    await store.commit(commit)
    before = await _writes(store)

    await store.commit(commit)

    assert await _writes(store) == before + 1


async def _writes(store: ObservedRedis) -> int:
    """Count what this server has written since its last snapshot, which a test's does not take."""
    told = await store.link.call("INFO", "persistence")
    return int(re.findall(r"rdb_changes_since_last_save:(\d+)", told)[0])
