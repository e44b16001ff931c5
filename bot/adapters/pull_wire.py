"""Single HTTP exchanges with a registry and with what stands beside it: bounded, in time, following nothing.

Whatever goes wrong is a value. An error of the HTTP library would carry the request, and with it the login.
"""

import asyncio
import socket
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from bot.domain.pulling import Absent, Lack

MOST_BYTES = 4 * 2**20
"""What registries take for a manifest at most, by the distribution specification."""
IDENTITY = {"Accept-Encoding": "identity"}


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, whatever it says."""

    status: int
    headers: Mapping[str, str]
    raw: bytes


class Dial(AbstractResolver):
    """Find names as usual, but for those that `connect_to` sends elsewhere: "host:port" → (address, port)."""

    def __init__(self, connect_to: Mapping[str, tuple[str, int]]) -> None:
        self._connect_to = connect_to
        self._usual = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return where to dial; TLS and Host go on bearing the name that was asked for."""
        where = self._connect_to.get(f"{host}:{port}".lower())
        if where is None:
            return await self._usual.resolve(host, port, family)
        address, number = where
        return [ResolveResult(hostname=host, host=address, port=number, family=family, proto=0, flags=0)]

    async def close(self) -> None:
        """Hold nothing open, so there is nothing to close."""
        await self._usual.close()


class Wire:
    """Exchanges over one session, each within the deadline."""

    def __init__(self, session: aiohttp.ClientSession, deadline: float) -> None:
        self._session = session
        self._deadline = deadline

    async def ask(self, method: str, url: URL, headers: Mapping[str, str] | None = None) -> Reply | Absent:
        """Send one request and return the answer, or why there is none."""
        try:
            async with (
                asyncio.timeout(self._deadline),
                self._session.request(method, url, headers=headers, allow_redirects=False) as response,
            ):
                raw = b"" if method == "HEAD" else await _read(response.content)
                if raw is None:
                    response.close()
                    return Absent(Lack.REFUSED, f"sends more than {MOST_BYTES // 2**20} MiB where that cannot be")
                return Reply(response.status, response.headers, raw)
        except TimeoutError:
            return Absent(Lack.SILENT, f"did not answer within {self._deadline:g} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Absent(Lack.SILENT, next(words for kind, words in _REASONS.items() if isinstance(error, kind)))


async def _read(content: aiohttp.StreamReader) -> bytes | None:
    """Read to the end, or None where that does not come in time for what may be kept."""
    parts: list[bytes] = []
    size = 0
    async for part in content.iter_any():
        size += len(part)
        if size > MOST_BYTES:
            return None
        parts.append(part)
    return b"".join(parts)


_REASONS: dict[type[Exception], str] = {
    aiohttp.ClientConnectorDNSError: "has a name that does not resolve",
    aiohttp.ClientConnectorCertificateError: "shows a certificate that the bot does not trust",
    aiohttp.ClientSSLError: "did not speak TLS properly",
    aiohttp.ClientConnectorError: "cannot be reached",
    aiohttp.ServerDisconnectedError: "broke the connection off",
    aiohttp.ClientOSError: "broke the connection off",
    aiohttp.ClientError: "did not answer in HTTP",
    OSError: "cannot be reached",
    ValueError: "did not answer in HTTP",
}
"""The first kind that fits gives the words."""
