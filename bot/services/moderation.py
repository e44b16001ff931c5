"""How often one person may ask."""

from datetime import timedelta

from bot.domain.operation import Requester
from bot.errors import NotPermitted
from bot.ports import Ports

MOST_REQUESTS = 20
"""Of one person in a clock hour: each costs dozens of calls to the cloud, and a card for others to decide on."""
HOUR = timedelta(hours=1)


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
