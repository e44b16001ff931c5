"""A gate that a test can shut, and a walk past it by everything that Slack can deliver."""

import itertools
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bot.domain.access import Access, Act, Identity, Person
from bot.domain.freeze import ALL
from bot.domain.operation import Operation, Requester, Verb
from bot.errors import NotPermitted
from bot.listeners import Desk, Listeners
from bot.metrics import Metrics
from bot.ports import Card, Message
from bot.routing import Router
from bot.services import freezing
from bot.services.buttons import button_value
from bot.services.copy_start import copy_button_values
from bot.services.disowning import not_me_value, own_words
from bot.services.unfreezing import ask_to_lift
from bot.tasks import Tasks
from bot.worker.outbox import Outbox
from handlers import all_handlers
from tests.builders import APPROVER, CHANNEL, IMAGES, INSTANCE_ID, ON_CALL, VPC, WORKSPACE, ZONE_ID
from tests.fake_copies import FakeCopies
from tests.fake_inventories import FakeCatalogue
from tests.fakes import FakeIds
from tests.handlers.calls import answer as answer_of
from tests.services.world import World, a_world

SHUT = "E_SHUT"
Payload = dict[str, Any]
_TOLD = re.compile("|".join(map(re.escape, [*VPC, *VPC.values(), *ZONE_ID.values(), *INSTANCE_ID.values()])))
"""Names of what a company has: nobody who was refused may read one."""


class Gate(Access):
    """The real rules until the gate is shut; then only the acts in `open_to` pass, and every question is noted."""

    def __init__(self, real: Access) -> None:
        super().__init__(real.workspace, real.people, real.policy)
        # frozen like the real rules, so what a test changes stands in the dictionary
        self.__dict__.update({"asked": [], "open_to": frozenset(Act)})

    def authorize(self, identity: Identity, act: Act, requester: str | None = None) -> Person | None:
        """Answer as the real rules do, or refuse."""
        self.__dict__["asked"].append(act)
        if act not in self.__dict__["open_to"]:
            raise NotPermitted(SHUT, "The gate is shut.")
        return super().authorize(identity, act, requester)

    def shut(self, *but_for: Act) -> None:
        """Refuse from now on everything but these acts."""
        self.__dict__["open_to"] = frozenset(but_for)

    @property
    def asked(self) -> list[Act]:
        """Return what was asked so far, oldest first."""
        acts: list[Act] = self.__dict__["asked"]
        return acts


@dataclass
class Walk:
    """A bot in memory with requests waiting for a decision, and everything that it told anybody."""

    world: World
    gate: Gate
    listeners: Listeners
    tasks: Tasks
    router: Router
    answers: list[str] = field(default_factory=list)

    async def deliver(self, payload: Payload) -> str:
        """Deliver a payload and return all that was said because of it."""
        before, posts = len(self.answers), len(self.world.workspace.posts)
        self.world.clock.move(timedelta(seconds=2))  # no faster than one person may act
        said = await self.listeners.socket(payload, {})
        await self.tasks.drain(timedelta(seconds=5))
        told = [json.dumps(said or {}), *self.answers[before:]]
        return " ".join([*told, *(post.message.text for post in self.world.workspace.posts[posts:])])

    def kept(self) -> str:
        """Return all that is stored or posted, but for the note that somebody was refused."""
        store = dict(vars(self.world.operations))
        for name in ("_clock", "_failures", "_last"):  # the last is a cache of what the cloud said
            store.pop(name, None)
        store["audit"] = [entry for entry in self.world.operations.audit if entry.get("event") != "refused"]
        public = [post for post in self.world.workspace.posts if post.seen_by is None]
        return repr((store, self.copies.held, self.world.zones.sent, public))

    @property
    def copies(self) -> FakeCopies:
        """Return the store of copy jobs."""
        assert isinstance(self.world.ports.copies, FakeCopies)
        return self.world.ports.copies

    async def listener_of(self, payload: Payload) -> object | None:
        """Return which of Bolt's listeners takes a payload."""
        request = AsyncBoltRequest(mode="socket_mode", body=payload)
        for listener in self.listeners._bolt._async_listeners:
            if await listener.async_matches(req=request, resp=BoltResponse(status=200)):
                return listener
        return None


async def a_walk(router: Router | None = None, *, is_frozen: bool = False) -> Walk:
    """Return a bot with an open gate, whose on-call has asked for a failover and for copies.

    Where it is frozen, the end of that was asked for too, and the channel watches a site.
    """
    world = a_world()
    gate = Gate(world.ports.rules.access)
    world.obey(access=gate)
    tasks, metrics = Tasks(), Metrics()
    answers: list[str] = []

    async def answer(_url: str, message: Message) -> None:
        answers.append(f"{message.text} {json.dumps(list(message.blocks), ensure_ascii=False)}")

    known = router or all_handlers()
    listeners = Listeners(
        Desk(world.ports, known, tasks, answer),
        metrics,
        world.clock,
        team_id=WORKSPACE,
        bot_user_id="U01BOT",
        bot_id="B01",
    )
    await world.ask("hangzhou because testing")  # so that the walk may ask for the other site
    world.registries.images["zhangjiakou"] = {**IMAGES, "core/api:new": "9" * 64}
    await world.know_images()
    assert isinstance(world.ports.catalogue, FakeCatalogue)
    world.ports.catalogue.spaces["hangzhou"] = {"core": True}
    await answer_of(replace(world.ports, ids=FakeIds()), "sync missing from zhangjiakou to hangzhou")
    if is_frozen:
        for scope in (ALL, "zhangjiakou"):
            await freezing.freeze(world.ports, scope, "approver", APPROVER)
        await world.operations.subscribe("zhangjiakou", CHANNEL, ON_CALL)
        await ask_to_lift(world.ports, ALL, Requester("on-call", ON_CALL), CHANNEL, "")
    await Outbox(world.ports, lambda operation, verb: button_value(world.ports, operation, verb)).tick()
    return Walk(world, gate, listeners, tasks, known, answers)


