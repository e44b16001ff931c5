"""A simulated company with the real bot inside: scenarios speak Slack on one side and DNS on the other."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from bot.adapters.clock import SystemClock
from bot.adapters.redis_keys import META
from bot.adapters.resolver import DnsResolver
from bot.app import Bot, serving
from bot.configuration import load_registry
from bot.settings import load_settings
from simulator import editing
from simulator.alibaba.ram import Identity
from simulator.app import Simulator, running
from tests.builders import WORKSPACE
from tests.conftest import SDK_KEYS

ON_CALL, APPROVER, SECOND, MEMBER = "U01ONCALL", "U01APPROVER", "U02APPROVER", "U01MEMBER"
GUEST, OUTSIDER, LEFT = "U01GUEST", "U01OUTSIDER", "U01LEFT"
OPS, INCIDENT, GENERAL, SHARED = "C01OPS", "C02INC", "C03GENERAL", "C04SHARED"
DOMAIN = "cross-region.registry.io"
WAITING = "needs a second person"
"""What the first line of a card says until somebody decides."""
PATIENCE = 60.0
"""Seconds; after an outage of whatever length the cards show within them how things stand, so nothing waits less."""
TOO_SLOW = re.compile(
    "^operation_timeout$|Slack did not say in time|did not answer users.info|No answer came in time|E_UNKNOWN_CARD"
    "|Redis did not answer in time"
)
"""What is said to whoever shall try again in a moment; the last to who presses a button of a card just posted."""
TIMES = 4
PRESSED_AGAIN_AFTER = 2.5
"""Seconds; the bot takes five presses in ten seconds from one person."""
_FREEZE = re.compile(r"(SIMULATION · )?FROZEN: [^·]+, until ")
_KEY_ID, _SECRET = SDK_KEYS.values()
KEYS = Identity("registry-bot", _KEY_ID, _SECRET, may_write=True)
INNARDS = ("Traceback", "Error(", "Exception", ".py", "inside the bot")
"""What a person must never read: signs of a stack trace, of a raw exception, and of a bug that was only caught."""
Json = dict[str, Any]


@dataclass
class People:
    """The people, the channels and the VPCs of the simulated company."""

    sim: Simulator

    async def command(self, who: str, text: str, channel: str = OPS) -> str:
        """Type `/registry text` and return what the person was told, once the answer is complete."""
        return await self._patiently(lambda: self._typed(who, text, channel))

    async def _typed(self, who: str, text: str, channel: str) -> str:
        seen = len(self._ephemeral(channel, who))
        outcome = await self.slack.command(who, channel, text)
        said = str((outcome["response"] or {}).get("text", outcome["status"]))
        if not said.endswith("…"):
            return said
        await self.until(lambda: len(self._ephemeral(channel, who)) > seen + 1)
        return str(self._ephemeral(channel, who)[-1]["text"])

    async def click(self, who: str, verb: str, card: Json | None = None, channel: str = OPS) -> str:
        """Press a button of the newest card (or this one); return what only the clicker was told."""
        ts = (card or self.card(channel))["ts"]
        return await self._patiently(lambda: self._pressed(who, verb, ts, channel))

    async def _pressed(self, who: str, verb: str, ts: str, channel: str) -> str:
        seen = len(self._ephemeral(channel, who))
        outcome = await self.slack.click(who, channel, ts, f"operation.{verb}")
        if outcome["status"] != "ok":
            return str(outcome["status"])
        await self.until(lambda: len(self._ephemeral(channel, who)) > seen)
        return str(self._ephemeral(channel, who)[-1]["text"])

    async def _patiently(self, act: Callable[[], Awaitable[str]]) -> str:
        """Do something again where the bot says so, as a person would: on a busy machine it may lack the time."""
        for _ in range(TIMES - 1):
            if not TOO_SLOW.search(told := await act()):
                return told
            await asyncio.sleep(PRESSED_AGAIN_AFTER)
        return await act()

    async def failover(self, text: str = "failover zhangjiakou", channel: str = OPS) -> Json:
        """Ask for a failover as on-call and return its card."""
        before = len(self.cards(channel))
        told = await self.command(ON_CALL, text, channel)
        return await self.shows_a_card(before, channel, told)

    async def shows_a_card(self, more_than: int = 0, channel: str = OPS, told: str = "") -> Json:
        """Wait until a channel shows a further card, and return it."""
        await self.until(lambda: len(self.cards(channel)) > more_than, lambda: told)
        return self.card(channel)

    async def shows_written(self) -> None:
        """Wait until the newest card says that its record was written, as it does from VERIFYING on."""

        def text() -> str:
            return str(self.card()["text"])

        await self.until(lambda: "VERIFYING" in text() or "DONE" in text(), text)

    async def shows(self, words: str, channel: str = OPS, patience: float = PATIENCE) -> Json:
        """Wait until the newest card's first line holds these words, and return the card."""

        def text() -> str:
            return str(self.card(channel)["text"])

        await self.until(lambda: words in text(), text, patience)
        return self.card(channel)

    async def known_to_the_bot(self, *people: str) -> None:
        """Wait until the bot has asked Slack who these people are, as it does for all who may decide on a new card."""

        def asked() -> set[str]:
            return {str(call.arguments["user"]) for call in self.slack.calls if call.method == "users.info"}

        await self.until(lambda: {*people} <= asked(), asked)

    def cards(self, channel: str = OPS) -> list[Json]:
        """Return the bot's own messages of a channel, oldest first, without replies and the news of a freeze."""
        messages = self.slack.messages(channel)
        return [m for m in messages if not (m["ephemeral_to"] or m["thread_ts"] or _FREEZE.match(str(m["text"])))]

    def card(self, channel: str = OPS) -> Json:
        """Return the newest card."""
        return self.cards(channel)[-1]

    def thread(self, card: Json, channel: str = OPS) -> list[str]:
        """Return the texts of a card's replies."""
        return [str(m["text"]) for m in self.slack.messages(channel) if m["thread_ts"] == card["ts"]]

    def operation_id(self, card: Json | None = None) -> str:
        """Return the id that a card shows."""
        found = re.search(r"\b(?:fo|uf)-[a-z0-9]{4,8}\b", str((card or self.card())["blocks"]))
        assert found is not None
        return found[0]

    async def resolves(self, vpc: str) -> tuple[str, ...]:
        """Ask the resolver of a VPC for the custom domain: the names, else the addresses, that it gives."""
        answer = await DnsResolver(SystemClock().now).resolve(DOMAIN, self.sim.announcement["dns"][vpc])
        return answer.names or answer.addresses

    def writes(self) -> list[Json]:
        """Return the changes that the cloud saw take effect."""
        return [call for call in self.sim.calls if call["action"] == "UpdateZoneRecord" and call["effective"]]

    def refused(self, told: str, *words: str) -> None:
        """Hold that a person was told these words and that nothing else came of it."""
        for word in words:
            assert word in told, told
        assert self.cards() == [], self.cards()
        assert self.writes() == [], self.writes()

    def record(self, **fields: object) -> None:
        """Edit the `@` record of vpc-bbbbb as somebody at the console would."""
        editing.edit_record(self.sim.world, self.sim.world.sites["zhangjiakou"], dict(fields))

    def zone(self, **fields: object) -> None:
        """Edit the zone of vpc-bbbbb."""
        editing.edit_zone(self.sim.world, self.sim.world.sites["zhangjiakou"], dict(fields))

    def standby(self, **fields: object) -> None:
        """Edit the instance that would take over."""
        editing.edit_instance(self.sim.world, self.sim.world.sites["hangzhou"], dict(fields))

    def said(self) -> str:
        """Return everything that the bot ever said in any channel, to whomever."""
        channels = self.slack.workspace.channels
        return "\n".join(json.dumps(self.slack.messages(channel), ensure_ascii=False) for channel in channels)

    async def until(
        self, holds: Callable[[], bool], says: Callable[[], object] = lambda: "", patience: float = PATIENCE
    ) -> None:
        """Wait until something holds; `patience` is in seconds."""
        try:
            async with asyncio.timeout(patience):
                while not holds():
                    await asyncio.sleep(0.02)
        except TimeoutError:
            pytest.fail(f"it never came to hold: {says()}")

    @property
    def slack(self) -> Any:
        """Return the simulated workspace."""
        assert self.sim.slack is not None
        return self.sim.slack

    def _ephemeral(self, channel: str, who: str) -> list[Json]:
        return [m for m in self.slack.messages(channel) if m["ephemeral_to"] == who]


