"""How fast one person may act: a hand on a button is slower than this, a stuck client or a script is not."""

from collections import deque
from datetime import timedelta

from bot.errors import UserError
from bot.listeners.deliveries import Delivery
from bot.listeners.refusals import Refusals
from bot.ports import Ports
from bot.tasks import Tasks

DECISIONS = 5
REQUESTS = 20
"""Within the window. Typing a request again is human; asking for many at once is met elsewhere, by the hour."""
WINDOW = timedelta(seconds=10)
_SWEEP_ABOVE = 500
"""People remembered before those who are quiet again are forgotten."""


class TooFast(UserError):
    """This person acts faster than a person does."""

    code = "E_TOO_FAST"


class Pace:
    """Counts what each person does; whoever is above the limit costs neither Slack nor Redis a call."""

    def __init__(self, ports: Ports, tasks: Tasks, refusals: Refusals, *, most: int) -> None:
        self._most = most
        self._ports = ports
        self._tasks = tasks
        self._refusals = refusals
        self._acts: dict[str, deque[float]] = {}
        self._refused: dict[str, int] = {}

    def excess(self, delivery: Delivery, verb: str) -> int:
        """Return 0 for an act that may go on, else how many this person has been refused in this flood."""
        who = self._who(delivery)
        now = self._ports.clock.monotonic()
        self._forget(now)
        acts = self._acts.setdefault(who, deque(maxlen=self._most))
        if len(acts) < self._most or now - acts[0] >= WINDOW.total_seconds():
            acts.append(now)
            return 0
        self._refused[who] = self._refused.get(who, 0) + 1
        if self._refused[who] == 1:
            self._tasks.start(self._report(delivery, verb, who), "audit.flood")
        return self._refused[who]

    def _who(self, delivery: Delivery) -> str:
        """Name the human, so that two accounts of one have one limit."""
        user_id = delivery.visitor.user_id
        person = self._ports.rules.access.people.person(user_id)
        return person.name if person else user_id

    async def _report(self, delivery: Delivery, verb: str, who: str) -> None:
        """Write one line for a whole flood, when its window is over or this process stops."""
        try:
            await self._ports.clock.sleep(WINDOW.total_seconds())
        finally:
            count = self._refused.pop(who, 0)
            await self._refusals.note_flood(delivery, verb, TooFast.code or "", count)

    def _forget(self, now: float) -> None:
        if len(self._acts) > _SWEEP_ABOVE:
            latest = now - WINDOW.total_seconds()
            self._acts = {who: acts for who, acts in self._acts.items() if acts and acts[-1] > latest}


TOO_FAST = TooFast(
    f"This came too soon after many others, so it was not looked at and nothing was counted. Wait {WINDOW.seconds} "
    "seconds, see what is shown by then, and try again if it is still needed."
)
