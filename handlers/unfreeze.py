"""/registry unfreeze"""

from bot import messages
from bot.domain.access import Act, Role, lacking
from bot.domain.freeze_words import parse_unfreeze
from bot.domain.operation import Requester
from bot.ports import Message, Ports
from bot.routing import Call, Router
from bot.services.admission import card_channel
from bot.services.unfreezing import ask_to_lift, frozen_scopes

router = Router()


@router.subcommand(
    "unfreeze",
    usage="unfreeze <site|all> because …",
    role=Role.REQUESTER,
    act=Act.FREEZE,
    slow="Preparing the card…",
)
async def unfreeze(call: Call, ports: Ports) -> Message:
    """Ask to lift a freeze: posts a card, and it stays frozen until a second person approves."""
    scope, reason = parse_unfreeze(call.words, call.reason, ports.rules.topology, await frozen_scopes(ports))
    if call.person is None:
        raise lacking(Act.FREEZE)
    channel = await card_channel(ports, call.channel_id)
    requester = Requester(call.person.name, call.user_id)
    return messages.proposed(await ask_to_lift(ports, scope, requester, channel.id, reason))
