"""Probing registries over real TLS."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from bot.adapters.data_plane import HttpsProbe, instance_of
from bot.domain.snapshot import Answer, Silence
from simulator.app import Simulator, running
from tests.adapters.conftest import DOMAIN, now

AUTHORITY = trustme.CA(key_type=trustme.KeyType.ECDSA)
CHALLENGE = 'Bearer realm="https://dockerauth-ee.x/auth",service="registry.aliyuncs.com:cn-hangzhou:26842:cri-aaaaa"'
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[None, None, None]]


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    AUTHORITY.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))


def saying(text: str, heads: list[bytes] | None = None) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer), suppress(asyncio.IncompleteReadError, ConnectionError):
            head = await reader.readuntil(b"\r\n\r\n")
            if heads is not None:
                heads.append(head)
            writer.write(text.replace("\n", "\r\n").encode())
            await writer.drain()

    return serve


@asynccontextmanager
async def probing(
    serve: Serve, *, name: str = DOMAIN, expires: datetime | None = None, authority: trustme.CA = AUTHORITY
) -> AsyncIterator[HttpsProbe]:
    """Run a TLS server with a certificate for `name`, and a probe that dials it for 10.1.0.10."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate = authority.issue_cert(name, not_after=expires, key_type=trustme.KeyType.ECDSA)
    certificate.configure_cert(context)
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    try:
        yield HttpsProbe(now, {"10.1.0.10:443": ("127.0.0.1", port)}, deadline=0.5)
    finally:
        server.close()


async def test_the_challenge_names_the_instance_and_the_handshake_its_certificate(trusted: None) -> None:
    expires = datetime.now(UTC).replace(microsecond=0) + timedelta(days=90)
    serve = saying(f"HTTP/1.1 401 Unauthorized\nWWW-Authenticate: {CHALLENGE}\nContent-Length: 0\n\n")

    async with probing(serve, expires=expires) as probe:
        answer = await probe.challenge(DOMAIN, "10.1.0.10")

    assert isinstance(answer, Answer)
    assert (answer.instance_id, answer.status, answer.dialled) == ("cri-aaaaa", 401, "10.1.0.10")
    assert answer.certificate_expires_at == expires


async def test_the_question_carries_the_custom_name_and_no_credentials(trusted: None) -> None:
    heads: list[bytes] = []

    async with probing(saying("HTTP/1.1 401 Unauthorized\n\n", heads)) as probe:
        await probe.challenge(DOMAIN, "10.1.0.10")

    assert heads[0].startswith(b"GET /v2/ HTTP/1.1\r\nHost: cross-region.registry.io\r\n")
    assert b"authorization" not in heads[0].lower()


@pytest.mark.covers("F63")
async def test_a_redirect_is_an_answer_and_not_followed(trusted: None) -> None:
    heads: list[bytes] = []
    serve = saying(f"HTTP/1.1 307 Temporary Redirect\nLocation: https://{DOMAIN}/elsewhere\n\n", heads)

    async with probing(serve) as probe:
        answer = await probe.challenge(DOMAIN, "10.1.0.10")

    assert isinstance(answer, Answer)
    assert (answer.status, answer.instance_id, len(heads)) == (307, None, 1)


async def test_every_probe_makes_its_own_connection(trusted: None) -> None:
    peers = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peers.add(writer.get_extra_info("peername"))
        await saying("HTTP/1.1 503 Service Unavailable\nContent-Length: 0\n\n")(reader, writer)

    async with probing(serve) as probe:
        for _ in range(3):
            await probe.challenge(DOMAIN, "10.1.0.10")

    assert len(peers) == 3


async def test_an_expired_certificate_is_told_apart(trusted: None) -> None:
    async with probing(saying(""), expires=datetime.now(UTC) - timedelta(days=1)) as probe:
        silence = await probe.challenge(DOMAIN, "10.1.0.10")

    assert isinstance(silence, Silence)
    assert silence.reason == "shows a certificate that has expired"


@pytest.mark.covers("F63")
async def test_a_certificate_for_another_name_is_told_apart(trusted: None) -> None:
    async with probing(saying(""), name="other.example") as probe:
        silence = await probe.challenge(DOMAIN, "10.1.0.10")

    assert isinstance(silence, Silence)
    assert silence.reason == f"shows a certificate that is not for {DOMAIN}"


async def test_a_certificate_of_an_unknown_authority_is_told_apart(trusted: None) -> None:
    stranger = trustme.CA(key_type=trustme.KeyType.ECDSA)

    async with probing(saying(""), authority=stranger) as probe:
        silence = await probe.challenge(DOMAIN, "10.1.0.10")

    assert isinstance(silence, Silence)
    assert "authority" in silence.reason


