"""Whose a store is: claimed once for one workspace, and begun frozen where nobody knows what was in it."""

import json
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime

from structlog import get_logger

from bot.adapters.redis_commit import audit_pairs
from bot.adapters.redis_freeze import encode
from bot.adapters.redis_keys import AUDIT, FREEZE, META
from bot.adapters.redis_link import RedisLink
from bot.adapters.redis_script import Script
from bot.domain.freeze import Freeze
from bot.errors import InvalidConfiguration

Beginning = Callable[[datetime], tuple[Freeze, Mapping[str, str]]]
"""Returns the freeze with which a store begins that is new at this moment, and its audit entry."""


class Adoption:
    """Claims the stores of one workspace; without a `beginning` a new one begins with nothing frozen."""

    def __init__(self, workspace: str, beginning: Beginning | None) -> None:
        self._workspace = workspace
        self._beginning = beginning
        self._script = Script("adopt.lua")

    async def adopt(self, link: RedisLink, now: datetime) -> str:
        """Claim a store and return its identity. Raises InvalidConfiguration when it is another workspace's."""
        found = await self._script.run(
            link, (META, AUDIT, FREEZE), self._workspace, secrets.token_hex(8), *self._first_words(now)
        )
        workspace, store, is_new = found
        if workspace != self._workspace:
            raise InvalidConfiguration(
                f"This Redis belongs to the bot of workspace {workspace}, not of {self._workspace}. "
                "Point REGISTRY_BOT_REDIS_URL at a Redis, or a database number, of its own."
            )
        if is_new and self._beginning is not None:
            get_logger().warning("store.begun_frozen")
        return str(store)

    def _first_words(self, now: datetime) -> tuple[str, ...]:
        if self._beginning is None:
            return ()
        freeze, entry = self._beginning(now)
        return json.dumps(audit_pairs(entry)), freeze.scope, encode(freeze)
