"""Keep an eye on the kill switch: write down what the store missed, and have open cards redrawn when it changes."""

from bot import messages
from bot.domain.freeze import Switches
from bot.domain.operation import Operation
from bot.ports import Ports
from bot.services import freezing
from bot.services.survey import RECENT_OPERATIONS


class FreezeKeeper:
    """Knows what was frozen when it last looked, and whether all open cards say so."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._seen: Switches | None = None
        self._is_settled = False

    @property
    def seen(self) -> Switches:
        """Return what was frozen at the last look; at once."""
        return self._seen or Switches()

    def banner(self, operation: Operation) -> str:
        """Return what an operation's card must say of it."""
        return messages.banner(messages.relevant(operation, self.seen))

    async def tick(self) -> None:
        """Look once. Raises StoreUnavailable while the store does not answer."""
        found = await freezing.switches(self._ports)
        if not found.unknown and self._ports.local_freezes.waiting():  # also one that is over, or in store already
            await freezing.write_down(self._ports)
            found = await freezing.switches(self._ports)
        if found != self._seen:
            self._seen, self._is_settled = found, False
        if not self._is_settled:
            self._is_settled = not await self._mark_behind()

    async def _mark_behind(self) -> int:
        """Have every open card redrawn that says something else; return how many there are."""
        recent = await self._ports.operations.recent(RECENT_OPERATIONS)
        behind = [operation for operation in recent if not operation.is_terminal and await self._is_behind(operation)]
        for operation in behind:
            await self._ports.operations.draw_again(operation.id)
        return len(behind)

    async def _is_behind(self, operation: Operation) -> bool:
        card = await self._ports.operations.card(operation.id)
        return card is not None and card.banner != self.banner(operation)
