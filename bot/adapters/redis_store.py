"""Operations in Redis. Redis decides, here and in commit.lua; it never proves."""

import asyncio
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from importlib import resources
from typing import Any

from redis.exceptions import NoScriptError, ResponseError

from bot.adapters import documents
from bot.adapters.operation_log import tell
from bot.adapters.redis_commit import REPLACED, audit_pairs, milliseconds, outcome, script_terms, unclear, unknown
from bot.adapters.redis_durability import Trust, WriteMode, assess
from bot.adapters.redis_keys import (
    AUDIT,
    AWAY,
    DUE,
    FREEZE,
    HOLD,
    LAST,
    META,
    OPEN,
    OPERATION,
    OUTBOX,
    POSTING,
    RECENT,
)
from bot.adapters.redis_link import CONNECT_TIMEOUT, OPERATION_TIMEOUT, Command, NoReply, RedisLink, explained
from bot.adapters.redis_script import Script
from bot.domain.operation import Operation
from bot.errors import InvalidConfiguration, StoreUnavailable
from bot.ports import Card, Claims, Clock, Commit

LIFE = timedelta(days=400)
"""A year of audit and a month to look at it."""
LAST_LIFE = timedelta(days=30)
WAIT = timedelta(seconds=1)
"""How long a durable write waits for its replicas."""


