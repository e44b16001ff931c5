"""A listening port that may turn callers away before TLS begins, as a network does and no web framework can."""

import asyncio
import socket
import ssl
import struct
from collections.abc import Callable
from contextlib import suppress
from enum import Enum, auto
from weakref import WeakSet

HANDSHAKE_SECONDS = 5.0


class Verdict(Enum):
    """What happens to a caller."""

    OPEN = auto()
    RESET = auto()
    SILENT = auto()  # connected, as the kernel saw to that, and never answered: what a black hole feels like


class Door:
    """Accept connections while `verdict` says so, and hand them over behind TLS to what `serve` makes."""

    def __init__(
        self, context: ssl.SSLContext, serve: Callable[[], asyncio.Protocol], verdict: Callable[[], Verdict]
    ) -> None:
        self._context = context
        self._serve = serve
        self._verdict = verdict
        self._accepting: asyncio.Task[None] | None = None
        self._served: WeakSet[asyncio.Transport] = WeakSet()
        self._held: list[socket.socket] = []
        self.address = ""

    async def open(self, host: str, port: int) -> None:
        """Listen; with port 0 on any."""
        listener = socket.create_server((host, port))
        listener.setblocking(False)
        self.address = "{}:{}".format(*listener.getsockname())
        self._accepting = asyncio.create_task(self._accept(listener))

    async def close(self) -> None:
        if self._accepting is not None:
            self._accepting.cancel()
            with suppress(asyncio.CancelledError):
                await self._accepting
        self.cut()

    def cut(self) -> None:
        """Break every connection that there is, answered or not."""
        for transport in list(self._served):
            transport.abort()
        for connection in self._held:
            _reset(connection)
        self._held.clear()

    async def _accept(self, listener: socket.socket) -> None:
        with listener:
            async with asyncio.TaskGroup() as greeting:
                while True:
                    connection, _ = await asyncio.get_running_loop().sock_accept(listener)
                    self._receive(connection, greeting)

    def _receive(self, connection: socket.socket, greeting: asyncio.TaskGroup) -> None:
        match self._verdict():
            case Verdict.OPEN:
                greeting.create_task(self._greet(connection))
            case Verdict.RESET:
                _reset(connection)
            case Verdict.SILENT:
                self._held.append(connection)

    async def _greet(self, connection: socket.socket) -> None:
        # A caller that leaves during the handshake, or does not like our certificate, is the caller's affair.
        with suppress(OSError):
            transport, _ = await asyncio.get_running_loop().connect_accepted_socket(
                self._serve, connection, ssl=self._context, ssl_handshake_timeout=HANDSHAKE_SECONDS
            )
            self._served.add(transport)
            if self._verdict() is not Verdict.OPEN:
                transport.abort()


def _reset(connection: socket.socket) -> None:
    """Close with RST instead of FIN, as a refusing load balancer does."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
