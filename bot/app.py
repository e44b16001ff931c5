"""The composition root: starts everything in an order that listens early, and closes it at a safe point."""

import asyncio
import gc
import signal
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

import aiohttp
import structlog

from bot.adapters.clock import SystemClock
from bot.adapters.ids import RandomIds
from bot.adapters.redis_store import RedisOperations, stored_workspace
from bot.adapters.response_url import ResponseUrls
from bot.adapters.slack_api import BotUser, SlackApi
from bot.adapters.slack_socket import SocketMode
from bot.configuration import Registry, load_registry
from bot.errors import BotError, ProviderError, Refused
from bot.listeners import Desk, Listeners
from bot.logs import configure_logs
from bot.metrics import Metrics
from bot.ports import Ports
from bot.server import Server
from bot.services.buttons import button_value
from bot.settings import Settings
from bot.tasks import Tasks
from bot.wiring import Outside, slack_api, slack_session, socket_mode
from bot.worker import Worker
from handlers import all_handlers

log = structlog.get_logger()
ASSESS_EVERY = timedelta(seconds=10)
ASK_AGAIN = timedelta(seconds=5)
DRAIN_ANSWERS = timedelta(seconds=2)
DRAIN_WORKER = timedelta(seconds=23)
"""SIGTERM to exit within 25 s: one change under its claim takes at most this long."""
THREADS = 32


def kill_switch(settings: Settings) -> str:
    """Return why this process must not write, or nothing; a file that cannot be looked for counts as there."""
    if settings.freeze:
        return "The kill switch is on (REGISTRY_BOT_FREEZE)."
    try:
        is_there = settings.freeze_file is not None and settings.freeze_file.exists()
    except OSError:
        return "The kill switch is on (REGISTRY_BOT_FREEZE_FILE cannot be looked for)."
    return "The kill switch is on (REGISTRY_BOT_FREEZE_FILE exists)." if is_there else ""


@dataclass(slots=True)
class Standing:
    """Why this process is not ready or must not write, as last found out; nothing when all is well."""

    redis: str = "Redis has not been looked at yet."
    slack: str = "Slack has not said yet who we are."


async def run(settings: Settings) -> int:
    """Run the bot until SIGTERM or SIGINT; returns the exit code.

    Raises InvalidConfiguration before anything is started.
    """
    registry = load_registry(settings.config)
    lines = configure_logs()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    # a hung look-up of a name keeps its thread; with the few that Python gives by default, all others would wait
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS, thread_name_prefix="registry-bot"))
    async with serving(settings, registry) as bot:
        bot.on_failure(stop.set)
        lines.on_loss = lambda: bot.alarm("log_lost")
        await stop.wait()
        log.info("bot.stopping")
        return 1 if bot.has_failed else 0


@asynccontextmanager
async def serving(settings: Settings, registry: Registry, outside: type[Outside] = Outside) -> AsyncIterator["Bot"]:
    """Listen, start everything else in the background, and on leaving reach a safe point."""
    bot = Bot(settings, registry, outside)
    await bot.start()
    try:
        yield bot
    finally:
        await bot.stop()


