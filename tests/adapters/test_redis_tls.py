"""A Redis behind TLS whose certificate does not fit: nothing is said to it, least of all in plain text."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import trustme

from bot.errors import StoreUnavailable
from tests.adapters.stores import opened

AUTHORITY = trustme.CA(key_type=trustme.KeyType.ECDSA)
STRANGER = trustme.CA(key_type=trustme.KeyType.ECDSA)
YESTERDAY = datetime.now(UTC) - timedelta(days=1)
MISFITS: dict[str, tuple[trustme.CA, str, datetime | None]] = {
    "expired": (AUTHORITY, "127.0.0.1", YESTERDAY),
    "for another name": (AUTHORITY, "redis.example", None),
    "by an unknown authority": (STRANGER, "127.0.0.1", None),
}


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Trust the authority of this module and no other."""
    file = tmp_path / "ca.pem"
    AUTHORITY.cert_pem.write_to_path(str(file))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))


class Door:
    """TLS in front of a Redis that knows none; `heard` counts the bytes that came through."""

    def __init__(self, redis_url: str, certificate: trustme.LeafCert | None) -> None:
        self._redis = urlsplit(redis_url).port
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if certificate else None
        if certificate and self._context:
            certificate.configure_cert(self._context)
        self.heard = b""
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass bytes both ways until either side ends."""
        theirs, ours = await asyncio.open_connection("127.0.0.1", self._redis)
        back = asyncio.ensure_future(_pass(theirs, writer))
        while data := await reader.read(65536):
            self.heard += data
            ours.write(data)
        back.cancel()
        for each in (ours, writer):
            each.close()

    async def open(self) -> asyncio.Server:
        """Listen."""
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0, ssl=self._context)
        self.url = f"rediss://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
        return server


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)


@asynccontextmanager
async def a_door(redis_url: str, *certificate: Any) -> AsyncIterator[Door]:
    """Open a door with a certificate (authority, name, expiry), or one that speaks in plain text."""
    leaf = None
    if certificate:
        authority, name, expires = certificate
        leaf = authority.issue_cert(name, not_after=expires, key_type=trustme.KeyType.ECDSA)
    door = Door(redis_url, leaf)
    server = await door.open()
    try:
        yield door
    finally:
        server.close()


@pytest.mark.covers("F18")
async def test_a_certificate_that_fits_is_let_in(trusted: None, redis_url: str) -> None:
    async with a_door(redis_url, AUTHORITY, "127.0.0.1", None) as door, opened(door.url) as store:
        await store.adopt()

    assert b"EVALSHA" in door.heard


@pytest.mark.covers("F18")
@pytest.mark.parametrize("misfit", MISFITS)
async def test_a_certificate_that_does_not_fit_is_refused_by_name_and_nothing_is_sent(
    trusted: None, redis_url: str, misfit: str
) -> None:
    async with a_door(redis_url, *MISFITS[misfit]) as door, opened(door.url) as store:
        with pytest.raises(StoreUnavailable, match="certificate that this bot does not trust"):
            await store.adopt()

    assert door.heard == b""


@pytest.mark.covers("F18")
async def test_a_server_that_speaks_no_tls_hears_no_command(trusted: None, redis_url: str) -> None:
    async with a_door(redis_url) as door, opened(door.url) as store:
        with pytest.raises(StoreUnavailable):
            await store.adopt()

    assert b"EVALSHA" not in door.heard
    assert b"SCRIPT" not in door.heard
