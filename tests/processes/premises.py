"""A simulated company whose bots are processes that a test starts, kills and starts again."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import aiohttp

from bot.adapters.redis_keys import AUDIT, DUE, OPERATION, OUTBOX
from bot.adapters.redis_link import RedisLink
from bot.domain.observation import Observed
from bot.domain.operation import State
from simulator.app import running
from simulator.demo import BotProcess, bot_process
from simulator.generator import Generation
from simulator.local_redis import free_port
from tests.conftest import SDK_KEYS
from tests.processes.forked import Forked, forked
from tests.processes.mortal_bot import Fate
from tests.scenarios.company import KEYS, ON_CALL, OPS, PATIENCE, Json, People, make_known

HOME, STANDBY = "10.2.0.20", "sim-a-registry.cn-hangzhou.cr.aliyuncs.com"
TOLD_WITHIN = 2500
"""Milliseconds until an acknowledgement, whatever hangs."""


class Running(Protocol):
    """A bot, however it was started."""

    @property
    def http(self) -> str:
        """Return where it says how it is."""

    def last_lines(self) -> str:
        """Return the end of what it has logged."""


@dataclass
class Premises(People):
    """The company, and where its bots keep their store and their logs."""

    environment: dict[str, str]
    store: RedisLink
    logs: Path

    def log(self) -> Path:
        """Return a file for the next bot's log."""
        return self.logs / f"bot-{len(list(self.logs.glob('bot-*')))}.log"

    @asynccontextmanager
    async def unready_bot(self, fate: Fate | None = None, /, **environment: str) -> AsyncIterator[Forked]:
        """Start a bot on ports of its own, and end it with the block."""
        async with forked(self.environment | environment, self.log(), fate) as bot:
            await until_answering(bot, bot.is_alive)
            yield bot

    @asynccontextmanager
    async def bot(self, fate: Fate | None = None, /, **environment: str) -> AsyncIterator[Forked]:
        """Start a bot and wait until it is ready."""
        async with self.unready_bot(fate, **environment) as bot:
            await until_ready(bot)
            yield bot

    @asynccontextmanager
    async def started_bot(self, **environment: str) -> AsyncIterator[BotProcess]:
        """Start a bot by its command, which takes seconds of computing, and wait until it is ready."""
        ports = {name: str(free_port()) for name in ("REGISTRY_BOT_HTTP_PORT", "REGISTRY_BOT_METRICS_PORT")}
        async with bot_process(self.environment | ports | environment, self.log()) as bot:
            await until_answering(bot, lambda: bot.process.returncode is None)
            await until_ready(bot)
            yield bot

    async def command_in_time(self, who: str, text: str, channel: str = OPS) -> str:
        """Type a command and return the first words of the answer, which must not have been long in coming."""
        outcome = await self.slack.command(who, channel, text)
        assert outcome["status"] == "ok", outcome
        assert outcome["ack_ms"] <= TOLD_WITHIN, outcome
        return str((outcome["response"] or {}).get("text", ""))

    async def answer(self, text: str) -> str:
        """Type a command, to which first words must come in time, and return all that on-call is shown in the end."""
        await self.command_in_time(ON_CALL, text)
        await self.until(lambda: not self.whispered(ON_CALL)[-1].endswith("…"))
        return json.dumps(self._ephemeral(OPS, ON_CALL)[-1], ensure_ascii=False)

    async def refusal(self, text: str) -> str:
        """Return the whole answer to a command that cannot be followed, which must come in time."""
        started = time.monotonic()
        said = await self.answer(text)
        assert (time.monotonic() - started) * 1000 <= TOLD_WITHIN
        return said

    async def doors_open(self) -> None:
        """Wait until the bot takes commands, though it may not be ready for decisions."""
        async with asyncio.timeout(PATIENCE):
            while (await self.slack.command(ON_CALL, OPS, "help"))["status"] != "ok":
                await asyncio.sleep(0.1)

    async def acknowledged(self, who: str, verb: str, card: Json | None = None) -> None:
        """Press a button, which must be acknowledged in time."""
        outcome = await self.slack.click(who, OPS, (card or self.card())["ts"], f"operation.{verb}")
        assert outcome["status"] == "ok", outcome
        assert outcome["ack_ms"] <= TOLD_WITHIN, outcome

    async def click_in_time(self, who: str, verb: str, card: Json) -> str:
        """Press a button, which must be acknowledged in time, and return what only the clicker is told."""
        seen = len(self._ephemeral(OPS, who))
        await self.acknowledged(who, verb, card)
        await self.until(lambda: len(self._ephemeral(OPS, who)) > seen)
        return str(self._ephemeral(OPS, who)[-1]["text"])

    def whispered(self, who: str) -> list[str]:
        """Return what only this person was told, oldest first."""
        return [str(message["text"]) for message in self._ephemeral(OPS, who)]

    def holds(self) -> str:
        """Return what the record of the site that fails holds, as the cloud has it."""
        zones = [zone for zone in self.sim.world.zones.values() if zone.name == self.sim.world.domain]
        (zone,) = [zone for zone in zones if "vpc-bbbbb" in zone.vpcs]
        return str(next(record.value for record in zone.records if record.rr == "@"))

    async def settled(self) -> None:
        """Wait until nothing but the watch over ended operations is due and every card is up to date."""
        async with asyncio.timeout(2 * PATIENCE):
            while not await self.is_settled():
                await asyncio.sleep(0.05)

    async def is_settled(self) -> bool:
        """Tell whether nothing but the watch over ended operations is due and every card is up to date."""
        due = [await self.document(operation_id) for operation_id in await self.stored("ZRANGE", DUE, "0", "-1")]
        # the cards come last: a step taken while the documents are read leaves its news behind
        return all(_is_only_watched(document) for document in due) and not await self.stored("ZCARD", OUTBOX)

    async def shown(self) -> None:
        """Wait until every card is up to date."""
        async with asyncio.timeout(PATIENCE):
            while await self.stored("ZCARD", OUTBOX):
                await asyncio.sleep(0.05)

    async def audit(self) -> list[dict[str, str]]:
        """Return the audit stream, oldest first."""
        entries = await self.stored("XRANGE", AUDIT, "-", "+")
        return [dict(zip(fields[::2], fields[1::2], strict=True)) for _id, fields in entries]

    async def document(self, operation_id: str) -> Json:
        """Return an operation as it is stored."""
        return dict(json.loads(await self.stored("HGET", OPERATION + operation_id, "doc")))

    async def everything_stored(self) -> str:
        """Return all that Redis holds, as text."""
        reads = {
            "hash": ("HGETALL",),
            "stream": ("XRANGE", "-", "+"),
            "string": ("GET",),
            "zset": ("ZRANGE", "0", "-1"),
            "set": ("SMEMBERS",),
            "list": ("LRANGE", "0", "-1"),
        }
        found = []
        for key in await self.stored("KEYS", "*"):
            kind = await self.stored("TYPE", key)
            if kind == "none":  # a claim on drawing a card, given back since
                continue
            verb, *rest = reads[kind]
            found.append(f"{key}={await self.stored(verb, key, *rest)}")
        return "\n".join(found)

    async def stored(self, *command: str) -> Any:
        """Ask the store something, past whatever stands between it and the bots."""
        return await self.store.call(*command)

    def everything_said(self) -> str:
        """Return all that anybody could read in Slack."""
        channels = ("C01OPS", "C02INC", "C03GENERAL")
        return "\n".join(json.dumps(message) for channel in channels for message in self.slack.messages(channel))

    def everything_logged(self) -> str:
        """Return all that the bots printed."""
        return "\n".join(log.read_text(errors="replace") for log in sorted(self.logs.glob("bot-*")))

    async def assert_no_secret_is_out(self) -> None:
        """Look for every secret of this company wherever something is kept or shown."""
        texts = {
            "log": self.everything_logged(),
            "Slack": self.everything_said(),
            "Redis": await self.everything_stored(),
        }
        secret = re.compile("TOKEN|SECRET|SIGNING_KEY")
        secrets = {name: value for name, value in self.environment.items() if secret.search(name)}
        leaks = [(name, where) for name, value in secrets.items() for where, text in texts.items() if value in text]
        assert leaks == []
        assert "Traceback" not in texts["log"]