def typed(usage: str, operation_id: str) -> Iterator[str]:
    """Return commands that fit a usage line: the shortest, and one with everything optional in it."""
    for line in (re.sub(r"\[[^]]*\]", "", usage), usage.replace("[", "").replace("]", "")):
        sites = itertools.chain(["zhangjiakou"], itertools.repeat("hangzhou"))
        words = (word.strip("<>").partition("|")[0] if "|" in word else word.strip("<>") for word in line.split())
        known = {"id": operation_id, "…": "testing", "verb": "help", "domain": VPC["zhangjiakou"]}
        yield " ".join(next(sites) if word == "site" else known.get(word, word) for word in words)


def command(text: str, user: str, team: str = WORKSPACE, channel: str = CHANNEL) -> Payload:
    """Return a slash command as Slack delivers it."""
    where = {"channel_id": channel, "channel_name": "ops", "response_url": "https://hooks.slack.com/x"}
    return {"command": "/registry", "text": text, "user_id": user, "team_id": team, **where}


def click(action_id: str, value: str, user: str, card: Card, team: str = WORKSPACE) -> Payload:
    """Return a click as Slack delivers it."""
    action = {"action_id": action_id, "block_id": "b", "type": "button", "value": value}
    return {
        "type": "block_actions",
        "user": {"id": user, "team_id": team},
        "container": {"channel_id": card.channel, "message_ts": card.ts},
        "channel": {"id": card.channel, "name": "ops"},
        "response_url": "https://hooks.slack.com/x",
        "actions": [action],
    }


OTHER_KINDS: tuple[Payload, ...] = (
    {"type": "shortcut", "callback_id": "x"},
    {"type": "message_action", "callback_id": "x", "response_url": "https://hooks.slack.com/x"},
    {"type": "view_submission", "view": {"type": "modal", "callback_id": "x"}},
    {"type": "view_closed", "view": {"type": "modal", "callback_id": "x"}},
    {"type": "block_suggestion", "action_id": "operation.approve", "block_id": "b", "value": "x"},
    {
        "type": "event_callback",
        "event": {"type": "message", "user": APPROVER, "text": "approve fo-0001", "channel": "C"},
    },
)


async def deliveries(walk: Walk, user: str, team: str = WORKSPACE) -> list[Payload]:
    """Return every command, every button with every value that could be behind it, and one of each other kind."""
    found: list[Payload] = []
    for operation in await walk.world.operations.recent():
        card = await walk.world.operations.card(operation.id)
        assert card is not None
        values = [*_values(walk.world, operation), operation.id, "x"]
        lines = [line for known in walk.router.commands for line in typed(known.help.usage, operation.id)]
        found += [command(line, user, team) for line in dict.fromkeys([*lines, "", "nonsense"])]
        found += [click(button, value, user, card, team) for button in walk.router.buttons for value in values]
    for job in walk.copies.held.values():
        card, values = Card(job.channel, job.ts, 0), [*copy_button_values(walk.world.ports, job)]
        found += [click(button, value, user, card, team) for button in walk.router.buttons for value in values]
    return [*found, *({**kind, "user": {"id": user, "team_id": team}} for kind in OTHER_KINDS)]


def _values(world: World, operation: Operation) -> Iterator[str]:
    """Yield what the bot itself would put behind buttons, on the card and in what it tells people of their words."""
    yield from (button_value(world.ports, operation, verb) for verb in Verb)
    for own in own_words(world.ports, operation):
        yield not_me_value(world.ports, operation, own)


async def bypasses(walk: Walk, payloads: Iterable[Payload], *, may_read: bool) -> list[str]:
    """Deliver everything and return what got past: something kept, something told, or nobody having been asked."""
    found: list[str] = []
    after = walk.kept()
    for payload in payloads:
        before, asked = after, len(walk.gate.asked)
        said = await walk.deliver(payload)
        name = name_of(payload)
        after = walk.kept()
        if after != before:
            found.append(f"{name} changed something")
        if not may_read and _TOLD.search(said):
            found.append(f"{name} told something")
        if ("command" in payload or "actions" in payload) and len(walk.gate.asked) == asked:
            found.append(f"{name} asked nobody")
    return found


def name_of(payload: Payload) -> str:
    """Return the words of a command, the id of a button, or the kind of anything else."""
    return str(payload["actions"][0]["action_id"] if "actions" in payload else payload.get("text", payload.get("type")))


async def unreached(walk: Walk, payloads: Iterable[Payload]) -> int:
    """Return how many of Bolt's listeners none of these payloads reaches."""
    reached = {id(await walk.listener_of(payload)) for payload in payloads}
    return len({id(listener) for listener in walk.listeners._bolt._async_listeners} - reached)
