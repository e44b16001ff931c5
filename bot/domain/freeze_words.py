"""The words of `freeze` and `unfreeze`: what is frozen, until when, and why; never guessed."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.domain.freeze import ALL
from bot.domain.grammar import known_name
from bot.domain.topology import Topology
from bot.errors import UsageError

_SPAN = re.compile(r"(\d{1,5})([smhd])", re.ASCII)
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}t\d{2}:\d{2}(:\d{2})?", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
LONGEST = timedelta(days=366)
"""A freeze that ends by itself later than this is a slip of the pen; one without an end is said without `until`."""


@dataclass(frozen=True, slots=True)
class FreezeWish:
    """What somebody wants frozen; without `until`, until two people lift it."""

    scope: str
    until: datetime | None
    reason: str


def parse_freeze(words: tuple[str, ...], reason: str, topology: Topology, now: datetime) -> FreezeWish:
    """Read `<site|all> [until T]` and the reason, which must be there. Raises UsageError or UnknownSite."""
    if not words:
        raise UsageError("What is to be frozen? For example: /registry freeze all because the storage is migrated.")
    scope = _site_or_all(words[0], topology)
    until = _until(words[1:], now)
    return FreezeWish(scope, until, _required(reason, f"freeze {' '.join(words)}"))


def parse_unfreeze(
    words: tuple[str, ...], reason: str, topology: Topology, known: tuple[str, ...] = ()
) -> tuple[str, str]:
    """Read `<site|all>` and the reason, which must be there; `known` are scopes that are frozen whatever exists now.

    Raises UsageError or UnknownSite.
    """
    if len(words) != 1:
        raise UsageError("Name one site, or all: /registry unfreeze all because the migration is over.")
    scope = words[0] if words[0] in known else _site_or_all(words[0], topology)
    return scope, _required(reason, f"unfreeze {words[0]}")


def _site_or_all(word: str, topology: Topology) -> str:
    return ALL if word == ALL else topology.site(known_name(word, topology)).name


def _required(reason: str, command: str) -> str:
    if not reason:
        raise UsageError(f"Say why, for those who meet it later: /registry {command[:80]} because …")
    return reason


def _until(words: tuple[str, ...], now: datetime) -> datetime | None:
    if not words:
        return None
    if words[0] not in ("until", "for"):
        raise UsageError(f"'{words[0][:40]}' is not understood. After the site comes: until <time>. {_TIMES}")
    if len(words) != 2 and words[2:] != ("utc",):
        raise UsageError(f"'{words[0]}' wants one time after it. {_TIMES}")
    until = _moment(words[1].removesuffix("z"), now)
    if not now < until <= now + LONGEST:
        when = "is over" if until <= now else "is more than a year away"
        raise UsageError(f"{until:%Y-%m-%d %H:%M} UTC {when}; it is {now.astimezone(UTC):%Y-%m-%d %H:%M} UTC. {_TIMES}")
    return until.replace(microsecond=until.microsecond // 1000 * 1000)


def _moment(word: str, now: datetime) -> datetime:
    if span := _SPAN.fullmatch(word):
        return now + timedelta(**{_UNITS[span[2]]: int(span[1])})
    try:
        if clock := _CLOCK.fullmatch(word):
            today = now.astimezone(UTC).replace(hour=int(clock[1]), minute=int(clock[2]), second=0, microsecond=0)
            return today if today > now else today + timedelta(days=1)
        if _MOMENT.fullmatch(word):
            return datetime.fromisoformat(word).replace(tzinfo=UTC)
    except ValueError:
        pass  # such as 25:00, or the 31st of November
    raise UsageError(f"'{word[:40]}' is not a time. {_TIMES}")


_TIMES = "A time is 2h, 14:30 or 2026-11-24T08:00, all in UTC."
