"""`make demo` as a process: everything comes up, the whole flow works on its page, and Ctrl-C ends all of it."""

import asyncio
import re
import signal
import sys
import time
from pathlib import Path
from typing import Any

import aiohttp

from simulator.demo import CHECKOUT
from tests.scenarios.company import APPROVER, ON_CALL, OPS

DEADLINE = 60.0
PRESSED_AGAIN_AFTER = 8.0
"""A busy machine may answer a press with "try again", as a person would; one that was counted stays counted."""


async def test_the_demonstration_moves_the_pulls_and_ends_with_ctrl_c_without_leaving_a_process() -> None:
    demo = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "simulator.demo"),
        cwd=CHECKOUT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert demo.stdout is not None
    async with asyncio.timeout(DEADLINE), aiohttp.ClientSession() as session:
        page = re.search(rb"http://\S+", await demo.stdout.readuntil(b"Ctrl-C ends everything."))
        assert page is not None
        await _move(session, page[0].decode().rstrip("/"))
    children = _descendants(demo.pid)
    demo.send_signal(signal.SIGINT)
    async with asyncio.timeout(DEADLINE):
        _, said = await demo.communicate()

    assert demo.returncode == 0
    assert said == b""
    assert len(children) >= 2
    assert not any(map(_is_there, children))


async def _move(session: aiohttp.ClientSession, page: str) -> None:
    """Ask for a failover as on-call, approve it as the approver, and wait until the pulls have moved."""
    await _post(session, f"{page}/page/command", {"as": ON_CALL, "channel": OPS, "text": "failover zhangjiakou"})
    card = await _until_card(session, page)
    press = {"as": APPROVER, "channel": OPS, "ts": card, "action_id": "operation.approve"}
    pressed_at = float("-inf")
    while (await _view(session, page))["instance_site"] != "hangzhou":
        if time.monotonic() - pressed_at >= PRESSED_AGAIN_AFTER:
            await _post(session, f"{page}/page/click", press)
            pressed_at = time.monotonic()
        await asyncio.sleep(0.1)


async def _until_card(session: aiohttp.ClientSession, page: str) -> str:
    """Return the ts of the message with the buttons, once it is on the page."""
    async with session.get(f"{page}/page/events", params={"as": APPROVER, "channel": OPS}) as events:
        async for line in events.content:
            for ts, rest in re.findall(r'"ts": "([\d.]+)"(.*?)(?="ts":|$)', line.decode()):
                if "operation.approve" in rest:
                    return str(ts)
    raise AssertionError("no card appeared")


async def _view(session: aiohttp.ClientSession, page: str) -> dict[str, Any]:
    async with session.get(f"{page}/page/world") as answer:
        views = (await answer.json())["views"]
    return next(view for view in views if view["vpc"] == "vpc-bbbbb")


async def _post(session: aiohttp.ClientSession, url: str, body: dict[str, str]) -> None:
    async with session.post(url, json=body) as answer:
        assert answer.status == 200, await answer.text()


def _is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def _descendants(pid: int) -> list[int]:
    """Return the processes below one, as Linux knows them; elsewhere none are found."""
    found = []
    for listing in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, listing.read_text().split()):
            found += [child, *_descendants(child)]
    return found
