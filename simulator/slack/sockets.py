"""Socket Mode: connections that an app opens, and envelopes that go to one of them and must be acknowledged."""

import asyncio
import time
from dataclasses import dataclass, field
from uuid import uuid4

from aiohttp import WSCloseCode, WSMsgType, web

from simulator.canary import secret
from simulator.slack.limits import Limits
from simulator.slack.model import APP_ID, Json


class NoConnection(Exception):
    """The app has no socket open."""


@dataclass(eq=False, slots=True)
class Connection:
    """One open socket."""

    socket: web.WebSocketResponse
    request: web.Request
    closes_at: float
    warned: bool = False
    envelopes: set[str] = field(default_factory=set)


class SocketMode:
    """Hands each payload to one of the open connections in turn, so that no two clicks in a row land on the same."""

    def __init__(self, limits: Limits, ws_url: str = "") -> None:
        self._limits = limits
        self.url = ws_url
        self._tickets: dict[str, float] = {}
        self._connections: list[Connection] = []
        self._waiting: dict[str, asyncio.Future[Json]] = {}

    @property
    def count(self) -> int:
        """How many connections are open."""
        return len(self._connections)

    def ticket(self) -> str:
        """Return the address of one connection, good once and for a short while."""
        ticket = secret()
        self._tickets[ticket] = time.monotonic() + self._limits.ticket_seconds
        return f"{self.url}?ticket={ticket}&app_id={APP_ID}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one connection until either side ends it."""
        if self._tickets.pop(request.query.get("ticket", ""), 0.0) < time.monotonic():
            return web.Response(status=404, text="This address was used or is too old; call apps.connections.open.")
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if self.count >= self._limits.connections:
            await socket.send_json({"type": "disconnect", "reason": "too_many_websockets"})
            await socket.close()
            return socket
        await self._serve(socket, request)
        return socket

    async def _serve(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        debug = request.query.get("debug_reconnects") == "true"
        seconds = self._limits.debug_connection_seconds if debug else self._limits.connection_seconds
        connection = Connection(socket, request, time.monotonic() + seconds)
        self._connections.append(connection)
        try:
            await socket.send_json(self._hello(seconds))
            await self._read(connection)
        finally:
            self._forget(connection)

    def _hello(self, seconds: float) -> Json:
        debug = {"host": "applink-simulator", "approximate_connection_time": int(seconds)}
        return {
            "type": "hello",
            "num_connections": self.count,
            "debug_info": debug,
            "connection_info": {"app_id": APP_ID},
        }

    async def _read(self, connection: Connection) -> None:
        while not connection.socket.closed:
            try:
                frame = await connection.socket.receive(timeout=self._until_next(connection))
            except TimeoutError:
                await self._age(connection)
                continue
            if frame.type is WSMsgType.TEXT:
                self._acknowledge(connection, frame.json())
            elif frame.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR):
                return

    def _until_next(self, connection: Connection) -> float:
        lead = 0.0 if connection.warned else self._limits.warning_seconds
        return max(0.01, connection.closes_at - lead - time.monotonic())

    async def _age(self, connection: Connection) -> None:
        if connection.warned:
            await self._disconnect(connection, "refresh_requested")
            return
        connection.warned = True
        await connection.socket.send_json({"type": "disconnect", "reason": "warning"})

    def _acknowledge(self, connection: Connection, frame: Json) -> None:
        waiting = self._waiting.get(frame.get("envelope_id", ""))
        if waiting is not None and not waiting.done() and frame["envelope_id"] in connection.envelopes:
            waiting.set_result(frame.get("payload") or {})

    def _forget(self, connection: Connection) -> None:
        if connection in self._connections:
            self._connections.remove(connection)

    async def _disconnect(self, connection: Connection, reason: str) -> None:
        self._forget(connection)
        if not connection.socket.closed:
            await connection.socket.send_json({"type": "disconnect", "reason": reason})
            await connection.socket.close(code=WSCloseCode.GOING_AWAY)

    async def refresh(self, reason: str = "refresh_requested") -> None:
        """Ask every connection to reconnect, as Slack does every few hours."""
        for connection in list(self._connections):
            await self._disconnect(connection, reason)

    def drop(self) -> None:
        """Cut every connection without a word."""
        for connection in list(self._connections):
            self._forget(connection)
            if connection.request.transport is not None:
                connection.request.transport.abort()

    async def deliver(self, kind: str, payload: Json, takes_response: bool) -> Json:
        """Hand a payload to one connection and return what came with its acknowledgement.

        Raises `NoConnection`, or `TimeoutError` when nobody acknowledged in time.
        """
        envelope_id = str(uuid4())
        envelope: Json = {"envelope_id": envelope_id, "type": kind, "payload": payload}
        envelope |= {"accepts_response_payload": takes_response, "retry_attempt": 0, "retry_reason": ""}
        waiting: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._waiting[envelope_id] = waiting
        try:
            await self._send(envelope)
            async with asyncio.timeout(self._limits.ack_seconds):
                return await waiting
        finally:
            del self._waiting[envelope_id]

    async def _send(self, envelope: Json) -> None:
        while self._connections:
            connection = self._connections.pop(0)
            try:
                await connection.socket.send_json(envelope)
            except ConnectionError:
                continue
            connection.envelopes.add(envelope["envelope_id"])
            self._connections.append(connection)
            return
        raise NoConnection