class RedisOperations:
    """The store of operations; owns its connections.

    `connect_timeout` and `operation_timeout` are seconds; a commit takes at most both together, and WAIT if durable.
    """

    def __init__(
        self,
        url: str,
        *,
        clock: Clock,
        workspace: str,
        replicas: int = 0,
        connect_timeout: float = CONNECT_TIMEOUT,
        operation_timeout: float = OPERATION_TIMEOUT,
    ) -> None:
        self._link = RedisLink(url, connect_timeout=connect_timeout, operation_timeout=operation_timeout)
        self._clock = clock
        self._workspace = workspace
        self._replicas = replicas
        self._script = resources.files("bot.adapters").joinpath("lua/commit.lua").read_text("utf-8")
        self._script_name = hashlib.sha1(self._script.encode(), usedforsecurity=False).hexdigest()
        self._recorder = Script("record.lua")
        self._store = ""

    @property
    def link(self) -> RedisLink:
        """Return the way to this store's server."""
        return self._link

    async def close(self) -> None:
        """Close all connections."""
        await self._link.close()

    async def adopt(self) -> str:
        """Claim the store for this workspace, once, and return its identity; called by the first commit at the latest.

        Raises InvalidConfiguration when it belongs to another workspace.
        """
        if not self._store:
            *_, found = await self._all(
                ("SCRIPT", "LOAD", self._script),
                ("HSETNX", META, "workspace", self._workspace),
                ("HSETNX", META, "store", secrets.token_hex(8)),
                ("HMGET", META, "workspace", "store"),
            )
            if found[0] != self._workspace:
                raise InvalidConfiguration(
                    f"This Redis belongs to the bot of workspace {found[0]}, not of {self._workspace}. "
                    "Point REGISTRY_BOT_REDIS_URL at a Redis, or a database number, of its own."
                )
            self._store = str(found[1])
        return self._store

    async def write_mode(self, *, is_asserted: bool = False, is_volatile_allowed: bool = False) -> WriteMode:
        """Judge whether this Redis may be written to, now. Raises StoreUnavailable when it does not answer.

        `is_asserted`: an administrator vouches for durability that the bot cannot read. `is_volatile_allowed`: a demo.
        """
        trust = Trust(self._replicas, is_asserted, is_volatile_allowed)
        mode = await assess(self._link, self._clock.now, trust)
        if mode.is_allowed and self._store and await self._link.call("HGET", META, "store") != self._store:
            return WriteMode(False, REPLACED)
        return mode

    async def get(self, operation_id: str) -> Operation:
        """Return an operation. Raises UnknownOperation."""
        body, plan = await self._link.call("HMGET", OPERATION + operation_id, "doc", "plan")
        if body is None or plan is None:
            raise unknown(operation_id)
        return documents.decode(body, plan)

    async def commit(self, commit: Commit) -> Operation:
        """Check and write in one step; returns the operation with its new version.

        Raises VersionConflict, AlreadyOpen, RecordHeld, Frozen, OutOfTime or ForgedApproval, and writes nothing then.
        A lost reply is asked for again, once, under the same attempt token.
        """
        call = self.script_call(commit, await self.adopt())
        patience = WAIT.total_seconds() if commit.durable and self._replicas else 0.0
        limit = self._link.connect_timeout + self._link.operation_timeout + patience
        try:
            async with asyncio.timeout(limit):
                try:
                    reply = await self._run(call, patience)
                except NoReply:
                    reply = await self._run(call, patience)
        except (TimeoutError, NoReply) as error:
            raise unclear(commit.operation.id) from error
        stored = outcome(reply, commit)
        tell(commit)
        return stored

    async def record(self, entry: Mapping[str, str]) -> None:
        """Append one entry to the audit that belongs to no commit."""
        await self._append(entry)

    async def _append(self, entry: Mapping[str, str], *freeze: str) -> None:
        """Append an entry and, where given, set a freeze (scope and value) in the same step."""
        pairs = json.dumps(audit_pairs(entry))
        answer = await self._recorder.run(self._link, (META, AUDIT, FREEZE), await self.adopt(), pairs, *freeze)
        if answer[0] != "OK":
            raise StoreUnavailable(f"{REPLACED} Nothing was recorded.", code="E_STORE_REPLACED")

    async def due(self, now: datetime, limit: int = 20) -> tuple[str, ...]:
        """Return ids of operations with a step to take now."""
        return await self._until(DUE, now, limit)

    async def news(self, limit: int = 20) -> tuple[str, ...]:
        """Return ids of operations whose card is behind."""
        marks = await self._until(OUTBOX, self._clock.now(), limit)
        return tuple(mark.rpartition(":")[0] for mark in marks)

    async def recent(self, limit: int = 50) -> tuple[Operation, ...]:
        """Return the newest operations, newest first."""
        ids = await self._link.call("ZREVRANGE", RECENT, 0, limit - 1)
        if not ids:
            return ()
        found = await self._all(*(("HMGET", OPERATION + operation_id, "doc", "plan") for operation_id in ids))
        return tuple(documents.decode(body, plan) for body, plan in found if body is not None and plan is not None)

    async def card(self, operation_id: str) -> Card | None:
        """Return where the operation's card stands."""
        found = await self._link.call("HGET", OPERATION + operation_id, "card")
        return None if found is None else Card(**json.loads(found))

    async def save_card(self, operation_id: str, card: Card) -> None:
        """Remember where the card stands; clears the news mark when it shows the latest version.

        Marks carry their version, so that news which arrives at this moment is not cleared with the old.
        """
        shown = [f"{operation_id}:{version}" for version in range(card.rendered + 1)]
        pointer = json.dumps(asdict(card))
        await self._all(("HSET", OPERATION + operation_id, "card", pointer), ("ZREM", OUTBOX, *shown))

    async def postpone_step(self, operation_id: str, until: datetime) -> None:
        """Leave a step that cannot be taken now until then, so that it does not stand before others."""
        await self._link.call("ZADD", DUE, "XX", milliseconds(until), operation_id)

    async def postpone_news(self, operation_id: str, until: datetime) -> None:
        """Try the card again at `until`."""
        version = await self._link.call("HGET", OPERATION + operation_id, "news")
        await self._link.call("ZADD", OUTBOX, "XX", milliseconds(until), f"{operation_id}:{version}")

    async def claim_news(self, operation_id: str, until: datetime) -> bool:
        """Take the drawing of a card until then; False when somebody has it."""
        span = max(1, milliseconds(until) - milliseconds(self._clock.now()))
        return await self._link.call("SET", POSTING + operation_id, 1, "NX", "PX", span) is not None

    async def release_news(self, operation_id: str) -> None:
        """Give the drawing of a card back."""
        await self._link.call("DEL", POSTING + operation_id)

    async def is_frozen(self) -> bool:
        """Tell whether the kill switch is on in the store."""
        return bool(await self._link.call("EXISTS", FREEZE))

    async def claims(self, record_id: str) -> Claims:
        """Return which operations have to do with a record."""
        is_open, watches = await self._link.call("MGET", OPEN + record_id, AWAY + record_id)
        return Claims(is_open, watches)

    async def remember(self, key: str, value: str) -> None:
        """Keep a last good answer (JSON) under a name."""
        await self._link.call("SET", LAST + key, value, "EX", int(LAST_LIFE.total_seconds()))

    async def recall(self, key: str) -> str | None:
        """Return a last good answer."""
        found = await self._link.call("GET", LAST + key)
        return None if found is None else str(found)

    async def _until(self, key: str, now: datetime, limit: int) -> tuple[str, ...]:
        return tuple(await self._link.call("ZRANGEBYSCORE", key, "-inf", milliseconds(now), "LIMIT", 0, limit))

    async def _all(self, *commands: Command) -> list[Any]:
        replies = await self._link.batch(*commands)
        for reply in replies:
            _require(reply)
        return replies

    def script_call(self, commit: Commit, store: str) -> Command:
        """Return the command by which a commit is decided in the store of this identity."""
        operation = commit.operation
        records = operation.plan.record_ids
        keys = [OPERATION + operation.id, META, AUDIT, DUE, OUTBOX, RECENT, FREEZE]
        keys += [prefix + record for prefix in (OPEN, HOLD, AWAY) for record in records]
        body = documents.encode(replace(operation, version=operation.version + 1))
        plan = [] if operation.version else [documents.encode_plan(operation)]
        return ["EVALSHA", self._script_name, len(keys), *keys, body, script_terms(commit, store, LIFE), *plan]

    async def _run(self, call: Command, patience: float) -> Any:
        """Run the script and, where replicas are to be waited for, WAIT behind it on the same connection."""
        wait = [("WAIT", self._replicas, int(WAIT.total_seconds() * 1000))] if patience else []
        replies = await self._link.batch(call, *wait, patience=patience)
        if isinstance(replies[0], NoScriptError):
            load = ("SCRIPT", "LOAD", self._script)
            _, *replies = await self._link.batch(load, call, *wait, patience=patience)
        for reply in replies:
            _require(reply)
        if wait and replies[0][0] == "OK" and replies[1] < self._replicas:
            raise StoreUnavailable(
                f"Only {replies[1]} of {self._replicas} Redis replicas have this step after {WAIT.seconds} s, so it is "
                "not acted upon (E_STORE_NOT_DURABLE). Look after the replicas.",
                code="E_STORE_NOT_DURABLE",
            )
        return replies[0]


def _require(reply: Any) -> None:
    if isinstance(reply, ResponseError):
        raise explained(reply) from reply


async def stored_workspace(url: str) -> str | None:
    """Return the workspace that a store belongs to, if it belongs to one. Raises StoreUnavailable."""
    link = RedisLink(url, connect_timeout=CONNECT_TIMEOUT, operation_timeout=OPERATION_TIMEOUT)
    try:
        found = await link.call("HGET", META, "workspace")
    finally:
        await link.close()
    return None if found is None else str(found)
