"""Nothing that Slack can deliver, and nothing that the worker does, gets past the one gate."""

import ast
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.domain.access import Act, Role
from bot.domain.operation import Operation, State, Verb
from bot.ports import Commit, Message, Ports
from bot.routing import Call, Router
from bot.services.requests import cast_vote
from handlers import all_handlers
from tests.abuse.gate import SHUT, Walk, a_walk, bypasses, command, deliveries, name_of, typed, unreached
from tests.builders import APPROVER, ON_CALL, a_lease, an_identity

ROOT = Path(__file__).parents[2]
KNOWN_BY_THE_GATE_ALONE = {"is_guest", "is_stranger", "is_bot", "is_deleted", "roles"}
DECIDING = ("bot/services", "bot/listeners", "bot/worker", "bot/routing.py", "handlers")


async def _shut(*but_for: Act, router: Router | None = None, is_frozen: bool = False) -> Walk:
    walk = await a_walk(router, is_frozen=is_frozen)
    walk.gate.shut(*but_for)
    return walk


@pytest.mark.parametrize("is_frozen", [False, True])
@pytest.mark.parametrize("user", [ON_CALL, APPROVER])
async def test_while_the_gate_refuses_everybody_nothing_is_changed_and_nothing_is_told(
    user: str, is_frozen: bool
) -> None:
    walk = await _shut(is_frozen=is_frozen)

    assert await bypasses(walk, await deliveries(walk, user), may_read=False) == []


@pytest.mark.parametrize("is_frozen", [False, True])
@pytest.mark.parametrize("user", [ON_CALL, APPROVER])
async def test_while_the_gate_lets_people_read_only_nothing_is_changed(user: str, is_frozen: bool) -> None:
    walk = await _shut(Act.READ, is_frozen=is_frozen)

    assert await bypasses(walk, await deliveries(walk, user), may_read=True) == []


CHANGING = [command.verb for command in all_handlers().commands if not command.only_reads]


@pytest.mark.parametrize("name", [*CHANGING, *all_handlers().buttons])
async def test_each_command_and_button_of_the_walk_does_something_where_the_gate_is_open(name: str) -> None:
    did = [await _does_something(name, user, is_frozen) for user in (ON_CALL, APPROVER) for is_frozen in (False, True)]

    assert any(did)


async def _does_something(name: str, user: str, is_frozen: bool) -> bool:
    walk = await a_walk(is_frozen=is_frozen)
    before = walk.kept()
    for payload in await deliveries(walk, user):
        if name in (name_of(payload), name_of(payload).partition(" ")[0]):
            await walk.deliver(payload)
    return walk.kept() != before


async def test_the_walk_reaches_every_listener_that_bolt_knows() -> None:
    walk = await a_walk()

    assert await unreached(walk, await deliveries(walk, ON_CALL)) == 0


def test_only_the_gate_judges_by_what_slack_says_of_an_account_and_by_roles() -> None:
    files = [path for where in DECIDING for path in ([ROOT / where] if "." in where else (ROOT / where).rglob("*.py"))]
    judged = {
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in files
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in KNOWN_BY_THE_GATE_ALONE
    }

    assert len(files) > 30
    assert judged == set()


async def test_the_walk_types_every_command_as_its_usage_says() -> None:
    walk = await a_walk()
    told = [await walk.deliver(each) for each in await deliveries(walk, "U01MEMBER") if each.get("text") != "nonsense"]

    assert [words for words in told if "is not a command" in words] == []
    assert list(typed("failover <site> [to <site>] [because …]", "fo-1")) == [
        "failover zhangjiakou",
        "failover zhangjiakou to hangzhou because testing",
    ]


STRANGERS: dict[str, dict[str, Any]] = {
    "stranger": {"is_stranger": True},
    "guest": {"is_guest": True},
    "bot": {"is_bot": True},
    "deactivated": {"is_deleted": True},
    "of another workspace": {"team_id": "T09OTHER"},
}


@pytest.mark.covers("A04", "A05", "A06", "A07")
@pytest.mark.parametrize("kind", STRANGERS)
@pytest.mark.parametrize("user", [ON_CALL, "U01SOMEBODY"])
async def test_whoever_is_no_active_member_changes_nothing_and_is_told_nothing(kind: str, user: str) -> None:
    walk = await a_walk()
    walk.world.identities.known[user] = an_identity(user, **STRANGERS[kind])

    assert await bypasses(walk, await deliveries(walk, user), may_read=False) == []


