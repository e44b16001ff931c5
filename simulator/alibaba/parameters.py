"""Read the parameters of a call as the vendor does: all of them text on the wire, the required ones checked first."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import TypeVar

from simulator.alibaba.errors import Refusal
from simulator.model import MAIN

T = TypeVar("T")


class Parameters:
    """The parameters of one call, and who makes it; an empty text counts as absent."""

    def __init__(self, raw: Mapping[str, str], caller: str = "", account: str = MAIN) -> None:
        self.raw = raw
        self.caller, self.account = caller, account

    def require(self, *names: str) -> None:
        """Refuse the call when one of these is missing."""
        for name in names:
            if not self.raw.get(name):
                raise Refusal(400, f"Missing{name}", f"{name} is mandatory for this action.")

    def text(self, name: str, default: str = "") -> str:
        return self.raw.get(name) or default

    def optional(self, name: str) -> str | None:
        return self.raw.get(name) or None

    def required(self, name: str) -> str:
        self.require(name)
        return self.raw[name]

    def integer(self, name: str, default: int, low: int, high: int) -> int:
        """Read a number within bounds."""
        given = self.raw.get(name)
        if not given:
            return default
        value = int(given) if given.lstrip("-").isdecimal() and given.isascii() else low - 1
        if not low <= value <= high:
            raise Refusal(400, f"InvalidParameter.{name}", f"The specified parameter {name} is not valid: {given}.")
        return value

    def choice(self, name: str, default: str, known: tuple[str, ...]) -> str:
        """Read one of a few words."""
        given = self.text(name, default)
        if given not in known:
            raise Refusal(400, f"InvalidParameter.{name}", f"The specified parameter {name} is not valid: {given}.")
        return given


def slice_of(items: Sequence[T], number: int, size: int) -> Sequence[T]:
    """Cut one page out of a list, numbered from 1."""
    return items[(number - 1) * size : number * size]


def read_token(token: str) -> int:
    """Read the offset out of a NextToken."""
    try:
        return int(base64.urlsafe_b64decode(token.encode()).decode().removeprefix("offset:"))
    except (ValueError, binascii.Error):
        raise Refusal(400, "InvalidParameter.NextToken", "The specified parameter NextToken is not valid.") from None


def write_token(offset: int) -> str:
    """Make a NextToken that nobody should read anything into."""
    return base64.urlsafe_b64encode(f"offset:{offset}".encode()).decode()
