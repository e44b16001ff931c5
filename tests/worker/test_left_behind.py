"""A process left behind on an old primary of Redis draws cards as they were; once it is back they show what is so."""

import copy
from dataclasses import dataclass, replace
from typing import Any

import pytest

from bot.domain.operation import Operation, Verb
from bot.errors import StoreUnavailable, Unconfirmed
from bot.services.buttons import button_value
from bot.services.requests import cast_vote
from bot.worker.outbox import Outbox
from tests.builders import APPROVER
from tests.services.world import World, a_world


class _Way:
    """The way to whichever server answers at the moment."""

    def __init__(self, server: Any) -> None:
        self.server = server

    def __getattr__(self, name: str) -> Any:
        return getattr(self.server, name)


class _Unmarkable(_Way):
    """A server that breaks down as soon as a card is marked."""

    async def draw_again(self, _operation_id: str) -> None:
        raise StoreUnavailable("Redis refuses.")


@dataclass
class _Split:
    """A world whose old primary is cut off with one process, which has an operation's card to draw once more."""

    world: World
    operation: Operation
    way: _Way
    behind: Outbox

    async def heal(self) -> None:
        """Let the process find the new primary, and let both processes look."""
        self.way.server = self.world.operations
        await self.behind.tick()
        await self.behind.tick()

    def shown(self) -> str:
        """Return what the card says."""
        (card,) = self.world.workspace.cards()
        return card.message.text


async def _a_split() -> _Split:
    world = a_world()
    operation = await world.ask()
    await _outbox(world).tick()
    old = copy.copy(world.operations)
    for name, value in vars(old).items():
        setattr(old, name, copy.copy(value))
    old.is_replica_behind = True
    await old.draw_again(operation.id)
    way: Any = _Way(old)
    behind = replace(world, ports=replace(world.ports, operations=way))
    return _Split(world, operation, way, _outbox(behind))


def _outbox(world: World) -> Outbox:
    return Outbox(world.ports, lambda operation, verb: button_value(world.ports, operation, verb))


@pytest.mark.covers("F07")
async def test_what_was_drawn_from_a_lost_store_is_drawn_again_once_the_process_is_back() -> None:
    split = await _a_split()
    await cast_vote(split.world.ports, split.operation.id, Verb.REJECT, APPROVER)
    await _outbox(split.world).tick()
    await split.behind.tick()
    assert "REJECTED" not in split.shown()

    await split.heal()

    assert "REJECTED" in split.shown()


async def test_a_vote_that_a_failover_lost_disappears_from_the_card_and_the_buttons_come_back() -> None:
    split = await _a_split()
    behind = replace(split.world.ports, operations=split.way)
    with pytest.raises(Unconfirmed):
        await cast_vote(behind, split.operation.id, Verb.REJECT, APPROVER)
    await split.behind.tick()
    assert "REJECTED" in split.shown()

    await split.heal()

    assert "needs a second person" in split.shown()


async def test_as_long_as_the_replicas_are_silent_a_card_is_drawn_once() -> None:
    split = await _a_split()

    for _ in range(5):
        await split.behind.tick()

    assert split.world.workspace.updates == 1


async def test_what_the_replicas_have_is_not_drawn_again() -> None:
    split = await _a_split()
    split.way.server.is_replica_behind = False

    for _ in range(5):
        await split.behind.tick()

    assert split.world.workspace.updates == 1


async def test_a_store_that_fails_while_a_card_is_marked_is_asked_again_at_the_next_look() -> None:
    split = await _a_split()
    await split.behind.tick()
    await cast_vote(split.world.ports, split.operation.id, Verb.REJECT, APPROVER)
    await _outbox(split.world).tick()
    split.way.server = _Unmarkable(split.world.operations)
    with pytest.raises(ExceptionGroup):
        await split.behind.tick()

    await split.heal()

    assert "REJECTED" in split.shown()
