"""The vendor's regular expressions over names, matched whole and in time linear to the name's length.

What a rule's filter says comes from outside and may be invalid, or of the kind that keeps a backtracking engine busy
for hours. RE2 refuses what it cannot match in linear time (look-around, back references); whether the vendor matches
such a filter is then unknown, and said to be.
"""

from collections.abc import Callable
from enum import StrEnum
from functools import lru_cache

import re2

LONGEST = 1_000
"""Characters of a filter that is looked at; no limit is documented, and no sane filter comes near."""
_MEMORY = 1 << 20
_EVERYTHING = frozenset({"", ".*", "^.*$"})


class Match(StrEnum):
    """Whether a filter takes a name."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


def matches(pattern: str | None, name: str) -> Match:
    """Tell whether a filter takes this whole name; one that is not there takes every name."""
    takes = _compiled(pattern or "")
    if isinstance(takes, str):
        return Match.UNKNOWN
    return Match.YES if takes(name) else Match.NO


def trouble(pattern: str | None) -> str:
    """Say why a filter cannot be evaluated; nothing when it can."""
    takes = _compiled(pattern or "")
    return takes if isinstance(takes, str) else ""


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> Callable[[str], bool] | str:
    """Return what tells whether a name matches, or why nothing can."""
    if pattern in _EVERYTHING:
        return lambda _name: True
    if len(pattern) > LONGEST:
        return f"it is longer than {LONGEST:,} characters"
    options = re2.Options()
    options.max_mem, options.log_errors = _MEMORY, False
    try:
        whole = re2.compile(pattern, options).fullmatch
    except re2.error as error:
        return _words(error)
    return lambda name: whole(name) is not None


def _words(error: Exception) -> str:
    """Return what RE2 says, which it says in bytes."""
    said = error.args[0] if error.args else "it cannot be read"
    return said.decode(errors="replace") if isinstance(said, bytes) else str(said)
