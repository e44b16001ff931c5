"""The workspace page: its files, its live feed, and what a person does on it."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from simulator.faults import Faults
from simulator.slack.calls import Site
from simulator.slack.model import PERMALINK_ARCHIVE, SLACKBOT_ID, Channel, Json, User
from simulator.slack.person import Hands
from simulator.slack.refusals import NotPossible
from simulator.slack.sockets import SocketMode

FILES = Path(__file__).with_name("page")
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
LOOPBACK = ("127.0.0.1", "localhost", "::1")
PICTURE_EVERY = 0.5
MOST_SHOWN = 200


class Page:
    """Serves the page; every viewer has one live feed of the channel that is open."""

    def __init__(
        self,
        site: Site,
        hands: Hands,
        sockets: SocketMode,
        faults: Faults,
        picture: Callable[[], dict[str, object]],
        acts: Mapping[str, Callable[[Json], object]],
    ) -> None:
        self._site = site
        self._hands = hands
        self._sockets = sockets
        self._faults = faults
        self._picture = picture
        self._world_acts = acts
        self._closing = False

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Serve the page and what it calls."""
        router.add_get("/", _index)
        router.add_get(f"/{PERMALINK_ARCHIVE}/{{channel}}/{{message}}", _permalink)
        router.add_get("/page/events", self._events)
        router.add_get("/page/world", self._world)
        router.add_get("/page/faults", self._list_faults)
        for name, act in self._acts().items():
            router.add_post(f"/page/{name}", _own(act))
        router.add_get("/page/{file}", _file)

    def _acts(self) -> dict[str, Callable[[Json], Awaitable[Json]]]:
        return {
            "faults": self._set_fault,
            "command": self._command,
            "message": self._say,
            "click": self._click,
            "share": self._share,
            **{name: _later(act) for name, act in self._world_acts.items()},
        }

    def close(self) -> None:
        """End every feed."""
        self._closing = True
        self._site.workspace.changed()

    async def _world(self, _request: web.Request) -> web.Response:
        return web.json_response(self._picture(), headers=HEADERS)

    async def _list_faults(self, _request: web.Request) -> web.Response:
        return web.json_response(self._faults.listing(), headers=HEADERS)

    async def _set_fault(self, said: Json) -> Json:
        self._faults.set(said["name"], said.get("target"), bool(said["on"]))
        return {"faults": self._faults.listing()}

    async def _command(self, said: Json) -> Json:
        return (await self._hands.command(said["as"], said["channel"], said["text"])).wire()

    async def _say(self, said: Json) -> Json:
        return {"ts": self._hands.say(said["as"], said["channel"], said["text"], said.get("thread_ts")).ts}

    async def _click(self, said: Json) -> Json:
        place = (said["channel"], said["ts"], said["action_id"], said.get("block_id"))
        return (await self._hands.click(said["as"], *place)).wire()

    async def _share(self, said: Json) -> Json:
        """Let the partner's people into a channel, or out again, as Slack Connect does."""
        channel = self._site.workspace.channels[said["channel"]]
        members = [member for member in channel.members if member != "U01OUTSIDER"]
        shared = bool(said["on"])
        members += ["U01OUTSIDER"] if shared else []
        self._site.workspace.change_channel(channel.id, {"is_ext_shared": shared, "members": members})
        return {"shared": shared}

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """Send the whole view of one person again whenever something in it changed."""
        response = web.StreamResponse(headers={**HEADERS, "Content-Type": "text/event-stream"})
        await response.prepare(request)
        event = self._site.workspace.watch()
        sent = ""
        try:
            while not self._closing:
                event.clear()
                view = json.dumps(self._view(request.query.get("as", ""), request.query.get("channel", "")))
                if view != sent:
                    await response.write(f"data: {view}\n\n".encode())
                    sent = view
                await _pause(event)
        except ConnectionError:
            return response
        finally:
            self._site.workspace.unwatch(event)
        return response

    def _view(self, viewer_id: str, channel_id: str) -> Json:
        workspace = self._site.workspace
        viewer = workspace.users.get(viewer_id) or workspace.users["U01ONCALL"]
        rooms = [room for room in workspace.channels.values() if workspace.may_see(viewer, room)]
        opened = next((room for room in rooms if room.id == channel_id), rooms[0] if rooms else None)
        return {
            "viewer": viewer.id,
            "people": {user.id: _person(user) for user in workspace.users.values()},
            "channels": [self._room(room, viewer) for room in rooms],
            "channel": opened.id if opened else None,
            "messages": [m.seen() for m in workspace.seen(opened.id, viewer.id)[-MOST_SHOWN:]] if opened else [],
            "commands": self._commands(),
            "faults": self._faults.listing(),
            "world": self._picture(),
            "connections": self._sockets.count,
        }

    def _room(self, room: Channel, viewer: User) -> Json:
        seen = self._site.workspace.seen(room.id, viewer.id)
        name = "registry" if room.is_im else room.name
        flags = {"shared": room.is_ext_shared, "private": room.is_private, "archived": room.is_archived}
        return {"id": room.id, "name": name, "direct": room.is_im, "latest": seen[-1].ts if seen else "", **flags}

    def _commands(self) -> list[Json]:
        commands = self._site.installation.manifest.commands
        return [{"command": c.command, "hint": c.usage_hint, "description": c.description} for c in commands]


def _person(user: User) -> Json:
    kind = "app" if user.is_bot or user.id == SLACKBOT_ID else "person"
    outside = not user.is_member
    return {"name": user.real_name, "handle": user.name, "kind": kind, "outside": outside, "left": user.deleted}


async def _pause(event: asyncio.Event) -> None:
    """Wait for a change, or until the picture of the world is due again."""
    try:
        await asyncio.wait_for(event.wait(), PICTURE_EVERY)
    except TimeoutError:
        return


def _later(act: Callable[[Json], object]) -> Callable[[Json], Awaitable[Json]]:
    async def do(said: Json) -> Json:
        return {"result": act(said)}

    return do


def _own(act: Callable[[Json], Awaitable[Json]]) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Wrap an act so that only this page can do it: another site's script in the same browser cannot."""

    async def handle(request: web.Request) -> web.Response:
        origin = request.headers.get("Origin")
        foreign = origin is not None and urlsplit(origin).netloc != request.host
        if (
            foreign
            or request.content_type != "application/json"
            or urlsplit(f"//{request.host}").hostname not in LOOPBACK
        ):
            return web.json_response({"error": "Only the workspace page may do this."}, status=403)
        try:
            said: Any = await request.json()
            return web.json_response(await act(said), headers=HEADERS)
        except (NotPossible, ValueError) as error:
            return web.json_response({"error": str(error)}, status=400)
        except (KeyError, TypeError) as error:
            return web.json_response({"error": f"Missing or malformed: {error}"}, status=400)

    return handle


async def _index(_request: web.Request) -> web.FileResponse:
    return web.FileResponse(FILES / "index.html", headers=HEADERS)


async def _file(request: web.Request) -> web.FileResponse:
    wanted = FILES / request.match_info["file"]
    if wanted.parent != FILES or not wanted.is_file():
        raise web.HTTPNotFound
    return web.FileResponse(wanted, headers=HEADERS)


async def _permalink(request: web.Request) -> web.Response:
    message = request.match_info["message"].removeprefix("p")
    ts = f"{message[:-6]}.{message[-6:]}"
    raise web.HTTPFound(f"/#{request.match_info['channel']}/{ts}")
