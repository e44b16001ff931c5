"""One of our Lua scripts: called by its name, sent again where the server has forgotten it."""

import hashlib
from collections.abc import Sequence
from importlib import resources
from typing import Any

from redis.exceptions import NoScriptError, ResponseError

from bot.adapters.redis_link import RedisLink, Word, explained
from bot.adapters.redis_replicas import Wait


class Script:
    """A script of `lua/`, read once."""

    def __init__(self, name: str) -> None:
        self._text = resources.files("bot.adapters").joinpath(f"lua/{name}").read_text("utf-8")
        self._digest = hashlib.sha1(self._text.encode(), usedforsecurity=False).hexdigest()

    async def run(self, link: RedisLink, keys: Sequence[str], *arguments: Word) -> Any:
        """Run it and return its answer; nothing is tried again that may have been done. Raises StoreUnavailable."""
        return await self.run_and_wait(link, Wait(0, None), keys, *arguments)

    async def run_and_wait(self, link: RedisLink, wait: Wait, keys: Sequence[str], *arguments: Word) -> Any:
        """Do the same, once the replicas have it too. Raises Unconfirmed where they do not."""
        calls = (("EVALSHA", self._digest, len(keys), *keys, *arguments), *wait.commands)
        replies = await link.batch(*calls, patience=wait.patience)
        if isinstance(replies[0], NoScriptError):
            _, *replies = await link.batch(("SCRIPT", "LOAD", self._text), *calls, patience=wait.patience)
        for reply in replies:
            if isinstance(reply, ResponseError):
                raise explained(reply) from reply
        wait.require(*replies[1:])
        return replies[0]
