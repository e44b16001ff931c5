"""Tell whoever froze that a freeze counts as theirs: on every account of that person, once, whichever bot does it."""

from contextlib import suppress
from datetime import timedelta

import structlog

from bot import messages
from bot.domain.freeze import Freeze
from bot.errors import BotError
from bot.ports import Ports

log = structlog.get_logger()
NEWS_FOR = timedelta(minutes=30)
"""A freeze that is older is no news: a bot that comes back after long need not tell of it."""
TOLD_FOR = timedelta(hours=1)
"""How long it is remembered that somebody was told; longer than a freeze is news."""


async def tell_freezers(ports: Ports, freezes: tuple[Freeze, ...]) -> None:
    """Tell of each new freeze the person in whose name it was set; who cannot be told now is told at the next look."""
    now = ports.clock.now()
    for freeze in freezes:
        if not freeze.is_by_hand and now - freeze.at < NEWS_FOR:
            await _tell(ports, freeze)


async def _tell(ports: Ports, freeze: Freeze) -> None:
    person = next((p for p in ports.rules.access.people.persons if p.name == freeze.person), None)
    for account in dict.fromkeys((freeze.user_id, *(person.slack if person else ()))):
        name = f"freeze/{freeze.scope}/{freeze.at.isoformat()}/{account}"
        if await ports.operations.claim_news(name, ports.clock.now() + TOLD_FOR):
            await _tell_account(ports, freeze, account, name)


async def _tell_account(ports: Ports, freeze: Freeze, account: str, name: str) -> None:
    try:
        told = messages.you_froze(freeze, is_simulation=ports.rules.is_simulation)
        await ports.workspace.post(await ports.workspace.direct(account), told)
    except BotError as error:
        log.warning("person.untold", news=name, why=str(error))
        with suppress(BotError):  # then it is told again when the claim has ended by itself
            await ports.operations.release_news(name)
