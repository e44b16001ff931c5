"""Builds the adapters from the settings; whoever builds also names who closes."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import aiohttp

from bot.adapters.alibaba.catalogue import AlibabaCatalogue
from bot.adapters.alibaba.client import Alibaba, Limits
from bot.adapters.alibaba.copier import AlibabaCopier
from bot.adapters.alibaba.dns import AlibabaDns
from bot.adapters.alibaba.registry import AlibabaRegistries
from bot.adapters.data_plane import HttpsProbe
from bot.adapters.ids import RandomIds
from bot.adapters.pull_client import RegistryPuller
from bot.adapters.redis_audit import RedisTrail
from bot.adapters.redis_bulletins import RedisBulletins
from bot.adapters.redis_copies import RedisCopies
from bot.adapters.redis_inventory import RedisInventories
from bot.adapters.redis_store import RedisOperations
from bot.adapters.resolver import DnsResolver
from bot.adapters.signer import HmacSigner
from bot.adapters.slack import SlackIdentities, SlackWorkspace
from bot.adapters.slack_api import SlackApi
from bot.adapters.slack_socket import SocketMode
from bot.configuration import Registry
from bot.errors import InvalidConfiguration
from bot.ports import Clock, Ports, Rules
from bot.services.freezing import of_new_store
from bot.settings import Settings
from bot.tasks import Tasks

SLACK_CONNECTIONS = 50
KEEP_ALIVE = 60.0

Dispatch = Callable[[Mapping[str, Any], Mapping[str, str]], Awaitable[Mapping[str, Any] | None]]


async def slack_session(resources: AsyncExitStack) -> aiohttp.ClientSession:
    """Open the one session for Slack; the trusted authorities are read in a thread, as that takes long."""
    context = await asyncio.to_thread(ssl.create_default_context)
    connector = aiohttp.TCPConnector(ssl=context, limit=SLACK_CONNECTIONS, keepalive_timeout=KEEP_ALIVE)
    return await resources.enter_async_context(aiohttp.ClientSession(connector=connector))


def slack_api(settings: Settings, session: aiohttp.ClientSession, clock: Clock) -> SlackApi:
    """Return the Web API as the bot token sees it."""
    token = settings.slack_bot_token.get_secret_value()
    return SlackApi(session, clock, token=token, base_url=settings.slack_api_url, proxy=settings.slack_proxy)


def socket_mode(settings: Settings, session: aiohttp.ClientSession, clock: Clock, dispatch: Dispatch) -> SocketMode:
    """Return the socket that the app-level token opens. Raises InvalidConfiguration without that token."""
    if settings.slack_app_token is None:
        raise InvalidConfiguration("Socket mode needs REGISTRY_BOT_SLACK_APP_TOKEN.")
    token = settings.slack_app_token.get_secret_value()
    api = SlackApi(session, clock, token=token, base_url=settings.slack_api_url, proxy=settings.slack_proxy)
    return SocketMode(api, session, clock, dispatch, proxy=settings.slack_proxy)


def alibaba_client(settings: Settings, registry: Registry, clock: Clock) -> Alibaba:
    """Return the shared client of both products; nothing is loaded before its first use."""
    return Alibaba(
        now=clock.now,
        accounts={name: account.role_arn for name, account in registry.topology().accounts.items()},
        pvtz_endpoint=settings.alibaba_pvtz_endpoint,
        cr_endpoint=settings.alibaba_cr_endpoint,
        protocol=settings.alibaba_protocol,
        limits=Limits(rate=settings.alibaba_qps, in_flight=settings.alibaba_in_flight),
    )


@dataclass(frozen=True, slots=True)
class Outside:
    """Builds the ports of one process; what it opens is closed by `resources`, what it starts runs in `background`."""

    settings: Settings
    registry: Registry
    clock: Clock
    resources: AsyncExitStack
    background: Tasks

    def store(self, workspace: str) -> RedisOperations:
        """Return the store of this workspace's operations."""
        url = self.settings.redis_url.get_secret_value()
        store = RedisOperations(
            url,
            clock=self.clock,
            workspace=workspace,
            replicas=self.settings.redis_replicas,
            # a demonstration's Redis is new every time, and nothing real hangs on it
            beginning=None if self.settings.redis_allow_volatile else of_new_store,
        )
        self.resources.push_async_callback(store.close)
        return store

    async def alibaba(self) -> Alibaba:
        """Return the shared client once its SDK is loaded: until then every read would seem to hang."""
        alibaba = alibaba_client(self.settings, self.registry, self.clock)
        self.resources.push_async_callback(alibaba.close)
        await alibaba.load()
        self.background.start(alibaba.keep_fresh(), "alibaba.credentials")
        return alibaba

    def ports(self, api: SlackApi, alibaba: Alibaba, store: RedisOperations, workspace: str) -> Ports:
        """Return everything that the use cases may touch."""
        return Ports(
            zones=AlibabaDns(alibaba),
            registries=AlibabaRegistries(alibaba, self.clock.now),
            catalogue=AlibabaCatalogue(alibaba),
            inventories=self._inventories(),
            copier=AlibabaCopier(alibaba, self.registry.topology().accounts),
            copies=RedisCopies(store.link, store.adopt),
            bulletins=RedisBulletins(store.link),
            data_plane=HttpsProbe(self.clock.now, self.settings.redirects),
            puller=RegistryPuller(alibaba, self.clock.now, self.settings.redirects),
            resolver=DnsResolver(self.clock.now),
            operations=store,
            trail=RedisTrail(store.link),
            identities=SlackIdentities(api, self.clock, workspace),
            workspace=SlackWorkspace(api, self.clock),
            clock=self.clock,
            ids=RandomIds(),
            signer=self._signer(),
            rules=self._rules(workspace),
        )

    def _rules(self, workspace: str) -> Rules:
        return Rules(
            self.registry.topology(),
            self.registry.access(workspace),
            is_simulation=bool(self.settings.connect_to),
            inventory_every=timedelta(seconds=self.settings.inventory_every),
            inventory_full_every=timedelta(seconds=self.settings.inventory_full_every),
        )

    def _inventories(self) -> RedisInventories:
        inventories = RedisInventories(self.settings.redis_url.get_secret_value(), self.clock)
        self.resources.push_async_callback(inventories.close)
        return inventories

    def _signer(self) -> HmacSigner:
        previous = self.settings.signing_key_previous
        return HmacSigner(
            self.settings.signing_key.get_secret_value(), previous.get_secret_value() if previous else None
        )
