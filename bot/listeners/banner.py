"""What is frozen, told beside every answer to a member, and no answer waits long for it."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from bot import messages
from bot.domain.freeze import Switches
from bot.ports import Message, Ports
from bot.services.freezing import switches, switches_here
from bot.tasks import Tasks

WITHIN = timedelta(seconds=0.3)
"""How long an answer waits for the word of what is frozen, after its own words are there."""
FRESH = timedelta(seconds=1)
"""How long one look serves answers that do not begin one: a flood of them costs Redis a call a second."""


@dataclass(frozen=True, slots=True)
class Look:
    """One question to the store; `turns` is how often the freezes of this process had changed when it was asked."""

    found: "asyncio.Task[Switches]"
    turns: int
    at: float


class Banner:
    """Looks what is frozen, and says it beside an answer; whoever is not let in is told nothing of it."""

    def __init__(self, ports: Ports, tasks: Tasks) -> None:
        self._ports = ports
        self._tasks = tasks
        self._last: Look | None = None

    def look(self) -> Look:
        """Ask the store what is frozen, while the answer is made."""
        found = self._tasks.start(switches(self._ports), "freezes")
        self._last = Look(found, self._ports.local_freezes.turns, self._ports.clock.monotonic())
        return self._last

    async def found(self, look: Look) -> Switches:
        """Return what a look has found, however long that takes."""
        await asyncio.wait([look.found])
        return self._seen(look)

    async def beside(self, message: Message, look: Look, told: Collection[str] = ()) -> Message:
        """Return an answer that tells what is frozen, but for what its own words have `told`."""
        if not self._is_of_now(look):
            look = self.look()
        await asyncio.wait([look.found], timeout=WITHIN.total_seconds())
        return messages.with_banner(message, self._seen(look).besides(told))

    async def beside_refusal(self, message: Message) -> Message:
        """Return the same for an answer before which nobody looked; many of them share one look."""
        last = self._last
        is_fresh = last and self._ports.clock.monotonic() - last.at < FRESH.total_seconds()
        return await self.beside(message, last if last and is_fresh else self.look())

    def at_once(self, message: Message) -> Message:
        """Return the same for an answer that cannot wait any more."""
        last = self._last
        found = self._seen(last) if last and self._is_of_now(last) else self._unanswered()
        return messages.with_banner(message, found)

    def _is_of_now(self, look: Look) -> bool:
        """Tell whether nobody has frozen here since: what was seen may have been on its way to the store."""
        return self._ports.local_freezes.turns == look.turns

    def _seen(self, look: Look) -> Switches:
        is_known = look.found.done() and not look.found.cancelled() and look.found.exception() is None
        return look.found.result() if is_known else self._unanswered()

    def _unanswered(self) -> Switches:
        return switches_here(self._ports, "Redis did not answer in time.")
