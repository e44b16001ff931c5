"""/registry freeze"""

from dataclasses import replace

from bot import messages
from bot.domain.access import Act, Role, lacking
from bot.domain.freeze_words import parse_freeze
from bot.ports import Message, Ports
from bot.routing import Call, Router
from bot.services import freezing

router = Router()


@router.subcommand(
    "freeze",
    usage="freeze <site|all> [until <2h|14:30|2026-11-24T08:00>] because …",
    role=Role.REQUESTER,
    act=Act.FREEZE,
    slow="Freezing…",
)
async def freeze(call: Call, ports: Ports) -> Message:
    """Stop every move from and to a site, or all of them, at once; lifting it takes a second person."""
    wish = parse_freeze(call.words, call.reason, ports.rules.topology, ports.clock.now())
    if call.person is None:
        raise lacking(Act.FREEZE)
    taken = await freezing.freeze(ports, wish.scope, call.person.name, call.user_id, wish.until, wish.reason)
    told = messages.frozen(taken.freeze, taken.trouble, taken.doubt, is_simulation=ports.rules.is_simulation)
    # the home channel hears of every freeze that the store has, from the worker: here that would be twice
    is_told_here = call.channel_id == ports.rules.access.policy.home_channel and not taken.trouble
    return replace(told, in_channel=not is_told_here)
