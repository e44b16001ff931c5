"""What the store says and this bot never did: not acted upon, and whoever can write there is stopped from more."""

import structlog

from bot.domain.operation import Operation
from bot.ports import Ports
from bot.services import audit
from bot.services.freezing import freeze_alone
from bot.services.marks import is_forged

log = structlog.get_logger()


async def report(ports: Ports, operation: Operation, code: str) -> None:
    """Raise the alarm about a request or an approval without our mark, and freeze all when it is certainly forged.

    Under a key that was changed meanwhile nothing can be told, and nothing is frozen.
    """
    is_certain = is_forged(ports, operation)
    log.error("alarm.unmarked", operation=operation.id, code=code, what="forged" if is_certain else "unknown key")
    ports.alarm("unmarked")
    if is_certain:
        sentence = f"{operation.id} holds in Redis what this bot never stored ({code}). Somebody writes there."
        await freeze_alone(ports, sentence, audit.forged(operation, code, sentence))
