"""The registries as image pulls meet them: TLS under the custom name, then `/v2/` and its challenge.

Each probe makes its own connection and looks names up anew: a pooled connection or a cached address would go on
showing the old instance after a switch. It is written on plain streams, because what matters here (the address
dialled, the name asked for, the certificate shown) is what an HTTP client hides. No credentials are sent, no redirect
is followed, the realm of the challenge is never contacted, and nothing is read beyond the headers.
"""

import asyncio
import re
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPException, parse_headers
from io import BytesIO

from bot.domain.snapshot import Answer, Silence

PORT = 443
HEADER_LIMIT = 65_536
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5]\d\d)(?: [^\r\n]*)?\r\n")
_SERVICE = re.compile(r'\bservice="(?:[^"]*:)?(cri-[a-z0-9]+)"', re.IGNORECASE)
_NOT_YET_VALID, _EXPIRED, _NAME_MISMATCH, _ADDRESS_MISMATCH = 9, 10, 62, 64
"""OpenSSL's verification codes (x509_vfy.h)."""


class NotHttp(HTTPException):
    """What came back is not the head of an HTTP answer."""


@dataclass(frozen=True, slots=True)
class Head:
    """The part of an answer that says who answered."""

    status: int
    challenge: str
    certificate_expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Failure:
    reason: str


class HttpsProbe:
    """Ask an instance who it is.

    `connect_to` redirects dialling only, as curl's option does: "host:port" → (address, port). Name checks, SNI and
    Host stay those of the custom domain.
    """

    def __init__(
        self,
        now: Callable[[], datetime],
        connect_to: Mapping[str, tuple[str, int]] | None = None,
        deadline: float = 3.0,
    ) -> None:
        self._now = now
        self._connect_to = dict(connect_to or {})
        self._deadline = deadline
        self._context: ssl.SSLContext | None = None

    async def challenge(self, domain: str, dial: str) -> Answer | Silence:
        """Ask `https://domain/v2/` of the host or address `dial`, without credentials, following nothing."""
        head = await self._ask(domain, dial)
        if isinstance(head, _Failure):
            return Silence(head.reason, dial, self._now())
        return Answer(instance_of(head.challenge), head.status, dial, head.certificate_expires_at, self._now())

    async def _ask(self, domain: str, dial: str) -> Head | _Failure:
        host, port = self._connect_to.get(f"{dial}:{PORT}".lower(), (dial, PORT))
        try:
            async with asyncio.timeout(self._deadline):
                return await _exchange(domain, host, port, await self._trust())
        except TimeoutError:
            return _Failure(f"did not answer within {self._deadline:g} s")
        except ssl.SSLCertVerificationError as error:
            return _Failure(_certificate_reason(error.verify_code, domain))
        except (OSError, EOFError, asyncio.LimitOverrunError, HTTPException) as error:
            return _Failure(next(words for kind, words in _REASONS.items() if isinstance(error, kind)))

    async def _trust(self) -> ssl.SSLContext:
        """Read the trusted authorities once, in a thread: it takes tens of milliseconds."""
        if self._context is None:
            self._context = await asyncio.to_thread(ssl.create_default_context)
        return self._context


def instance_of(challenge: str) -> str | None:
    """Name the instance that a Bearer challenge speaks for: its service ends in region, site and instance id."""
    found = _SERVICE.search(challenge)
    return found.group(1).lower() if found else None


async def _exchange(domain: str, host: str, port: int, context: ssl.SSLContext) -> Head:
    reader, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname=domain, limit=HEADER_LIMIT)
    try:
        writer.write(f"GET /v2/ HTTP/1.1\r\nHost: {domain}\r\nAccept: */*\r\nConnection: close\r\n\r\n".encode("ascii"))
        await writer.drain()
        raw = await reader.readuntil(b"\r\n\r\n")
        return _head(raw, writer.get_extra_info("peercert"))
    finally:
        writer.transport.abort()  # an orderly end of TLS would wait for the other side


def _head(raw: bytes, certificate: Mapping[str, str] | None) -> Head:
    status = _STATUS.match(raw)
    if status is None:
        raise NotHttp
    headers = parse_headers(BytesIO(raw[status.end() :]))
    expiry = ssl.cert_time_to_seconds(certificate["notAfter"]) if certificate else None
    return Head(
        status=int(status.group(1)),
        challenge=", ".join(headers.get_all("WWW-Authenticate", [])),
        certificate_expires_at=datetime.fromtimestamp(expiry, UTC) if expiry is not None else None,
    )


def _certificate_reason(code: int, domain: str) -> str:
    words = {
        _EXPIRED: "has expired",
        _NOT_YET_VALID: "is not valid yet",
        _NAME_MISMATCH: f"is not for {domain}",
        _ADDRESS_MISMATCH: f"is not for {domain}",
    }
    return f"shows a certificate that {words.get(code, 'comes from an authority that the bot does not trust')}"


_REASONS: dict[type[Exception], str] = {
    socket.gaierror: "has a name that does not resolve",
    ssl.SSLError: "did not speak TLS properly",
    ConnectionRefusedError: "refused the connection",
    ConnectionError: "broke the connection off",
    OSError: "cannot be reached",
    EOFError: "closed the connection without an answer",
    asyncio.LimitOverrunError: "did not answer in HTTP",
    HTTPException: "did not answer in HTTP",
}
"""The first kind that fits gives the words."""
