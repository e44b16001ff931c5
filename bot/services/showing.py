"""When a message that shows how something goes may be edited; its last word waits for nothing."""

from datetime import timedelta

from bot.domain.spacing import spacing
from bot.ports import Ports


class Showing:
    """One message of ours, of which the first frame is shown at this moment."""

    def __init__(self, ports: Ports, name: str) -> None:
        self._clock, self._all = ports.clock, ports.showing
        self._name = name
        self._all.add(name)
        self._since = self._edited_at = self._clock.monotonic()

    def take_turn(self, *, is_turn: bool = False) -> bool:
        """Tell whether it may be edited now, as it may at any `is_turn` of events; it counts as done then."""
        now = self._clock.monotonic()
        age, idle = (timedelta(seconds=now - then) for then in (self._since, self._edited_at))
        if idle < spacing(age, len(self._all)) and not is_turn:
            return False
        self._edited_at = now
        return True

    def end(self) -> None:
        """Leave its share to the others."""
        self._all.discard(self._name)