async def _silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with closing(writer), suppress(ConnectionError):
        await reader.read()


@pytest.mark.parametrize(
    ("serve", "reason"),
    [
        (_silent, "did not answer within 0.5 s"),
        (saying(""), "closed the connection without an answer"),
        (saying("SSH-2.0-OpenSSH\n\n"), "did not answer in HTTP"),
        (saying("HTTP/1.1 401 X\n" + "X-Long: " + "a" * 70_000 + "\n\n"), "did not answer in HTTP"),
        (saying("HTTP/1.1 401 X\n" + "X-Many: 1\n" * 200 + "\n"), "did not answer in HTTP"),
    ],
)
async def test_whatever_is_no_answer_is_silence_with_a_reason(trusted: None, serve: Serve, reason: str) -> None:
    started = time.monotonic()

    async with probing(serve) as probe:
        silence = await probe.challenge(DOMAIN, "10.1.0.10")

    assert isinstance(silence, Silence)
    assert silence.reason == reason
    assert time.monotonic() - started < 2


async def test_nobody_listening_and_a_name_that_does_not_resolve_are_silence() -> None:
    probe = HttpsProbe(now, {"10.1.0.10:443": ("127.0.0.1", 1)})

    refused = await probe.challenge(DOMAIN, "10.1.0.10")
    nameless = await probe.challenge(DOMAIN, "no-such-host.invalid")

    assert isinstance(refused, Silence)
    assert isinstance(nameless, Silence)
    assert refused.reason == "refused the connection"
    assert nameless.reason == "has a name that does not resolve"


async def test_plain_http_is_not_taken_for_tls(trusted: None) -> None:
    server = await asyncio.start_server(saying("HTTP/1.1 200 OK\n\n"), "127.0.0.1", 0)
    probe = HttpsProbe(now, {"10.1.0.10:443": ("127.0.0.1", server.sockets[0].getsockname()[1])}, deadline=0.5)

    silence = await probe.challenge(DOMAIN, "10.1.0.10")
    server.close()

    assert isinstance(silence, Silence)
    assert "certificate" not in silence.reason


@pytest.mark.parametrize(
    ("challenge", "instance"),
    [
        (CHALLENGE, "cri-aaaaa"),
        ('Bearer service="registry.aliyuncs.com:cn-zhangjiakou:1:CRI-BBBBB",realm="r"', "cri-bbbbb"),
        ('Bearer realm="https://cri-aaaaa.example/auth",service="registry.docker.io"', None),
        ('Basic realm="cri-aaaaa"', None),
        ("", None),
    ],
)
def test_only_the_end_of_the_service_names_an_instance(challenge: str, instance: str | None) -> None:
    assert instance_of(challenge) == instance


@pytest.fixture
async def registries(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Simulator]:
    async with running(only={"registries"}) as simulator:
        monkeypatch.setenv("SSL_CERT_FILE", simulator.announcement["ca"])
        yield simulator


def redirects(simulator: Simulator) -> dict[str, tuple[str, int]]:
    pairs = (pair.split("=") for pair in simulator.announcement["env"]["REGISTRY_BOT_CONNECT_TO"].split(","))
    return {source: (target.split(":")[0], int(target.split(":")[1])) for source, target in pairs}


async def test_each_simulated_instance_says_who_it_is_at_each_of_its_addresses(registries: Simulator) -> None:
    probe = HttpsProbe(now, redirects(registries))

    answers = [
        await probe.challenge(DOMAIN, dial)
        for dial in ("10.1.0.10", "198.51.100.10", "sim-a-registry.cn-hangzhou.cr.aliyuncs.com", "10.2.0.20")
    ]

    named = [answer.instance_id for answer in answers if isinstance(answer, Answer)]
    assert named == ["cri-aaaaa", "cri-aaaaa", "cri-aaaaa", "cri-bbbbb"]


async def test_a_certificate_that_expires_between_two_probes_is_noticed(registries: Simulator) -> None:
    probe = HttpsProbe(now, redirects(registries))
    before = await probe.challenge(DOMAIN, "10.1.0.10")
    registries.faults.set("certificate_expired", "hangzhou", True)

    after = await probe.challenge(DOMAIN, "10.1.0.10")

    assert isinstance(before, Answer)
    assert isinstance(after, Silence)
    assert after.reason == "shows a certificate that has expired"


async def test_an_instance_in_a_region_that_is_down_does_not_answer(registries: Simulator) -> None:
    registries.faults.set("region_down", "zhangjiakou", True)

    silence = await HttpsProbe(now, redirects(registries), deadline=0.3).challenge(DOMAIN, "10.2.0.20")

    assert isinstance(silence, Silence)
