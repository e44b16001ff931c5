"""A bot at the simulator's Slack: real listeners, sockets and web client, with everything behind them in memory."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp

from bot.adapters.clock import SystemClock
from bot.adapters.response_url import ResponseUrls
from bot.adapters.slack import SlackIdentities, SlackWorkspace
from bot.adapters.slack_api import SlackApi
from bot.adapters.slack_socket import SocketMode
from bot.listeners import Desk, Listeners
from bot.metrics import Metrics
from bot.ports import Ports
from bot.routing import Router
from bot.server import EVENTS_PATH, Server
from bot.services.buttons import button_value
from bot.tasks import Tasks
from bot.worker.outbox import Outbox
from handlers import all_handlers
from simulator.faults import Faults
from simulator.slack import Limits, Slack
from tests.builders import ON_CALL, WORKSPACE
from tests.fakes import FakeClock, some_ports

MANIFEST = Path(__file__).parent.parent / "manifest.yml"


@dataclass
class Office:
    """The parts that a test takes hold of."""

    slack: Slack
    faults: Faults
    ports: Ports
    clock: FakeClock
    tasks: Tasks
    metrics: Metrics
    socket: SocketMode
    server: Server
    session: aiohttp.ClientSession
    desk: Desk

    async def say(self, user: str, text: str, channel: str = "C01OPS") -> str:
        """Type a command and return the words that came with the acknowledgement."""
        outcome = await self.slack.command(user, channel, text)
        assert outcome["status"] == "ok", outcome
        response = outcome["response"]
        return str(response["text"]) if isinstance(response, dict) else ""

    async def click(self, user: str, ts: str, action_id: str, channel: str = "C01OPS") -> str:
        """Press a button and return the words that only this person then sees, all tasks having ended."""
        seen = self.whispers(user, channel)
        outcome = await self.slack.click(user, channel, ts, action_id)
        assert outcome["status"] == "ok", outcome
        await self.settled()
        return " ".join(self.whispers(user, channel)[len(seen) :])

    async def asked(self) -> dict[str, Any]:
        """Ask for a failover as on-call, and return the card."""
        await self.say(ON_CALL, "failover zhangjiakou because the region is down")
        await self.post_cards()
        return self.posts()[0]

    async def settled(self) -> None:
        """Wait until everything that outlives a delivery has ended."""
        await self.tasks.drain(timedelta(seconds=5))

    def whispers(self, user: str, channel: str = "C01OPS") -> list[str]:
        """Return what only this person was shown."""
        return [str(m["text"]) for m in self.slack.messages(channel, user) if m["ephemeral_to"] == user]

    def posts(self, channel: str = "C01OPS") -> list[dict[str, Any]]:
        """Return what everybody sees, oldest first."""
        return [m for m in self.slack.messages(channel) if m["ephemeral_to"] is None]

    async def post_cards(self) -> None:
        """Let the outbox bring every card up to date."""
        await Outbox(self.ports, lambda operation, verb: button_value(self.ports, operation, verb)).tick()


@asynccontextmanager
async def office(
    *, by_http: bool = False, router: Router | None = None, budget: float = 1.2, **overrides: Any
) -> AsyncIterator[Office]:
    """Open the office: the bot is connected when the body begins, unless it listens by HTTP."""
    faults, clock, tasks, metrics = Faults(), FakeClock(), Tasks(), Metrics()
    slack = Slack(manifest=MANIFEST, faults=faults, picture=dict, limits=Limits(scale=100.0))
    async with AsyncExitStack() as stack:
        await slack.start("127.0.0.1", 0)
        stack.push_async_callback(slack.close)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        api = SlackApi(session, clock, token=slack.bot_token, base_url=slack.api_url)
        known = {"workspace": SlackWorkspace(api, clock), "identities": SlackIdentities(api, clock, WORKSPACE)}
        ports = some_ports(clock=clock, **(known | overrides))
        me = await api.who_am_i()
        desk = Desk(
            ports,
            router or all_handlers(),
            tasks,
            ResponseUrls(session, api_url=slack.api_url).answer,
            budget=timedelta(seconds=budget),
        )
        listeners = Listeners(
            desk,
            metrics,
            clock,
            team_id=me.team_id,
            bot_user_id=me.user_id,
            bot_id=me.bot_id,
            signing_secret=slack.signing_secret,
        )
        by_app_token = SlackApi(session, clock, token=slack.app_token, base_url=slack.api_url)
        socket = SocketMode(by_app_token, session, SystemClock(), listeners.socket, first_pause=0.02)
        server = Server(
            SystemClock(), metrics, _no_troubles, host="127.0.0.1", port=0, metrics_port=0, takes_events=by_http
        )
        server.events = listeners.http
        await server.start()
        stack.push_async_callback(server.close)
        stack.push_async_callback(tasks.drain, timedelta(seconds=5))
        if by_http:
            slack.request_url = f"http://127.0.0.1:{server.port}{EVENTS_PATH}"
        else:
            socket.start()
            stack.push_async_callback(socket.stop)
            await until(lambda: socket.trouble is None)
        yield Office(slack, faults, ports, clock, tasks, metrics, socket, server, session, desk)


async def until(condition: Any, within: float = 5.0) -> None:
    """Wait for something that another task brings about."""
    clock = SystemClock()
    latest = clock.monotonic() + within
    while not condition():
        assert clock.monotonic() < latest, "it never came about"
        await clock.sleep(0.005)


async def _no_troubles() -> list[str]:
    return []
