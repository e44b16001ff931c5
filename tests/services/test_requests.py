"""Asking for a failover: one pending operation, a plan that says no, or a sentence; nothing changes yet."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.draft import Draft
from bot.domain.grammar import Wish
from bot.domain.operation import Requester, State, Verb
from bot.domain.plan import Verdict
from bot.errors import (
    AlreadyOpen,
    Frozen,
    NotPermitted,
    StoreUnavailable,
)
from bot.services.freezing import freeze
from bot.services.planning import draft
from bot.services.requests import cast_vote, store_request
from tests.builders import (
    APPROVER,
    CHANNEL,
    NOW,
    ON_CALL,
)
from tests.fakes import FakeIds
from tests.services.world import a_world


class _TakenIds(FakeIds):
    """Ids of which the first is taken, with tokens of their own."""

    def token(self) -> str:
        """Return a token that nobody drew before."""
        return f"f{super().token()[1:]}"


async def test_a_request_is_stored_as_pending_with_everything_it_rests_on() -> None:
    world = a_world()

    operation = await world.ask("zjk because the region is down")

    assert (operation.id, operation.state, operation.version) == ("fo-0001", State.PENDING, 1)
    assert (operation.requester.person, operation.reason) == ("on-call", "the region is down")
    assert operation.expires_at == NOW + timedelta(minutes=15)
    assert await world.operations.news() == ("fo-0001",)
    assert await world.operations.open_on("record-b") == "fo-0001"
    assert world.zones.sent == []


async def test_a_no_go_is_answered_with_the_plan_and_only_the_audit_keeps_that_it_was_asked_for() -> None:
    world = a_world()
    world.data_plane.silence("hangzhou")

    answer = await world.plan("zhangjiakou")

    assert isinstance(answer, Draft)
    assert answer.plan.verdict is Verdict.NO_GO
    assert await world.operations.recent() == ()
    [entry] = world.operations.audit
    assert (entry["event"], entry["code"], entry["user"]) == ("refused", "E_NO_GO", ON_CALL)
    assert (entry["away"], entry["findings"]) == ("zhangjiakou", "STANDBY_ANSWERS")


async def test_a_second_request_for_the_same_record_names_the_first() -> None:
    world = a_world()
    await world.ask()

    with pytest.raises(AlreadyOpen, match=r"fo-0001 already wants to change the same\. Decide or cancel it first\."):
        await world.ask("zhangjiakou via internal")


@pytest.mark.parametrize("switch", ["process", "store"])
async def test_nothing_can_be_asked_under_the_kill_switch(switch: str) -> None:
    world = a_world()
    if switch == "store":
        await world.operations.freeze_by_hand()
    else:
        world.ports = replace(world.ports, kill_switch=lambda: "REGISTRY_BOT_FREEZE is set.")

    with pytest.raises(Frozen):
        await world.ask()

    assert world.operations.audit == []


async def test_a_freeze_that_comes_while_it_is_planned_stops_the_request() -> None:
    world = a_world()
    plan = (await draft(world.ports, Wish("zhangjiakou"))).plan
    await freeze(world.ports, "hangzhou", "approver", APPROVER)

    with pytest.raises(Frozen):
        await store_request(world.ports, plan, Requester("on-call", ON_CALL), CHANNEL, "")

    assert await world.operations.recent() == ()


async def test_a_request_is_due_when_it_expires_and_not_before() -> None:
    world = a_world()
    operation = await world.ask()

    assert await world.operations.due(operation.expires_at - timedelta(seconds=1)) == ()
    assert await world.operations.due(operation.expires_at) == (operation.id,)


async def test_nothing_can_be_asked_while_the_store_cannot_be_trusted() -> None:
    world = a_world()
    world.ports = replace(world.ports, store_trouble=lambda: "Redis evicts keys.")

    with pytest.raises(StoreUnavailable, match=r"Redis evicts keys\. Until then nothing can be requested"):
        await world.ask()

    assert world.operations.audit == []


async def test_a_requester_whom_slack_does_not_confirm_gets_nothing() -> None:
    world = a_world()
    world.identities.down = True

    with pytest.raises(NotPermitted, match="Slack does not confirm who you are: Slack does not answer"):
        await world.ask()


async def test_an_id_that_is_taken_is_drawn_again() -> None:
    world = a_world()
    first = await world.ask()
    await cast_vote(world.ports, first.id, Verb.REJECT, APPROVER)
    world.ports = replace(world.ports, ids=_TakenIds())

    assert (await world.ask()).id == "fo-0002"


async def test_the_store_that_fails_is_told_and_nothing_is_pending() -> None:
    world = a_world()
    world.operations.fail_next(StoreUnavailable("Redis does not answer."))

    with pytest.raises(StoreUnavailable):
        await world.ask()

    assert await world.operations.recent() == ()


async def test_a_reason_is_kept_clean() -> None:
    operation = await a_world().ask("zjk because key LTAI5tSimulatedKey0001 \x00leaked <!channel>")

    assert operation.reason == "key [redacted] leaked <!channel>"
