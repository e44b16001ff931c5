"""An HTTP server that says exactly what it is told to, for the answers that no well-behaved server gives."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True, slots=True)
class Say:
    """One answer: a status with a body (a dictionary becomes JSON) and headers."""

    status: int = 200
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict)


HANG, RESET, CLOSE = "hang", "reset", "close"
Script = Say | str


@dataclass
class Canned:
    """Answers in order, the last one again and again; `calls` are the action and query of each request."""

    script: list[Script]
    address: str = ""
    connections: int = 0
    calls: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while await self._answer(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        self.calls.append(_request(await reader.readuntil(b"\r\n\r\n")))
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(step, Say):
            writer.write(_bytes(step))
            await writer.drain()
            return True
        if step == HANG:
            await reader.read()
        elif step == RESET:
            writer.transport.abort()
        return False


def _request(head: bytes) -> tuple[str, dict[str, str]]:
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return headers.get("x-acs-action", ""), dict(parse_qsl(urlsplit(first.split(" ")[1]).query))


def _bytes(say: Say) -> bytes:
    body = say.body if isinstance(say.body, bytes) else json.dumps(say.body).encode()
    lines = [f"HTTP/1.1 {say.status} X", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in say.headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


@asynccontextmanager
async def canned(*script: Script) -> AsyncIterator[Canned]:
    """Run a server with a script."""
    served = Canned(list(script))
    server = await asyncio.start_server(served.serve, "127.0.0.1", 0)
    served.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield served
    finally:
        server.close()
