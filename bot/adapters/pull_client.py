"""The registries as pulls meet them: logged in, over connections that are kept, without fetching any layer.

The instance's own public domain is dialled, not the customer's: what it holds is the question, not where DNS leads. Its
password and its tokens go to its own region's token service and to itself; where a layer is, a redirect says, which is
followed once, to the vendor's store and without either.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import quote

import aiohttp
from yarl import URL

from bot.adapters.alibaba.client import Alibaba
from bot.adapters.alibaba.wire import body, moment, required
from bot.adapters.pull_login import Challenge, Login, Tokens, read_challenge
from bot.adapters.pull_wire import IDENTITY, Dial, Reply, Wire
from bot.domain.manifests import ACCEPT, digest_of, is_digest
from bot.domain.pulling import Absent, Content, Lack
from bot.domain.topology import Site
from bot.errors import Unreachable

VENDOR = ".aliyuncs.com"
_STORE_SCHEME = "https"
AT_ONCE = 32
KEEP_ALIVE = 30.0
HOURS = 1
"""For how long a password is asked for, the shortest there is."""
RENEW_BEFORE = timedelta(minutes=2)
PAUSES = (0.5, 2.0, 5.0)
"""Seconds before each further try where a registry asks for less."""
BUSY = (429, 503)
_MISSING = Absent(Lack.MISSING, "does not have it")


class Authority(Protocol):
    """Where the tokens for a registry come from."""

    async def of(self, repository: str) -> str | Absent:
        """Return a token that lets this repository be pulled."""
        ...

    def forget(self, repository: str, token: str) -> None:
        """Ask anew for this repository."""
        ...


class RegistryPuller:
    """Logs in to the registry of an instance.

    `connect_to` redirects dialling only: "host:port" → (address, port). Name checks, SNI and Host stay as they are.
    """

    def __init__(
        self,
        alibaba: Alibaba,
        now: Callable[[], datetime],
        connect_to: Mapping[str, tuple[str, int]] | None = None,
        *,
        deadline: float = 5.0,
        at_once: int = AT_ONCE,
    ) -> None:
        self._alibaba = alibaba
        self._now = now
        self._connect_to = dict(connect_to or {})
        self._deadline = deadline
        self._at_once = at_once
        self._context: ssl.SSLContext | None = None

    @asynccontextmanager
    async def reach(self, site: Site, domain: str) -> AsyncIterator["OpenRegistry"]:
        """Log in to the registry of a site's instance. Raises Refused, Throttled or Unreachable."""
        if not domain.endswith(VENDOR):
            raise Unreachable(f"{domain} is no name of the vendor's, so the bot does not log in there.")
        connector = aiohttp.TCPConnector(
            limit=self._at_once, ssl=await self._trust(), resolver=Dial(self._connect_to), keepalive_timeout=KEEP_ALIVE
        )
        async with aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=IDENTITY,
            timeout=aiohttp.ClientTimeout(total=None),
        ) as session:
            wire, base = Wire(session, self._deadline), URL(f"https://{domain}")
            challenge = await _challenged(wire, base, site)
            logins = _Logins(self._alibaba, site, self._now)
            await logins.current()  # a missing permission is said at once, and once
            yield OpenRegistry(wire, base, Tokens(wire, challenge, logins.current))

    async def _trust(self) -> ssl.SSLContext:
        """Read the trusted authorities once, in a thread: it takes tens of milliseconds."""
        if self._context is None:
            self._context = await asyncio.to_thread(ssl.create_default_context)
        return self._context


