"""Calls as the desk makes them, for handlers."""

from functools import partial
from typing import Any

from bot.domain import grammar
from bot.ports import Message, Ports
from bot.routing import Call
from bot.services.freezing import switches
from handlers import all_handlers
from tests.builders import CHANNEL, ON_CALL, WORKSPACE, an_access, an_identity


def a_call(text: str, user_id: str = ON_CALL, **fields: Any) -> Call:
    """Return the call that these words become."""
    (verb, *words), reason = grammar.split(text)
    known: dict[str, Any] = {
        "verb": verb,
        "words": tuple(words),
        "reason": reason,
        "user_id": user_id,
        "team_id": WORKSPACE,
        "channel_id": CHANNEL,
        "channel_name": "ops",
        "identity": an_identity(user_id),
        "person": an_access().people.person(user_id),
        "known": tuple(command.help for command in all_handlers().commands),
    }
    return Call(**(known | fields))


async def answer(ports: Ports, text: str, user_id: str = ON_CALL, **fields: Any) -> Message:
    """Return what the handler of these words answers."""
    call = a_call(text, user_id, **{"frozen": partial(switches, ports), **fields})
    message = await all_handlers().command(call.verb).handler(call, ports)
    assert message is not None
    return message
