"""The HTTP side: probes, metrics, and in http mode Slack's requests behind a filter.

The filter turns away what cannot be a request of Slack before anybody parses or logs it: too large, too slow, not text,
or with a timestamp that is malformed or too far off. The signature is checked behind it, on the raw bytes.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import structlog
from aiohttp import web

from bot.metrics import Metrics
from bot.ports import Clock

LARGEST_BODY = 256 * 1024
OLDEST = timedelta(minutes=5)
UNUSUAL = timedelta(minutes=1)
"""Slack delivers within seconds: a signed request further off than this is a replay, or one of two clocks is wrong."""
READ_WITHIN = timedelta(seconds=3)
"""Slack waits no longer for its answer."""
TIMESTAMP = "X-Slack-Request-Timestamp"
EVENTS_PATH = "/slack/events"

_ID = re.compile(r"\b(?=[A-Z0-9]*\d)[A-Z][A-Z0-9]{2,}\b")
"""What Slack's ids look like; whoever may ask whether the bot is ready need not know whose it is."""
_REFUSALS = {400: "malformed", 401: "signature"}
log = structlog.get_logger()

Events = Callable[[str, Mapping[str, str]], Awaitable[tuple[int, str, str]]]
"""Takes body and headers; returns status, content type and body."""
Troubles = Callable[[], Awaitable[Sequence[str]]]
"""Returns why this process is not ready, in words without ids; nothing when it is."""


class _TurnedAway(Exception):
    """A request that Slack did not send like this."""

    def __init__(self, status: int, word: str) -> None:
        super().__init__(word)
        self.status = status
        self.word = word


class Server:
    """Listens on one port for probes and Slack, and on another for Prometheus; `port` and `metrics_port` may be 0."""

    def __init__(
        self,
        clock: Clock,
        metrics: Metrics,
        troubles: Troubles,
        *,
        host: str,
        port: int,
        metrics_port: int,
        takes_events: bool = False,
    ) -> None:
        self._clock = clock
        self._metrics = metrics
        self._troubles = troubles
        self._host = host
        self._ports = (port, metrics_port)
        self._takes_events = takes_events
        self._runners: list[web.AppRunner] = []
        self.events: Events | None = None
        """Who takes Slack's requests; until it is set they get 503, and Slack tells the person."""

    @property
    def port(self) -> int:
        """Return the port of probes and Slack."""
        return int(self._runners[0].addresses[0][1])

    @property
    def metrics_port(self) -> int:
        """Return the port of Prometheus."""
        return int(self._runners[1].addresses[0][1])

    async def start(self) -> None:
        """Listen. Raises OSError when a port is taken."""
        probes = [web.get("/healthz", self._healthz), web.get("/readyz", self._readyz)]
        events = [web.post(EVENTS_PATH, self._slack)] if self._takes_events else []
        await self._listen([*probes, *events], self._ports[0])
        await self._listen([web.get("/metrics", self._exposition)], self._ports[1])

    async def close(self) -> None:
        """Stop listening and let answers in progress out."""
        for runner in self._runners:
            await runner.cleanup()
        self._runners.clear()

    async def _listen(self, routes: Sequence[web.RouteDef], port: int) -> None:
        application = web.Application(client_max_size=LARGEST_BODY)
        application.add_routes(routes)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=2.0)
        await runner.setup()
        self._runners.append(runner)
        await web.TCPSite(runner, self._host, port).start()

    async def _healthz(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def _readyz(self, _request: web.Request) -> web.Response:
        troubles = [_ID.sub("…", trouble) for trouble in await self._troubles()]
        status: dict[str, Any] = {"status": "not ready", "reasons": troubles} if troubles else {"status": "ready"}
        return web.json_response(status, status=503 if troubles else 200)

    async def _exposition(self, _request: web.Request) -> web.Response:
        return web.Response(
            body=self._metrics.exposition(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        )

    async def _slack(self, request: web.Request) -> web.Response:
        try:
            body = await self._admissible(request)
        except _TurnedAway as reason:
            return self._refuse(reason.status, reason.word)
        if self.events is None:
            return self._refuse(503, "starting")
        status, content_type, text = await self.events(body, request.headers)
        if status in _REFUSALS:
            return self._refuse(status, _REFUSALS[status])
        self._look_at_the_clock(int(request.headers[TIMESTAMP]))
        return web.Response(status=status, text=text, content_type=content_type)

    async def _admissible(self, request: web.Request) -> str:
        if not self._is_timely(request.headers.get(TIMESTAMP, "")):
            raise _TurnedAway(401, "timestamp")
        if (request.content_length or 0) > LARGEST_BODY:
            raise _TurnedAway(413, "size")
        try:
            async with asyncio.timeout(READ_WITHIN.total_seconds()):
                return (await request.read()).decode("utf-8")
        except web.HTTPRequestEntityTooLarge:
            raise _TurnedAway(413, "size") from None
        except UnicodeDecodeError:
            raise _TurnedAway(401, "encoding") from None
        except TimeoutError:
            raise _TurnedAway(408, "slow") from None

    def _is_timely(self, timestamp: str) -> bool:
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
            return False
        return abs(self._skew(int(timestamp))) <= OLDEST.total_seconds()

    def _skew(self, timestamp: int) -> float:
        return self._clock.now().timestamp() - timestamp

    def _look_at_the_clock(self, timestamp: int) -> None:
        """Raise the alarm for a request that is genuine and unusually old, or from the future."""
        if abs(skew := self._skew(timestamp)) > UNUSUAL.total_seconds():
            self._metrics.alarms.labels("clock_skew").inc()
            log.warning("alarm.clock_skew", seconds=round(skew))

    def _refuse(self, status: int, reason: str) -> web.Response:
        self._metrics.refused_requests.labels(reason).inc()
        return web.json_response({"error": reason}, status=status)
