"""A bot's way to cloud and store, watched: what it claimed, what it looked at since, what it sends."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.domain.operation import Operation
from bot.domain.plan import Change
from bot.domain.record import Record
from bot.ports import Clock, Commit, Ports, Written
from tests.machine.judge import Judge, Sender
from tests.simulation.planted import Bent


class Moment(StrEnum):
    """Where in a step something may come between: the places that the guards stand behind."""

    CLAIMING = "claiming"
    CLAIMED = "claimed"
    LOOKING = "looking"
    LOOKED = "looked"
    SENT = "sent"


@dataclass
class Witness:
    """Stands between one bot and the world, and tells the judge; it bends nothing."""

    judge: Judge
    clock: Clock
    sender: Sender = field(default_factory=Sender)
    _moment: Moment | None = None
    _act: Callable[[], Awaitable[None]] | None = None
    has_claimed: bool = False

    def expect(self, moment: Moment, act: Callable[[], Awaitable[None]]) -> None:
        """Let this happen once, when the bot comes to this moment of a claim."""
        self._moment, self._act, self.has_claimed = moment, act, False

    def forget(self) -> None:
        """Expect nothing any more, after the step: what happened in it excuses no other."""
        self._moment = self._act = None
        self.sender.excuses.clear()

    async def come_to(self, moment: Moment) -> None:
        """Let happen what was to happen at this moment; reads count from the claim on."""
        is_it = moment is self._moment and (self.has_claimed or moment is Moment.CLAIMING)
        if is_it and self._act is not None:
            act, self._act = self._act, None
            await act()

    def stand_before(self, ports: Ports) -> Ports:
        """Return the same ports, watched."""
        return replace(ports, zones=_Zones(ports.zones, self), operations=_Operations(ports.operations, self))


class _Watched(Bent):
    def __init__(self, port: Any, witness: Witness) -> None:
        super().__init__(port)
        self._witness = witness


class _Zones(_Watched):
    async def record(self, record_id: str) -> Record:
        """Note what was shown."""
        await self._witness.come_to(Moment.LOOKING)
        record: Record = await self.port.record(record_id)
        self._witness.sender.look(record, self._witness.clock.now())
        await self._witness.come_to(Moment.LOOKED)
        return record

    async def apply(self, change: Change, token: str) -> Written:
        """Let the judge see the write."""
        witness = self._witness
        await witness.judge.judge_write(change, token, witness.sender)
        try:
            written: Written = await self.port.apply(change, token)
        finally:
            await witness.come_to(Moment.SENT)
        return written


class _Operations(_Watched):
    async def commit(self, commit: Commit) -> Operation:
        """Note a claim."""
        begun: datetime = self._witness.clock.now()
        is_claim = commit.audit.get("event") == "claimed"
        if is_claim:
            await self._witness.come_to(Moment.CLAIMING)
        stored: Operation = await self.port.commit(commit)
        if is_claim and stored.lease is not None:
            self._witness.has_claimed = True
            self._witness.sender.claim(stored, begun)
            await self._witness.come_to(Moment.CLAIMED)
        return stored