@pytest.mark.covers("A04")
@pytest.mark.parametrize("user", [ON_CALL, APPROVER])
async def test_a_delivery_from_another_workspace_changes_nothing_and_tells_nothing(user: str) -> None:
    walk = await a_walk()
    found = await bypasses(walk, await deliveries(walk, user, team="T09OTHER"), may_read=False)

    # the delivery's own team is looked at before the gate, so nobody is asked
    assert {each.rpartition(" ask")[2] for each in found} <= {"ed nobody"}


@pytest.mark.covers("A03")
async def test_an_account_that_the_list_does_not_map_changes_nothing() -> None:
    walk = await a_walk()

    assert await bypasses(walk, await deliveries(walk, "U01MEMBER"), may_read=True) == []


@pytest.mark.parametrize("shut_at", [State.APPROVED, State.APPLYING])
async def test_the_claim_passes_the_gate_again_before_anything_is_sent(shut_at: State) -> None:
    walk = await a_walk()
    world = walk.world
    approved = await cast_vote(world.ports, "fo-0001", Verb.APPROVE, APPROVER)
    if shut_at is State.APPLYING:  # a bot died under its claim
        world.operations.put(_claimed(approved), due_at=world.clock.now())
    walk.gate.shut()

    ended = await world.carry_out(approved)

    assert (ended.is_terminal, world.zones.sent) == (True, [])
    assert SHUT in ended.outcome


async def test_a_freeze_is_lifted_only_past_the_gate() -> None:
    walk = await a_walk(is_frozen=True)
    approved = await cast_vote(walk.world.ports, "uf-0002", Verb.APPROVE, APPROVER)
    walk.gate.shut()

    ended = await walk.world.carry_out(approved)

    assert (ended.state, SHUT in ended.outcome) == (State.STALE, True)
    assert [freeze.scope for freeze in await walk.world.operations.freezes()] == ["all", "zhangjiakou"]


def _claimed(operation: Operation) -> Operation:
    return replace(operation, state=State.APPLYING, lease=a_lease(until=operation.approved_at))


def _router(handler: Any, **declared: Any) -> Router:
    router = all_handlers()
    if declared:
        router.subcommand(**declared)(handler)
    else:
        router.button("operation.quick")(handler)
    return router


async def _approve_unasked(call: Call, ports: Ports) -> Message:
    """Do what only an approver may."""
    operation = await ports.operations.get("fo-0001")
    await ports.operations.commit(Commit(operation, attempt=ports.ids.token(), audit={"event": "approve"}))
    return Message("Done.")


async def _apply_unasked(call: Call, ports: Ports) -> Message:
    """Write at once."""
    (operation, *_) = await ports.operations.recent()
    await ports.zones.apply(operation.plan.changes[0], "token")
    return Message("Done.")


@pytest.mark.parametrize("handler", [_approve_unasked, _apply_unasked])
@pytest.mark.parametrize("declared", [{}, {"verb": "quick", "usage": "quick <site>", "role": Role.VIEWER}], ids=str)
async def test_the_walk_finds_a_handler_that_acts_without_asking(handler: Any, declared: dict[str, Any]) -> None:
    walk = await _shut(Act.READ, router=_router(handler, **declared))

    found = await bypasses(walk, await deliveries(walk, ON_CALL), may_read=True)

    assert any("quick" in each and "changed something" in each for each in found)


async def test_the_walk_finds_a_listener_beside_the_desk() -> None:
    walk = await _shut()

    async def leak(ack: Any) -> None:
        await ack(text="hangzhou is at cri-aaaaa")

    walk.listeners._bolt.command("/registry")(leak)
    registered = walk.listeners._bolt._async_listeners
    registered.insert(0, registered.pop())

    found = await bypasses(walk, [command("leak", ON_CALL)], may_read=False)

    assert found == ["leak told something", "leak asked nobody"]


async def test_the_walk_finds_a_listener_that_it_does_not_reach() -> None:
    walk = await a_walk()

    async def hidden(ack: Any) -> None:
        await ack()

    walk.listeners._bolt.function("hidden")(hidden)

    assert await unreached(walk, await deliveries(walk, ON_CALL)) == 1
