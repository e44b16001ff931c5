"""/registry approve"""

from bot import messages
from bot.domain.access import Role
from bot.domain.grammar import parse_operation_id
from bot.domain.operation import Verb
from bot.ports import Message, Ports
from bot.routing import Call, Router
from bot.services.requests import cast_vote

router = Router()


@router.subcommand("approve", usage="approve <id> [because …]", role=Role.APPROVER)
async def approve(call: Call, ports: Ports) -> Message:
    """Approve an operation that somebody else asked for, as its card shows it."""
    operation_id = parse_operation_id(call.words)
    operation = await cast_vote(ports, operation_id, Verb.APPROVE, call.user_id, reason=call.reason)
    return messages.voted(operation, Verb.APPROVE)
