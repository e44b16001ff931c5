"""Whoever froze hears of it, once, on every account of theirs, and so does the home channel."""

import asyncio
from datetime import timedelta

from bot.domain.freeze import ALL, SET_BY_HAND, Freeze
from bot.errors import Unreachable
from bot.worker.froze import AGAIN_AFTER, NEWS_AT_HOME_FOR, NEWS_FOR, tell_of_freezes
from tests.builders import APPROVER, APPROVER_ELSEWHERE, CHANNEL, NOW
from tests.services.world import World, a_world

FREEZE = Freeze(ALL, "approver", APPROVER, NOW, reason="something is wrong")


def told(world: World) -> list[str]:
    return [*world.workspace.told(APPROVER), *world.workspace.told(APPROVER_ELSEWHERE)]


def at_home(world: World) -> list[str]:
    return [post.message.text for post in world.workspace.posts if post.channel == CHANNEL]


async def test_a_freeze_is_told_once_on_each_account_whichever_of_several_bots_sees_it() -> None:
    world = a_world()

    await asyncio.gather(*(tell_of_freezes(world.ports, (FREEZE,)) for _ in range(3)))
    world.clock.move(timedelta(minutes=1))
    await tell_of_freezes(world.ports, (FREEZE,))

    assert len(told(world)) == 2
    assert all("You froze all sites" in text and "If this was not you" in text for text in told(world))


async def test_who_cannot_be_told_now_is_told_a_while_later_and_not_tried_at_every_look() -> None:
    world = a_world()
    world.workspace.fail_next(*[Unreachable("Slack does not answer.")] * 3)
    await tell_of_freezes(world.ports, (FREEZE,))
    await tell_of_freezes(world.ports, (FREEZE,))
    assert (told(world), at_home(world)) == ([], [])

    world.clock.move(AGAIN_AFTER)
    await tell_of_freezes(world.ports, (FREEZE,))

    assert (len(told(world)), len(at_home(world))) == (2, 1)


async def test_the_home_channel_hears_of_each_freeze_once_whichever_of_several_bots_sees_it() -> None:
    world = a_world()

    await asyncio.gather(*(tell_of_freezes(world.ports, (FREEZE,)) for _ in range(3)))
    world.clock.move(timedelta(hours=1))
    await tell_of_freezes(world.ports, (FREEZE,))

    assert at_home(world) == ["FROZEN: all sites, until two people lift it"]


async def test_what_the_bot_froze_by_itself_is_told_to_everybody_and_to_nobody_as_their_own() -> None:
    world = a_world()

    await tell_of_freezes(world.ports, (Freeze(ALL, "bot", "", NOW, reason="somebody writes to Redis"),))

    assert [post.channel for post in world.workspace.posts] == [CHANNEL]
    assert "By this bot itself: `somebody writes to Redis`" in str(world.workspace.posts[0].message.blocks)


async def test_an_old_freeze_and_one_set_by_hand_are_no_news() -> None:
    world = a_world()
    world.clock.move(NEWS_FOR)

    await tell_of_freezes(world.ports, (FREEZE, SET_BY_HAND))

    assert told(world) == []
    assert len(at_home(world)) == 1


async def test_a_freeze_of_days_ago_is_no_news_at_home_either() -> None:
    world = a_world()
    world.clock.move(NEWS_AT_HOME_FOR)

    await tell_of_freezes(world.ports, (FREEZE,))

    assert world.workspace.posts == []
