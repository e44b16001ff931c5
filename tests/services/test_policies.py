"""What rests on another registry.yaml ends by itself, and nobody's word is counted under rules they did not see."""

from dataclasses import replace

import pytest

from bot.domain.access import Access, People, Role
from bot.domain.operation import Operation, Requester, State, Verb
from bot.errors import StoreUnavailable
from bot.services.freezing import freeze
from bot.services.policies import end_outdated, policy_difference
from bot.services.requests import cast_vote, policy_hash_now
from bot.services.unfreezing import ask_to_lift
from tests.builders import APPROVER, CHANNEL, ON_CALL, a_person, a_policy, a_site, a_topology, an_access
from tests.services.world import World, a_world

OTHER_POLICY = an_access(policy=a_policy(approvals=2))
ON_CALL_PERSON = a_person("on-call", ON_CALL, roles=(Role.REQUESTER, Role.APPROVER))


def _without_the_approver() -> Access:
    other = a_person("someone", "U02SOMEONE", roles=(Role.APPROVER,))
    return an_access(people=People((ON_CALL_PERSON, other)))


async def _swept(world: World, operation: Operation) -> Operation:
    await end_outdated(world.ports)
    return await world.operations.get(operation.id)


@pytest.mark.covers("A22")
async def test_a_request_under_another_policy_ends_stale_with_the_reason_and_its_record_is_free() -> None:
    world = a_world()
    pending = await world.ask()
    world.obey(access=OTHER_POLICY)

    ended = await _swept(world, pending)

    assert ended.state is State.STALE
    was, now = pending.plan.policy_hash[:12], str(policy_hash_now(world.ports, pending))[:12]
    assert ended.outcome == (
        f"Nothing was changed. registry.yaml changed since the plan: policy {was} then, {now} now "
        "(E_POLICY_CHANGED). Plan again."
    )
    assert await world.operations.open_on("record-b") is None
    assert ended.id in await world.operations.news()


async def test_an_approval_under_another_policy_ends_too() -> None:
    world = a_world()
    approved = await world.approve()
    world.obey(topology=a_topology(a_site("hangzhou"), a_site(egress=())))

    ended = await _swept(world, approved)

    assert (ended.state, world.zones.sent) == (State.STALE, [])
    assert "E_POLICY_CHANGED" in ended.outcome


@pytest.mark.covers("A08")
async def test_an_approver_taken_off_the_list_after_clicking_voids_the_approval_by_name() -> None:
    world = a_world()
    approved = await world.approve()
    world.obey(access=_without_the_approver())

    ended = await _swept(world, approved)

    assert f"<@{APPROVER}> approved this and is no longer an approver in registry.yaml" in ended.outcome
    assert "E_APPROVER_REVOKED" in ended.outcome


async def test_an_approver_who_lost_the_role_alone_voids_the_approval_too() -> None:
    world = a_world()
    approved = await world.approve()
    demoted = a_person(roles=(Role.REQUESTER,))
    world.obey(access=an_access(people=People((ON_CALL_PERSON, demoted))))

    assert "E_APPROVER_REVOKED" in policy_difference(world.ports, approved)


async def test_before_anybody_approved_a_shorter_list_is_a_change_of_policy() -> None:
    world = a_world()
    pending = await world.ask()
    world.obey(access=_without_the_approver())

    assert "E_POLICY_CHANGED" in policy_difference(world.ports, pending)


async def test_what_was_planned_under_the_present_policy_is_left_alone() -> None:
    world = a_world()
    pending = await world.ask()

    assert not await end_outdated(world.ports)
    assert await world.operations.get(pending.id) == pending


async def test_what_is_begun_is_carried_to_its_end_whatever_the_policy() -> None:
    world = a_world()
    verifying = await world.step(await world.approve())
    assert verifying.state is State.VERIFYING
    world.obey(access=OTHER_POLICY)

    assert await _swept(world, verifying) == verifying
    assert (await world.carry_out(verifying)).state is State.DONE


