"""Every way to Alibaba Cloud that the bot has: both products, each region, each account, over one session."""

import asyncio
import importlib
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import aiohttp

from bot.adapters.alibaba.credentials import Credentials, Source
from bot.adapters.alibaba.limits import WRITES, Gate, Lane
from bot.adapters.alibaba.skew import Skew
from bot.errors import InvalidConfiguration

if TYPE_CHECKING:
    from bot.adapters.alibaba import sdk as sdk_module
    from bot.adapters.alibaba.transport import Transport

PVTZ_ENDPOINT = "pvtz.aliyuncs.com"
"""One host for all regions. The SDK's own rule builds regional names that may not exist."""
CR_ENDPOINT = "cr.{region}.aliyuncs.com"
KEEP_ALIVE = 30.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Deadlines in seconds, and how much one endpoint gets from us."""

    read_deadline: float = 3.0
    write_deadline: float = 8.0
    rate: float = 20.0
    in_flight: int = 8


@dataclass(frozen=True, slots=True)
class _Loaded:
    """What takes long to import or to build."""

    sdk: Any
    transport: "type[Transport]"
    session: aiohttp.ClientSession


class Alibaba:
    """The shared client. `accounts` maps a name to the role to assume, None for the default credentials chain.

    `cr_endpoint` is a template with `{region}`, or `region=host:port,…`.
    """

    def __init__(
        self,
        *,
        now: Callable[[], datetime],
        accounts: Mapping[str, str | None] | None = None,
        pvtz_endpoint: str = PVTZ_ENDPOINT,
        cr_endpoint: str = CR_ENDPOINT,
        protocol: str = "https",
        limits: Limits | None = None,
        sources: Mapping[str, Source] | None = None,
    ) -> None:
        self._now = now
        self._accounts: dict[str, str | None] = {"main": None, **(accounts or {})}
        self._pvtz_endpoint = pvtz_endpoint
        self._cr_endpoint = cr_endpoint
        self._protocol = protocol
        self._limits = limits or Limits()
        self._sources = dict(sources or {})
        self._loaded: _Loaded | None = None
        self._loading = asyncio.Lock()
        self._gates: dict[str, Gate] = {}
        self._skews: dict[str, Skew] = {}
        self._credentials: dict[str, Credentials] = {}
        self._clients: dict[tuple[str, str, str | None, str, Lane], Any] = {}

    def ahead(self, region: str) -> timedelta:
        """Return how far the bot's clock is ahead of Container Registry's there, as far as answers have told."""
        return self._skew(self._cr_host(region)).ahead

    async def load(self) -> None:
        """Import the SDK and read the trusted authorities, in a thread; calls made before wait for it."""
        async with self._loading:
            if self._loaded is None:
                sdk, transport, context = await asyncio.to_thread(_import)
                await self._gather_credentials(sdk)
                connector = aiohttp.TCPConnector(limit=0, ssl=context, keepalive_timeout=KEEP_ALIVE)
                session = aiohttp.ClientSession(
                    connector=connector, cookie_jar=aiohttp.DummyCookieJar(), skip_auto_headers=("Content-Type",)
                )
                self._loaded = _Loaded(sdk, transport.Transport, session)

    async def keep_fresh(self) -> None:
        """Load, then renew all credentials for ever; run this as a background task."""
        await self.load()
        async with asyncio.TaskGroup() as group:
            for credentials in self._credentials.values():
                group.create_task(credentials.keep_fresh())

    async def close(self) -> None:
        """Close the connections."""
        if self._loaded is not None:
            await self._loaded.session.close()

    async def pvtz(self, lane: Lane = Lane.READ) -> "sdk_module.PooledPvtz":
        """Return the PrivateZone client."""
        loaded = await self._ready()
        client: sdk_module.PooledPvtz = self._client(
            loaded, loaded.sdk.PooledPvtz, self._pvtz_endpoint, None, "main", lane
        )
        return client

    async def cr(self, region: str, account: str, lane: Lane = Lane.READ) -> "sdk_module.PooledCr":
        """Return the Container Registry client of a region, acting for an account."""
        loaded = await self._ready()
        client: sdk_module.PooledCr = self._client(
            loaded, loaded.sdk.PooledCr, self._cr_host(region), region, account, lane
        )
        return client

    async def models(self) -> tuple[Any, Any]:
        """Return the request types of PrivateZone and of Container Registry."""
        sdk = (await self._ready()).sdk
        return sdk.pvtz_models, sdk.cr_models

    async def _ready(self) -> _Loaded:
        if self._loaded is None:
            await self.load()
        assert self._loaded is not None
        return self._loaded

    def _client(self, loaded: _Loaded, kind: Any, endpoint: str, region: str | None, account: str, lane: Lane) -> Any:
        key = (kind.__name__, endpoint, region, account, lane)  # a proxy may serve several by one name
        if key not in self._clients:
            transport = loaded.transport(
                loaded.session,
                self._credentials[account],
                self._gate(endpoint),
                lane=lane,
                deadline=self._limits.write_deadline if lane in WRITES else self._limits.read_deadline,
                region=region,
                hear=self._skew(endpoint).hear,
            )
            self._clients[key] = kind(transport.send, endpoint, self._protocol, region)
        return self._clients[key]

    def _gate(self, endpoint: str) -> Gate:
        return self._gates.setdefault(endpoint, Gate(self._limits.rate, self._limits.in_flight))

    def _skew(self, endpoint: str) -> Skew:
        return self._skews.setdefault(endpoint, Skew(self._now))

    def _cr_host(self, region: str) -> str:
        if "=" not in self._cr_endpoint:
            return self._cr_endpoint.format(region=region)
        pairs = dict(pair.strip().split("=", 1) for pair in self._cr_endpoint.split(",") if "=" in pair)
        if region not in pairs:
            raise InvalidConfiguration(
                f"REGISTRY_BOT_ALIBABA_CR_ENDPOINT names no host for {region}. It names: {', '.join(sorted(pairs))}."
            )
        return pairs[region]

    async def _gather_credentials(self, sdk: Any) -> None:
        for name, role_arn in self._accounts.items():
            if name not in self._sources:
                self._sources[name] = await asyncio.to_thread(sdk.key_source, role_arn)
            self._credentials[name] = Credentials(name, self._sources[name], self._now)


def _import() -> tuple[Any, Any, ssl.SSLContext]:
    sdk = importlib.import_module("bot.adapters.alibaba.sdk")
    sdk.silence_loggers()
    transport = importlib.import_module("bot.adapters.alibaba.transport")
    return sdk, transport, ssl.create_default_context()
