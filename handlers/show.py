"""/registry show"""

from bot import messages
from bot.domain.access import Role
from bot.domain.grammar import parse_operation_id
from bot.ports import Message, Ports
from bot.routing import Call, Router
from bot.services.copies_kept import copy_job
from bot.services.history import one
from bot.services.timeline import timeline

router = Router()
MANUAL, TIMELINE = "manual", "timeline"


@router.subcommand("show", usage="show <id> [manual|timeline]", role=Role.VIEWER)
async def show(call: Call, ports: Ports) -> Message:
    """Show one operation with its story; `manual`: the steps by hand; `timeline`: the audit's lines about it."""
    wanted = call.words[-1] if call.words[-1:] in ((MANUAL,), (TIMELINE,)) else ""
    operation_id = parse_operation_id(call.words[:-1] if wanted else call.words)
    if job := await copy_job(ports, operation_id):
        return messages.copy_shown(job, is_simulation=ports.rules.is_simulation)
    operation = await one(ports, operation_id)
    if wanted == TIMELINE:
        told = await timeline(ports, operation)
        return messages.timeline(operation, told.entries, is_read_to_end=told.is_read_to_end)
    return messages.manual(operation) if wanted else messages.show(operation, ports.clock.now())
