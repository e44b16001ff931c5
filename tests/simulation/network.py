"""The way of one call to a server and back, with everything that can go wrong on it drawn beforehand."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Generator
from typing import Any, NamedTuple

from tests.simulation.loop import SimLoop


class Fate(NamedTuple):
    """What becomes of one call: seconds until it arrives and until its reply is back; None means never.

    `error` comes in place of an arrival, as from a closed port or a gateway.
    """

    arrives: float | None = 0.0
    replies: float | None = 0.0
    error: BaseException | None = None


class Call:
    """A call that begins when somebody waits for it; nobody minds when nobody ever does."""

    __slots__ = ("_begin",)

    def __init__(self, begin: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        self._begin = begin

    def __await__(self) -> Generator[Any, None, Any]:
        return self._begin().__await__()


SWALLOWED = Fate(None, None)
AT_ONCE = 0.7
"""How often a reply in calm weather is back at once: every span of time costs a timer, and few of them matter."""


def in_calm(chance: random.Random, longest: float) -> Fate:
    """Draw a way on which nothing goes wrong."""
    return Fate(chance.random() * longest, 0.0 if chance.random() < AT_ONCE else chance.random() * longest)


async def travel(loop: SimLoop, fate: Fate, act: Callable[[], Any], limit: float) -> Any:
    """Have `act` done where the call arrives, and return or raise what it did. Raises TimeoutError after `limit`."""
    answered: asyncio.Future[tuple[Any, BaseException | None]] = loop.create_future()
    arrives, replies = fate.arrives, fate.replies

    def reply(result: Any, error: BaseException | None) -> None:
        if not answered.done():
            answered.set_result((result, error))

    def arrive() -> None:
        result, error = attempt(act)
        if replies:
            loop.later(replies, reply, result, fate.error or error)
        elif replies is not None:
            reply(result, fate.error or error)

    if arrives is not None:
        loop.later(arrives, arrive)
    elif fate.error is not None:
        loop.later(replies or 0.0, reply, None, fate.error)
    if arrives is None or replies is None or arrives + replies >= limit:
        # asyncio.timeout would do, at three times the price; a reply that comes in time needs nobody to wait for less
        loop.call_later(limit, reply, None, TimeoutError())
    result, error = await answered
    if error is not None:
        raise error
    return result


def attempt(act: Callable[[], Any]) -> tuple[Any, BaseException | None]:
    """Do something and return its result or its error."""
    try:
        return act(), None
    except Exception as error:  # noqa: BLE001 - it is handed to whoever asked
        return None, error


def at_once(work: Coroutine[Any, Any, Any]) -> Any:
    """Carry a coroutine out that waits for nothing, and return its result."""
    try:
        work.send(None)
    except StopIteration as end:
        return end.value
    work.close()
    raise AssertionError("a server in memory waits for nothing")
