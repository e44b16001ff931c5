"""/registry replication"""

import asyncio
from datetime import timedelta

from bot import messages
from bot.domain.access import Role
from bot.domain.grammar import known_name
from bot.domain.topology import Site, Topology
from bot.errors import UsageError
from bot.ports import Message, Ports
from bot.routing import Call, Router
from bot.services.history import missing
from bot.services.survey import survey_replication

router = Router()
PATIENCE = timedelta(seconds=20)
"""For each part of the answer; who asks here wants today's images rather than remembered ones."""


@router.subcommand(
    "replication",
    usage="replication [from <site>] [to <site>]",
    role=Role.VIEWER,
    slow="Comparing images, rules and tasks…",
)
async def replication(call: Call, ports: Ports) -> Message:
    """Show whether a standby has the critical images of a site, and how the copying goes."""
    pairs = _pairs(call.words, ports.rules.topology)
    async with asyncio.TaskGroup() as group:
        surveys = [group.create_task(survey_replication(ports, home, standby, PATIENCE)) for home, standby in pairs]
    told = messages.replications([survey.result() for survey in surveys], ports.clock.now())
    return messages.noted(told, missing(ports, await call.frozen()))


def _pairs(words: tuple[str, ...], topology: Topology) -> list[tuple[Site, Site]]:
    """Return which homes to compare with which standbys; without words every site with its first standby."""
    named = dict(zip(words[::2], words[1::2], strict=False))
    if len(words) % 2 or len(named) * 2 != len(words) or not named.keys() <= {"from", "to"}:
        raise UsageError("Use /registry replication, or /registry replication from <site> to <site>.")
    home = topology.site(known_name(named["from"], topology)) if "from" in named else None
    standby = topology.site(known_name(named["to"], topology)) if "to" in named else None
    homes = [home] if home else [site for site in topology.sites.values() if site is not standby]
    pairs = [(site, standby or topology.site(site.standby[0])) for site in homes]
    if any(home is standby for home, standby in pairs):
        raise UsageError("A site has nothing to replicate to itself. Name two different sites.")
    return pairs
