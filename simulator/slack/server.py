"""The Slack stand-in as one server: Web API, sockets, response_urls, files and the workspace page."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from aiohttp import web

from simulator.faults import Faults
from simulator.slack.calls import Installation, Site
from simulator.slack.delivery import Delivery
from simulator.slack.filestore import FileStore
from simulator.slack.limits import Limits, RateLimiter
from simulator.slack.manifest import read_manifest
from simulator.slack.page_routes import Page
from simulator.slack.person import Hands
from simulator.slack.refusals import NotPossible
from simulator.slack.responses import Responses
from simulator.slack.sockets import SocketMode
from simulator.slack.webapi import Seen, WebApi
from simulator.slack.workspace import Workspace


class Slack:
    """A workspace with one app installed, on one loopback port."""

    def __init__(
        self,
        *,
        manifest: Path,
        faults: Faults,
        picture: Callable[[], dict[str, object]],
        limits: Limits | None = None,
        acts: Mapping[str, Callable[[dict[str, Any]], object]] | None = None,
    ) -> None:
        limits = limits or Limits()
        self._faults = faults
        self.workspace = Workspace()
        self.sockets = SocketMode(limits)
        self.installation = Installation(read_manifest(manifest))
        self._site = Site(self.workspace, self.installation, limits, RateLimiter(limits), self.sockets.ticket)
        self._responses = Responses(self.workspace, limits)
        self._delivery = Delivery(self.sockets, limits, self.installation.signing_secret, self._down)
        self._hands = Hands(self._site, self._delivery, self._responses)
        self._api = WebApi(self._site, lambda: faults.active("slack_429"))
        self._files = FileStore(self._site)
        self._page = Page(self._site, self._hands, self.sockets, faults, picture, acts or {})
        self._runner: web.AppRunner | None = None
        self._outages = 0
        faults.subscribe(self._fault_changed)

    async def start(self, host: str, port: int) -> None:
        """Listen; port 0 takes any free one."""
        runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=0.2)
        await runner.setup()
        site = web.TCPSite(runner, host, port)
        await site.start()
        self._runner = runner
        address = f"{host}:{runner.addresses[0][1]}"
        self._site.base_url = self._responses.base_url = f"http://{address}"
        self.sockets.url = f"ws://{address}/socket"
        await self._delivery.start()

    async def close(self) -> None:
        """Cut every connection and stop listening."""
        self.sockets.drop()
        self._page.close()
        await self._delivery.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def _application(self) -> web.Application:
        application = web.Application(client_max_size=64 * 1024**2, middlewares=[self._outage])
        application.router.add_route("*", "/api/{method}", self._api.handle)
        application.router.add_get("/socket", self.sockets.handle)
        application.router.add_post("/response/{token}", self._responses.handle)
        self._files.add_routes(application.router)
        self._page.add_routes(application.router)
        return application

    @web.middleware
    async def _outage(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """While Slack is down, refuse its own paths by a broken answer and by a cut connection in turn."""
        vendor = request.path.startswith(("/api/", "/socket", "/response/", "/files/"))
        if not (vendor and self._down()):
            answer: web.StreamResponse = await handler(request)
            return answer
        self._outages += 1
        if self._outages % 2 and request.transport is not None:
            request.transport.abort()
        return web.Response(status=503, text="<html><body>Service Unavailable</body></html>", content_type="text/html")

    def _down(self) -> bool:
        return self._faults.active("slack_down")

    def _fault_changed(self, name: str, _target: str | None, _on: bool) -> None:
        if name == "slack_down" and self._down():
            self.sockets.drop()
        self.workspace.changed()

    @property
    def api_url(self) -> str:
        """The base of the Web API, with its last slash."""
        return f"{self._site.base_url}/api/"

    @property
    def page_url(self) -> str:
        """The workspace page."""
        return f"{self._site.base_url}/"

    @property
    def bot_token(self) -> str:
        """The token of the installed bot."""
        return self.installation.bot_token

    @property
    def app_token(self) -> str:
        """The app-level token that opens sockets."""
        return self.installation.app_token

    @property
    def signing_secret(self) -> str:
        """The secret that signs HTTP deliveries."""
        return self.installation.signing_secret

    @property
    def request_url(self) -> str | None:
        """Where payloads go by HTTP while no socket is open."""
        return self._delivery.request_url

    @request_url.setter
    def request_url(self, url: str | None) -> None:
        self._delivery.request_url = url

    @property
    def calls(self) -> list[Seen]:
        """The latest Web API calls of the app, oldest first."""
        return list(self._api.seen)

    async def command(self, user: str, channel: str, text: str) -> dict[str, object]:
        """Type a slash command as `user` and return what became of it."""
        return (await self._hands.command(user, channel, text)).wire()

    async def click(
        self, user: str, channel: str, ts: str, action_id: str, block_id: str | None = None
    ) -> dict[str, object]:
        """Press a button of a message as `user` and return what became of it."""
        return (await self._hands.click(user, channel, ts, action_id, block_id)).wire()

    def messages(self, channel: str, viewer: str | None = None) -> list[dict[str, object]]:
        """Return what `viewer` sees of a channel, or everything, oldest first."""
        return [message.seen() for message in self.workspace.seen(channel, viewer)]

    def change_user(self, user: str, changes: Mapping[str, object]) -> dict[str, object]:
        """Change flags of a person at run time, such as `deleted` or `is_restricted`; a new id with a name joins."""
        return self.workspace.change_user(user, changes)

    def change_channel(self, channel: str, changes: Mapping[str, object]) -> dict[str, object]:
        """Change a channel at run time, such as `is_archived`, `is_ext_shared` or `members`; as above for a new one."""
        return self.workspace.change_channel(channel, changes)

    def reset(self) -> None:
        """Begin afresh: people, channels and messages as at the start; connections stay."""
        self.workspace.reset()
        self._site.limiter.reset()
        self._site.uploads.clear()
        self._responses.reset()
        self._api.seen.clear()
        self._api.refusing.clear()
        self.installation.active = True

    def refuse(self, method: str, error: str | None) -> None:
        """Let a Web API method refuse with this code from now on, or with None no longer."""
        self._api.refusing.pop(method, None)
        if error is not None:
            self._api.refusing[method] = error

    async def redeliver(self) -> dict[str, object]:
        """Deliver the latest command or click once more, word for word; the person does not notice."""
        outcome = await self._delivery.again()
        if outcome is None:
            raise NotPossible("Nothing was delivered yet.")
        return outcome.wire()

    async def refresh_connections(self) -> None:
        """Ask every socket to reconnect, as Slack does every few hours."""
        await self.sockets.refresh()
