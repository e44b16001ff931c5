"""/registry failover"""

from bot import messages
from bot.domain import grammar
from bot.domain.access import Act, Role, lacking
from bot.domain.draft import Draft
from bot.domain.operation import Operation, Requester
from bot.errors import ProviderError
from bot.ports import Message, Ports
from bot.routing import Call, Router
from bot.services.admission import card_channel
from bot.services.requests import propose

router = Router()
LINK_TRIES = 10
LINK_PAUSE = 0.2
"""Seconds between looks for a card that goes to another channel; without it the answer names the channel only."""


@router.subcommand(
    "failover",
    usage="failover <site> [to <site>] [via internet|internal] [only <domain|vpc>] [because …]",
    role=Role.REQUESTER,
    slow="Preparing the plan…",
)
async def failover(call: Call, ports: Ports) -> Message:
    """Ask for a failover away from a site: posts a card, and nothing changes before a second person approves."""
    wish = grammar.parse_wish(call.words, call.reason, ports.rules.topology)
    if call.person is None:
        raise lacking(Act.REQUEST)
    channel = await card_channel(ports, call.channel_id)
    asked = await propose(ports, wish, Requester(call.person.name, call.user_id), channel.id)
    if isinstance(asked, Draft):
        return messages.draft_card(asked, ports.clock.now())
    link = None if channel.id == call.channel_id else await _link(ports, asked)
    return messages.proposed(asked, link)


async def _link(ports: Ports, operation: Operation) -> str | None:
    for _ in range(LINK_TRIES):
        try:
            card = await ports.operations.card(operation.id)
        except ProviderError:
            return None  # the request is stored; only the shortcut to its card is missing
        if card is not None:
            return await ports.workspace.permalink(card.channel, card.ts)
        await ports.clock.sleep(LINK_PAUSE)
    return None
