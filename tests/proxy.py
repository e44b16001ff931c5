"""A TCP proxy that a test can make refuse, swallow, reset, delay, or lose one reply after it took effect."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit


class Proxy:
    """Passes bytes to a server until told otherwise; every fault lasts until it is taken back."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0
        self.is_black_hole = False
        self.replies_to_lose = 0
        self.resets_instead_of_reply = 0
        self.delay = 0.0

    @property
    def url(self) -> str:
        """Return the address in the form that the bot takes."""
        return f"redis://127.0.0.1:{self.port}/0"

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
        upstream_reader, upstream_writer = await asyncio.open_connection(*self._target)
        self._writers |= {writer, upstream_writer}
        for task in (
            asyncio.ensure_future(self._pass(reader, upstream_writer, is_reply=False)),
            asyncio.ensure_future(self._pass(upstream_reader, writer, is_reply=True)),
        ):
            self._tasks.add(task)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_reply: bool) -> None:
        try:
            while data := await reader.read(65536):
                if self.delay and is_reply:
                    await asyncio.sleep(self.delay)
                if not self._swallows(is_reply):
                    writer.write(data)
                    await writer.drain()
        except OSError:
            return  # cut off on purpose
        finally:
            writer.close()

    def _swallows(self, is_reply: bool) -> bool:
        if is_reply and self.resets_instead_of_reply:
            self.resets_instead_of_reply -= 1
            self.reset()
            return True
        if is_reply and self.replies_to_lose:
            self.replies_to_lose -= 1
            return True
        return self.is_black_hole


@asynccontextmanager
async def proxy_to(url: str) -> AsyncIterator[Proxy]:
    """Run a proxy in front of the server at `url`."""
    where = urlsplit(url)
    proxy = Proxy(where.hostname or "127.0.0.1", where.port or 6379)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.stop()
