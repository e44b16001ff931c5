"""What may be asked for before anything is planned: nothing that is open already, and not too often."""

from collections.abc import Collection
from datetime import timedelta

from bot.domain.operation import Requester, State
from bot.domain.topology import View
from bot.errors import AlreadyOpen, NotPermitted
from bot.ports import Ports
from bot.services.survey import RECENT_OPERATIONS

MOST_REQUESTS = 20
"""Of one person in a clock hour: each costs dozens of calls to the cloud, and a card for others to decide on."""
HOUR = timedelta(hours=1)
_NOT_BEGUN = {State.PENDING, State.APPROVED}


async def require_closed(ports: Ports, views: Collection[View]) -> None:
    """Raise AlreadyOpen where one of the latest operations wants to move one of these views and has not begun.

    This is a courtesy, so that asking twice neither costs the cloud anything nor uses up anybody's hour. The store
    decides, when the request is written; what was begun may leave other views to be asked for.
    """
    for operation in await ports.operations.recent(RECENT_OPERATIONS):
        if operation.state in _NOT_BEGUN and any(change.view in views for change in operation.plan.changes):
            raise AlreadyOpen(operation.id)


async def require_moderation(ports: Ports, requester: Requester) -> None:
    """Raise NotPermitted where this person has asked too often within this clock hour, by whichever account."""
    if await ports.operations.count_request(requester.person) <= MOST_REQUESTS:
        return
    again = ports.clock.now().replace(minute=0, second=0, microsecond=0) + HOUR
    raise NotPermitted(
        "E_TOO_MANY_REQUESTS",
        f"You have asked {MOST_REQUESTS} times within this hour, the limit of one person. Nothing was planned. Ask "
        f"again from {again:%H:%M} UTC, or have somebody else ask; `/registry plan failover …` still answers.",
    )
