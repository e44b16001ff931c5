"""What was done to a record lately, and what that says against doing something to it again."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

HOUR = timedelta(hours=1)
MANY_CHANGES = 3


@dataclass(frozen=True, slots=True)
class Move:
    """One executed change: which record went from which site to which, and when."""

    record_id: str
    away: str
    to: str
    at: datetime


def taken_back(moves: Iterable[Move], away: str, to: str, now: datetime, within: timedelta) -> str:
    """Warn of undoing what was done a moment ago: pulls of a record that goes to and fro fail in between."""
    ago = _last((move for move in moves if (move.away, move.to) == (to, away)), now, within)
    return f"This takes back a move from {to} to {away} that was made only {ago} ago." if ago else ""


def repeated(moves: Iterable[Move], away: str, to: str, now: datetime, within: timedelta) -> str:
    """Warn of doing again what was done a moment ago, as to records that somebody or something has put back since."""
    ago = _last((move for move in moves if (move.away, move.to) == (away, to)), now, within)
    if not ago:
        return ""
    return f"This repeats a move from {away} to {to} that was made only {ago} ago: find out who put the record back."


def _last(moves: Iterable[Move], now: datetime, within: timedelta) -> str:
    """Return how long ago the last of these was, empty where that is no less than `within`."""
    age = min((now - move.at for move in moves), default=within)
    if age >= within:
        return ""
    minutes = int(age.total_seconds() // 60)
    return f"{minutes} min" if minutes else "seconds"


def changed_often(moves: Iterable[Move], names: Mapping[str, str], now: datetime) -> str:
    """Warn of records that were changed again and again; `names` are what people call them, by id."""
    lately = [move.record_id for move in moves if now - move.at < HOUR]
    often = {name: lately.count(record) for record, name in names.items() if lately.count(record) >= MANY_CHANGES}
    if not often:
        return ""
    told = "; ".join(f"the record of {name} was changed {count} times" for name, count in often.items())
    return f"Within the last hour {told}: find out why before it is changed once more."
