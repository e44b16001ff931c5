"""A TCP proxy that a test can make refuse, swallow, reset, delay, drip, or lose a reply after it took effect."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

PORTS = {"http": 80, "https": 443}


@dataclass
class Line:
    """One connection through the proxy; nothing comes back by a deaf one any more."""

    is_deaf: bool = False


class Proxy:
    """Passes bytes to a server until told otherwise; every fault lasts until it is taken back.

    It knows nothing of what it carries, so HTTP, HTTPS, WebSockets and Redis all pass.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._markers: list[bytes] = []
        self.port = 0
        self.is_black_hole = False
        self.replies_to_lose = 0
        self.resets_instead_of_reply = 0
        self.delay = 0.0
        self.drip = 0.0
        """Seconds between two bytes of a reply."""

    @property
    def url(self) -> str:
        """Return the address in the form that the bot takes for Redis."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def address(self) -> str:
        """Return host and port."""
        return f"127.0.0.1:{self.port}"

    def point_to(self, port: int) -> None:
        """Lead all further connections to another server, and cut the present ones off."""
        self._target = (self._target[0], port)
        self.reset()

    def lose_reply_to(self, marker: bytes) -> None:
        """Let the next request with these bytes through, and nothing back by that connection any more."""
        self._markers.append(marker)

    async def start(self) -> None:
        """Listen, on the port of before if there was one."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Close every connection and accept none."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.reset()

    def reset(self) -> None:
        """Cut every connection off."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def stop(self) -> None:
        """End everything."""
        await self.refuse()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            upstream_reader, upstream_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()  # as if the server itself had refused
            return
        self._writers |= {writer, upstream_writer}
        line = Line()
        for task in (
            asyncio.ensure_future(self._pass(line, reader, upstream_writer, is_reply=False)),
            asyncio.ensure_future(self._pass(line, upstream_reader, writer, is_reply=True)),
        ):
            self._tasks.add(task)

    async def _pass(
        self, line: Line, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_reply: bool
    ) -> None:
        try:
            while data := await reader.read(65536):
                if self.delay and is_reply:
                    await asyncio.sleep(self.delay)
                if not self._swallows(line, data, is_reply):
                    await self._write(writer, data, is_reply)
        except OSError:
            return  # cut off on purpose
        finally:
            writer.close()

    async def _write(self, writer: asyncio.StreamWriter, data: bytes, is_reply: bool) -> None:
        while self.drip and is_reply and data:
            writer.write(data[:1])
            await writer.drain()
            data = data[1:]
            await asyncio.sleep(self.drip)
        writer.write(data)
        await writer.drain()

    def _swallows(self, line: Line, data: bytes, is_reply: bool) -> bool:
        if not is_reply and (found := [marker for marker in self._markers if marker in data]):
            self._markers.remove(found[0])
            line.is_deaf = True
        if is_reply and self.resets_instead_of_reply:
            self.resets_instead_of_reply -= 1
            self.reset()
            return True
        if is_reply and self.replies_to_lose:
            self.replies_to_lose -= 1
            return True
        return self.is_black_hole or (is_reply and line.is_deaf)


@asynccontextmanager
async def proxy_to(url: str) -> AsyncIterator[Proxy]:
    """Run a proxy in front of the server at `url`."""
    where = urlsplit(url)
    proxy = Proxy(where.hostname or "127.0.0.1", where.port or PORTS.get(where.scheme, 6379))
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.stop()
