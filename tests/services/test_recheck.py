"""Everything is checked again right before the claim; each difference is told with both values."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.access import People, Person, Role
from bot.domain.operation import Operation, State
from bot.domain.plan import Verdict
from bot.domain.snapshot import VpcLink
from bot.services.recheck import recheck
from tests.builders import (
    APPROVER,
    ON_CALL,
    PUBLIC_NAME,
    a_person,
    a_policy,
    a_site,
    a_topology,
    a_zone,
    an_access,
    an_identity,
    endpoints,
)
from tests.services.world import World, a_world, a_world_of_two_views

VIEW = "cross-region.registry.io in vpc-bbbbb"
ON_CALL_PERSON = a_person("on-call", ON_CALL, roles=(Role.REQUESTER, Role.APPROVER))


def _with_people(*persons: Person, **fields: Any) -> Any:
    return an_access(people=People(persons), **fields)


async def _approved(world: World | None = None) -> tuple[World, Operation]:
    world = world or a_world()
    return world, await world.approve()


async def test_nothing_differs_when_nothing_has_changed() -> None:
    world, operation = await _approved()
    world.clock.move(timedelta(seconds=100))

    assert (await recheck(world.ports, operation)).difference == ""


@pytest.mark.covers("A22")
@pytest.mark.parametrize(
    "rules",
    [
        {"access": an_access(policy=a_policy(approvals=2))},
        {"topology": a_topology(a_site("hangzhou"), a_site(egress=()))},
    ],
)
async def test_another_policy_another_list_of_people_or_another_site_ends_the_approval(rules: dict[str, Any]) -> None:
    world, operation = await _approved()
    world.obey(**rules)

    why = (await recheck(world.ports, operation)).difference

    assert why.startswith("registry.yaml changed since the plan: policy ")
    assert why.endswith("(E_POLICY_CHANGED).")
    assert operation.plan.policy_hash[:12] in why


@pytest.mark.covers("A08")
async def test_an_approver_who_left_the_list_after_clicking_voids_the_approval() -> None:
    world, operation = await _approved()
    world.obey(access=_with_people(ON_CALL_PERSON))

    why = (await recheck(world.ports, operation)).difference

    assert why == f"<@{APPROVER}> approved this and is no longer an approver in registry.yaml (E_APPROVER_REVOKED)."


async def test_a_site_that_left_the_configuration_ends_the_approval() -> None:
    world, operation = await _approved()
    world.obey(topology=a_topology(a_site("hangzhou")))

    assert "no such site now" in (await recheck(world.ports, operation)).difference


@pytest.mark.parametrize(
    ("user_id", "account", "code"),
    [
        (APPROVER, {"is_deleted": True}, "may no longer approve this: .* (E_INACTIVE_USER)"),
        (ON_CALL, {"is_deleted": True}, "may no longer request this: .* (E_INACTIVE_USER)"),
        (APPROVER, {"is_guest": True}, "(E_EXTERNAL_USER)"),
        (ON_CALL, {"is_bot": True}, "(E_NOT_HUMAN)"),
    ],
)
async def test_a_person_deactivated_between_approval_and_claim_ends_it(
    user_id: str, account: dict[str, bool], code: str
) -> None:
    world, operation = await _approved()
    world.identities.known[user_id] = an_identity(user_id, **account)

    why = (await recheck(world.ports, operation)).difference

    assert why.startswith(f"<@{user_id}> may no longer")
    assert why.endswith(code.rpartition(" ")[2])


@pytest.mark.covers("A22")
async def test_a_public_name_that_changed_is_told_with_both_values() -> None:
    world, operation = await _approved()
    internet = replace(endpoints().internet, system_domain="sim-c-registry.cn-hangzhou.cr.aliyuncs.com")
    world.registries.reachable["hangzhou"] = endpoints(internet=internet)
    world.data_plane.instances[str(internet.system_domain)] = "cri-aaaaa"

    assert (await recheck(world.ports, operation)).difference == (
        f"The value to write was CNAME {PUBLIC_NAME['hangzhou']}, now it would be CNAME {internet.system_domain} "
        "(E_POLICY_CHANGED)."
    )


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ({"ttl": 30}, f"The `@` record of {VIEW} changed: ttl was 60, now 30."),
        ({"remark": "edited"}, f"The `@` record of {VIEW} changed: remark was set by platform, now edited."),
        ({"value": "10.2.0.99"}, f"{VIEW} held A 10.2.0.20, now it holds A 10.2.0.99."),
        ({"value": "10.2.0.99", "ttl": 30}, f"{VIEW} held A 10.2.0.20, now it holds A 10.2.0.99."),
    ],
)
async def test_a_record_that_changed_is_told_with_both_values(field: dict[str, Any], told: str) -> None:
    world, operation = await _approved()
    world.registries.reachable["zhangjiakou"] = endpoints(
        "zhangjiakou", links=(VpcLink("vpc-bbbbb", "10.2.0.20", "RUNNING"), VpcLink("vpc-x", "10.2.0.99", "RUNNING"))
    )
    world.zones.edit("record-b", **field)

    assert (await recheck(world.ports, operation)).difference == told


@pytest.mark.covers("F60")
@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda w: w.zones.edit("record-b", status="DISABLE"), "is disabled"),
        (lambda w: w.zones.zones.pop(), "has 0 zones"),
        (lambda w: w.zones.held.pop("record-b"), "has no `@` record"),
        (
            lambda w: w.zones.zones.append(a_zone(dns_group="fast", vpcs=w.zones.zones.pop().vpcs)),
            f"The zone of {VIEW} changed: dns_group was None, now fast.",
        ),
        (lambda w: w.data_plane.silence("hangzhou"), "The verdict was GO, now it is NO-GO: hangzhou does not answer"),
    ],
)
async def test_ground_that_moved_after_the_approval_is_told(edit: Any, words: str) -> None:
    world, operation = await _approved()
    edit(world)

    assert words in (await recheck(world.ports, operation)).difference


async def test_of_two_views_the_one_that_was_moved_by_hand_is_named() -> None:
    world, operation = await _approved(a_world_of_two_views())
    world.zones.edit("record-b", type="CNAME", value=PUBLIC_NAME["hangzhou"])

    assert (await recheck(world.ports, operation)).difference == (
        f"cross-region.registry.io in vpc-bbbbb held A 10.2.0.20, now it holds CNAME {PUBLIC_NAME['hangzhou']} already."
    )


@pytest.mark.covers("F64")
async def test_a_loss_that_was_accepted_and_is_still_there_ends_nothing() -> None:
    world = a_world()
    world.registries.images["hangzhou"] = {}
    operation = await world.approve()

    assert operation.plan.verdict is Verdict.GO_WITH_LOSS
    assert (await recheck(world.ports, operation)).difference == ""


async def test_a_loss_that_nobody_accepted_makes_a_plan_stale_that_accepted_another() -> None:
    world = a_world()
    operation = await world.approve("zhangjiakou via internal")
    world.registries.images["hangzhou"] = {}

    why = (await recheck(world.ports, operation)).difference

    assert operation.plan.verdict is Verdict.GO_WITH_LOSS
    assert why.startswith("What would be lost has grown since the plan: 0 of 3 critical images are identical")


async def test_a_verdict_that_became_better_goes_on_and_is_carried_out() -> None:
    world = a_world()
    images = world.registries.images["hangzhou"]
    world.registries.images["hangzhou"] = {}
    operation = await world.approve()
    world.registries.images["hangzhou"] = images

    assert operation.plan.verdict is Verdict.GO_WITH_LOSS
    assert (await recheck(world.ports, operation)).difference == ""
    assert (await world.carry_out(operation)).state is State.DONE


@pytest.mark.covers("F64")
async def test_a_verdict_that_became_worse_is_told_with_both_verdicts_and_why() -> None:
    world, operation = await _approved()
    world.registries.images["hangzhou"] = {}

    why = (await recheck(world.ports, operation)).difference

    assert why.startswith("The verdict was GO, now it is GO-WITH-LOSS: 0 of 3 critical images are identical")
    assert (await world.carry_out(operation)).state is State.STALE


async def test_a_difference_ends_the_operation_as_stale_and_nothing_is_written() -> None:
    world, operation = await _approved()
    world.data_plane.silence("hangzhou")

    stale = await world.step(operation)

    assert (stale.state, world.zones.sent) == (State.STALE, [])
    assert stale.outcome.startswith("Nothing was changed. The verdict was GO, now it is NO-GO")
