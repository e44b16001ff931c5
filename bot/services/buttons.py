"""A pressed button: believe it only if we made it, for this plan, on the card that we remember."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import structlog

from bot.domain.grammar import parse_operation_id
from bot.domain.operation import Operation, Verb
from bot.errors import NotPermitted, ProviderError, StoreUnavailable, UnknownOperation, UsageError
from bot.ports import Card, Message, Ports
from bot.services.own_buttons import UNTRUSTED, carried, outlived, untrusted
from bot.services.requests import cast_vote

log = structlog.get_logger()
COURTESY = timedelta(seconds=0.5)
"""For taking a message out of use before its presser is answered, who waits for Slack no longer than this."""


@dataclass(frozen=True, slots=True)
class Press:
    """A click as it came: which button, what it carried, who pressed it, on which message."""

    verb: Verb
    value: str
    user_id: str
    channel: str
    ts: str


@dataclass(frozen=True, slots=True)
class _Claim:
    """What a button's value says, once its code was found to be ours."""

    operation_id: str
    digest: str


def button_value(ports: Ports, operation: Operation, verb: Verb) -> str:
    """Return the value of a button: verb, operation, plan and our code over them and the workspace."""
    digest = operation.plan.digest
    mac = ports.signer.sign(ports.rules.access.workspace, operation.id, verb, digest)
    return f"{verb}|{operation.id}|{digest}|{mac}"


async def press(ports: Ports, pressed: Press) -> Operation:
    """Count the vote that a click stands for.

    Raises NotPermitted for a button that is not ours or not on the stored card, else what cast_vote raises. A message
    that is a card no more, as its operation is gone or has another, loses its buttons; but StoreUnavailable is raised,
    and nothing is touched, while the store that does not have it cannot be believed.
    """
    try:
        claim = _believed(ports, pressed)
    except NotPermitted as error:
        if error.code == UNTRUSTED:  # only with the bot's own token can anybody post a button in its name
            log.error("alarm.untrusted_button", person=pressed.user_id)
            ports.alarm("untrusted_button")
        raise
    try:
        return await _counted(ports, claim, pressed)
    except UnknownOperation:
        if why := ports.store_trouble():  # a store that came back empty may yet be put right, and then knows it again
            raise StoreUnavailable(
                f"{why} {claim.operation_id} is not found until then, and nothing was counted."
            ) from None
        await _retire(ports, pressed, _forgotten(ports, claim.operation_id))
        raise


async def _counted(ports: Ports, claim: _Claim, pressed: Press) -> Operation:
    card = await ports.operations.card(claim.operation_id)
    if card is None or (card.channel, card.ts) != (pressed.channel, pressed.ts):
        await ports.operations.get(claim.operation_id)  # an unknown operation is the better answer
        raise await _misplaced(ports, claim.operation_id, pressed, card)
    return await cast_vote(ports, claim.operation_id, pressed.verb, pressed.user_id, digest=claim.digest)


def _believed(ports: Ports, pressed: Press) -> _Claim:
    def signed(verb: str, operation_id: str, digest: str) -> tuple[str, ...]:
        return (ports.rules.access.workspace, operation_id, verb, digest)

    try:
        words = carried(ports, pressed.value, pressed.verb, 3, signed)
    except NotPermitted as unknown_key:
        raise outlived(unknown_key, "counted", _by_hand(pressed)) from None
    if words is None:
        open_ones = "`/registry actions` lists what is really open."
        raise untrusted("counted", f"Tell whoever looks after security here; {open_ones}")
    return _Claim(operation_id=words[1], digest=words[2])


def _by_hand(pressed: Press) -> str:
    """Say how to decide without a button of which nothing is believed, its id only looked at."""
    try:
        return f"type `/registry {pressed.verb} {parse_operation_id(tuple(pressed.value.split('|')[1:2]))}`"
    except UsageError:
        return "type `/registry actions`, then decide by the id that it shows"


async def _misplaced(ports: Ports, operation_id: str, pressed: Press, card: Card | None) -> NotPermitted:
    """Return the refusal of a click on a message that is ours but not the stored card, and retire that message."""
    by_hand = f"`/registry {pressed.verb} {operation_id}`"
    if card is None:
        return NotPermitted(
            "E_UNKNOWN_CARD",
            f"This card is not on record yet. Press again in a few seconds, or type {by_hand}. Nothing was counted.",
        )
    link = await ports.workspace.permalink(card.channel, card.ts)
    where = f"<{link}|the live card>" if link else f"the live card in <#{card.channel}>"
    await _retire(ports, pressed, Message(f"This copy of {operation_id}'s card is out of use. See {where}."))
    return NotPermitted(
        "E_OLD_CARD",
        f"This is a lost copy of {operation_id}'s card, so nothing was counted. Use the live card, or type {by_hand}.",
    )


def _forgotten(ports: Ports, operation_id: str) -> Message:
    """Return what stands where a card was whose operation the store answered not to have."""
    simulated = "SIMULATION · " if ports.rules.is_simulation else ""
    return Message(
        f"{simulated}UNKNOWN: the bot no longer knows this request ({operation_id}), so nothing can be decided here. "
        "Look at the record with `/registry status` and ask again."
    )


async def _retire(ports: Ports, pressed: Press, instead: Message) -> None:
    """Put words in place of a message of ours that counts for nothing: a courtesy, which changes no answer.

    Slack lets the bot edit what the bot posted and nothing else.
    """
    with suppress(ProviderError, TimeoutError):
        async with asyncio.timeout(COURTESY.total_seconds()):
            await ports.workspace.update(pressed.channel, pressed.ts, instead)
