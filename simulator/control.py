"""The control API: see the world, switch faults, push images, act in Slack, and make any bad day that a test needs."""

import dataclasses
import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from simulator import editing
from simulator.alibaba.server import Alibaba
from simulator.faults import Faults
from simulator.model import Site
from simulator.picture import Picture
from simulator.pushes import Pushers
from simulator.replication_control import ReplicationControl, describe_task, text
from simulator.slack import Slack
from simulator.world import World

Wire = dict[str, Any]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Control:
    """Serve the control API; `reset` is what makes everything fresh."""

    def __init__(
        self,
        world: World,
        faults: Faults,
        pushers: Pushers,
        alibaba: Alibaba | None,
        slack: Slack | None,
        reset: Callable[[], None],
    ) -> None:
        self._world, self._faults, self._alibaba, self._slack, self._reset = world, faults, alibaba, slack, reset
        self._replication = ReplicationControl(world, pushers, alibaba)
        self._picture = Picture(world, faults)
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def start(self, host: str, port: int) -> None:
        """Listen."""
        app = web.Application(middlewares=[explain])
        app.add_routes(self._routes())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        self.url = f"http://{host}:{self._runner.addresses[0][1]}"

    async def close(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    def _routes(self) -> list[web.RouteDef]:
        post: dict[str, Callable[[Wire], Any]] = {
            "reset": lambda _: self._reset(),
            "faults": self._set_fault,
            "latency": self._set_latency,
            "ram": self._deny,
            "record": lambda wire: editing.edit_record(self._world, self._site(wire), wire),
            "zone": lambda wire: editing.edit_zone(self._world, self._site(wire), wire),
            "instance": lambda wire: editing.edit_instance(self._world, self._site(wire), wire),
            "slack/user": lambda wire: self._workspace().change_user(_taken(wire, "id"), wire),
            "slack/channel": lambda wire: self._workspace().change_channel(_taken(wire, "id"), wire),
            "slack/request_url": self._set_request_url,
            **self._replication.acts,
        }
        return [
            web.get("/control/world", self._show_world),
            web.get("/control/truth", self._replication.show_truth),
            web.get("/control/calls", self._show_calls),
            web.get("/control/faults", self._show_faults),
            web.get("/control/slack/messages/{channel}", self._show_messages),
            web.post("/control/slack/command", self._command),
            web.post("/control/slack/click", self._click),
            *(web.post(f"/control/{name}", _posted(act)) for name, act in post.items()),
        ]

    async def _show_world(self, _: web.Request) -> web.Response:
        world = self._world
        shown: Wire = {
            "domain": world.domain,
            **self._picture(),
            "zones": [dataclasses.asdict(zone) for zone in world.zones.values()],
            "instances": [self._replication.describe(name) for name in world.instances],
            "tasks": [describe_task(task) for task in world.tasks],
            "changes": [dataclasses.asdict(line) for line in world.state.changes],
            "faults": self._faults.listing(),
        }
        if self._alibaba is not None:
            reader = self._alibaba.reader
            secret = {"access_key_id": reader.access_key_id, "access_key_secret": reader.access_key_secret}
            shown |= {"reader": secret, "latency": dataclasses.asdict(self._alibaba.cloud.timing)}
        return web.json_response(shown)

    async def _show_calls(self, _: web.Request) -> web.Response:
        calls = self._alibaba.cloud.calls if self._alibaba else []
        counts: dict[str, int] = {}
        for call in calls:
            counts[call["action"]] = counts.get(call["action"], 0) + 1
        return web.json_response({"calls": calls, "counts": counts})

    async def _show_faults(self, _: web.Request) -> web.Response:
        return web.json_response(self._faults.listing())

    async def _show_messages(self, request: web.Request) -> web.Response:
        messages = self._workspace().messages(request.match_info["channel"], request.query.get("viewer"))
        return web.json_response(messages)

    async def _command(self, request: web.Request) -> web.Response:
        wire = await _read(request)
        said = [text(wire, name) for name in ("user", "channel", "text")]
        return web.json_response(await self._workspace().command(*said))

    async def _click(self, request: web.Request) -> web.Response:
        wire = await _read(request)
        pressed = [text(wire, name) for name in ("user", "channel", "ts", "action_id")]
        return web.json_response(await self._workspace().click(*pressed))

    def _set_fault(self, wire: Wire) -> list[dict[str, object]]:
        on, target = wire.get("on", True), wire.get("target") or None
        if not isinstance(on, bool):
            raise ValueError(f"on must be true or false, not {on!r}.")
        self._faults.set(text(wire, "name"), target, on)
        return self._faults.listing()

    def _set_latency(self, wire: Wire) -> Wire:
        timing = self._cloud().cloud.timing
        names = {"ms": "latency_ms"} | {name: name for name in ("slow_ms", "hang_ms", "late_ms", "stale_ms")}
        for key, value in wire.items():
            if key not in names or type(value) is not int or value < 0:
                raise ValueError(f"latency takes {', '.join(names)}, whole milliseconds; not {key}: {value!r}.")
            setattr(timing, names[key], value)
        return dataclasses.asdict(timing)

    def _deny(self, wire: Wire) -> Wire:
        denied = self._cloud().cloud.ram.denied
        denied.clear()
        denied.update(str(action) for action in wire.get("deny", []))
        return {"deny": sorted(denied)}

    def _set_request_url(self, wire: Wire) -> None:
        self._workspace().request_url = wire.get("url") or None

    def _site(self, wire: Wire) -> Site:
        name = _taken(wire, "site")
        if name not in self._world.sites:
            raise ValueError(f"No site is called {name!r}. Known sites: {', '.join(self._world.sites)}.")
        return self._world.sites[name]

    def _workspace(self) -> Slack:
        if self._slack is None:
            raise ValueError("This simulator runs without Slack.")
        return self._slack

    def _cloud(self) -> Alibaba:
        if self._alibaba is None:
            raise ValueError("This simulator runs without Alibaba Cloud.")
        return self._alibaba


@web.middleware
async def explain(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer what cannot be done with a sentence instead of a stack trace; let no foreign web page in."""
    local = urlsplit(f"//{request.host}").hostname in ("127.0.0.1", "localhost")
    if not local or urlsplit(request.headers.get("Origin", f"//{request.host}")).netloc != request.host:
        return web.json_response({"error": "The control API is not for web pages of other origins."}, status=403)
    try:
        return await handler(request)
    except ValueError as error:
        return web.json_response({"error": str(error)}, status=400)


def _posted(act: Callable[[Wire], Any]) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        return web.json_response({"ok": True, "result": act(await _read(request))})

    return handle


async def _read(request: web.Request) -> Wire:
    raw = await request.text()
    try:
        wire = json.loads(raw or "{}")
    except json.JSONDecodeError as error:
        raise ValueError(f"The body is not JSON: {error}.") from error
    if not isinstance(wire, dict):
        raise ValueError("The body must be a JSON object.")
    return wire


def _taken(wire: Wire, name: str) -> str:
    value = text(wire, name)
    del wire[name]
    return value
