"""/registry reject"""

from bot import messages
from bot.domain.access import Role
from bot.domain.grammar import parse_operation_id
from bot.domain.operation import Verb
from bot.ports import Message, Ports
from bot.routing import Call, Router
from bot.services.requests import cast_vote

router = Router()


@router.subcommand("reject", usage="reject <id> [because …]", role=Role.APPROVER)
async def reject(call: Call, ports: Ports) -> Message:
    """Turn an operation down; nothing is changed."""
    operation_id = parse_operation_id(call.words)
    operation = await cast_vote(ports, operation_id, Verb.REJECT, call.user_id, reason=call.reason)
    return messages.voted(operation, Verb.REJECT)
