"""Look at what an ended operation left: its records, and for pulls CONVERGED by DNS, CONFIRMED by who answers.

These are observations: they never change the state. What nobody can see from here is said to be not observed.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.drift import close_until
from bot.domain.observation import CONFIRMED, CONVERGED, Observation, Observed
from bot.domain.operation import Operation, Progress, State
from bot.domain.plan import Change
from bot.domain.snapshot import Answer
from bot.domain.topology import Route
from bot.errors import ProviderError
from bot.ports import Commit, Ports
from bot.services.finishing import move
from bot.services.guarding import guarded_changes, may_rest, read_records, tell_news

LOOK_EVERY = timedelta(seconds=5)
LOOK_SELDOM = timedelta(seconds=55)
"""After the close look, while a record is away from home or DNS is still waited for; with the scan, within a minute."""
GRACE = timedelta(seconds=30)
"""Added to the longest time for which the VPC resolver may still give the old answer."""
SHORTEST_CACHE = 10
"""Seconds; a standard zone's resolver caches at least this long, whatever the TTL (PrivateZone documentation)."""


async def watch(ports: Ports, operation: Operation, _owner: str) -> None:
    """Take one look at the records of an ended operation and at what DNS makes of them; only news is stored."""
    indexes = await guarded_changes(ports, operation)
    readings = await read_records(ports, operation, indexes)
    operation = await tell_news(ports, operation, readings)
    moved = await _look_at_pulls(ports, operation)
    if not _is_waiting(moved) and await may_rest(ports, moved, readings, indexes):
        await _end_watch(ports, operation, moved, indexes)
    elif _outcomes(moved) == _outcomes(operation):
        await ports.operations.postpone_step(operation.id, _next_look(ports, operation))
    else:
        await ports.operations.commit(replace(_observed(ports, operation, moved), due_at=_next_look(ports, operation)))


async def _look_at_pulls(ports: Ports, operation: Operation) -> Operation:
    """Look at every change of a finished operation whose observations are not settled yet."""
    moved = operation
    for index in range(len(operation.plan.changes)) if operation.state is State.DONE else ():
        if not operation.is_change_observed(index):
            moved = await _look(ports, moved, index)
    return moved


def _is_waiting(operation: Operation) -> bool:
    return operation.state is State.DONE and not operation.is_observed


async def _end_watch(ports: Ports, operation: Operation, moved: Operation, indexes: tuple[int, ...]) -> None:
    """Leave the records to whoever moves them next."""
    has_news = _outcomes(moved) != _outcomes(operation)
    last = _observed(ports, operation, moved) if has_news else move(ports, moved, "watch ended", operation.state)
    records = tuple(operation.plan.record_ids[index] for index in indexes)
    await ports.operations.commit(replace(last, leave=records, is_news=has_news))


def _observed(ports: Ports, operation: Operation, moved: Operation) -> Commit:
    return move(ports, moved, "observed", operation.state)


def _next_look(ports: Ports, operation: Operation) -> datetime:
    now = ports.clock.now()
    return now + (LOOK_EVERY if now < close_until(operation) else LOOK_SELDOM)


def watch_until(operation: Operation) -> datetime:
    """Return when the last look is due: by then every resolver has let go of the old value."""
    pairs = zip(operation.plan.changes, operation.progress, strict=True)
    return max(_deadline(change, progress) for change, progress in pairs)


def _deadline(change: Change, progress: Progress) -> datetime:
    if progress.applied_at is None:
        raise ValueError("only an applied change is watched")
    is_fast = change.zone.dns_group == "FAST_ZONE"
    cached = timedelta(0) if is_fast else timedelta(seconds=max(change.existing.ttl, SHORTEST_CACHE))
    return progress.applied_at + cached + GRACE


def _outcomes(operation: Operation) -> set[tuple[str, int, Observed]]:
    return {(o.name, o.change, o.outcome) for o in operation.observations}


async def _look(ports: Ports, operation: Operation, index: int) -> Operation:
    operation, dial = await _converged(ports, operation, index)
    return operation if dial is None else await _confirmed(ports, operation, index, dial)


async def _converged(ports: Ports, operation: Operation, index: int) -> tuple[Operation, str | None]:
    """Ask the view's own resolver; returns where its pulls go now, or None while it shows the old value."""
    change = operation.plan.changes[index]
    if not operation.progress[index].is_vantage or change.view.resolver is None:
        sentence = f"No resolver of {', '.join(change.view.vpcs)} can be asked from here."
        return _noted(ports, operation, CONVERGED, index, Observed.NOT_OBSERVED, sentence), change.desired.value
    try:
        answer = await ports.resolver.resolve(change.view.domain, change.view.resolver)
    except ProviderError as error:
        return _not_yet(ports, operation, CONVERGED, index, str(error)), None
    if not answer.shows(change.desired):
        seen = ", ".join(answer.names or answer.addresses) or "nothing"
        return _not_yet(ports, operation, CONVERGED, index, f"The resolver still answers {seen}."), None
    if not answer.addresses:
        sentence = f"The resolver answers {change.desired.value}, but no address for it."
        return _not_yet(ports, operation, CONVERGED, index, sentence), None
    sentence = f"DNS in {', '.join(change.view.vpcs)} answers {change.desired.target}."
    return _noted(ports, operation, CONVERGED, index, Observed.OK, sentence), answer.addresses[0]


async def _confirmed(ports: Ports, operation: Operation, index: int, dial: str) -> Operation:
    """Ask `/v2/` under the custom name and compare the instance that it names."""
    plan, change = operation.plan, operation.plan.changes[index]
    if plan.route is Route.INTERNAL and ports.rules.topology.bot_vpc not in change.view.vpcs:
        sentence = f"The bot runs outside {', '.join(change.view.vpcs)} and cannot try its private route."
        return _noted(ports, operation, CONFIRMED, index, Observed.NOT_OBSERVED, sentence)
    expected = ports.rules.topology.site(plan.to).instance
    answer = await ports.data_plane.challenge(change.view.domain, dial)
    if isinstance(answer, Answer) and answer.instance_id == expected:
        sentence = f"{expected} answers `/v2/` under {change.view.domain}."
        return _noted(ports, operation, CONFIRMED, index, Observed.OK, sentence)
    if isinstance(answer, Answer):
        named = answer.instance_id or "no instance"
        return _not_yet(ports, operation, CONFIRMED, index, f"{named} answers `/v2/` instead of {expected}.")
    return _not_yet(ports, operation, CONFIRMED, index, f"{plan.to} does not answer `/v2/`: {answer.reason}.")


def _not_yet(ports: Ports, operation: Operation, name: str, index: int, sentence: str) -> Operation:
    """Wait until the deadline, then call it failed; what hangs on it fails with it."""
    change, progress = operation.plan.changes[index], operation.progress[index]
    is_late = ports.clock.now() >= _deadline(change, progress)
    outcome = Observed.FAILED if is_late else Observed.WAITING
    operation = _noted(ports, operation, name, index, outcome, sentence)
    if name is CONVERGED and is_late:
        operation = _noted(ports, operation, CONFIRMED, index, Observed.NOT_OBSERVED, "DNS did not converge first.")
    return operation


def _noted(ports: Ports, operation: Operation, name: str, index: int, outcome: Observed, sentence: str) -> Operation:
    before = next((o for o in operation.observations if (o.name, o.change) == (name, index)), None)
    if before is not None and before.outcome is outcome:
        return operation
    return operation.with_observation(Observation(name, index, outcome, sentence, ports.clock.now()))
