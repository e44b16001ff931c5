"""Servers that answer as a Slack would not."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web

from bot.adapters.slack_api import SlackApi
from tests.fakes import FakeClock
from tests.secrets import BOT_TOKEN

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    """Yield the address of a Slack that answers as `handler` does."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/api/"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def served(handler: Handler) -> AsyncIterator[tuple[SlackApi, FakeClock]]:
    """Yield a client of such a Slack."""
    clock = FakeClock()
    async with serving(handler) as url, aiohttp.ClientSession() as session:
        yield SlackApi(session, clock, token=BOT_TOKEN, base_url=url), clock


def saying(answer: Any, status: int = 200, **headers: str) -> Handler:
    """Answer everything alike."""

    async def handle(_request: web.Request) -> web.Response:
        return web.json_response(answer, status=status, headers=headers)

    return handle
