"""/registry diff"""

import re

from bot import messages
from bot.domain.access import Role
from bot.errors import UsageError
from bot.ports import Message, Ports
from bot.routing import Call, Router
from bot.services.locating import locate

router = Router()
_IMAGE = re.compile(r"([a-z0-9][a-z0-9._-]*(?:/[a-z0-9][a-z0-9._-]*)+)(?::([a-z0-9_][a-z0-9._-]{0,127}))?")


@router.subcommand("diff", usage="diff <namespace/name[:tag]>", role=Role.VIEWER, slow="Looking at every site…")
async def diff(call: Call, ports: Ports) -> Message:
    """Show what each site has of a repository or an image, which is newer, and what copies it."""
    found = _IMAGE.fullmatch(call.words[0]) if len(call.words) == 1 else None
    if found is None:
        raise UsageError(
            "Name one repository or one image, such as /registry diff core/api:2.7.1. Of several at once tells "
            "/registry replication repo core/*."
        )
    return messages.spread(await locate(ports, found[1], found[2]), ports.clock.now())