@dataclass
class Company(People):
    """The simulated company and the bot that works for it in this process."""

    bot: Bot


async def make_known(redis_url: str) -> None:
    """Have a Redis look as if a bot had begun to use it before, which would freeze everything in a new one."""
    async with Redis.from_url(redis_url, socket_timeout=PATIENCE) as server:
        await server.hset(META, mapping={"workspace": WORKSPACE, "store": "known before"})


@asynccontextmanager
async def company_with_bot(
    monkeypatch: pytest.MonkeyPatch,
    redis_url: str,
    *,
    world: Path | None = None,
    amend: Callable[[str], str] = lambda config: config,
    prepare: Callable[[str], Awaitable[None]] = make_known,
    **environment: str,
) -> AsyncIterator[Company]:
    """Bring up the simulated world and the bot that its announcement points there.

    `amend` rewrites registry.yaml, and `prepare` fills Redis, before the bot reads them. When the body ends well, no
    secret and no stack trace may stand anywhere in Slack.
    """
    await prepare(redis_url)
    async with AsyncExitStack() as stack:
        sim = await stack.enter_async_context(running(world=world))
        _rewrite(Path(sim.announcement["config"]), amend)
        assert sim.alibaba is not None
        sim.alibaba.cloud.timing.hang_ms = 0
        sim.alibaba.admit(KEYS)
        free = {"REGISTRY_BOT_HTTP_PORT": "0", "REGISTRY_BOT_METRICS_PORT": "0", "REGISTRY_BOT_REDIS_URL": redis_url}
        for name, value in (sim.announcement["env"] | SDK_KEYS | free | environment).items():
            monkeypatch.setenv(name, value)
        settings = load_settings()
        bot = await stack.enter_async_context(serving(settings, load_registry(settings.config)))
        company = Company(sim, bot)
        if settings.slack_mode == "http":
            company.slack.request_url = f"http://127.0.0.1:{bot.server.port}/slack/events"
        await _ready(bot)
        yield company
        _leaks_nothing(company.said(), (*_secrets(sim), _SECRET, _KEY_ID))


def _rewrite(file: Path, amend: Callable[[str], str]) -> None:
    file.write_text(amend(file.read_text(encoding="utf-8")), encoding="utf-8")


def _secrets(sim: Simulator) -> list[str]:
    names = ("bot_token", "app_token", "signing_secret")
    key: str = sim.announcement["env"]["REGISTRY_BOT_SIGNING_KEY"]
    return [key, *(str(sim.announcement["slack"][name]) for name in names)]


def _leaks_nothing(said: str, secrets: tuple[str, ...]) -> None:
    for word in (*secrets, *INNARDS):
        assert word not in said, f"somebody was told {word!r}"


async def _ready(bot: Bot) -> None:
    async with asyncio.timeout(PATIENCE):
        while await bot.troubles():
            await asyncio.sleep(0.02)
