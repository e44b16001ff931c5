"""WAIT: how the primary tells that its replicas have a write too.

It speaks of what its own connection did last, so it goes out right behind the write and never by itself: a connection
that wrote nothing is told at once that all is well (seen on 6.2). A write that finds everything as it should be is
therefore made once more, the same. The stream to a replica is one line, so whoever has a write has all before it.
"""

from dataclasses import dataclass
from datetime import timedelta

from bot.adapters.redis_link import Command
from bot.errors import Unconfirmed


@dataclass(frozen=True, slots=True)
class Wait:
    """So many replicas, and how long they are waited for; nobody is where there are none."""

    replicas: int
    within: timedelta | None

    @property
    def commands(self) -> tuple[Command, ...]:
        """Return what is sent behind a write, on its connection."""
        if not self.replicas or self.within is None:
            return ()
        return (("WAIT", self.replicas, int(self.within.total_seconds() * 1000)),)

    @property
    def patience(self) -> float:
        """Return the seconds that this may take on top of the write."""
        return self.within.total_seconds() if self.commands and self.within else 0.0

    def require(self, *replies: int) -> None:
        """Raise Unconfirmed where Redis counted fewer replicas than are wanted."""
        for count in replies:
            if count < self.replicas:
                raise Unconfirmed(
                    f"Only {count} of {self.replicas} Redis replicas have this after {self.patience:g} s "
                    "(E_STORE_NOT_DURABLE). Look after the replicas.",
                    code="E_STORE_NOT_DURABLE",
                )
