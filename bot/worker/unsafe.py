"""What cards show and a failover of Redis may lose, remembered by the process that drew it.

A process that is left behind on an old primary goes on drawing, perhaps over what another has drawn since from the new
one, and nothing there says so. So a drawing counts once the replicas have what it was drawn from. What they do not have
yet is asked about again at every look; as soon as they answer, or the store no longer knows it, the card is drawn anew.
"""

from collections.abc import Container
from contextlib import suppress

from bot.domain.operation import Operation, State
from bot.domain.plan import Kind
from bot.errors import BotError, StoreUnavailable
from bot.ports import WORD_DURABLE_WITHIN, Operations


class Unsafe:
    """The operations that this process has drawn since the replicas last answered for them."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations
        self._drawn: dict[str, Operation] = {}
        self._doubtful: set[str] = set()

    async def begin(self, operation: Operation) -> None:
        """Remember what is about to be drawn: whatever becomes of the call, Slack may show it."""
        self._drawn[operation.id] = operation
        self._doubtful.discard(operation.id)
        if operation.plan.kind is Kind.UNFREEZE and operation.state is State.DONE:
            await self._doubt(operation)

    def is_doubtful(self, operation: Operation) -> bool:
        """Tell whether what is about to be drawn says that a freeze is over which a failover of Redis may bring back.

        Who asks or votes is told that of their own word; a lift is the bot's word, on which everybody acts.
        """
        return operation.id in self._doubtful

    async def _doubt(self, operation: Operation) -> None:
        try:
            await self._operations.confirm(operation, WORD_DURABLE_WITHIN)
        except BotError:
            self._doubtful.add(operation.id)

    async def end(self, operation: Operation) -> None:
        """Forget what was drawn, if the replicas have what it was drawn from; else leave it to the next looks."""
        with suppress(BotError):
            await self._operations.confirm(operation, WORD_DURABLE_WITHIN)
            self._drawn.pop(operation.id, None)

    async def look_back(self, busy: Container[str]) -> None:
        """Have every card drawn again of which it is clear by now what the store has; those in hand wait."""
        for operation in [drawn for drawn in self._drawn.values() if drawn.id not in busy]:
            if not await self._is_settled(operation):
                self._drawn[operation.id] = self._drawn.pop(
                    operation.id, operation
                )  # behind the others, lest it hold them up
                return  # one wait for the replicas at each look is enough
            await self._operations.draw_again(operation.id)
            if self._drawn.get(operation.id) is operation:  # not drawn anew meanwhile
                del self._drawn[operation.id]

    async def _is_settled(self, operation: Operation) -> bool:
        try:
            await self._operations.confirm(operation, WORD_DURABLE_WITHIN)
        except StoreUnavailable:
            return False
        except BotError:
            return True  # it is lost, and the card shows it
        return True
