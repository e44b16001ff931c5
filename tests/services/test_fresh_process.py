"""A process that has just started knows about people only what is stored with the votes."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.access import Identity, People, Role
from bot.domain.operation import Operation, State, Verb
from bot.services.recheck import STORED_CHECK_LASTS, recheck_authority
from bot.services.requests import cast_vote
from tests.builders import APPROVER, ON_CALL, a_person, a_policy, an_access, an_identity
from tests.fakes import FakeIdentities
from tests.services.world import World, a_world


class NothingHeardYet(FakeIdentities):
    """Slack is silent, and was since this process began, but about people in `known`."""

    def cached(self, user_id: str) -> Identity | None:
        """Return what is known, which is mostly nothing."""
        return self.known.get(user_id)


async def _approved_before_a_restart_without_slack() -> tuple[World, Operation]:
    world = a_world()
    operation = await world.approve()
    silent = NothingHeardYet(world.clock)
    silent.down = True
    world.ports = replace(world.ports, identities=silent)
    return world, operation


async def test_an_approval_of_a_moment_ago_stands_for_both_people_while_slack_is_silent() -> None:
    world, operation = await _approved_before_a_restart_without_slack()
    world.clock.move(timedelta(seconds=100))

    ended = await world.carry_out(operation)

    assert ended.state is State.DONE


@pytest.mark.parametrize(("age", "is_enough"), [(STORED_CHECK_LASTS, True), (timedelta(seconds=121), False)])
async def test_after_a_restart_the_check_stored_with_the_vote_stands_for_120_seconds(
    age: timedelta, is_enough: bool
) -> None:
    world, operation = await _approved_before_a_restart_without_slack()
    world.clock.move(age)

    found = await recheck_authority(world.ports, operation)

    assert (found.difference == "") is is_enough
    assert bool(found.notes) is is_enough


async def test_a_vote_counts_as_confirmed_no_later_than_the_older_of_both_confirmations() -> None:
    world = a_world()
    operation = await world.ask()
    earlier = world.clock.now() - timedelta(seconds=50)
    world.identities.known[ON_CALL] = an_identity(ON_CALL, checked_at=earlier)

    approved = await cast_vote(world.ports, operation.id, Verb.APPROVE, APPROVER)

    assert approved.votes[0].identity_checked_at == earlier


async def test_of_several_votes_the_latest_speaks_for_the_requester() -> None:
    third = a_person("third", "U01THIRD")
    people = People((a_person("on-call", ON_CALL, roles=(Role.REQUESTER,)), a_person(), third))
    world = a_world(access=an_access(people=people, policy=a_policy(approvals=2)))
    operation = await world.approve()
    world.clock.move(timedelta(seconds=100))
    operation = await cast_vote(world.ports, operation.id, Verb.APPROVE, "U01THIRD")
    world.clock.move(timedelta(seconds=50))
    silent = NothingHeardYet(world.clock, an_identity(APPROVER, checked_at=world.clock.now()))
    silent.down = True

    found = await recheck_authority(replace(world.ports, identities=silent), operation)

    assert found.difference == ""
    assert f"<@{ON_CALL}> right before the write; its answer of 03:01:40 UTC stood." in found.notes[0]
