"""What a button carries that we gave out: words, the last of them our code; and how any other button is refused."""

from collections.abc import Callable

from bot.errors import NotPermitted
from bot.ports import Ports

UNTRUSTED = "E_UNTRUSTED_BUTTON"
Signed = Callable[..., tuple[str, ...]]
"""Returns what the code covers, from the words before it."""


def carried(ports: Ports, value: str, first: str, count: int, signed: Signed) -> tuple[str, ...] | None:
    """Return the words of a value before its code, or None where we did not give it out.

    Raises NotPermitted(E_UNKNOWN_KEY) where a key that is gone leaves that open.
    """
    *words, mac = value.split("|")
    if not value.isascii() or len(words) != count or words[0] != first:
        return None
    return tuple(words) if ports.signer.verify(mac, *signed(*words)) else None


def untrusted(undone: str, then: str) -> NotPermitted:
    """Return the refusal of a button that we did not give out, or not to whoever presses it."""
    return NotPermitted(UNTRUSTED, f"This button was not made by this bot for you, so nothing was {undone}. {then}")


def outlived(unknown_key: NotPermitted, undone: str, instead: str) -> NotPermitted:
    """Return the refusal of a button whose key is gone."""
    return NotPermitted(
        unknown_key.code,
        f"The bot's signing key was changed after this button was drawn, so nothing was {undone}. Instead, {instead}.",
    )