def _is_only_watched(document: Json) -> bool:
    """Tell whether an operation has ended and what it did for pulls is known; its records are watched much longer."""
    settled = [seen for seen in document["observations"] if seen["outcome"] != Observed.WAITING]
    is_known = document["state"] != State.DONE or len(settled) == 2 * len(document["progress"])
    return State(document["state"]).is_terminal and is_known


@asynccontextmanager
async def premises(
    redis_url: str, logs: Path, generate: Generation | None = None, **environment: str
) -> AsyncIterator[Premises]:
    """Run a simulated company, with more images where wanted, without a bot."""
    async with running(generate=generate) as sim, patient_link(redis_url) as link:
        assert sim.alibaba is not None
        sim.alibaba.cloud.timing.hang_ms = 0
        sim.alibaba.admit(KEYS)
        await make_known(redis_url)
        store = {"REGISTRY_BOT_REDIS_URL": redis_url}
        yield Premises(sim, sim.announcement["env"] | SDK_KEYS | store | environment, link, logs)


async def troubles(bot: Running) -> list[str]:
    """Return why a bot says that it is not ready."""
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(PATIENCE)) as session,
        session.get(f"{bot.http}/readyz") as answer,
    ):
        said = await answer.json()
    assert (answer.status == 200) == (said["status"] == "ready")
    return list(said.get("reasons", []))


async def until_ready(bot: Running) -> None:
    """Wait until a bot says that it is ready."""
    await until_troubles(bot, lambda reasons: not reasons)


async def until_answering(bot: Running, is_alive: Callable[[], bool]) -> None:
    """Wait until a bot listens."""
    async with asyncio.timeout(PATIENCE):
        while is_alive():
            try:
                await troubles(bot)
            except (aiohttp.ClientError, TimeoutError):
                await asyncio.sleep(0.05)
            else:
                return
    raise AssertionError(f"the bot ended:\n{bot.last_lines()}")


async def until_troubles(bot: Running, holds: Callable[[list[str]], bool]) -> list[str]:
    """Wait until what a bot says of its readiness fits."""
    reasons: list[str] = []
    try:
        async with asyncio.timeout(PATIENCE):
            while not holds(reasons := await troubles(bot)):
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"it never said so: {reasons}\n{bot.last_lines()}") from None
    return reasons


@asynccontextmanager
async def patient_link(url: str) -> AsyncIterator[RedisLink]:
    """Open a way to a Redis server that forgives a busy machine."""
    link = RedisLink(url, connect_timeout=PATIENCE, operation_timeout=PATIENCE)
    try:
        yield link
    finally:
        await link.close()
