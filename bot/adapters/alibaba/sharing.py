"""One read for all who ask for the same while it is under way, so that many questions at once cost no more than one."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

from bot.errors import ProviderError
from bot.tasks import Tasks

T = TypeVar("T")


class Shared(Generic[T]):
    """The reads of one kind that are under way, by what they are about."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._tasks = Tasks()
        self._under_way: dict[Hashable, asyncio.Task[T | ProviderError]] = {}

    async def read(self, key: Hashable, begin: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Return what the read under way brings, or begin one; whoever gives up waiting ends it for nobody else."""
        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = self._tasks.start(_outcome(begin()), self._name)
            task.add_done_callback(lambda _: self._under_way.pop(key))
        outcome = await asyncio.shield(task)
        if isinstance(outcome, ProviderError):
            raise outcome
        return outcome


async def _outcome(read: Coroutine[Any, Any, T]) -> T | ProviderError:
    """Return an error as what it is: it is told to whoever asked, and no failure of the bot."""
    try:
        return await read
    except ProviderError as error:
        return error
