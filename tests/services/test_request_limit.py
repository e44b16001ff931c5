"""How often one person may ask: a flood costs neither the cloud nor the approvers anything."""

from datetime import timedelta

import pytest

from bot.domain.operation import State, Verb
from bot.errors import AlreadyOpen, NotPermitted
from bot.services.moderation import MOST_REQUESTS
from bot.services.requests import cast_vote
from tests.builders import ON_CALL
from tests.services.world import World, a_world, a_world_of_two_views


async def _flood(world: World) -> None:
    """Have on-call ask as often as one person may, taking each request back."""
    for _ in range(MOST_REQUESTS):
        operation = await world.ask()
        await cast_vote(world.ports, operation.id, Verb.CANCEL, ON_CALL)


@pytest.mark.covers("A28")
async def test_a_person_who_asks_too_often_is_refused_before_anything_is_planned() -> None:
    world = a_world()
    await _flood(world)
    reads = world.zones.reads

    with pytest.raises(NotPermitted, match="Ask again from ") as refused:
        await world.ask()

    assert refused.value.code == "E_TOO_MANY_REQUESTS"
    assert world.zones.reads == reads
    assert len(await world.operations.recent()) == MOST_REQUESTS


async def test_from_the_next_clock_hour_on_the_person_may_ask_again() -> None:
    world = a_world()
    await _flood(world)
    with pytest.raises(NotPermitted) as refused:
        await world.ask()
    again = (world.clock.now() + timedelta(hours=1)).replace(minute=0)
    assert f"from {again:%H:%M} UTC" in str(refused.value)

    world.clock.move(again - world.clock.now())

    assert (await world.ask()).requester.user_id == ON_CALL


@pytest.mark.covers("A28")
async def test_what_is_open_already_is_refused_without_a_call_to_the_cloud_and_does_not_count() -> None:
    world = a_world()
    operation = await world.ask()
    reads = world.zones.reads

    for _ in range(MOST_REQUESTS + 1):
        with pytest.raises(AlreadyOpen, match=operation.id):
            await world.ask()
    assert world.zones.reads == reads
    await cast_vote(world.ports, operation.id, Verb.CANCEL, ON_CALL)
    assert (await world.ask()).state is State.PENDING


async def test_another_view_of_the_same_site_may_be_asked_for_meanwhile() -> None:
    world = a_world_of_two_views()
    await world.ask("zhangjiakou only vpc-bbbbb")

    assert (await world.ask("zhangjiakou only vpc-ccccc")).only == "vpc-ccccc"


async def test_another_person_may_still_ask_and_a_plan_alone_is_never_counted() -> None:
    world = a_world()
    await _flood(world)

    assert await world.operations.count_request("approver") == 1
