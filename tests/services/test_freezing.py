"""Freezing at one person's word: in force at once, here and everywhere, and never lost."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.access import People, Role
from bot.domain.freeze import Switches
from bot.domain.operation import Operation, State, Verb
from bot.domain.plan import Kind
from bot.errors import AlreadyFrozen, Frozen, NotPermitted, StoreUnavailable
from bot.ports import Commit
from bot.services import freezing
from bot.services.requests import cast_vote
from tests.builders import APPROVER, NOW, ON_CALL, a_freeze, a_person, a_plan, an_access, an_operation
from tests.fakes import FakeClock, FakeOperations
from tests.services.world import World, a_world

DOWN = StoreUnavailable("Redis does not answer. Nothing was recorded (E_STORE_DOWN).", code="E_STORE_DOWN")
HOUR = timedelta(hours=1)
SITES = ["all", "zhangjiakou", "hangzhou"]


async def _freeze(world: World, scope: str = "all", **fields: Any) -> freezing.Taken:
    return await freezing.freeze(world.ports, scope, "on-call", ON_CALL, **({"reason": "migration"} | fields))


async def test_one_person_freezes_and_the_audit_says_who_what_until_when_and_why() -> None:
    world = a_world()

    taken = await _freeze(world, "hangzhou", until=NOW + HOUR)

    assert (taken.trouble, await world.operations.freezes()) == ("", (taken.freeze,))
    entry = world.operations.audit[-1]
    assert {name: entry[name] for name in ("event", "person", "user", "scope", "reason")} == {
        "event": "frozen",
        "person": "on-call",
        "user": ON_CALL,
        "scope": "hangzhou",
        "reason": "migration",
    }
    assert entry["until"].startswith("2026-11-03T04:00")


@pytest.mark.parametrize("role", [Role.REQUESTER, Role.APPROVER])
async def test_any_role_that_may_act_may_freeze(role: Role) -> None:
    world = a_world()
    world.obey(access=an_access(people=People((a_person("on-call", ON_CALL, roles=(role,)),))))

    assert (await _freeze(world)).freeze.person == "on-call"


@pytest.mark.parametrize("roles", [(), (Role.VIEWER,)])
async def test_who_may_only_look_freezes_nothing(roles: tuple[Role, ...]) -> None:
    world = a_world()
    world.obey(access=an_access(people=People((a_person("on-call", ON_CALL, roles=roles),))))

    with pytest.raises(NotPermitted, match="Only requesters and approvers may freeze"):
        await _freeze(world)
    assert freezing.switches_here(world.ports, "").local == ()


async def test_nobody_freezes_in_the_name_of_another_person() -> None:
    world = a_world()

    with pytest.raises(NotPermitted):
        await freezing.freeze(world.ports, "all", "approver", ON_CALL)
    assert await world.operations.freezes() == ()


@pytest.mark.parametrize("scope", SITES)
async def test_under_a_freeze_of_a_site_nothing_is_requested_from_or_to_it(scope: str) -> None:
    world = a_world()
    await _freeze(world, scope)

    with pytest.raises(Frozen, match=f"frozen by <@{ON_CALL}> since 03:00 UTC, until two people lift it: migration"):
        await world.ask()


@pytest.mark.parametrize("scope", SITES)
async def test_a_freeze_after_the_request_stops_the_approval_and_not_the_rejection(scope: str) -> None:
    world = a_world()
    operation = await world.ask()
    await _freeze(world, scope)

    with pytest.raises(Frozen, match="frozen by"):
        await cast_vote(world.ports, operation.id, Verb.APPROVE, APPROVER)
    assert (await cast_vote(world.ports, operation.id, Verb.REJECT, APPROVER)).state is State.REJECTED


@pytest.mark.parametrize("scope", SITES)
async def test_a_freeze_after_the_approval_ends_it_before_the_claim(scope: str) -> None:
    world = a_world()
    operation = await world.approve()
    await _freeze(world, scope)

    ended = await world.step(operation)

    assert (ended.state, world.zones.sent) == (State.STALE, [])
    assert f"frozen by <@{ON_CALL}>" in ended.outcome


@pytest.mark.parametrize("scope", SITES)
async def test_a_freeze_after_the_claim_stops_the_write(scope: str) -> None:
    world = a_world()
    operation = await world.approve()
    store = _FrozenAtTheClaim(world.clock, scope)
    store.put(operation)
    world.operations, world.ports = store, replace(world.ports, operations=store)

    ended = await world.step(operation)

    assert (ended.state, world.zones.sent) == (State.STALE, [])


async def test_a_freeze_of_another_site_stops_nothing() -> None:
    world = a_world()
    await _freeze(world, "shanghai")

    assert (await world.carry_out(await world.approve())).state is State.DONE


async def test_a_freeze_whose_time_is_over_stops_nothing() -> None:
    world = a_world()
    await _freeze(world, until=NOW + HOUR)
    world.clock.move(HOUR)

    assert (await world.carry_out(await world.approve())).state is State.DONE


@pytest.mark.parametrize("is_taken", [False, True], ids=["before it was written", "after it was written"])
async def test_without_an_answer_of_the_store_a_freeze_holds_here_and_is_written_down_later(is_taken: bool) -> None:
    world = a_world()
    world.operations.fail_freezing(DOWN, after=is_taken)

    taken = await _freeze(world)

    assert taken.trouble == str(DOWN)
    with pytest.raises(Frozen):
        await world.ask()
    world.operations.fail_freezing(None)
    await freezing.write_down(world.ports)
    assert await freezing.switches(world.ports) == Switches((taken.freeze,))
    assert [entry["event"] for entry in world.operations.audit] == ["frozen"]


async def test_a_freeze_that_only_this_bot_knows_ends_at_its_time_too() -> None:
    world = a_world()
    world.operations.fail_freezing(DOWN)
    await _freeze(world, until=world.clock.now() + HOUR)
    world.clock.move(HOUR)

    assert (await world.ask()).state is State.PENDING


async def test_several_freezes_that_the_store_missed_are_all_written_down() -> None:
    world = a_world()
    world.operations.fail_freezing(DOWN)
    await _freeze(world)
    await _freeze(world, "hangzhou", until=NOW + HOUR)

    with pytest.raises(StoreUnavailable):
        await freezing.write_down(world.ports)
    assert len(world.ports.local_freezes.waiting()) == 2
    world.operations.fail_freezing(None)
    await freezing.write_down(world.ports)

    assert {freeze.scope for freeze in await world.operations.freezes()} == {"all", "hangzhou"}
    assert world.ports.local_freezes.waiting() == ()


async def test_a_freeze_that_only_this_bot_knows_stops_its_approvals_too() -> None:
    world = a_world()
    operation = await world.ask()
    world.operations.fail_freezing(DOWN)
    await _freeze(world, "hangzhou")

    with pytest.raises(Frozen, match="only this bot may know"):
        await cast_vote(world.ports, operation.id, Verb.APPROVE, APPROVER)


async def test_what_the_store_meanwhile_froze_for_longer_is_left_so() -> None:
    world = a_world()
    world.operations.fail_freezing(DOWN)
    await _freeze(world, until=NOW + HOUR)
    world.operations.fail_freezing(None)
    longer = a_freeze(until=None)
    world.operations.put_freeze(longer)

    await freezing.write_down(world.ports)

    assert await freezing.switches(world.ports) == Switches((longer,))


async def test_nobody_shortens_a_freeze_alone() -> None:
    world = a_world()
    first = (await _freeze(world)).freeze

    with pytest.raises(AlreadyFrozen, match="lasts longer"):
        await _freeze(world, until=NOW + HOUR)
    assert await freezing.switches(world.ports) == Switches((first,))


async def test_a_store_that_does_not_say_counts_as_frozen() -> None:
    world = a_world()
    store = _Silent(world.clock)
    world.ports = replace(world.ports, operations=store, kill_switch=lambda: "REGISTRY_BOT_FREEZE is set.")

    found = await freezing.switches(world.ports)

    assert found == Switches(switch="REGISTRY_BOT_FREEZE is set.", unknown=str(DOWN))
    assert found.is_on


class _FrozenAtTheClaim(FakeOperations):
    """A store in which somebody freezes right after a claim."""

    def __init__(self, clock: FakeClock, scope: str) -> None:
        super().__init__(clock)
        self._scope = scope

    async def commit(self, commit: Commit) -> Operation:
        """Commit, and freeze."""
        written = await super().commit(commit)
        if commit.audit["event"] == "claimed":
            self.put_freeze(a_freeze(scope=self._scope))
        return written


class _Silent(FakeOperations):
    """A store that does not say what is frozen."""

    async def freezes(self) -> Any:
        """Raise."""
        raise DOWN


async def test_what_only_this_bot_knows_is_told_apart_from_what_the_store_has() -> None:
    world = a_world()
    stored = (await _freeze(world)).freeze
    only_here = replace(stored, scope="hangzhou")
    for known in (stored, only_here):
        world.ports.local_freezes.add(known, {})

    seen = await freezing.switches(world.ports)

    assert (seen.freezes, seen.local) == ((stored,), (only_here,))


async def test_a_freeze_that_the_replica_does_not_have_is_kept_here_until_it_has() -> None:
    world = a_world()
    world.operations.is_replica_behind = True

    taken = await _freeze(world)
    await freezing.write_down(world.ports)
    kept = world.ports.local_freezes.freezes()
    world.operations.is_replica_behind = False
    await freezing.write_down(world.ports)

    assert ("E_STORE_NOT_DURABLE" in taken.doubt, taken.trouble) == (True, "")
    assert (kept, world.ports.local_freezes.freezes()) == ((taken.freeze,), ())
    assert await freezing.switches(world.ports) == Switches((taken.freeze,))
    assert [entry["event"] for entry in world.operations.audit] == ["frozen"]


async def test_a_freeze_that_the_replica_does_not_have_is_written_anew_when_a_failover_lost_it() -> None:
    world = a_world()
    world.operations.is_replica_behind = True
    taken = await _freeze(world)
    await world.operations.thaw_by_hand()

    await freezing.write_down(world.ports)

    assert await world.operations.freezes() == (taken.freeze,)


async def test_a_freeze_that_two_people_lifted_is_not_written_down_again() -> None:
    world = a_world()
    world.operations.is_replica_behind = True
    taken = await _freeze(world)
    await world.operations.thaw_by_hand()
    plan = a_plan(kind=Kind.UNFREEZE, changes=(), lifts=(taken.freeze,))
    world.operations.put(an_operation(State.DONE, id="uf-0001", plan=plan))

    await freezing.write_down(world.ports)

    assert await freezing.switches(world.ports) == Switches()


@pytest.mark.parametrize("state", [State.PENDING, State.APPROVED, State.REJECTED, State.STALE])
async def test_a_freeze_whose_lifting_was_only_asked_for_is_written_down_again(state: State) -> None:
    world = a_world()
    world.operations.is_replica_behind = True
    taken = await _freeze(world)
    await world.operations.thaw_by_hand()
    plan = a_plan(kind=Kind.UNFREEZE, changes=(), lifts=(taken.freeze,))
    world.operations.put(an_operation(state, id="uf-0001", plan=plan))

    await freezing.write_down(world.ports)

    assert await world.operations.freezes() == (taken.freeze,)
