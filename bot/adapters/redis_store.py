"""Operations in Redis. Redis decides, here and in commit.lua; it never proves."""

import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from importlib import resources
from typing import Any

from redis.exceptions import NoScriptError, ResponseError

from bot.adapters import documents
from bot.adapters.operation_log import tell
from bot.adapters.redis_adoption import Adoption, Beginning
from bot.adapters.redis_at_hand import AtHand
from bot.adapters.redis_commit import REPLACED, audit_pairs, outcome, script_terms, unclear, unknown
from bot.adapters.redis_durability import Trust, WriteMode, assess
from bot.adapters.redis_freeze import already_frozen, decode, encode, in_force, server_time
from bot.adapters.redis_keys import (
    AUDIT,
    AWAY,
    DUE,
    FREEZE,
    HOLD,
    META,
    OPEN,
    OPERATION,
    OUTBOX,
    RECENT,
)
from bot.adapters.redis_link import CONNECT_TIMEOUT, OPERATION_TIMEOUT, Command, NoReply, RedisLink, explained
from bot.adapters.redis_replicas import Wait
from bot.adapters.redis_script import Script
from bot.domain.freeze import SET_BY_HAND, Freeze
from bot.domain.operation import Operation
from bot.errors import StoreUnavailable
from bot.ports import WORD_DURABLE_WITHIN, Claims, Clock, Commit

LIFE = timedelta(days=400)
"""A year of audit and a month to look at it."""


class RedisOperations(AtHand):
    """The store of operations; owns its connections.

    `beginning` makes the freeze with which a store begins that no bot has used. `connect_timeout` and
    `operation_timeout` are seconds; a commit takes at most both together, and its wait.
    """

    def __init__(
        self,
        url: str,
        *,
        clock: Clock,
        workspace: str,
        replicas: int = 0,
        beginning: Beginning | None = None,
        connect_timeout: float = CONNECT_TIMEOUT,
        operation_timeout: float = OPERATION_TIMEOUT,
    ) -> None:
        super().__init__(RedisLink(url, connect_timeout=connect_timeout, operation_timeout=operation_timeout), clock)
        self._adoption = Adoption(workspace, beginning)
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
            await self._link.call("SCRIPT", "LOAD", self._script)
            self._store = await self._adoption.adopt(self._link, self._clock.now())
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

        Raises VersionConflict, AlreadyOpen, RecordHeld, Frozen, OutOfTime or ForgedApproval, and writes nothing then;
        Unconfirmed where it was written and too few replicas say that they have it. A lost reply is asked for again,
        once, under the same attempt token.
        """
        wait = Wait(self._replicas, commit.durable_within)
        reply, *confirmed = await self._decide(commit, wait)
        stored = outcome(reply, commit)
        tell(commit)
        wait.require(*confirmed)
        return stored

    async def confirm(self, operation: Operation, within: timedelta) -> None:
        """Return once the replicas have an operation as it was read.

        Commits what is stored already under the token that stored it, which writes nothing but that token. Raises
        VersionConflict where the store no longer knows it, Unconfirmed where too few replicas have it.
        """
        wait = Wait(self._replicas, within)
        if not wait.commands or not operation.stamp:  # written by a bot that knew no stamps, long ago
            return
        again = Commit(operation, attempt=operation.stamp, audit={}, durable_within=within)
        reply, *confirmed = await self._decide(again, wait)
        outcome(reply, again)
        wait.require(*confirmed)

    async def _decide(self, commit: Commit, wait: Wait) -> list[Any]:
        """Return the script's answer and, where replicas were waited for, how many have what it wrote."""
        call = self.script_call(commit, await self.adopt())
        limit = self._link.connect_timeout + self._link.operation_timeout + wait.patience
        try:
            async with asyncio.timeout(limit):
                try:
                    return await self._run(call, wait)
                except NoReply:
                    return await self._run(call, wait)
        except (TimeoutError, NoReply) as error:
            raise unclear(commit.operation.id) from error

    async def record(self, entry: Mapping[str, str]) -> None:
        """Append one entry to the audit that belongs to no commit."""
        await self._append(entry, Wait(0, None))

    async def _append(self, entry: Mapping[str, str], wait: Wait, *freeze: str) -> None:
        """Append an entry and, where given, set a freeze (scope and value) in the same step."""
        keys, pairs = (META, AUDIT, FREEZE), json.dumps(audit_pairs(entry))
        answer = await self._recorder.run_and_wait(self._link, wait, keys, await self.adopt(), pairs, *freeze)
        if answer[0] == "KEPT":
            raise already_frozen(decode(answer[1]))
        if answer[0] != "OK":
            raise StoreUnavailable(f"{REPLACED} Nothing was recorded.", code="E_STORE_REPLACED")

    async def freezes(self) -> tuple[Freeze, ...]:
        """Return what is frozen now, by the store's own clock; what cannot be read freezes all."""
        found, time = await self._link.batch(("HGETALL", FREEZE), ("TIME",))
        if isinstance(found, ResponseError) and str(found).startswith("WRONGTYPE"):
            return (SET_BY_HAND,)
        _require(found)
        _require(time)
        return in_force(found, server_time(time))

    async def freeze(self, freeze: Freeze, entry: Mapping[str, str]) -> None:
        """Freeze and append the entry in one step; the same freeze again changes nothing.

        Raises AlreadyFrozen, and changes nothing, where its scope is frozen for longer; Unconfirmed where too few
        replicas have what is frozen then.
        """
        await self._append(entry, Wait(self._replicas, WORD_DURABLE_WITHIN), freeze.scope, encode(freeze))

    async def claims(self, record_id: str) -> Claims:
        """Return which operations have to do with a record."""
        is_open, watches = await self._link.call("MGET", OPEN + record_id, AWAY + record_id)
        return Claims(is_open, watches)

    def script_call(self, commit: Commit, store: str) -> Command:
        """Return the command by which a commit is decided in the store of this identity."""
        operation = commit.operation
        subjects = operation.plan.subjects
        keys = [OPERATION + operation.id, META, AUDIT, DUE, OUTBOX, RECENT, FREEZE]
        keys += [prefix + record for prefix in (OPEN, HOLD, AWAY) for record in subjects]
        body = documents.encode(replace(operation, version=operation.version + 1, stamp=commit.attempt))
        plan = [] if operation.version else [documents.encode_plan(operation)]
        return ["EVALSHA", self._script_name, len(keys), *keys, body, script_terms(commit, store, LIFE), *plan]

    async def _run(self, call: Command, wait: Wait) -> list[Any]:
        """Run the script and, where replicas are to be waited for, WAIT behind it on the same connection."""
        replies = await self._link.batch(call, *wait.commands, patience=wait.patience)
        if isinstance(replies[0], NoScriptError):
            load = ("SCRIPT", "LOAD", self._script)
            _, *replies = await self._link.batch(load, call, *wait.commands, patience=wait.patience)
        for reply in replies:
            _require(reply)
        return replies


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
