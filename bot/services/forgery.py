"""What the store says and this bot never did: not acted upon, and whoever can write there is stopped from more."""

from datetime import timedelta

import structlog

from bot.domain.operation import Operation, State, Vote
from bot.ports import Ports
from bot.services import audit
from bot.services.chain_check import pages
from bot.services.freezing import freeze_alone
from bot.services.marks import is_forged

log = structlog.get_logger()
EARLIER = timedelta(minutes=1)
"""The store's clock times entries, this bot's clock looks at people."""
_ENDS = {state for state in State if state.is_terminal}


async def report(ports: Ports, operation: Operation, code: str) -> None:
    """Raise the alarm about a request or an approval without our mark, and freeze all when it is certainly forged.

    Under a key that was changed meanwhile nothing can be told, and nothing is frozen.
    """
    is_certain = is_forged(ports, operation)
    log.error("alarm.unmarked", operation=operation.id, code=code, what="forged" if is_certain else "unknown key")
    ports.alarm("unmarked")
    if is_certain:
        await _freeze(ports, operation, code)


async def is_put_back(ports: Ports, operation: Operation, votes: list[Vote]) -> bool:
    """Tell whether the audit knows an end of what the store holds as going on, and freeze all then.

    Somebody has put a document back without the audit. Taking its end out of that too would break the chain.
    `votes` carry our mark, so the time from which on the audit is read is no time that somebody else wrote.
    """
    since = max(vote.identity_checked_at for vote in votes) - EARLIER
    async for page in pages(ports.trail, f"{int(since.timestamp() * 1000)}-0"):
        if any(e.fields.get("operation") == operation.id and e.fields.get("after") in _ENDS for e in page):
            log.error("alarm.put_back", operation=operation.id)
            ports.alarm("put_back")
            await _freeze(ports, operation, "E_APPROVAL_FORGED")
            return True
    return False


async def _freeze(ports: Ports, operation: Operation, code: str) -> None:
    sentence = f"{operation.id} holds in Redis what this bot never stored ({code}). Somebody writes there."
    await freeze_alone(ports, sentence, audit.forged(operation, code, sentence))
