"""Which channels watch which sites, and what they are told: each concern once, and once when it is over."""

import json
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.concern import Concern, Kind, Lookout, Waiting, joined, look_out
from bot.domain.topology import Site
from bot.errors import Refused, UserError
from bot.ports import Ports
from bot.services.replication import question
from bot.services.study import Study

ROUND = timedelta(seconds=60)
"""One bot looks after a site for so long, or until its instances are read again; when it dies another takes over."""

ENDS_EVERY = timedelta(minutes=10)
"""How often a channel is told that some of many are over: they may end one by one for an hour."""


async def subscribe(ports: Ports, site: Site, channel: str, user_id: str) -> bool:
    """Have a channel watch a site; False when it did already. Raises UserError where the bot cannot post."""
    try:
        has_bot = (await ports.workspace.channel(channel)).has_bot
    except Refused:
        has_bot = False
    if not has_bot:
        raise UserError("The bot is not a member of this channel. Type `/invite @registry` here, then ask again.")
    if not await ports.operations.subscribe(site.name, channel, user_id):
        return False
    await save_told(ports, site, channel, ())
    return True


async def unsubscribe(ports: Ports, site: Site, channel: str) -> bool:
    """Have a channel watch a site no more; False when it did not."""
    return await ports.operations.unsubscribe(site.name, channel)


async def watched_in(ports: Ports, channel: str) -> tuple[str, ...]:
    """Return the sites that a channel watches."""
    known = await ports.operations.subscriptions()
    return tuple(sorted(site for site, channels in known.items() if channel in channels))


async def look_after(ports: Ports, site: Site, told: Collection[Concern]) -> Lookout:
    """Look at everything that a failover away from a site would rest on, and what became of what people were told."""
    lookouts = []
    for name in site.standby:
        waiting = Waiting({each.subject for each in told if (each.kind, each.target) == (Kind.STUCK, name)})
        asked = replace(question(ports, site, ports.rules.topology.site(name), None, None), only_critical=True)
        study = Study(ports, asked, waiting.add)
        await study.begin()
        lookouts.append(look_out(await study.finish(), waiting, ports.rules.access.policy.replication_lag))
    return joined(lookouts)


async def told(ports: Ports, site: Site, channel: str) -> frozenset[Concern]:
    """Return what a channel was told and has not been told the end of."""
    kept = await ports.operations.recall(_key(site, channel))
    known = {kind.value for kind in Kind}  # a newer bot, which this one has taken over from, may have kept others
    plain = (each for each in json.loads(kept or "[]") if each[0] in known)
    return frozenset(Concern(Kind(kind), target, subject) for kind, target, subject in plain)


async def save_told(
    ports: Ports, site: Site, channel: str, concerns: Collection[Concern], *, has_ends: bool = False
) -> None:
    """Remember it; `has_ends` when the channel was told just now that something is over."""
    plain = [[each.kind, each.target, each.subject] for each in sorted(concerns)]
    await ports.operations.remember(_key(site, channel), json.dumps(plain))
    if has_ends:
        await ports.operations.remember(f"{_key(site, channel)}/ends", json.dumps(ports.clock.now().isoformat()))


async def may_tell_ends(ports: Ports, site: Site, channel: str) -> bool:
    """Tell whether a channel was told of no end for long enough to be told of some while others go on."""
    kept = await ports.operations.recall(f"{_key(site, channel)}/ends")
    return kept is None or ports.clock.now() - datetime.fromisoformat(json.loads(kept)) >= ENDS_EVERY


def _key(site: Site, channel: str) -> str:
    return f"watch/{site.name}/{channel}"
