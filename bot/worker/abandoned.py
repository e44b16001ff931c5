"""End the messages of bots that are gone, which would show for ever how something goes."""

from datetime import timedelta

import structlog

from bot import messages
from bot.errors import ProviderError, Refused
from bot.ports import OpenBulletin, Ports
from bot.services.bulletin import LEASE

log = structlog.get_logger()
TOO_OLD = timedelta(days=1)
"""Nobody waits for such an answer any more."""


async def end_abandoned(ports: Ports, owner: str) -> None:
    """End every open message that no bot claims. Raises StoreUnavailable."""
    for bulletin in await ports.bulletins.open():
        now = ports.clock.now()
        if now - bulletin.begun_at > TOO_OLD:
            await ports.bulletins.forget(bulletin)
        elif bulletin.name not in ports.showing and await ports.operations.claim_news(
            bulletin.lease, owner, now + LEASE
        ):
            await _end(ports, bulletin)


async def _end(ports: Ports, bulletin: OpenBulletin) -> None:
    """Say so there; what Slack does not take just now is tried again in the next round."""
    try:
        await ports.workspace.update(bulletin.channel, bulletin.ts, messages.interrupted(bulletin))
    except Refused as error:
        log.warning("bulletin.lost", where=bulletin.channel, code=error.code)
    except ProviderError as error:
        log.warning("bulletin.not_taken", where=bulletin.channel, why=str(error))
        return
    await ports.bulletins.forget(bulletin)
    await ports.operations.release_news(bulletin.lease)  # its own bot may only have been held up, and goes on with it
