"""/registry status"""

from dataclasses import replace

from bot import messages
from bot.domain import grammar
from bot.domain.access import Role
from bot.errors import UsageError
from bot.ports import Message, Ports
from bot.routing import Call, Router
from bot.services.admission import DIRECT
from bot.services.survey import survey_sites

router = Router()
HERE = "here"


@router.subcommand("status", usage="status [site|domain|vpc] [here]", role=Role.VIEWER, slow="Looking at every site…")
async def status(call: Call, ports: Ports) -> Message:
    """Show which instance each VPC pulls from; `here` shows it to everybody in the channel."""
    words = tuple(word for word in call.words if word != HERE)
    if len(words) > 1:
        raise UsageError("Name one site, domain or VPC, for example: /registry status hangzhou here.")
    only = grammar.known_name(words[0], ports.rules.topology) if words else None
    overview = await survey_sites(ports, only)
    # in a direct message the other person may be of another organisation
    is_shown_to_all = HERE in call.words and call.channel_name != DIRECT
    return replace(messages.overview(overview, ports.clock.now()), in_channel=is_shown_to_all)
