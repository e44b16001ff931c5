"""Tell what keeps the worker's loops from their work once, then ever more rarely with its count, and when it is over.

Ten loops need Redis, some of them every second: each telling for itself that it is silent would bury everything else
that the log has to say in that hour.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from bot.errors import BotError, stable_code
from bot.ports import Clock

log = structlog.get_logger()
AGAIN_AFTER = timedelta(seconds=5)
"""A trouble that goes on is told again after this, then after twice as long, and so on up to the longest pause."""
LONGEST_PAUSE = timedelta(minutes=1)
CALM = timedelta(seconds=10)
"""A trouble is over once nobody has met it for so long: one that comes and goes is one trouble."""
FORGOTTEN = timedelta(seconds=90)
"""A loop that turns rarely, and has met a trouble before this, does not keep it from being over."""
BUG = "bug"
"""The code of what no loop expects."""


@dataclass(slots=True)
class _Trouble:
    """One kind of trouble while it lasts: when it was met, by which loops, and how often since it was last told."""

    began: float
    tell_at: float
    pause: timedelta = AGAIN_AFTER
    met: float = 0.0
    untold: int = 0
    count: int = 0
    struck: set[str] = field(default_factory=set)
    failing: dict[str, float] = field(default_factory=dict)

    def meet(self, loop: str, now: float) -> None:
        self.struck.add(loop)
        self.failing[loop] = self.met = now
        self.untold += 1
        self.count += 1

    def is_over(self, now: float) -> bool:
        """Tell whether nobody has met it lately, and no loop that turns often is still in it."""
        lately = (since for since in self.failing.values() if now - since < FORGOTTEN.total_seconds())
        return now - self.met >= CALM.total_seconds() and not any(lately)


class Troubles:
    """What the loops of one worker meet, each kind by its code; `count` is told of every single time."""

    def __init__(self, clock: Clock, count: Callable[[str], None]) -> None:
        self._clock = clock
        self._count = count
        self._known: dict[str, _Trouble] = {}

    def failed(self, loop: str, error: Exception) -> None:
        """Take note that a loop could not do its work."""
        name = stable_code(error) if isinstance(error, BotError) else type(error).__name__
        self._count(name if isinstance(error, BotError) else BUG)
        now = self._clock.monotonic()
        trouble = self._known.setdefault(name, _Trouble(began=now, tell_at=now))
        trouble.meet(loop, now)
        if now >= trouble.tell_at:
            _tell(error, trouble.untold)
            trouble.untold, trouble.tell_at = 0, now + trouble.pause.total_seconds()
            trouble.pause = min(2 * trouble.pause, LONGEST_PAUSE)

    def worked(self, loop: str) -> None:
        """Take note that a loop did its work."""
        now = self._clock.monotonic()
        for name, trouble in list(self._known.items()):
            trouble.failing.pop(loop, None)
            if loop in trouble.struck and trouble.is_over(now):
                del self._known[name]
                lasted = round(trouble.met - trouble.began)
                log.info("worker.recovered", code=name, count=trouble.count, seconds=lasted)


def _tell(error: Exception, count: int) -> None:
    if isinstance(error, BotError):
        log.warning("worker.tick_failed", why=str(error), count=count)
    else:  # what a bug says of itself may hold anything
        log.error("worker.tick_broken", kind=type(error).__name__, count=count)
