"""Registries that answer oddly: over plain HTTP, as only the exchange itself is of interest here."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from bot.adapters import pull_client, pull_login, pull_wire
from bot.adapters.pull_client import OpenRegistry
from bot.adapters.pull_login import Challenge, Login, Tokens
from bot.adapters.pull_wire import Dial, Wire
from bot.domain.manifests import digest_of
from bot.domain.pulling import Absent, Content, Lack
from bot.errors import Refused

PATH = "core/api"
BYTES = b"bytes of a manifest"
DIGEST = digest_of(BYTES)
Answering = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Authority:
    """Gives out tokens by number, and counts what is forgotten."""

    def __init__(self) -> None:
        self.forgotten: list[str] = []

    async def of(self, repository: str) -> str | Absent:
        return f"token {len(self.forgotten)}"

    def forget(self, repository: str, token: str) -> None:
        self.forgotten.append(token)


@dataclass(frozen=True)
class Says:
    """One answer."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Server:
    """A registry that answers as a test says, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: list[Says] = []
        self.asked: list[web.BaseRequest] = []

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked.append(request)
        said = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return web.Response(status=said.status, headers=said.headers, body=said.body)


@asynccontextmanager
async def serving(handle: Answering) -> AsyncIterator[URL]:
    runner = web.ServerRunner(web.Server(handle, access_log=None), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield URL(f"http://127.0.0.1:{runner.addresses[0][1]}")
    finally:
        await runner.cleanup()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def server() -> Server:
    return Server()


@pytest.fixture
async def authority() -> Authority:
    return Authority()


@pytest.fixture
async def registry(server: Server, session: aiohttp.ClientSession, authority: Authority) -> AsyncIterator[OpenRegistry]:
    async with serving(server.handle) as base:
        yield OpenRegistry(Wire(session, 1.0), base, authority)


def status(code: int, **headers: str) -> Says:
    return Says(code, headers={name.replace("_", "-"): value for name, value in headers.items()})


def saying(wire: object) -> Says:
    return Says(body=json.dumps(wire).encode())


async def test_a_digest_that_is_not_told_is_that_of_the_bytes(server: Server, registry: OpenRegistry) -> None:
    server.answers = [status(200), Says(body=BYTES)]

    assert await registry.digest(PATH, "1") == DIGEST
    assert [each.method for each in server.asked] == ["HEAD", "GET"]


async def test_a_digest_that_is_none_is_not_believed(server: Server, registry: OpenRegistry) -> None:
    server.answers = [status(200, Docker_Content_Digest="sha256:none"), Says(body=BYTES)]

    assert await registry.digest(PATH, "1") == DIGEST


async def test_the_question_asks_for_images_and_indexes_with_the_token(server: Server, registry: OpenRegistry) -> None:
    server.answers = [Says(200, BYTES, {"Content-Type": "text/plain"})]

    assert await registry.manifest(PATH, DIGEST) == Content(BYTES, "text/plain")
    (asked,) = server.asked
    assert (asked.path, asked.headers["Authorization"]) == (f"/v2/core/api/manifests/{DIGEST}", "Bearer token 0")
    assert "image.index.v1+json" in asked.headers["Accept"]
    assert "manifest.list.v2+json" in asked.headers["Accept"]


async def test_a_token_that_is_not_taken_is_renewed_once(
    server: Server, registry: OpenRegistry, authority: Authority
) -> None:
    server.answers = [status(401), status(200, Docker_Content_Digest=DIGEST)]
    renewed = await registry.digest(PATH, "1")

    server.answers = [status(401)]
    refused = await registry.digest(PATH, "1")

    assert renewed == DIGEST
    assert isinstance(refused, Absent)
    assert refused.lack is Lack.REFUSED
    assert authority.forgotten == ["token 0", "token 1"]


async def test_a_busy_registry_is_waited_for(
    server: Server, registry: OpenRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pull_client, "PAUSES", (0.0, 0.0))
    server.answers = [status(429), status(503), status(200, Docker_Content_Digest=DIGEST)]

    assert await registry.digest(PATH, "1") == DIGEST


async def test_a_registry_that_stays_busy_is_silent(
    server: Server, registry: OpenRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pull_client, "PAUSES", (0.0,))
    server.answers = [status(429)]

    assert await registry.digest(PATH, "1") == Absent(Lack.SILENT, "answered with HTTP status 429")


@pytest.mark.parametrize(
    ("code", "found"),
    [
        (404, Absent(Lack.MISSING, "does not have it")),
        (500, Absent(Lack.SILENT, "answered with HTTP status 500")),
        (307, Absent(Lack.SILENT, "answered with HTTP status 307")),
    ],
)
async def test_other_answers_are_values(server: Server, registry: OpenRegistry, code: int, found: Absent) -> None:
    server.answers = [status(code, Location="https://example.com/")]

    assert await registry.manifest(PATH, "1") == found
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("https://example.com/x", "example.com"),
        ("http://a.oss-cn-hangzhou.aliyuncs.com/x", "a.oss-cn-hangzhou.aliyuncs.com"),
        ("https://a.aliyuncs.com.example.com/x", "a.aliyuncs.com.example.com"),
        ("/elsewhere", "nowhere"),
        ("https://[", "nowhere"),
        ("", "nowhere"),
    ],
)
async def test_a_redirect_that_does_not_lead_to_the_vendors_store_is_not_followed(
    server: Server, registry: OpenRegistry, location: str, host: str
) -> None:
    server.answers = [status(307, Location=location)]

    found = await registry.blob(PATH, DIGEST)

    assert found == Absent(Lack.REFUSED, f"sends pulls to {host}, which is no store of the vendor's")
    assert len(server.asked) == 1


async def test_no_token_goes_where_a_redirect_leads(
    server: Server, session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pull_client, "VENDOR", "127.0.0.1")
    monkeypatch.setattr(pull_client, "_STORE_SCHEME", "http")
    store = Server()
    store.answers = [status(200), status(404), status(403)]
    async with serving(server.handle) as base, serving(store.handle) as there:
        server.answers = [status(307, Location=f"{there}/layer?Signature=x%2By")]
        registry = OpenRegistry(Wire(session, 1.0), base, Authority())
        found = [await registry.blob(PATH, DIGEST) for _ in range(3)]

    assert found == [
        None,
        Absent(Lack.MISSING, "has lost it from its store"),
        Absent(Lack.REFUSED, "has a store that answered with HTTP status 403"),
    ]
    assert (store.asked[0].method, store.asked[0].raw_path) == ("HEAD", "/layer?Signature=x%2By")
    assert not any("Authorization" in each.headers for each in store.asked)


async def test_more_bytes_than_a_manifest_may_have_are_not_kept(
    server: Server, registry: OpenRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pull_wire, "MOST_BYTES", len(BYTES) - 1)
    server.answers = [Says(body=BYTES)]

    found = await registry.manifest(PATH, "1")

    assert isinstance(found, Absent)
    assert found.lack is Lack.REFUSED


async def test_what_does_not_speak_http_or_does_not_listen_is_silent(session: aiohttp.ClientSession) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    wire = Wire(session, 1.0)
    odd = await wire.ask("GET", URL(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"))
    server.close()
    gone = await wire.ask("GET", URL("http://127.0.0.1:1/"))

    assert odd == Absent(Lack.SILENT, "did not answer in HTTP")
    assert gone == Absent(Lack.SILENT, "cannot be reached")


async def test_dialling_elsewhere_keeps_the_name(server: Server) -> None:
    server.answers = [status(200)]
    async with serving(server.handle) as base:
        dial = Dial({"registry.example:80": ("127.0.0.1", base.port or 0)})
        connector = aiohttp.TCPConnector(resolver=dial)
        async with aiohttp.ClientSession(connector=connector) as session:
            await Wire(session, 1.0).ask("GET", URL("http://registry.example/"))

    assert server.asked[0].headers["Host"] == "registry.example"


def tokens_at(base: URL, session: aiohttp.ClientSession) -> Tokens:
    async def login() -> Login:
        return Login("cr_temp_user", "word", None)

    return Tokens(Wire(session, 1.0), Challenge(base / "auth", "service:cri-aaaaa"), login)


async def test_a_token_is_asked_for_by_repository_and_kept(server: Server, session: aiohttp.ClientSession) -> None:
    server.answers = [
        saying({"token": "one", "expires_in": 300}),
        saying({"access_token": "two"}),
    ]
    async with serving(server.handle) as base:
        tokens = tokens_at(base, session)
        several = await asyncio.gather(*(tokens.of("core/api") for _ in range(5)))
        other = await tokens.of("core/web")

    assert (set(several), other) == ({"one"}, "two")
    assert [each.rel_url.query["scope"] for each in server.asked] == [
        "repository:core/api:pull",
        "repository:core/web:pull",
    ]
    assert server.asked[0].headers["Authorization"].startswith("Basic ")


@pytest.mark.parametrize(
    ("answer", "lack", "reason"),
    [
        (status(401), Lack.REFUSED, "has a token service that does not take the bot's login"),
        (status(500), Lack.SILENT, "has a token service that gave no token (HTTP status 500)"),
        (saying([]), Lack.SILENT, "has a token service that gave no token (HTTP status 200)"),
        (saying({"token": 7}), Lack.SILENT, "has a token service that gave no token (HTTP status 200)"),
    ],
)
async def test_a_token_service_that_gives_none_is_told(
    server: Server, session: aiohttp.ClientSession, answer: Says, lack: Lack, reason: str
) -> None:
    server.answers = [answer]
    async with serving(server.handle) as base:
        assert await tokens_at(base, session).of(PATH) == Absent(lack, reason)


async def test_a_login_that_cannot_be_renewed_is_told(session: aiohttp.ClientSession) -> None:
    async def login() -> Login:
        raise Refused("No login any more.")

    tokens = Tokens(Wire(session, 1.0), Challenge(URL("http://127.0.0.1:1/auth"), "s"), login)

    assert await tokens.of(PATH) == Absent(Lack.REFUSED, "has no login for the bot: No login any more.")


async def test_only_the_latest_tokens_are_kept(
    server: Server, session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pull_login, "MOST_TOKENS", 2)
    server.answers = [saying({"token": "t"})]
    async with serving(server.handle) as base:
        tokens = tokens_at(base, session)
        for name in ("a", "b", "c"):
            await tokens.of(name)
        await tokens.of("c")
        await tokens.of("a")

    assert [each.rel_url.query["scope"][11] for each in server.asked] == ["a", "b", "c", "a"]
