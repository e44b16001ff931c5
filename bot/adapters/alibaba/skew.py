"""How far the bot's clock is ahead of an endpoint's: pushes are dated by the one, and readings by the other."""

from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

TOLERATED = timedelta(seconds=5)
"""An answer tells whole seconds, and was on its way for some."""
BELIEVED = timedelta(minutes=15)
"""Calls signed further off than that are refused, so an answer that says so was kept by something on the way."""
NONE = timedelta(0)


class Skew:
    """Learns from the `Date` of every answer (RFC 9110, 6.6.1); knows of no difference before the first.

    `ahead` is negative where the bot's clock is behind.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._heard = ""
        self.ahead = NONE

    def hear(self, date: str | None) -> None:
        """Take in what an answer says the time is; one that says nothing, or nonsense, changes nothing.

        What was heard before may come from a cache, and says nothing new.
        """
        if not date or date == self._heard:
            return
        self._heard = date
        try:
            told = parsedate_to_datetime(date)
        except ValueError:
            return
        if told.tzinfo is None:
            return
        ahead = self._now() - told
        if abs(ahead) <= BELIEVED and abs(ahead - self.ahead) > TOLERATED:  # else it is the same, told again
            self.ahead = ahead if abs(ahead) > TOLERATED else NONE
