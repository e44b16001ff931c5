"""A pressed button: believe it only if we made it, for this plan, on the card that we remember."""

from contextlib import suppress
from dataclasses import dataclass

import structlog

from bot.domain.grammar import parse_operation_id
from bot.domain.operation import Operation, Verb
from bot.errors import NotPermitted, ProviderError, UsageError
from bot.ports import Card, Message, Ports
from bot.services.requests import cast_vote

UNTRUSTED = "E_UNTRUSTED_BUTTON"
log = structlog.get_logger()


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

    Raises NotPermitted for a button that is not ours or not on the stored card, else what cast_vote raises.
    """
    try:
        claim = _believed(ports, pressed)
    except NotPermitted as error:
        if error.code == UNTRUSTED:  # only with the bot's own token can anybody post a button in its name
            log.error("alarm.untrusted_button", person=pressed.user_id)
            ports.alarm("untrusted_button")
        raise
    card = await ports.operations.card(claim.operation_id)
    if card is None or (card.channel, card.ts) != (pressed.channel, pressed.ts):
        await ports.operations.get(claim.operation_id)  # an unknown operation is the better answer
        raise await _misplaced(ports, claim.operation_id, pressed, card)
    return await cast_vote(ports, claim.operation_id, pressed.verb, pressed.user_id, digest=claim.digest)


def _believed(ports: Ports, pressed: Press) -> _Claim:
    parts = pressed.value.split("|")
    if not pressed.value.isascii() or len(parts) != 4 or parts[0] != pressed.verb:
        raise _untrusted()
    verb, operation_id, digest, mac = parts
    try:
        is_ours = ports.signer.verify(mac, ports.rules.access.workspace, operation_id, verb, digest)
    except NotPermitted as unknown_key:
        raise _outlived(unknown_key.code, pressed.verb, operation_id) from None
    if not is_ours:
        raise _untrusted()
    return _Claim(operation_id, digest)


def _untrusted() -> NotPermitted:
    return NotPermitted(
        UNTRUSTED,
        "This button was not made by this bot, so nothing was counted. Tell whoever looks after security here; "
        "`/registry actions` lists what is really open.",
    )


def _outlived(code: str, verb: Verb, operation_id: str) -> NotPermitted:
    """Return the refusal of a button whose key is gone; nothing that it carries is believed, its id only looked at."""
    try:
        by_hand = f"type `/registry {verb} {parse_operation_id((operation_id,))}`"
    except UsageError:
        by_hand = "type `/registry actions`, then decide by the id that it shows"
    return NotPermitted(
        code,
        f"The bot's signing key was changed after this button was drawn, so nothing was counted. Instead, {by_hand}.",
    )


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
    # retiring the copy is a courtesy: the refusal stands whether or not Slack takes the edit
    with suppress(ProviderError):
        retired = Message(f"This copy of {operation_id}'s card is out of use. See {where}.")
        await ports.workspace.update(pressed.channel, pressed.ts, retired)
    return NotPermitted(
        "E_OLD_CARD",
        f"This is a lost copy of {operation_id}'s card, so nothing was counted. Use the live card, or type {by_hand}.",
    )
