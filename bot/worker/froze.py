"""Tell of freezes once, whichever bot does it: each to the home channel, and to whoever froze what counts as theirs."""

from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from functools import partial

import structlog

from bot import messages
from bot.domain.freeze import Freeze
from bot.errors import BotError
from bot.ports import Ports

log = structlog.get_logger()
NEWS_FOR = timedelta(minutes=30)
"""A freeze that is older is no news to whoever set it: a bot that comes back after long need not tell them of it."""
NEWS_AT_HOME_FOR = timedelta(days=1)
"""For everybody else it still is, after a long outage of Slack."""
AGAIN_AFTER = timedelta(seconds=30)
"""What Slack did not clearly take is told again, but not at every look: it may have arrived, or be refused for good."""
HOME = "home"


async def tell_of_freezes(ports: Ports, freezes: tuple[Freeze, ...]) -> None:
    """Tell of each new freeze the home channel, wherever it was set, and the person in whose name it was set."""
    now = ports.clock.now()
    for freeze in freezes:
        if freeze.is_by_hand:
            continue
        if now - freeze.at < NEWS_AT_HOME_FOR:
            await _once(ports, _name(freeze, HOME), partial(_tell_home, ports, freeze))
        for account in _accounts(ports, freeze) if now - freeze.at < NEWS_FOR else ():
            await _once(ports, _name(freeze, account), partial(_tell_account, ports, freeze, account))


def _accounts(ports: Ports, freeze: Freeze) -> Iterator[str]:
    """Return every account of whoever froze; of what the bot froze by itself nobody is told as of their own."""
    if freeze.user_id:
        person = next((p for p in ports.rules.access.people.persons if p.name == freeze.person), None)
        yield from dict.fromkeys((freeze.user_id, *(person.slack if person else ())))


def _name(freeze: Freeze, told: str) -> str:
    return f"freeze/{freeze.scope}/{freeze.at.isoformat()}/{told}"


async def _once(ports: Ports, name: str, tell: Callable[[], Awaitable[None]]) -> None:
    operations = ports.operations
    if await operations.recall(name) is not None:
        return
    if not await operations.claim_news(name, ports.ids.token(), ports.clock.now() + AGAIN_AFTER):
        return
    try:
        await tell()
    except BotError as error:
        log.warning("freeze.untold", name=name, why=str(error))
    else:
        await operations.remember(name, "told")


async def _tell_home(ports: Ports, freeze: Freeze) -> None:
    home = ports.rules.access.policy.home_channel
    await ports.workspace.post(home, messages.frozen(freeze, is_simulation=ports.rules.is_simulation))


async def _tell_account(ports: Ports, freeze: Freeze, account: str) -> None:
    told = messages.you_froze(freeze, is_simulation=ports.rules.is_simulation)
    await ports.workspace.post(await ports.workspace.direct(account), told)
