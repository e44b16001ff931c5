"""Bugs put in on purpose, one or more for each invariant: what no history finds of these, it would not find at all.

Each bends what the bots and the desk are given, never the judge and never what the world really does. Those that the
simulated worlds are tried with are used here too.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from bot.domain.access import Access, Identity, People, Person
from bot.domain.operation import Operation
from bot.domain.plan import Change
from bot.domain.record import Record
from bot.domain.topology import Site
from bot.errors import OutcomeUnknown, Refused
from bot.ports import Ports, Written
from bot.services.recheck import Recheck
from tests.machine.company import ON_CALL_ELSEWHERE
from tests.simulation import planted as simulated
from tests.simulation.planted import Bent, bend
from tests.simulation.world import Planted


class _UnderTheOldHash(Access):
    """Goes by other rules than those by whose hash plans are made."""

    true: Access

    def policy_hash(self, sites: Iterable[Site]) -> str:
        return self.true.policy_hash(sites)


def _obey(how: Callable[[Access], Access]) -> Planted:
    """Let bots and desk go by other people or rules, without a hash that tells."""

    def alter(ports: Ports) -> Ports:
        true = ports.rules.access
        bent = how(true)
        lenient = _UnderTheOldHash(bent.workspace, bent.people, bent.policy)
        object.__setattr__(lenient, "true", true)
        return replace(ports, rules=replace(ports.rules, access=lenient))

    return Planted(alter=alter)


def _one_is_enough(access: Access) -> Access:
    return replace(access, policy=replace(access.policy, approvals=1))


def _an_account_is_a_person(access: Access) -> Access:
    known = access.people.persons
    others = tuple(replace(p, slack=tuple(i for i in p.slack if i != ON_CALL_ELSEWHERE)) for p in known)
    roles = next((p.roles for p in known if ON_CALL_ELSEWHERE in p.slack), frozenset())
    return replace(access, people=People((*others, Person("somebody else", (ON_CALL_ELSEWHERE,), roles))))


class _TakesAllForActive(Bent):
    """Sees nobody deactivated."""

    async def identity(self, user_id: str, max_age: timedelta) -> Identity:
        found: Identity = await self.port.identity(user_id, max_age)
        return replace(found, is_deleted=False)

    def cached(self, user_id: str) -> Identity | None:
        found: Identity | None = self.port.cached(user_id)
        return found and replace(found, is_deleted=False)


class _SeesNoDifference(Bent):
    """Shows at every later look what was there when the zone was listed."""

    def __init__(self, port: Any) -> None:
        super().__init__(port)
        self._listed: dict[str, Record] = {}

    async def records(self, zone_id: str) -> tuple[Record, ...]:
        found: tuple[Record, ...] = await self.port.records(zone_id)
        self._listed |= {record.record_id: record for record in found}
        return found

    async def record(self, record_id: str) -> Record:
        found: Record = await self.port.record(record_id)
        return self._listed.get(record_id, found)

    async def apply(self, change: Change, token: str) -> Written:
        self._listed.pop(change.existing.record_id, None)
        return await self.port.apply(change, token)  # type: ignore[no-any-return]


class _BelievesWhatItSent(Bent):
    """Shows what was sent instead of what is there."""

    def __init__(self, port: Any) -> None:
        super().__init__(port)
        self._sent: dict[str, Record] = {}

    async def record(self, record_id: str) -> Record:
        found: Record = await self.port.record(record_id)
        return self._sent.get(record_id, found)

    async def apply(self, change: Change, token: str) -> Written:
        self._sent[change.existing.record_id] = change.desired
        return await self.port.apply(change, token)  # type: ignore[no-any-return]


class _StartsOver(Bent):
    """Puts back by another way what a write without an answer did, so that it is sent anew."""

    async def apply(self, change: Change, token: str) -> Written:
        try:
            return await self.port.apply(change, token)  # type: ignore[no-any-return]
        except OutcomeUnknown:
            was = change.existing
            self.port.edit(was.record_id, type=was.type, value=was.value)
            raise


class _TakesSilenceForRefusal(Bent):
    """Takes a write for refused when no answer came."""

    async def apply(self, change: Change, token: str) -> Written:
        try:
            return await self.port.apply(change, token)  # type: ignore[no-any-return]
        except OutcomeUnknown as error:
            raise Refused(str(error), code="Silence") from None


class _OverlooksFreezes(Bent):
    """Sees no freeze, so that only the first claim meets one."""

    async def freezes(self) -> tuple[()]:
        return ()


async def _ask_nobody(_ports: Ports, _operation: Operation) -> Recheck:
    return Recheck()


@dataclass(frozen=True, slots=True)
class Bug:
    """A planted bug, and the invariants of which one must be found broken."""

    planted: Planted
    breaks: tuple[str, ...]


def _as_simulated(name: str, *breaks: str) -> Bug:
    return Bug(simulated.BUGS[name].planted, breaks)


def _constant(module: str, name: str, value: object) -> Planted:
    return Planted(constants=((module, name, value),))


BUGS = {
    "one approval is enough": Bug(_obey(_one_is_enough), ("I1",)),
    "a second account counts as a second person": Bug(_obey(_an_account_is_a_person), ("I1",)),
    "a deactivated account counts": Bug(bend("identities", _TakesAllForActive), ("I1",)),
    "a write without an answer is undone and sent anew": Bug(bend("zones", _StartsOver), ("I2",)),
    "a claim never runs out": _as_simulated("a claim never runs out", "I3"),
    "the audit leaves something out": _as_simulated("the audit leaves something out", "I4"),
    "a write shortens the TTL": _as_simulated("a write shortens the TTL", "I5"),
    "a write goes to another record": _as_simulated("a write goes to another record", "I6"),
    "a difference is not seen": Bug(bend("zones", _SeesNoDifference), ("I8",)),
    "an ended operation is decided again": _as_simulated("an ended operation is decided again", "I9"),
    "freezes are not asked for": _as_simulated("freezes are not asked for", "I10"),
    "a freeze stops first claims only": Bug(bend("operations", _OverlooksFreezes), ("I10",)),
    "a send may come at any time": _as_simulated("a send may come at any time", "I10"),
    "people and policy are not asked again at a takeover": Bug(
        _constant("bot.services.execution", "recheck_authority", _ask_nobody), ("I1", "I10")
    ),
    "what was sent is taken for what is there": Bug(bend("zones", _BelievesWhatItSent), ("P5",)),
    "silence counts as a refusal": Bug(bend("zones", _TakesSilenceForRefusal), ("P5",)),
}
