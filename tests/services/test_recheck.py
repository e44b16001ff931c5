"""Everything is checked again right before the claim; each difference is told with both values."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.adapters.signer import HmacSigner
from bot.domain.access import People, Person, Role
from bot.domain.operation import Operation, State, Verb
from bot.domain.plan import Verdict
from bot.domain.snapshot import VpcLink
from bot.services.recheck import STORED_CHECK_LASTS, authority_lost, difference
from tests.builders import (
    APPROVER,
    APPROVER_ELSEWHERE,
    NOW,
    ON_CALL,
    PUBLIC_NAME,
    a_person,
    a_policy,
    a_site,
    a_topology,
    an_access,
    an_identity,
    endpoints,
)
from tests.fakes import SIGNING_KEY
from tests.services.world import World, a_world, a_world_of_two_views

ON_CALL_PERSON = a_person("on-call", ON_CALL, roles=(Role.REQUESTER, Role.APPROVER))


def _with_people(*persons: Person, **fields: Any) -> Any:
    return an_access(people=People(persons), **fields)


async def _approved(world: World | None = None) -> tuple[World, Operation]:
    world = world or a_world()
    return world, await world.approve()


async def test_nothing_differs_when_nothing_has_changed() -> None:
    world, operation = await _approved()
    world.clock.move(timedelta(seconds=100))

    assert await difference(world.ports, operation) == ""


@pytest.mark.parametrize(
    "rules",
    [
        {"access": _with_people(ON_CALL_PERSON)},
        {"access": an_access(policy=a_policy(approvals=2))},
        {"topology": a_topology(a_site("hangzhou"), a_site(egress=()))},
    ],
)
async def test_another_policy_another_list_of_people_or_another_site_ends_the_approval(rules: dict[str, Any]) -> None:
    world, operation = await _approved()
    world.obey(**rules)

    why = await difference(world.ports, operation)

    assert why.startswith("registry.yaml changed since the plan (policy ")
    assert operation.plan.policy_hash[:12] in why


async def test_a_site_that_left_the_configuration_ends_the_approval() -> None:
    world, operation = await _approved()
    world.obey(topology=a_topology(a_site("hangzhou")))

    assert "no such site now" in await difference(world.ports, operation)


@pytest.mark.parametrize(
    "forgery",
    [
        {"mac": ""},
        {"mac": "mac"},
        {"mac": "key1:mac"},
        {"mac": HmacSigner("some other signing key").sign("fo-0001", "digest", "approver", "approve")},
        {"person": "somebody"},
    ],
)
async def test_a_vote_without_our_mark_does_not_count(forgery: dict[str, Any]) -> None:
    world, operation = await _approved()
    forged = replace(operation, votes=(replace(operation.votes[0], **forgery),))

    assert await difference(world.ports, forged) == ("0 of 1 approvals carry this bot's own mark (E_APPROVAL_FORGED).")


async def test_a_vote_copied_from_another_operation_does_not_count() -> None:
    world, operation = await _approved()

    assert "E_APPROVAL_FORGED" in await difference(world.ports, replace(operation, id="fo-9999"))


async def test_a_vote_under_the_previous_key_still_counts() -> None:
    world, operation = await _approved()
    world.ports = replace(world.ports, signer=HmacSigner("the next signing key", SIGNING_KEY))

    assert await difference(world.ports, operation) == ""


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

    why = await difference(world.ports, operation)

    assert why.startswith(f"<@{user_id}> may no longer")
    assert why.endswith(code.rpartition(" ")[2])


async def test_a_slack_account_that_now_belongs_to_another_person_ends_it() -> None:
    other = a_person("somebody", APPROVER)
    access = _with_people(ON_CALL_PERSON, other, a_person("approver", APPROVER_ELSEWHERE))
    world = a_world(access=access)
    operation = await world.approve()
    voted = replace(operation.votes[0], person="approver")
    voted = replace(voted, mac=world.ports.signer.sign(operation.id, voted.digest, "approver", Verb.APPROVE))

    why = await authority_lost(world.ports, replace(operation, votes=(voted,)))

    assert why == f"<@{APPROVER}> is another person in registry.yaml than the one who approved."


@pytest.mark.parametrize(("age", "is_enough"), [(STORED_CHECK_LASTS, True), (timedelta(seconds=121), False)])
async def test_while_slack_is_silent_a_check_of_the_last_120_seconds_stands(age: timedelta, is_enough: bool) -> None:
    world, operation = await _approved()
    for user_id in (ON_CALL, APPROVER):
        world.identities.known[user_id] = an_identity(user_id, checked_at=NOW)
    world.identities.down = True
    world.clock.move(age)

    why = await authority_lost(world.ports, operation)

    assert (why == "") is is_enough
    if not is_enough:
        assert why.endswith("and the last confirmation is more than 120 s old.")


async def test_while_slack_is_silent_the_last_word_on_a_deactivated_person_counts() -> None:
    world, operation = await _approved()
    world.identities.known[APPROVER] = an_identity(APPROVER, is_deleted=True)
    world.identities.down = True

    assert "(E_INACTIVE_USER)" in await authority_lost(world.ports, operation)


async def test_the_check_stored_with_the_vote_stands_where_this_process_has_none() -> None:
    world, operation = await _approved()
    world.identities.down = True
    stale = {user_id: an_identity(user_id, checked_at=NOW - timedelta(hours=1)) for user_id in (APPROVER,)}
    world.identities.known |= stale

    assert await authority_lost(world.ports, operation) == ""


async def test_a_public_name_that_changed_is_told_with_both_values() -> None:
    world, operation = await _approved()
    internet = replace(endpoints().internet, system_domain="sim-c-registry.cn-hangzhou.cr.aliyuncs.com")
    world.registries.reachable["hangzhou"] = endpoints(internet=internet)
    world.data_plane.instances[str(internet.system_domain)] = "cri-aaaaa"

    assert await difference(world.ports, operation) == (
        f"The value to write was CNAME {PUBLIC_NAME['hangzhou']}, now it would be CNAME {internet.system_domain}."
    )


@pytest.mark.parametrize("field", [{"ttl": 30}, {"remark": "edited"}, {"value": "10.2.0.99"}])
async def test_a_record_that_changed_is_told_with_both_values(field: dict[str, Any]) -> None:
    world, operation = await _approved()
    world.registries.reachable["zhangjiakou"] = endpoints(
        "zhangjiakou", links=(VpcLink("vpc-bbbbb", "10.2.0.20", "RUNNING"), VpcLink("vpc-x", "10.2.0.99", "RUNNING"))
    )
    world.zones.edit("record-b", **field)

    why = await difference(world.ports, operation)

    assert "vpc-bbbbb held A 10.2.0.20, now it holds A " in why


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda w: w.zones.edit("record-b", status="DISABLE"), "is disabled"),
        (lambda w: w.zones.zones.pop(), "has 0 zones"),
        (lambda w: w.zones.held.pop("record-b"), "has no `@` record"),
        (lambda w: w.registries.down.add("hangzhou"), "hangzhou"),
        (lambda w: w.data_plane.silence("hangzhou"), "The verdict was GO, now it is NO-GO: hangzhou does not answer"),
    ],
)
async def test_ground_that_moved_after_the_approval_is_told(edit: Any, words: str) -> None:
    world, operation = await _approved()
    edit(world)

    assert words in await difference(world.ports, operation)


async def test_of_two_views_the_one_that_was_moved_by_hand_is_named() -> None:
    world, operation = await _approved(a_world_of_two_views())
    world.zones.edit("record-b", type="CNAME", value=PUBLIC_NAME["hangzhou"])

    assert await difference(world.ports, operation) == (
        f"cross-region.registry.io in vpc-bbbbb held A 10.2.0.20, now it holds CNAME {PUBLIC_NAME['hangzhou']} already."
    )


async def test_a_loss_that_was_accepted_and_is_still_there_ends_nothing() -> None:
    world = a_world()
    world.registries.images["hangzhou"] = {}
    operation = await world.approve()

    assert operation.plan.verdict is Verdict.GO_WITH_LOSS
    assert await difference(world.ports, operation) == ""


async def test_a_loss_that_nobody_accepted_makes_a_plan_stale_that_accepted_another() -> None:
    world = a_world()
    operation = await world.approve("zhangjiakou via internal")
    world.registries.images["hangzhou"] = {}

    why = await difference(world.ports, operation)

    assert operation.plan.verdict is Verdict.GO_WITH_LOSS
    assert why.startswith("What would be lost has grown since the plan: 0 of 3 critical images are identical")


async def test_a_difference_ends_the_operation_as_stale_and_nothing_is_written() -> None:
    world, operation = await _approved()
    world.data_plane.silence("hangzhou")

    stale = await world.step(operation)

    assert (stale.state, world.zones.sent) == (State.STALE, [])
    assert stale.outcome.startswith("Nothing was changed. The verdict was GO, now it is NO-GO")
