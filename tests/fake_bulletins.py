"""Open bulletins in memory."""

from bot.errors import StoreUnavailable
from bot.ports import OpenBulletin


class FakeBulletins:
    """What is open, by name; `down` makes every call fail."""

    def __init__(self) -> None:
        self.held: dict[str, OpenBulletin] = {}
        self.down: StoreUnavailable | None = None

    async def keep(self, bulletin: OpenBulletin) -> None:
        """Remember that it is open."""
        self._require_up()
        self.held[bulletin.name] = bulletin

    async def forget(self, bulletin: OpenBulletin) -> bool:
        """Remember it no more; False where it was not remembered."""
        self._require_up()
        return self.held.pop(bulletin.name, None) is not None

    async def open(self) -> tuple[OpenBulletin, ...]:
        """Return all that are open, the oldest first."""
        self._require_up()
        return tuple(sorted(self.held.values(), key=lambda bulletin: bulletin.begun_at))

    def _require_up(self) -> None:
        if self.down is not None:
            raise self.down
