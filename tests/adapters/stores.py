"""Stores that close themselves."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bot.adapters.clock import SystemClock
from bot.adapters.redis_store import RedisOperations
from tests.builders import WORKSPACE


@asynccontextmanager
async def opened(url: str, **options: Any) -> AsyncIterator[RedisOperations]:
    store = RedisOperations(url, clock=SystemClock(), workspace=WORKSPACE, **options)
    try:
        yield store
    finally:
        await store.close()
