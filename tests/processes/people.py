"""People who do not give up: on a busy machine a bot may be too slow to count a word, and says so."""

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress

from bot.domain.operation import State
from simulator.slack.refusals import NotPossible
from tests.processes.forked import Forked
from tests.processes.premises import Premises
from tests.scenarios.company import APPROVER, ON_CALL, OPS, PATIENCE, PRESSED_AGAIN_AFTER


async def ask(company: Premises, more_than: int = 0, text: str = "failover zhangjiakou") -> None:
    """Ask for a failover until there is a card: on a busy machine the bot may find Redis too slow and refuse."""
    heard: list[str] = []
    try:
        async with asyncio.timeout(2 * PATIENCE):
            while not await _asked(company, more_than, text, heard):
                await asyncio.sleep(1)
    except TimeoutError:
        raise AssertionError(f"no card came; on-call heard {heard[-6:]}") from None


async def _asked(company: Premises, more_than: int, text: str, heard: list[str]) -> bool:
    """Ask once and tell whether a card came of it, as soon as it did or it was refused.

    A person may ask twenty times an hour, so a slow answer is waited for, and a request that is open already too.
    """
    seen = len(company.whispered(ON_CALL))
    outcome = await company.slack.command(ON_CALL, OPS, text)
    said = [str(outcome["status"]), str((outcome["response"] or {}).get("text", ""))]
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            while not _is_answered(company, more_than, [*said, *company.whispered(ON_CALL)[seen:]]):
                await asyncio.sleep(0.02)
    heard += [*said, *company.whispered(ON_CALL)[seen:]]
    return len(company.cards()) > more_than


def _is_answered(company: Premises, more_than: int, heard: list[str]) -> bool:
    codes = set(re.findall(r"\bE_[A-Z_]+", " ".join(heard)))
    return len(company.cards()) > more_than or heard[0] != "ok" or bool(codes - {"E_ALREADY_OPEN"})


async def decide(company: Premises, bot: Forked) -> None:
    """Approve, and once more if the vote was not counted, as the bot died or was too busy; wait for an end."""
    async with asyncio.timeout(2 * PATIENCE):
        await approve(company, bot.is_alive)
        while bot.is_alive() and not await company.is_settled():
            await asyncio.sleep(0.1)


async def approve(company: Premises, may_go_on: Callable[[], bool] = lambda: True) -> None:
    """Press Approve until the vote is counted, not so often that the bot calls it too fast."""
    while may_go_on() and await _is_pending(company):
        with suppress(NotPossible):  # a vote that was acknowledged late counts too, and then the button is gone
            await company.slack.click(APPROVER, OPS, company.card()["ts"], "operation.approve")
        with suppress(TimeoutError):
            async with asyncio.timeout(PRESSED_AGAIN_AFTER):
                while may_go_on() and await _is_pending(company):
                    await asyncio.sleep(0.05)


async def _is_pending(company: Premises) -> bool:
    return bool((await company.document(company.operation_id()))["state"] == State.PENDING)