class Bot:
    """One running process; `outside` builds what it reaches the world by."""

    def __init__(self, settings: Settings, registry: Registry, outside: type[Outside] = Outside) -> None:
        self._settings = settings
        self._registry = registry
        self._build = outside
        self._clock = SystemClock()
        self._metrics = Metrics()
        self._standing = Standing()
        self._answers = Tasks()
        self._background = Tasks()
        self._resources = AsyncExitStack()
        self._worker: Worker | None = None
        self._socket: SocketMode | None = None
        self._working: asyncio.Task[None] | None = None
        self._is_stopping = False
        self._on_failure: Callable[[], None] = lambda: None
        self.has_failed = False
        """Whether something that no waiting mends kept the bot from connecting."""
        self.server = Server(
            self._clock,
            self._metrics,
            self.troubles,
            host=settings.http_host,
            port=settings.http_port,
            metrics_port=settings.metrics_port,
            takes_events=settings.slack_mode == "http",
        )

    async def start(self) -> None:
        """Listen, then begin to connect. Raises OSError when a port is taken."""
        await self.server.start()
        self._resources.push_async_callback(self.server.close)
        log.info("bot.listening", port=self.server.port, mode=self._settings.slack_mode)
        self._background.start(self._try_to_connect(), "bot.connect")

    def on_failure(self, call: Callable[[], None]) -> None:
        """Have `call` called when the bot cannot go on; `has_failed` says so too."""
        self._on_failure = call

    def alarm(self, kind: str) -> None:
        """Count what somebody should look into."""
        self._metrics.alarms.labels(kind).inc()

    async def stop(self) -> None:
        """Take no new work, let answers and the step in hand reach a safe point together, and close everything."""
        self._is_stopping = True
        self.server.events = None
        await asyncio.gather(self._finish_answers(), self._finish_step())
        await self._background.drain(timedelta(0))
        await self._resources.aclose()
        log.info("bot.stopped")

    async def _finish_answers(self) -> None:
        if self._socket is not None:
            await self._socket.stop()
        await self._answers.drain(DRAIN_ANSWERS)

    async def _finish_step(self) -> None:
        if self._worker is not None and self._working is not None:
            self._worker.stop()
            await asyncio.wait([self._working], timeout=DRAIN_WORKER.total_seconds())

    async def _try_to_connect(self) -> None:
        try:
            await self._connect()
        except BotError as error:
            log.error("bot.failed", why=str(error))
        except Exception as error:  # noqa: BLE001 - a bot that can never work must end, so that somebody looks
            log.error("bot.failed", kind=type(error).__name__)
        else:
            return
        self.has_failed = True
        self._on_failure()

    async def troubles(self) -> list[str]:
        """Return why this process is not ready; nothing when it is."""
        slack = (self._socket.trouble or "") if self._socket is not None else self._standing.slack
        return [reason for reason in (slack, self._standing.redis) if reason]

    async def _connect(self) -> None:
        """Build what needs to know our workspace, as soon as Slack or the store has told it."""
        session = await slack_session(self._resources)
        api = slack_api(self._settings, session, self._clock)
        outside = self._build(self._settings, self._registry, self._clock, self._resources, self._background)
        async with asyncio.TaskGroup() as group:
            known = group.create_task(self._workspace(api))
            loaded = group.create_task(outside.alibaba())
        workspace, alibaba = known.result(), loaded.result()
        store = outside.store(workspace)
        ports = replace(
            outside.ports(api, alibaba, store, workspace),
            kill_switch=partial(kill_switch, self._settings),
            store_trouble=lambda: self._standing.redis,
            is_stopping=lambda: self._is_stopping,
            wake=self._wake,
            alarm=self.alarm,
        )
        self._standing.redis = await self._assessment(store)
        self._background.start(self._keep_assessing(store), "redis.assess")
        self._worker = Worker(ports, RandomIds().token(), partial(button_value, ports), self._metrics.worker_failed)
        self._working = self._background.start(self._worker.run(), "worker")
        self._settle_memory()
        await self._open_doors(ports, api, session)

    def _settle_memory(self) -> None:
        """Keep what is loaded by now out of garbage collection.

        It stays until the end, and looking through all of it again and again stops the loop for tens of milliseconds.
        """
        gc.freeze()
        self._resources.callback(gc.unfreeze)

    def _wake(self) -> None:
        if self._worker is not None:
            self._worker.wake()

    async def _workspace(self, api: SlackApi) -> str:
        """Return our team id from Slack, or while Slack is silent from the store: claimed work must be finished."""
        url = self._settings.redis_url.get_secret_value()
        while True:
            try:
                return (await api.who_am_i()).team_id
            except ProviderError as error:
                self._slack_is_unusable(error)
            try:
                if known := await stored_workspace(url):
                    return known
            except ProviderError as error:
                log.warning("redis.unusable", why=str(error))
            await self._clock.sleep(ASK_AGAIN.total_seconds())

    def _slack_is_unusable(self, error: ProviderError) -> None:
        log.warning("slack.unusable", why=str(error))
        self._standing.slack = f"Slack is unusable: {error}"

    async def _open_doors(self, ports: Ports, api: SlackApi, session: aiohttp.ClientSession) -> None:
        """Let Slack in, once it has said who we are to it."""
        us = await self._us(api, ports.rules.access.workspace)
        urls = ResponseUrls(session, api_url=self._settings.slack_api_url, proxy=self._settings.slack_proxy)
        secret = self._settings.slack_signing_secret
        listeners = Listeners(
            Desk(ports, all_handlers(), self._answers, urls.answer),
            self._metrics,
            self._clock,
            team_id=us.team_id,
            bot_user_id=us.user_id,
            bot_id=us.bot_id,
            signing_secret=secret.get_secret_value() if secret else "",
        )
        if self._settings.slack_mode == "http":
            self.server.events = listeners.http
            self._standing.slack = ""
        else:
            self._socket = socket_mode(self._settings, session, self._clock, listeners.socket)
            self._socket.start()
        log.info("bot.ready", workspace=us.team_id)
        if self._worker is not None:
            self._worker.begin_reading()

    async def _us(self, api: SlackApi, workspace: str) -> BotUser:
        while True:
            try:
                us = await api.who_am_i()
            except ProviderError as error:
                self._slack_is_unusable(error)
            else:
                if us.team_id == workspace:
                    return us
                self._slack_is_unusable(Refused(f"the token is of workspace {us.team_id}, this store of {workspace}."))
            await self._clock.sleep(ASK_AGAIN.total_seconds())

    async def _keep_assessing(self, store: RedisOperations) -> None:
        """Look again and again whether this Redis may be trusted: an administrator may change that at any time."""
        while True:
            self._standing.redis = await self._assessment(store)
            await self._clock.sleep(ASSESS_EVERY.total_seconds())

    async def _assessment(self, store: RedisOperations) -> str:
        try:
            await store.adopt()
            mode = await store.write_mode(
                is_asserted=self._settings.redis_durability == "asserted",
                is_volatile_allowed=self._settings.redis_allow_volatile,
            )
        except BotError as error:
            log.warning("redis.unusable", why=str(error))
            return str(error)
        return "" if mode.is_allowed else mode.sentence
