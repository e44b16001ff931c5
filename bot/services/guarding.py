"""Look after the records of an ended operation: whatever they hold that it did not leave is told and never overwritten.

One read of each record a look. Who changed it is asked of the change log only when there is news.
"""

import asyncio
from dataclasses import replace
from datetime import timedelta

import structlog

from bot.domain.drift import attributed, close_until, explaining, left_by, news, watched_changes
from bot.domain.operation import Operation, State
from bot.domain.record import ChangeLogLine, Record, folded
from bot.domain.sighting import Sight, Sighting
from bot.errors import Gone, ProviderError
from bot.ports import Ports
from bot.services import memory
from bot.services.audit import cleaned, entry
from bot.services.finishing import move

log = structlog.get_logger()
CLOCKS_APART = timedelta(minutes=2)
"""How far the vendor's clock may be from ours: the change log is read from that much earlier on."""
_ALARMS = {Sight.FOREIGN: "record_changed", Sight.LATE: "late_write"}
_WRITING = {State.APPLYING, State.VERIFYING}

Readings = dict[int, Record | None]
"""What was read now, by change; None for a record that is gone, nothing for one that could not be read."""


async def guarded_changes(ports: Ports, operation: Operation) -> tuple[int, ...]:
    """Return the changes whose records no newer operation has taken over."""
    indexes = watched_changes(operation)
    claims = await asyncio.gather(*(ports.operations.claims(operation.plan.record_ids[i]) for i in indexes))
    return tuple(i for i, claim in zip(indexes, claims, strict=True) if claim.watched_by in (None, operation.id))


async def read_records(ports: Ports, operation: Operation, indexes: tuple[int, ...]) -> Readings:
    """Read each record once; one that cannot be read now is read at the next look."""
    found = await asyncio.gather(*(_read(ports, operation.plan.record_ids[index]) for index in indexes))
    return {index: record for index, record in zip(indexes, found, strict=True) if not isinstance(record, str)}


async def tell_news(ports: Ports, operation: Operation, readings: Readings) -> Operation:
    """Store what the readings add to what is known, each with its audit entry; returns the operation as it is then."""
    for index, record in readings.items():
        seen = news(operation, index, record, ports.clock.now())
        if seen is not None and not await _is_being_written(ports, operation, index):
            operation = await _store(ports, operation, await _attributed(ports, operation, seen, record))
    return operation


async def may_rest(ports: Ports, operation: Operation, readings: Readings, indexes: tuple[int, ...]) -> bool:
    """Tell whether nothing is left to watch for: the close look is over, and every record holds its home value."""
    if not indexes:
        return True
    if ports.clock.now() < close_until(operation):
        return False
    return all([await _is_home(ports, operation, index, readings.get(index)) for index in indexes])


async def _read(ports: Ports, record_id: str) -> Record | str | None:
    try:
        return await ports.zones.record(record_id)
    except Gone:
        return None
    except ProviderError as error:
        return str(error)


async def _is_being_written(ports: Ports, operation: Operation, index: int) -> bool:
    """Tell whether the value may be the work of a newer operation, which then speaks for the record.

    Asked after the reading: what a newer operation wrote, it wrote after its claim.
    """
    claims = await ports.operations.claims(operation.plan.record_ids[index])
    if claims.watched_by not in (None, operation.id):
        return True
    if claims.open_by in (None, operation.id):
        return False
    return (await ports.operations.get(claims.open_by)).state in _WRITING


async def _attributed(ports: Ports, operation: Operation, seen: Sighting, record: Record | None) -> Sighting:
    if seen.sight is Sight.RESTORED:
        return seen
    lines = await _change_log(ports, operation, seen)
    return attributed(seen, explaining(lines, left_by(operation, seen.change), record))


async def _change_log(ports: Ports, operation: Operation, seen: Sighting) -> tuple[ChangeLogLine, ...]:
    """Return what the change log says since the last news; a log that may not be read says nothing."""
    progress, change = operation.progress[seen.change], operation.plan.changes[seen.change]
    told = [before.at for before in operation.sightings if before.change == seen.change]
    since = max(told, default=progress.applied_at or operation.decided_at)
    try:
        return await ports.zones.changes(change.zone.zone_id, since - CLOCKS_APART)
    except ProviderError as error:
        log.warning("change_log.unread", operation=operation.id, why=str(error))
        return ()


async def _store(ports: Ports, operation: Operation, seen: Sighting) -> Operation:
    change = operation.plan.changes[seen.change]
    moved = replace(operation, sightings=(*operation.sightings, seen))
    told = {"record": change.existing.record_id, "holds": seen.holds, "by": seen.person, "told": seen.sentence}
    plain = move(ports, moved, seen.sight, operation.state)
    audit = {**entry(seen.sight, moved, "", "", before=operation.state), **cleaned(told)}
    # due at once: the same look goes on and sets the next one
    stored = await ports.operations.commit(replace(plain, audit=audit, due_at=ports.clock.now()))
    if seen.sight is not Sight.RESTORED:
        ports.alarm(_ALARMS[seen.sight])
        log.warning("record.astray", operation=operation.id, record=change.existing.record_id, kind=str(seen.sight))
    return stored


async def _is_home(ports: Ports, operation: Operation, index: int, record: Record | None) -> bool:
    """Tell whether a record holds a value of its own site, by the last endpoints known of it."""
    view = operation.plan.changes[index].view
    site = ports.rules.topology.sites.get(view.site)
    if record is None or site is None:
        return site is None  # nobody asks for a site any more that registry.yaml does not name
    endpoints = await memory.last_endpoints(ports, site.instance)
    return endpoints is not None and folded(record.value) in endpoints.addresses()
