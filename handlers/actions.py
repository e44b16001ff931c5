"""/registry actions"""

from bot import messages
from bot.domain.access import Role
from bot.errors import UsageError
from bot.ports import Message, Ports
from bot.routing import Call, Router
from bot.services.copies_kept import open_copy_jobs
from bot.services.history import latest, unreadable

router = Router()
CHOICES = ((), ("open",), ("mine",))


@router.subcommand("actions", usage="actions [open|mine]", role=Role.VIEWER)
async def actions(call: Call, ports: Ports) -> Message:
    """List the latest operations, newest first: all, only those still open, or only yours."""
    if call.words not in CHOICES:
        raise UsageError("Use /registry actions, /registry actions open or /registry actions mine.")
    listing = await latest(ports)
    operations = listing.operations
    if call.words == ("open",):
        operations = tuple(operation for operation in operations if not operation.is_terminal)
    if call.words == ("mine",):
        operations = tuple(operation for operation in operations if operation.requester.user_id == call.user_id)
    jobs = [job for job in await open_copy_jobs(ports) if call.words != ("mine",) or job.user_id == call.user_id]
    told = messages.with_copies(messages.actions_list(operations, ports.clock.now()), jobs)
    return messages.noted(told, unreadable(listing))
