"""/registry plan failover"""

from bot import messages
from bot.domain import grammar
from bot.domain.access import Role
from bot.errors import UsageError
from bot.ports import Message, Ports
from bot.routing import Call, Router
from bot.services.history import missing
from bot.services.planning import draft

router = Router()


@router.subcommand(
    "plan",
    usage="plan failover <site> [to <site>] [via internet|internal] [only <domain|vpc>]",
    role=Role.VIEWER,
    slow="Preparing the plan…",
)
async def plan(call: Call, ports: Ports) -> Message:
    """Show what a failover would change and what speaks for and against it; nobody is asked and nothing changes."""
    if not call.words or call.words[0] != "failover":
        raise UsageError("Say what to plan, for example: /registry plan failover zhangjiakou.")
    wish = grammar.parse_wish(call.words[1:], call.reason, ports.rules.topology)
    card = messages.draft_card(await draft(ports, wish), ports.clock.now())
    return messages.noted(card, missing(ports, await call.frozen()), "it cannot be requested now")
