"""The eye on the kill switch: what the store missed is written down, and open cards say what is frozen now."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.domain.operation import Verb
from bot.errors import StoreUnavailable
from bot.services import freezing
from bot.services.buttons import button_value
from bot.services.requests import cast_vote
from bot.worker import Worker
from tests.builders import APPROVER, NOW, ON_CALL
from tests.services.world import OWNER, World, a_world

DOWN = StoreUnavailable("Redis does not answer.")
MINUTE = timedelta(minutes=1)


def _worker(world: World) -> Worker:
    return Worker(world.ports, OWNER, lambda operation, verb: button_value(world.ports, operation, verb))


async def _freeze(world: World, scope: str = "all", **fields: Any) -> None:
    await freezing.freeze(world.ports, scope, "on-call", ON_CALL, reason="migration", **fields)


async def _rounds(worker: Worker, count: int = 2) -> None:
    for _ in range(count):
        await worker.tick()


def _card(world: World) -> str:
    [card] = world.workspace.cards()
    return card.message.text


async def test_an_open_card_says_that_it_is_frozen_and_no_longer_when_it_is_not() -> None:
    world = a_world()
    worker = _worker(world)
    await world.ask()
    await _rounds(worker)
    assert "FROZEN" not in _card(world)

    await _freeze(world)
    await _rounds(worker)
    assert _card(world).startswith("FROZEN: all sites · ")

    await world.operations.thaw_by_hand()
    await _rounds(worker)
    assert "FROZEN" not in _card(world)


async def test_a_card_is_redrawn_when_the_time_of_a_freeze_is_over() -> None:
    world = a_world()
    worker = _worker(world)
    await world.ask()
    await _freeze(world, "hangzhou", until=NOW + MINUTE)
    await _rounds(worker)
    assert _card(world).startswith("FROZEN: hangzhou · ")

    world.clock.move(MINUTE)
    await _rounds(worker)

    assert "FROZEN" not in _card(world)


async def test_a_freeze_of_another_site_leaves_a_card_alone() -> None:
    world = a_world()
    worker = _worker(world)
    await world.ask()
    await _rounds(worker)
    edits = world.workspace.updates

    await _freeze(world, "shanghai")
    await _rounds(worker)

    assert ("FROZEN" in _card(world), world.workspace.updates) == (False, edits)


async def test_the_switch_of_this_process_is_shown_as_well() -> None:
    world = a_world()
    is_on: list[bool] = []
    world.ports = replace(world.ports, kill_switch=lambda: "REGISTRY_BOT_FREEZE is set." if is_on else "")
    worker = _worker(world)
    await world.ask()
    await _rounds(worker)

    is_on.append(True)
    await _rounds(worker)

    assert _card(world).startswith("FROZEN: all sites · ")


async def test_a_decided_card_says_nothing_of_it() -> None:
    world = a_world()
    operation = await world.ask()
    await cast_vote(world.ports, operation.id, Verb.REJECT, APPROVER)
    await _freeze(world)

    await _rounds(_worker(world))

    assert "FROZEN" not in _card(world)


async def test_a_bot_that_starts_under_a_freeze_draws_it_on_cards_from_before() -> None:
    world = a_world()
    await world.ask()
    await _rounds(_worker(world))
    await _freeze(world)

    await _rounds(_worker(world))

    assert "FROZEN" in _card(world)


async def test_cards_that_say_what_is_frozen_are_not_drawn_again() -> None:
    world = a_world()
    worker = _worker(world)
    await world.ask()
    await _freeze(world)
    await _rounds(worker, 3)
    edits = world.workspace.updates

    await _rounds(worker, 5)

    assert world.workspace.updates == edits


async def test_what_the_store_missed_is_written_down_as_soon_as_it_answers() -> None:
    world = a_world()
    worker = _worker(world)
    world.operations.fail_freezing(DOWN)
    await _freeze(world)
    await worker.tick()
    assert await world.operations.freezes() == ()

    world.operations.fail_freezing(None)
    await worker.tick()

    assert [freeze.reason for freeze in await world.operations.freezes()] == ["migration"]
    assert world.ports.local_freezes.waiting() == ()


async def test_a_freeze_whose_answer_was_lost_is_not_set_again_once_it_was_lifted() -> None:
    world = a_world()
    worker = _worker(world)
    world.operations.fail_freezing(DOWN, after=True)
    await _freeze(world)
    world.operations.fail_freezing(None)
    await worker.tick()

    await world.operations.thaw_by_hand()
    await _rounds(worker)

    assert await world.operations.freezes() == ()
    assert world.ports.local_freezes.waiting() == ()


async def test_a_freeze_that_was_over_before_the_store_answered_is_written_down_all_the_same() -> None:
    world = a_world()
    world.operations.fail_freezing(DOWN)
    await _freeze(world, until=NOW + MINUTE)
    world.clock.move(2 * MINUTE)
    world.operations.fail_freezing(None)

    await _worker(world).tick()

    assert [entry["event"] for entry in world.operations.audit] == ["frozen"]
    assert world.ports.local_freezes.waiting() == ()


async def test_a_freeze_that_the_store_has_for_longer_is_in_the_audit_all_the_same() -> None:
    world = a_world()
    world.operations.fail_freezing(DOWN)
    await _freeze(world, until=NOW + MINUTE)
    world.operations.fail_freezing(None)
    await world.operations.freeze_by_hand()

    await _worker(world).tick()

    assert [entry["event"] for entry in world.operations.audit] == ["frozen"]
