"""Whoever froze hears of it, once, on every account of theirs."""

import asyncio
from datetime import timedelta

from bot.domain.freeze import ALL, SET_BY_HAND, Freeze
from bot.errors import Unreachable
from bot.worker.froze import NEWS_FOR, tell_freezers
from tests.builders import APPROVER, APPROVER_ELSEWHERE, NOW
from tests.services.world import World, a_world

FREEZE = Freeze(ALL, "approver", APPROVER, NOW, reason="something is wrong")


def told(world: World) -> list[str]:
    return [*world.workspace.told(APPROVER), *world.workspace.told(APPROVER_ELSEWHERE)]


async def test_a_freeze_is_told_once_on_each_account_whichever_of_several_bots_sees_it() -> None:
    world = a_world()

    await asyncio.gather(*(tell_freezers(world.ports, (FREEZE,)) for _ in range(3)))
    world.clock.move(timedelta(minutes=1))
    await tell_freezers(world.ports, (FREEZE,))

    assert len(told(world)) == 2
    assert all("You froze all sites" in text and "If this was not you" in text for text in told(world))


async def test_who_cannot_be_told_now_is_told_at_the_next_look() -> None:
    world = a_world()
    world.workspace.fail_next(Unreachable("Slack does not answer."), Unreachable("Slack does not answer."))
    await tell_freezers(world.ports, (FREEZE,))
    assert told(world) == []

    await tell_freezers(world.ports, (FREEZE,))

    assert len(told(world)) == 2


async def test_an_old_freeze_and_one_set_by_hand_are_no_news() -> None:
    world = a_world()
    world.clock.move(NEWS_FOR)

    await tell_freezers(world.ports, (FREEZE, SET_BY_HAND))

    assert told(world) == []
