"""HTTP/1.1 on a bare protocol, both sides of it: so that neither server nor driver is what limits what is measured."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

Answer = tuple[int, str, bytes]
"""Status, extra header lines (each ended), body."""


class Asked:
    """One request as it came: method, path with query, headers in lower case, body."""

    __slots__ = ("body", "headers", "method", "path")

    def __init__(self, head: bytes, body: bytes) -> None:
        first, *lines = head.decode("latin-1").split("\r\n")
        self.method, self.path, _ = first.split(" ", 2)
        self.headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        self.body = body


class Responder(asyncio.Protocol):
    """Answer each request by a function, after a latency that may change, or never while it returns None."""

    def __init__(self, answer: Callable[[Asked], Answer | None], latency: Callable[[], float]) -> None:
        self._answer = answer
        self._latency = latency
        self._pending = b""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every whole request that has come so far."""
        self._pending += data
        while (found := split_message(self._pending)) is not None:
            head, body, self._pending = found
            answer = self._answer(Asked(head, body))
            if answer is None:
                continue
            if latency := self._latency():
                asyncio.get_running_loop().call_later(latency, self._send, answer)
            else:
                self._send(answer)

    def _send(self, answer: Answer) -> None:
        status, headers, body = answer
        if not self._transport.is_closing():
            head = (
                f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
            )
            self._transport.write(head.encode() + body)


def split_message(data: bytes) -> tuple[bytes, bytes, bytes] | None:
    """Return head, body and the rest, or None while the message is not whole."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = data[:end]
    at = head.lower().find(b"\r\ncontent-length:")
    length = int(head[at + 17 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
    stop = end + 4 + length
    return None if len(data) < stop else (head, data[end + 4 : stop], data[stop:])


class Caller(asyncio.Protocol):
    """One kept-alive connection on which requests go out one after the other."""

    def __init__(self) -> None:
        self._pending = b""
        self._transport: Any = None
        self._answered: asyncio.Future[tuple[int, bytes]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way there."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Hand a whole answer to whoever waits for it."""
        self._pending += data
        found = split_message(self._pending)
        if found is not None and self._answered is not None and not self._answered.done():
            head, body, self._pending = found
            self._answered.set_result((int(head[9:12]), body))

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever still waits."""
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(exc or ConnectionError("the server closed the connection"))

    async def send(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> tuple[int, bytes]:
        """Send one request and return status and body of its answer."""
        self._answered = asyncio.get_running_loop().create_future()
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{lines}Content-Length: {len(body)}\r\n\r\n"
        self._transport.write(head.encode() + body)
        return await self._answered

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()


async def connected(port: int) -> Caller:
    """Open a connection to a loopback port."""
    _, caller = await asyncio.get_running_loop().create_connection(Caller, "127.0.0.1", port)
    return caller


async def get_json(port: int, path: str) -> Any:
    """Fetch one JSON document over a connection of its own."""
    caller = await connected(port)
    try:
        _, body = await caller.send("GET", path, {})
        return json.loads(body)
    finally:
        caller.close()