async def test_what_is_claimed_is_not_ended_whatever_the_policy() -> None:
    world = a_world()
    claimed = world.operations.put(replace(await world.approve(), state=State.APPLYING))
    world.obey(access=OTHER_POLICY)

    assert not await end_outdated(world.ports)
    assert await world.operations.get(claimed.id) == claimed


@pytest.mark.covers("F27")
async def test_of_two_bots_with_different_files_neither_carries_out_what_was_decided_under_the_others() -> None:
    ours = a_world()
    theirs = replace(ours.ports, rules=replace(ours.ports.rules, access=OTHER_POLICY))
    approved = await ours.approve()

    await end_outdated(theirs)
    ended = await ours.step(approved)

    assert (ended.state, ours.zones.sent) == (State.STALE, [])
    assert "E_POLICY_CHANGED" in ended.outcome


@pytest.mark.covers("F27")
async def test_a_bot_with_another_file_that_is_first_at_the_claim_writes_nothing() -> None:
    world = a_world()
    approved = await world.approve()
    world.obey(access=OTHER_POLICY)

    ended = await world.step(approved)

    assert (ended.state, world.zones.sent) == (State.STALE, [])
    assert "E_POLICY_CHANGED" in ended.outcome


async def test_a_decision_that_comes_first_is_left_to_whoever_made_it() -> None:
    world = a_world()
    pending = await world.ask()
    world.ports = replace(world.ports, operations=_Stale(world, pending))  # type: ignore[arg-type]
    await cast_vote(replace(world.ports, operations=world.operations), pending.id, Verb.REJECT, APPROVER)
    world.obey(access=OTHER_POLICY)

    await end_outdated(world.ports)

    assert (await world.operations.get(pending.id)).state is State.REJECTED


async def test_a_store_in_trouble_is_left_alone() -> None:
    world = a_world()
    pending = await world.ask()
    world.obey(access=OTHER_POLICY)
    world.ports = replace(world.ports, store_trouble=lambda: "Redis takes no writes.")

    assert await _swept(world, pending) == pending


async def test_a_store_that_fails_is_told_to_the_worker() -> None:
    world = a_world()
    await world.ask()
    world.obey(access=OTHER_POLICY)
    world.operations.fail_next(StoreUnavailable("Redis does not answer."))

    with pytest.raises(StoreUnavailable):
        await end_outdated(world.ports)


class _Stale:
    """A store whose list of the newest is a moment old."""

    def __init__(self, world: World, known: Operation) -> None:
        self._world, self._known = world, known

    def __getattr__(self, name: str) -> object:
        return getattr(self._world.operations, name)

    async def recent(self, _limit: int = 50) -> tuple[Operation, ...]:
        """Return what was there."""
        return (self._known,)


@pytest.mark.parametrize(
    ("scope", "changed", "state"),
    [
        ("zhangjiakou", "zhangjiakou", State.STALE),
        ("zhangjiakou", "hangzhou", State.PENDING),
        ("all", "zhangjiakou", State.STALE),
        ("all", "hangzhou", State.STALE),
    ],
)
async def test_a_request_to_lift_rests_on_the_sites_that_its_freeze_stops(
    scope: str, changed: str, state: State
) -> None:
    world = a_world()
    await freeze(world.ports, scope, "approver", APPROVER)
    asked = await ask_to_lift(world.ports, scope, Requester("on-call", ON_CALL), CHANNEL, "it is over")
    unchanged = a_site("hangzhou" if changed == "zhangjiakou" else "zhangjiakou")
    world.obey(topology=a_topology(a_site(changed, egress=()), unchanged))

    assert (await _swept(world, asked)).state is state


async def test_an_approver_who_lost_the_role_voids_a_lift_by_name_too() -> None:
    world = a_world()
    await freeze(world.ports, "all", "approver", APPROVER)
    asked = await ask_to_lift(world.ports, "all", Requester("on-call", ON_CALL), CHANNEL, "it is over")
    approved = await cast_vote(world.ports, asked.id, Verb.APPROVE, APPROVER)
    demoted = a_person(roles=(Role.REQUESTER,))
    world.obey(access=an_access(people=People((ON_CALL_PERSON, demoted))))

    assert "E_APPROVER_REVOKED" in policy_difference(world.ports, approved)
