"""What the store says and this bot never did: not acted upon, and whoever can write there is stopped from more."""

from datetime import timedelta

import structlog

from bot.domain.operation import Operation, State, Vote
from bot.errors import NotPermitted, VersionConflict
from bot.ports import Ports
from bot.services import audit
from bot.services.chain_check import pages
from bot.services.freezing import freeze_alone
from bot.services.marks import is_forged, is_genuine_request

log = structlog.get_logger()
EARLIER = timedelta(minutes=1)
"""The store's clock times entries, this bot's clock looks at people."""
_ENDS = {state for state in State if state.is_terminal}


OUTLIVED = "It was signed with a key that this bot does not know (E_UNKNOWN_KEY), as after a change of the signing key."


async def is_reported(ports: Ports, operation: Operation, code: str) -> bool:
    """Tell whether a request or an approval without our mark is a forgery; raise the alarm and freeze all then.

    A mark under a key that this bot does not know proves nothing, so that has to be asked and approved again. It is
    what every change of the key leaves behind, so it alarms nobody.
    """
    if not is_forged(ports, operation):
        log.warning("mark.outlived", operation=operation.id)
        return False
    log.error("alarm.unmarked", operation=operation.id, code=code)
    ports.alarm("unmarked")
    await _freeze(ports, operation, code)
    return True


async def require_own_request(ports: Ports, operation: Operation) -> None:
    """Raise NotPermitted for a request without our mark, and report a forged one."""
    if is_genuine_request(ports, operation):
        return
    if not await is_reported(ports, operation, "E_REQUEST_FORGED"):
        raise NotPermitted("E_UNKNOWN_KEY", f"{operation.id}: {OUTLIVED} Cancel it and ask again.")
    raise NotPermitted(
        "E_REQUEST_FORGED",
        f"{operation.id} does not carry this bot's own mark for the person who asked. Cancel it and ask again, "
        "and tell whoever looks after security here.",
    )


async def is_put_back(ports: Ports, operation: Operation, votes: list[Vote]) -> bool:
    """Tell whether the audit knows an end of what the store holds as going on, and freeze all then.

    Somebody has put a document back without the audit. Taking its end out of that too would break the chain.
    `votes` carry our mark, so the time from which on the audit is read is no time that somebody else wrote. Raises
    VersionConflict where the store holds the end too: another bot came first, after this one had read the operation.
    """
    since = max(vote.identity_checked_at for vote in votes) - EARLIER
    async for page in pages(ports.trail, f"{int(since.timestamp() * 1000)}-0"):
        if any(e.fields.get("operation") == operation.id and e.fields.get("after") in _ENDS for e in page):
            await _require_going_on(ports, operation.id)
            log.error("alarm.put_back", operation=operation.id)
            ports.alarm("put_back")
            await _freeze(ports, operation, "E_APPROVAL_FORGED")
            return True
    return False


async def _require_going_on(ports: Ports, operation_id: str) -> None:
    stored = await ports.operations.get(operation_id)
    if stored.state.is_terminal:
        raise VersionConflict(f"{operation_id} has become {stored.state} since it was read.")


async def _freeze(ports: Ports, operation: Operation, code: str) -> None:
    sentence = f"{operation.id} holds in Redis what this bot never stored ({code}). Somebody writes there."
    await freeze_alone(ports, sentence, audit.forged(operation, code, sentence))
