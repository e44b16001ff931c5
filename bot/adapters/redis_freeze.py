"""A freeze as the store keeps it and back; whatever cannot be read counts as frozen for all."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from bot.domain.freeze import SET_BY_HAND, Freeze
from bot.errors import AlreadyFrozen


def encode(freeze: Freeze) -> str:
    """Return the value under its scope; equal freezes have equal values, and both scripts read `at` and `ends`."""
    fields = {
        "scope": freeze.scope,
        "person": freeze.person,
        "user_id": freeze.user_id,
        "at": milliseconds(freeze.at),
        "reason": freeze.reason,
    }
    ends = {} if freeze.until is None else {"ends": milliseconds(freeze.until)}
    return json.dumps(fields | ends, sort_keys=True, ensure_ascii=False)


def decode(value: str, scope: str | None = None) -> Freeze:
    """Return a freeze, or SET_BY_HAND for what this bot did not write, also under another scope than it says."""
    try:
        fields: dict[str, Any] = json.loads(value)
        ends = fields.get("ends")
        freeze = Freeze(
            str(fields["scope"]),
            str(fields["person"]),
            str(fields["user_id"]),
            _moment(fields["at"]),
            None if ends is None else _moment(ends),
            str(fields["reason"]),
        )
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
        return SET_BY_HAND
    return freeze if scope in (None, freeze.scope) else SET_BY_HAND


def already_frozen(held: Freeze) -> AlreadyFrozen:
    """Return the answer to a freeze that would end before the one that is on."""
    return AlreadyFrozen(
        f"{held.told(held.at)} That lasts longer than what you asked for, so nothing was changed. "
        "`/registry unfreeze` lifts it, with a second person."
    )


def in_force(pairs: Sequence[str], now: datetime) -> tuple[Freeze, ...]:
    """Return what is frozen now, of a reply that gives scopes and values in turn, the oldest first."""
    found = {decode(value, scope) for scope, value in zip(pairs[::2], pairs[1::2], strict=True)}
    return tuple(sorted((freeze for freeze in found if not freeze.is_over(now)), key=lambda f: (f.at, f.scope)))


def milliseconds(moment: datetime) -> int:
    """Return a moment as Redis keeps it."""
    return int(moment.timestamp() * 1000)


def server_time(reply: Sequence[Any]) -> datetime:
    """Return the moment that TIME tells."""
    seconds, microseconds = reply
    return datetime.fromtimestamp(int(seconds) + int(microseconds) / 1_000_000, UTC)


def _moment(value: object) -> datetime:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("a time is a number of milliseconds")
    return datetime.fromtimestamp(value / 1000, UTC)
