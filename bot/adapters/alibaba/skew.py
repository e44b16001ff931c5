"""How far the bot's clock is ahead of the vendor's: what was read is dated by both, and must not be dated too late."""

from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

TOLERATED = timedelta(seconds=5)
"""An answer tells whole seconds, and was on its way for some."""
NONE = timedelta(0)


class Skew:
    """Learns from the `Date` of every answer (RFC 9110, 6.6.1); knows of no difference before the first."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._heard = ""
        self.ahead = NONE

    def hear(self, date: str | None) -> None:
        """Take in what an answer says the time is; one that says nothing, or nonsense, changes nothing."""
        if not date or date == self._heard:
            return
        self._heard = date
        try:
            told = parsedate_to_datetime(date)
        except ValueError:
            return
        ahead = self._now() - told if told.tzinfo else NONE
        if abs(ahead - self.ahead) > TOLERATED:  # else it is the same, told by another answer
            self.ahead = ahead if ahead > TOLERATED else NONE
