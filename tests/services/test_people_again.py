"""People are asked about again right before the claim; while Slack is silent, what it last said stands for a while."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.access import Access, People, Role
from bot.domain.operation import Operation, State
from bot.services.marks import mark_request, mark_vote
from bot.services.recheck import STORED_CHECK_LASTS, recheck_authority
from tests.builders import APPROVER, APPROVER_ELSEWHERE, NOW, ON_CALL, a_person, an_access, an_identity
from tests.services.world import World, a_world

NOTE = "Slack did not confirm <@{}> right before the write; its answer of 03:00:00 UTC stood."


def _with_the_approvers_account_moved() -> Access:
    on_call = a_person("on-call", ON_CALL, roles=(Role.REQUESTER, Role.APPROVER))
    return an_access(people=People((on_call, a_person("somebody", APPROVER), a_person("approver", APPROVER_ELSEWHERE))))


async def _approved() -> tuple[World, Operation]:
    world = a_world()
    return world, await world.approve()


def _falls_silent(world: World) -> None:
    """Let Slack be silent from now on, having last told of both people at the start."""
    for user_id in (ON_CALL, APPROVER):
        world.identities.known[user_id] = an_identity(user_id, checked_at=NOW)
    world.identities.down = True


async def test_an_approver_account_that_now_belongs_to_another_person_ends_it() -> None:
    world = a_world(access=_with_the_approvers_account_moved())
    operation = await world.approve()
    vote = mark_vote(world.ports, operation, replace(operation.votes[0], person="approver"))

    why = (await recheck_authority(world.ports, replace(operation, votes=(vote,)))).difference

    assert why == f"<@{APPROVER}> is another person in registry.yaml than when this was decided."


async def test_a_requester_account_that_now_belongs_to_another_person_ends_it() -> None:
    world, operation = await _approved()
    renamed = replace(operation, requester=replace(operation.requester, person="somebody"))
    renamed = mark_request(world.ports, renamed)
    renamed = replace(renamed, votes=(mark_vote(world.ports, renamed, renamed.votes[0]),))

    why = (await recheck_authority(world.ports, renamed)).difference

    assert why == f"<@{ON_CALL}> is another person in registry.yaml than when this was decided."


@pytest.mark.parametrize(("age", "is_enough"), [(STORED_CHECK_LASTS, True), (timedelta(seconds=121), False)])
async def test_while_slack_is_silent_a_check_of_the_last_120_seconds_stands(age: timedelta, is_enough: bool) -> None:
    world, operation = await _approved()
    _falls_silent(world)
    world.clock.move(age)

    found = await recheck_authority(world.ports, operation)

    assert (found.difference == "") is is_enough
    assert found.notes == ((NOTE.format(ON_CALL), NOTE.format(APPROVER)) if is_enough else ())
    if not is_enough:
        assert found.difference == (
            f"Slack does not confirm <@{ON_CALL}>, and the last confirmation is more than 120 s old."
        )


async def test_while_slack_is_silent_the_last_word_on_a_deactivated_person_counts() -> None:
    world, operation = await _approved()
    world.identities.known[APPROVER] = an_identity(APPROVER, is_deleted=True)
    world.identities.down = True

    assert "(E_INACTIVE_USER)" in (await recheck_authority(world.ports, operation)).difference


async def test_the_check_stored_with_the_vote_stands_where_this_process_has_an_older_one() -> None:
    world, operation = await _approved()
    world.identities.down = True
    world.identities.known[APPROVER] = an_identity(APPROVER, checked_at=NOW - timedelta(hours=1))

    assert (await recheck_authority(world.ports, operation)).difference == ""


async def test_a_check_that_stood_in_for_slack_is_told_in_the_story_and_the_write_goes_on() -> None:
    world, operation = await _approved()
    _falls_silent(world)

    done = await world.carry_out(operation)

    assert done.state is State.DONE
    assert [step.text for step in done.steps][:2] == [NOTE.format(ON_CALL), NOTE.format(APPROVER)]


async def test_while_slack_answers_the_story_tells_of_the_write_alone() -> None:
    world, operation = await _approved()

    done = await world.carry_out(operation)

    assert len(done.steps) == 1
    assert "Slack" not in done.steps[0].text
