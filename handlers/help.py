"""/registry help"""

from bot import messages
from bot.domain.access import Role
from bot.errors import UsageError
from bot.ports import Message, Ports
from bot.routing import Call, Router
from bot.services.history import unavailable

router = Router()


@router.subcommand("help", usage="help [verb]", role=Role.VIEWER, anywhere=True)
async def help_(call: Call, ports: Ports) -> Message:
    """List what may be asked of this bot, and say who you are to it."""
    known = call.known
    if call.words:
        known = tuple(command for command in known if command.verb == call.words[0])
        if not known:
            verbs = ", ".join(command.verb for command in call.known)
            raise UsageError(f"'{call.words[0][:40]}' is not a command of this bot. Commands: {verbs}.")
    trouble = ports.store_trouble()  # as last found out: help must not wait for anything
    told = messages.help_text(known, messages.asker(call.user_id, call.person))
    return messages.noted(told, unavailable(trouble) if trouble else "")
