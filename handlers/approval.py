"""The buttons of an operation's card, and the one of what its people are told directly."""

from bot import messages
from bot.domain.operation import Verb
from bot.ports import Message, Ports
from bot.routing import Call, Router
from bot.services.buttons import Press, press
from bot.services.disowning import disown, tell_thread

router = Router()


@router.button("operation.approve")
async def approve(call: Call, ports: Ports) -> Message:
    """Count a press of Approve."""
    return await _vote(call, ports, Verb.APPROVE)


@router.button("operation.reject")
async def reject(call: Call, ports: Ports) -> Message:
    """Count a press of Reject."""
    return await _vote(call, ports, Verb.REJECT)


@router.button("operation.cancel")
async def cancel(call: Call, ports: Ports) -> Message:
    """Count a press of Cancel."""
    return await _vote(call, ports, Verb.CANCEL)


@router.button(messages.NOT_ME, urgent="Freezing everything…")
async def not_me(call: Call, ports: Ports) -> Message:
    """Freeze all, as somebody says that what was done in their name was not them."""
    taken_back = await disown(ports, call.value, call.user_id)
    if taken_back.is_news:
        said = messages.disowned(taken_back.operation_id, call.user_id, is_simulation=ports.rules.is_simulation)
        await tell_thread(ports, taken_back.operation_id, said)
    return messages.all_frozen(taken_back.trouble, taken_back.doubt)


async def _vote(call: Call, ports: Ports, verb: Verb) -> Message:
    operation = await press(ports, Press(verb, call.value, call.user_id, call.channel_id, call.message_ts))
    return messages.voted(operation, verb)
