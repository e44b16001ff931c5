"""Keep ready what a bad hour will need: fresh identities for open decisions, and every site's last good endpoints."""

import asyncio
from datetime import timedelta

import structlog

from bot.domain.access import Role
from bot.domain.operation import Operation, State
from bot.domain.topology import Site
from bot.errors import BotError, ProviderError
from bot.ports import Ports
from bot.services.survey import RECENT_OPERATIONS, site_state

log = structlog.get_logger()
IDENTITY_EVERY = timedelta(seconds=45)
AFTER_A_CLICK = timedelta(seconds=1)
"""What was clicked is carried out first; nobody has read the card of a new request before that, let alone approved."""
RECENT_ENOUGH = timedelta(seconds=10)
"""An answer this young is not asked again: many clicks wake the worker, and Slack counts calls."""
REMEMBER_EVERY = timedelta(minutes=5)


async def refresh_identities(ports: Ports) -> None:
    """Ask Slack again about everybody whose click an open operation may wait for."""
    recent = await ports.operations.recent(RECENT_OPERATIONS)
    waiting = [operation for operation in recent if operation.state is State.PENDING]
    if waiting:
        await warm_identities(ports, waiting)


async def warm_identities(ports: Ports, waiting: list[Operation]) -> None:
    """Ask about requesters of these operations and about every approver."""
    approvers = ports.rules.access.people.slack_ids(Role.APPROVER)
    for user_id in dict.fromkeys((*(op.requester.user_id for op in waiting), *approvers)):
        try:
            await ports.identities.identity(user_id, RECENT_ENOUGH)
        except ProviderError as error:
            log.warning("identity.not_refreshed", why=str(error))


async def remember_sites(ports: Ports) -> None:
    """Read every site's endpoints, so that its last good ones are known when it fails."""
    async with asyncio.TaskGroup() as group:
        for site in ports.rules.topology.sites.values():
            group.create_task(_remember(ports, site))


async def _remember(ports: Ports, site: Site) -> None:
    try:
        await site_state(ports, site)
    except BotError as error:
        log.warning("site.not_remembered", site=site.name, why=str(error))
