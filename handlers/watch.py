"""/registry watch and unwatch"""

from bot import messages
from bot.domain.access import Act, Role
from bot.domain.grammar import known_name
from bot.domain.topology import Site
from bot.errors import UsageError
from bot.ports import Message, Ports
from bot.routing import Call, Router
from bot.services.subscribing import subscribe, unsubscribe, watched_in

router = Router()


@router.subcommand("watch", usage="watch [site]", role=Role.REQUESTER, act=Act.WATCH, slow="Looking…")
async def watch(call: Call, ports: Ports) -> Message:
    """Tell this channel when a site is unreadable or its images lag, get stuck, miss a rule or fail; or list sites."""
    if not call.words:
        return messages.watches(await watched_in(ports, call.channel_id))
    site = _site(call, ports)
    is_new = await subscribe(ports, site, call.channel_id, call.user_id)
    return messages.watching(site.name, ports.rules.access.policy.replication_lag, is_new=is_new)


@router.subcommand("unwatch", usage="unwatch <site>", role=Role.REQUESTER, act=Act.WATCH, slow="Looking…")
async def unwatch(call: Call, ports: Ports) -> Message:
    """Have this channel told no more of a site."""
    site = _site(call, ports)
    return messages.unwatched(site.name, was_watched=await unsubscribe(ports, site, call.channel_id))


def _site(call: Call, ports: Ports) -> Site:
    if len(call.words) != 1:
        raise UsageError(f"Name one site, such as /registry {call.verb} {min(ports.rules.topology.sites)}.")
    return ports.rules.topology.site(known_name(call.words[0], ports.rules.topology))
