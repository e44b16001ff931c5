"""Tell the channels that watch a site what comes up and what is over, once, whichever of several bots does it."""

from collections.abc import Mapping

import structlog

from bot import messages
from bot.domain.concern import Concern, Lookout, is_news
from bot.domain.topology import Site
from bot.errors import ProviderError
from bot.ports import Ports
from bot.services import subscribing

log = structlog.get_logger()


async def look_out(ports: Ports, owner: str) -> None:
    """Look after every site that a channel watches. Raises StoreUnavailable."""
    watched = await ports.operations.subscriptions()
    for name, channels in watched.items():
        site = ports.rules.topology.sites.get(name)
        until = ports.clock.now() + min(subscribing.ROUND, ports.rules.inventory_every)
        if site and await ports.operations.claim_news(f"watch/{name}", owner, until):
            told = {channel: await subscribing.told(ports, site, channel) for channel in channels}
            lookout = await subscribing.look_after(ports, site, frozenset[Concern]().union(*told.values()))
            await _tell(ports, site, lookout, told)


async def _tell(ports: Ports, site: Site, lookout: Lookout, known: Mapping[str, frozenset[Concern]]) -> None:
    limit = ports.rules.access.policy.replication_lag
    for channel, told in known.items():
        begun, over = lookout.begun(told), lookout.over(told)
        left = (told | set(begun)) - set(over)
        if not is_news(begun, over, left) and not (over and await subscribing.may_tell_ends(ports, site, channel)):
            continue
        try:
            await ports.workspace.post(channel, messages.concerned(site.name, lookout, begun, over, left, limit))
        except ProviderError as error:
            log.warning("watch.untold", site=site.name, where=channel, why=str(error))
            continue
        await subscribing.save_told(ports, site, channel, left, has_ends=bool(over))
