"""One of our Lua scripts: called by its name, sent again where the server has forgotten it."""

import hashlib
from collections.abc import Sequence
from importlib import resources
from typing import Any

from redis.exceptions import NoScriptError, ResponseError

from bot.adapters.redis_link import RedisLink, Word, explained


class Script:
    """A script of `lua/`, read once."""

    def __init__(self, name: str) -> None:
        self._text = resources.files("bot.adapters").joinpath(f"lua/{name}").read_text("utf-8")
        self._digest = hashlib.sha1(self._text.encode(), usedforsecurity=False).hexdigest()

    async def run(self, link: RedisLink, keys: Sequence[str], *arguments: Word) -> Any:
        """Run it and return its answer; nothing is tried again that may have been done. Raises StoreUnavailable."""
        call = ("EVALSHA", self._digest, len(keys), *keys, *arguments)
        (reply,) = await link.batch(call)
        if isinstance(reply, NoScriptError):
            _, reply = await link.batch(("SCRIPT", "LOAD", self._text), call)
        if isinstance(reply, ResponseError):
            raise explained(reply) from reply
        return reply
