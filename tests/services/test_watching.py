"""What is seen of a finished failover, by DNS and by the instance that answers; it never changes the state."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.domain.observation import CONFIRMED, CONVERGED, Observed
from bot.domain.operation import Operation, State
from bot.domain.snapshot import Silence
from bot.domain.topology import Topology
from bot.ports import Resolved
from bot.services.watching import GRACE, watch_until
from tests.builders import HOME_ADDRESS, INSTANCE_ID, NOW, PUBLIC_NAME, RESOLVER, a_topology, an_operation
from tests.services.world import OWNER, World, a_world, a_world_of_two_views, moves

RESOLVER_B = RESOLVER["zhangjiakou"]
LINK = PUBLIC_NAME["hangzhou"]


async def _done(world: World, text: str = "zhangjiakou") -> Operation:
    """Have a failover done, just before the first look at it."""
    operation = await world.step(await world.approve(text))
    done = await world.step(operation)
    assert done.state is State.DONE
    return done


def _seen(operation: Operation) -> dict[str, tuple[Observed, str]]:
    return {o.name: (o.outcome, o.sentence) for o in operation.observations if o.change == 0}


def _from_inside() -> Topology:
    return a_topology(bot_vpc="vpc-bbbbb")


async def test_a_move_that_dns_shows_and_that_the_right_instance_answers_is_converged_and_confirmed() -> None:
    world = a_world()

    seen = _seen(await world.step(await _done(world)))

    assert seen == {
        CONVERGED: (Observed.OK, f"DNS in vpc-bbbbb answers CNAME {LINK}."),
        CONFIRMED: (Observed.OK, "cri-aaaaa answers `/v2/` under cross-region.registry.io."),
    }
    assert world.data_plane.asked[-1][1] == HOME_ADDRESS["hangzhou"]


async def test_a_view_without_a_resolver_is_not_observed_by_dns_and_still_asked_for_its_instance() -> None:
    world = a_world_of_two_views()

    done = await world.step(await _done(world))

    by_change = {(o.name, o.change): (o.outcome, o.sentence) for o in done.observations}
    assert by_change[CONVERGED, 1] == (Observed.NOT_OBSERVED, "No resolver of vpc-ccccc can be asked from here.")
    assert by_change[CONFIRMED, 1][0] is Observed.OK


async def test_a_resolver_that_did_not_show_the_old_value_before_is_no_witness_afterwards() -> None:
    world = a_world()
    world.resolver.stale[RESOLVER_B] = world.zones.held["record-a"]

    seen = _seen(await world.step(await _done(world)))

    assert seen[CONVERGED][0] is Observed.NOT_OBSERVED


async def test_a_resolver_that_was_silent_before_the_write_is_no_witness_afterwards() -> None:
    world = a_world()
    world.resolver.down.add(RESOLVER_B)
    operation = await world.step(await world.approve())
    world.resolver.down.clear()

    assert not operation.progress[0].is_vantage


@pytest.mark.covers("F61")
async def test_a_resolver_that_still_gives_the_old_value_is_asked_again_until_it_does_not() -> None:
    world = a_world()
    done = await _done(world)
    world.resolver.stale[RESOLVER_B] = done.plan.changes[0].existing

    waiting = await world.step(done)
    world.resolver.stale.clear()
    seen = _seen(await world.carry_out(waiting))

    assert _seen(waiting) == {CONVERGED: (Observed.WAITING, "The resolver still answers 10.2.0.20.")}
    assert seen[CONVERGED][0] is Observed.OK


@pytest.mark.covers("F61")
async def test_a_resolver_that_keeps_the_old_value_past_its_time_has_failed_and_the_state_stays_done() -> None:
    world = a_world()
    done = await _done(world)
    world.resolver.stale[RESOLVER_B] = done.plan.changes[0].existing

    ended = await world.carry_out(done)

    assert _seen(ended)[CONVERGED][0] is Observed.FAILED
    assert _seen(ended)[CONFIRMED] == (Observed.NOT_OBSERVED, "DNS did not converge first.")
    assert (ended.state, ended.has_failed_observation) == (State.DONE, True)
    assert world.clock.now() >= NOW + timedelta(seconds=90)


@pytest.mark.covers("F62")
async def test_a_resolver_that_falls_silent_has_failed_in_its_own_words() -> None:
    world = a_world()
    done = await _done(world)
    world.resolver.down.add(RESOLVER_B)

    assert _seen(await world.carry_out(done))[CONVERGED] == (
        Observed.FAILED,
        f"The resolver {RESOLVER_B} does not answer.",
    )


@pytest.mark.covers("F62")
async def test_a_name_that_resolves_to_no_address_is_not_converged() -> None:
    world = a_world()
    done = await _done(world)
    world.ports = replace(world.ports, resolver=_NamesOnly())

    ended = await world.carry_out(done)

    assert _seen(ended)[CONVERGED] == (Observed.FAILED, f"The resolver answers {LINK}, but no address for it.")


@pytest.mark.covers("F63")
@pytest.mark.parametrize(
    ("instance", "sentence"),
    [
        (INSTANCE_ID["zhangjiakou"], "cri-bbbbb answers `/v2/` instead of cri-aaaaa."),
        (None, "hangzhou does not answer `/v2/`: did not answer within 2 s."),
    ],
)
async def test_a_wrong_or_missing_answer_is_waited_for_and_then_failed(instance: str | None, sentence: str) -> None:
    world = a_world()
    done = await _done(world)
    world.data_plane.silence("hangzhou")
    if instance is not None:
        world.data_plane.instances[HOME_ADDRESS["hangzhou"]] = instance

    assert _seen(await world.step(done))[CONFIRMED] == (Observed.WAITING, sentence)
    assert _seen(await world.carry_out(done))[CONFIRMED] == (Observed.FAILED, sentence)


async def test_the_private_route_cannot_be_tried_from_outside() -> None:
    world = a_world()

    seen = _seen(await world.step(await _done(world, "zhangjiakou via internal")))

    assert seen[CONFIRMED] == (
        Observed.NOT_OBSERVED,
        "The bot runs outside vpc-bbbbb and cannot try its private route.",
    )


async def test_the_private_route_is_tried_by_a_bot_inside_the_vpc() -> None:
    world = a_world(topology=_from_inside())

    seen = _seen(await world.step(await _done(world, "zhangjiakou via internal")))

    assert seen[CONFIRMED][0] is Observed.OK


async def test_what_was_seen_once_is_not_looked_at_again_while_another_view_is_waited_for() -> None:
    world = a_world_of_two_views()
    done = await _done(world)
    world.ports = replace(world.ports, data_plane=_AddressesOnly(world))
    first = await world.step(done)
    asked = len(world.data_plane.asked)
    world.resolver.stale[RESOLVER_B] = done.plan.changes[0].existing

    later = await world.step(first)

    assert _seen(first)[CONVERGED][0] is _seen(later)[CONVERGED][0] is Observed.OK
    assert len(world.data_plane.asked) == asked


async def _waiting(world: World) -> Operation:
    """Have a first look taken at a failover that DNS does not show yet."""
    done = await _done(world)
    world.resolver.stale[RESOLVER_B] = done.plan.changes[0].existing
    return await world.step(done)


async def test_a_look_that_shows_nothing_new_makes_no_news_no_version_and_no_audit_entry() -> None:
    world = a_world()
    waiting = await _waiting(world)
    card, told = await world.operations.news(), len(world.operations.audit)

    again = await world.step(waiting)

    assert again == waiting
    assert (await world.operations.news(), len(world.operations.audit)) == (card, told)


async def test_a_look_with_news_is_told_once() -> None:
    world = a_world()
    waiting = await _waiting(world)
    world.resolver.stale.clear()

    seen = await world.step(waiting)

    assert seen.version == waiting.version + 1
    assert [entry["event"] for entry in world.operations.audit][-2:] == ["observed", "observed"]


@pytest.mark.parametrize(("waited", "pause"), [(0, 5), (1480, 5), (1500, 55), (3000, 55)])
async def test_looks_are_close_while_a_write_may_come_late_and_seldom_afterwards(waited: int, pause: int) -> None:
    world = a_world()
    world.zones.edit("record-b", ttl=3600)
    waiting = await _waiting(world)
    world.clock.move(timedelta(seconds=waited))

    await world.step(waiting)

    due = [s for s in range(120) if await world.operations.due(world.clock.now() + timedelta(seconds=s))]
    assert due[0] == pause


async def test_what_takes_an_hour_to_see_costs_few_looks_and_few_audit_entries() -> None:
    world = a_world()
    world.zones.edit("record-b", ttl=3600)
    waiting = await _waiting(world)
    told = len(world.operations.audit)

    ended = await world.carry_out(waiting)

    assert ended.has_failed_observation
    assert len(world.operations.audit) == told + 1


async def test_observations_move_no_state_and_the_audit_tells_of_them() -> None:
    world = a_world()
    done = await _done(world)
    before = moves(world)

    await world.step(done, OWNER)

    assert moves(world) == before
    assert world.operations.audit[-1]["event"] == "observed"


def _until(**fields: Any) -> datetime:
    operation = an_operation(State.DONE)
    change = operation.plan.changes[0]
    zone = replace(change.zone, dns_group=fields.get("dns_group"))
    change = replace(change, zone=zone, existing=replace(change.existing, ttl=fields.get("ttl", 60)))
    plan = replace(operation.plan, changes=(change,))
    return watch_until(replace(operation, plan=plan, progress=(replace(operation.progress[0], applied_at=NOW),)))


@pytest.mark.covers("F61")
@pytest.mark.parametrize(
    ("fields", "seconds"),
    [({"ttl": 60}, 60), ({"ttl": 5}, 10), ({"ttl": 3600}, 3600), ({"ttl": 3600, "dns_group": "FAST_ZONE"}, 0)],
)
def test_the_last_look_is_when_every_resolver_has_let_go_of_the_old_value(fields: Any, seconds: int) -> None:
    assert _until(**fields) == NOW + timedelta(seconds=seconds) + GRACE


def test_only_an_applied_change_is_watched() -> None:
    with pytest.raises(ValueError, match="only an applied change is watched"):
        watch_until(an_operation(State.FAILED))


class _NamesOnly:
    """A resolver that knows the name and no address behind it."""

    async def resolve(self, domain: str, resolver: str) -> Resolved:
        """Answer with the chain alone."""
        return Resolved((LINK,), (), 60, NOW)


class _AddressesOnly:
    """A data plane in which the public name of the standby is silent; the address behind it answers."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def challenge(self, domain: str, dial: str) -> Any:
        """Let only addresses answer."""
        if dial == LINK:
            return Silence("did not answer within 2 s", dial, NOW)
        return await self._world.data_plane.challenge(domain, dial)
