"""The vendor as a history needs it: each write may fail in its own way, also take effect when nobody waits any more."""

from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from bot.domain.operation import HOLD
from bot.domain.plan import Change
from bot.domain.record import Record, Zone
from bot.errors import OutcomeUnknown, Refused, Throttled, Unreachable
from bot.ports import Clock, Written
from tests.fakes import FakePrivateZone


class Fault(StrEnum):
    """What becomes of one write."""

    REPLY_LOST = "reply lost"
    NEVER_ARRIVED = "never arrived"
    LATE = "late"
    REFUSED = "refused"
    THROTTLED = "throttled"


class Cloud(FakePrivateZone):
    """Zones and records; `undone` names what an earlier operation's late write undid."""

    def __init__(self, clock: Clock, records: tuple[Record, ...], zones: tuple[Zone, ...]) -> None:
        super().__init__(*records, zones=zones)
        self.faults: list[Fault] = []
        self.effects: dict[tuple[str, str], int] = {}
        """How often a write changed what its plan had seen."""
        self.changed: set[tuple[str, str]] = set()
        """Writes that changed anything, also what somebody had edited after the last look."""
        self._clock = clock
        self.undone: list[str] = []
        self._late: list[tuple[Change, str, datetime]] = []

    @property
    def has_late_writes(self) -> bool:
        """Tell whether some write may still take effect."""
        return bool(self._late)

    async def apply(self, change: Change, client_token: str) -> Written:
        """Rewrite the record in place, unless a fault says otherwise."""
        self.sent.append((change, client_token))
        fault = self.faults.pop(0) if self.faults else None
        match fault:
            case Fault.REFUSED:
                raise Refused("The account may not do this.", code="Forbidden")
            case Fault.THROTTLED:
                raise Throttled("Too many requests.")
            case Fault.LATE:
                self._late.append((change, client_token, self._clock.now() + HOLD))
            case None | Fault.REPLY_LOST:
                self._take_effect(change, client_token)
        if fault is not None:
            raise OutcomeUnknown("No answer came to the write.")
        return Written(f"request-{len(self.sent)}")

    def let_late_write_arrive(self) -> None:
        """Let the oldest late write take effect, unless it is older than a write can be."""
        change, token, until = self._late.pop(0)
        if self._clock.now() < until:
            self._take_effect(change, token)

    def go_dark(self) -> None:
        """Answer no more reads."""
        self.unreadable = Unreachable("The control plane does not answer.")

    def heal(self) -> None:
        """Be as before all faults."""
        self.faults.clear()
        self.unreadable = None

    def _take_effect(self, change: Change, token: str) -> None:
        record_id = change.existing.record_id
        held = self.held[record_id]
        if not held.agrees_with(change.desired):
            self.changed.add((token, record_id))
        if held.agrees_with(change.existing):
            self.effects[token, record_id] = self.effects.get((token, record_id), 0) + 1
        if self._is_undone_by(change):
            self.undone.append(record_id)
        self.held[record_id] = replace(change.desired)
        self.applied.append(change)

    def _is_undone_by(self, change: Change) -> bool:
        later = [applied for applied in self.applied if applied.existing.record_id == change.existing.record_id]
        return bool(later) and later[-1].existing == change.desired and later[-1].desired == change.existing
