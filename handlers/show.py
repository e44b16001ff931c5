"""/registry show"""

from bot import messages
from bot.domain.access import Role
from bot.domain.grammar import parse_operation_id
from bot.ports import Message, Ports
from bot.routing import Call, Router
from bot.services.history import one

router = Router()
MANUAL = "manual"


@router.subcommand("show", usage="show <id> [manual]", role=Role.VIEWER)
async def show(call: Call, ports: Ports) -> Message:
    """Show one operation with its whole story; `manual` gives the exact steps to do it by hand."""
    wants_manual = call.words[-1:] == (MANUAL,)
    operation = await one(ports, parse_operation_id(call.words[:-1] if wants_manual else call.words))
    return messages.manual(operation) if wants_manual else messages.show(operation, ports.clock.now())
