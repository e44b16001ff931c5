"""A process dies at every external call of an execution; another one takes over and ends the same way."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from itertools import pairwise

import pytest

from bot.domain.operation import LEASE, Operation, State
from bot.errors import OutcomeUnknown
from bot.ports import Ports
from bot.services.buttons import button_value
from bot.worker import Worker
from tests.mortal import Crash, Fate, mortal
from tests.services.world import ALL_THE_WAY, World, a_world, a_world_of_two_views, is_settled, moves


async def _work(world: World, ports: Ports, owner: str, operation: Operation) -> None:
    """Do everything that is due, as a worker does, until it is settled and every card is up to date."""
    worker = Worker(ports, owner, lambda operation, verb: button_value(ports, operation, verb))
    while await _is_open(world, operation):
        await worker.tick()
        world.clock.move(timedelta(seconds=1))


async def _is_open(world: World, operation: Operation) -> bool:
    return not is_settled(await world.operations.get(operation.id)) or bool(await world.operations.news())


async def _die_and_take_over(world: World, operation: Operation, fate: Fate) -> Operation:
    with suppress(Crash, BaseExceptionGroup):
        await _work(world, mortal(world.ports, fate), "bot-1", operation)
    if fate.calls >= fate.at:
        world.clock.move(LEASE)
        await _work(world, world.ports, "bot-2", operation)
    return await world.operations.get(operation.id)


async def _as_it_is(_world: World) -> None:
    """Leave the world as it is."""


async def _write_lost(world: World) -> None:
    world.zones.fail_next(OutcomeUnknown("No answer came to the write."))


async def _answer_lost(world: World) -> None:
    world.zones.fail_next(OutcomeUnknown("No answer came to the write."), after=True)


SCENES: dict[str, tuple[Callable[[], World], Callable[[World], Awaitable[None]]]] = {
    "one view": (a_world, _as_it_is),
    "two views": (a_world_of_two_views, _as_it_is),
    "the write is lost": (a_world, _write_lost),
    "the answer to the write is lost": (a_world, _answer_lost),
}


@pytest.mark.covers("F21")
@pytest.mark.parametrize("is_after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("scene", SCENES)
async def test_a_crash_at_any_call_ends_done_with_one_effect_a_whole_audit_and_a_true_card(
    scene: str, is_after: bool
) -> None:
    build, prepare = SCENES[scene]
    operation = await build().approve()
    at, fate = 0, Fate()
    while fate.calls >= at:
        at += 1
        world, fate = build(), Fate(at, is_after)
        world.operations.put(operation, due_at=world.clock.now())
        await prepare(world)

        ended = await _die_and_take_over(world, operation, fate)

        assert ended.state is State.DONE, at
        assert [c.existing.record_id for c in world.zones.applied] == list(operation.plan.record_ids), at
        assert moves(world) == ALL_THE_WAY[2:], at
        assert _is_unbroken(world), at
        assert await _is_shown(world, ended), at
    assert at > 30


def _is_unbroken(world: World) -> bool:
    """Tell whether every audit entry begins where the one before ended."""
    entries = world.operations.audit
    return all(then["after"] == now["before"] for then, now in pairwise(entries))


async def _is_shown(world: World, operation: Operation) -> bool:
    """Tell whether the stored card shows the end; a post whose answer was lost may leave one copy."""
    card = await world.operations.card(operation.id)
    return card is not None and card.rendered == operation.version and 1 <= len(world.workspace.cards()) <= 2