class OpenRegistry:
    """One registry, with the tokens that it takes."""

    def __init__(self, wire: Wire, base: URL, tokens: Authority) -> None:
        self._wire = wire
        self._base = base
        self._tokens = tokens
        self.at = base.host or ""

    async def digest(self, repository: str, reference: str) -> str | Absent:
        """Return the digest of the manifest that a tag or a digest names, without fetching it where it is told."""
        reply = await self._ask("HEAD", repository, "manifests", reference)
        if isinstance(reply, Absent):
            return reply
        told = reply.headers.get("Docker-Content-Digest", "")
        if is_digest(told):
            return told
        content = await self.manifest(repository, reference)  # registries need not tell it
        return content if isinstance(content, Absent) else digest_of(content.raw)

    async def manifest(self, repository: str, reference: str) -> Content | Absent:
        """Fetch a manifest."""
        reply = await self._ask("GET", repository, "manifests", reference)
        if isinstance(reply, Absent):
            return reply
        return Content(reply.raw, reply.headers.get("Content-Type", ""))

    async def blob(self, repository: str, digest: str) -> Absent | None:
        """Return what is wrong with a layer, without fetching it; nothing when it is there."""
        reply = await self._ask("HEAD", repository, "blobs", digest)
        if isinstance(reply, Absent):
            return reply
        return await self._stored(reply.headers.get("Location", "")) if reply.status >= 300 else None

    async def _stored(self, location: str) -> Absent | None:
        """Look where a redirect leads, by its own signature: no token goes there."""
        try:
            url = URL(location, encoded=True)
        except ValueError:
            url = URL()
        if url.scheme != _STORE_SCHEME or not (url.host or "").endswith(VENDOR):
            return Absent(Lack.REFUSED, f"sends pulls to {url.host or 'nowhere'}, which is no store of the vendor's")
        reply = await self._wire.ask("HEAD", url)
        if isinstance(reply, Absent):
            return Absent(reply.lack, f"has a store that {reply.reason}")
        if reply.status == 200:
            return None
        if reply.status == 404:
            return Absent(Lack.MISSING, "has lost it from its store")
        return Absent(Lack.REFUSED, f"has a store that answered with HTTP status {reply.status}")

    async def _ask(self, method: str, repository: str, kind: str, reference: str) -> Reply | Absent:
        """Return a good answer, or why there is none; an old token is renewed once, a busy registry waited for."""
        path = f"/v2/{quote(repository)}/{kind}/{quote(reference, safe=':')}"
        url = self._base.with_path(path, encoded=True)  # nothing in a name leads to another host
        pauses, is_renewed = iter(PAUSES), False
        while True:
            token = await self._tokens.of(repository)
            if isinstance(token, Absent):
                return token
            reply = await self._wire.ask(method, url, _headers(kind, token))
            if isinstance(reply, Absent):
                return reply
            if reply.status == 401 and not is_renewed:
                self._tokens.forget(repository, token)
                is_renewed = True
            elif reply.status in BUSY and (pause := next(pauses, None)) is not None:
                await asyncio.sleep(pause)
            else:
                return _judged(reply, kind)


class _Logins:
    """The password for one instance, renewed shortly before it ends."""

    def __init__(self, alibaba: Alibaba, site: Site, now: Callable[[], datetime]) -> None:
        self._alibaba, self._site, self._now = alibaba, site, now
        self._asking = asyncio.Lock()
        self._held: Login | None = None

    async def current(self) -> Login:
        """Return a password that is good for a while. Raises Refused, Throttled or Unreachable."""
        async with self._asking:
            if self._held is None or self._ends_soon(self._held):
                self._held = await self._fetch()
            return self._held

    def _ends_soon(self, login: Login) -> bool:
        return login.expires_at is not None and login.expires_at - self._now() < RENEW_BEFORE

    async def _fetch(self) -> Login:
        cr, (_, models) = await self._alibaba.cr(self._site.region, self._site.account), await self._alibaba.models()
        request = models.GetAuthorizationTokenRequest(instance_id=self._site.instance, expires_in_hours=HOURS)
        found = body(await cr.get_authorization_token_async(request), "GetAuthorizationToken")
        return Login(
            required(found.temp_username, "TempUsername"),
            required(found.authorization_token, "AuthorizationToken"),
            moment(found.expire_time),
        )


async def _challenged(wire: Wire, base: URL, site: Site) -> Challenge:
    reply = await wire.ask("GET", base / "v2/")
    if isinstance(reply, Absent):
        raise Unreachable(f"{base.host} {reply.reason}. Check the network between the bot and the registry.")
    return read_challenge(reply.headers.get("WWW-Authenticate", ""), site)


def _headers(kind: str, token: str) -> dict[str, str]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return headers | {"Accept": ACCEPT} if kind == "manifests" else headers


def _judged(reply: Reply, kind: str) -> Reply | Absent:
    if reply.status == 200 or (kind == "blobs" and reply.status in (302, 303, 307, 308)):
        return reply
    if reply.status == 404:
        return _MISSING
    if reply.status in (401, 403):
        return Absent(Lack.REFUSED, "does not let the bot pull: its identity may lack the RAM action cr:PullRepository")
    return Absent(Lack.SILENT, f"answered with HTTP status {reply.status}")
