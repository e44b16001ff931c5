"""Freeze at one person's word, and tell what is frozen.

A freeze is in force in this process before the store is asked, so whatever becomes of that call, it is not lost: what
the store did not take, or its replicas do not have, the worker writes down as soon as they answer.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog

from bot.domain.access import Act
from bot.domain.freeze import ALL, Freeze, Switches, lifting, stopping
from bot.domain.grammar import clean_reason
from bot.domain.operation import State
from bot.errors import AlreadyFrozen, Frozen, NotPermitted, StoreUnavailable, Unconfirmed
from bot.ports import Ports
from bot.services.audit import frozen
from bot.services.identity import verified

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Taken:
    """A freeze that is in force; `trouble` is why the store does not have it, so that others may not know.

    `doubt` is why a failover of the store may still lose it.
    """

    freeze: Freeze
    trouble: str = ""
    doubt: str = ""


async def freeze(
    ports: Ports, scope: str, person: str, user_id: str, until: datetime | None = None, reason: str = ""
) -> Taken:
    """Freeze `all` or one site on the word of one person with a role.

    Raises NotPermitted, or AlreadyFrozen where it is frozen for longer.
    """
    allowed = ports.rules.access.authorize(await verified(ports, user_id), Act.FREEZE)
    if allowed is None or allowed.name != person:
        raise NotPermitted("E_NOT_APPROVER", "You are not in the people list of this registry.")
    taken = Freeze(scope, person, user_id, _to_the_millisecond(ports.clock.now()), until, clean_reason(reason))
    return await _put(ports, taken, frozen(taken))


async def freeze_alone(ports: Ports, reason: str, entry: Mapping[str, str]) -> None:
    """Freeze everything on nobody's word, for a reason of the bot's own; lifting it takes two people as ever."""
    if await is_all_frozen(ports, "bot", reason):
        await ports.operations.record(entry)
        return
    taken = Freeze(ALL, "bot", "", _to_the_millisecond(ports.clock.now()), None, clean_reason(reason))
    try:
        await _put(ports, taken, entry)
    except AlreadyFrozen:
        await ports.operations.record(entry)


def of_new_store(now: datetime) -> tuple[Freeze, Mapping[str, str]]:
    """Return the freeze with which a store begins that no bot has used, and its audit entry.

    It may be the first day, or a Redis that lost everything, also that two people must lift a freeze; nobody can tell.
    """
    freeze = Freeze(ALL, "bot", "", _to_the_millisecond(now), None, _NEW_STORE)
    return freeze, frozen(freeze)


async def is_all_frozen(ports: Ports, person: str, reason: str) -> bool:
    """Tell whether all is frozen, without an end, by this person for this very reason.

    Whoever sees the same once more, a second bot or a second press, has no news: freezing anew would end what two
    people are about to lift, and tell everybody again.
    """
    try:
        freezes = await ports.operations.freezes()
    except StoreUnavailable:
        return False
    return _holds_all(freezes, person, reason)


def is_all_frozen_here(ports: Ports, person: str, reason: str) -> bool:
    """Tell whether this process keeps that freeze until the store has it for certain."""
    return _holds_all(ports.local_freezes.freezes(), person, reason)


def _holds_all(freezes: Iterable[Freeze], person: str, reason: str) -> bool:
    wanted = (ALL, person, None, clean_reason(reason))
    return wanted in [(known.scope, known.person, known.until, known.reason) for known in freezes]


async def _put(ports: Ports, taken: Freeze, entry: Mapping[str, str]) -> Taken:
    """Put a freeze in force here, then in the store."""
    ports.local_freezes.add(taken, entry)
    try:
        await ports.operations.freeze(taken, entry)
    except Unconfirmed as error:
        log.warning("freeze.unconfirmed", site=taken.scope, person=taken.person, why=str(error))
        ports.wake()
        return Taken(taken, doubt=str(error))
    except StoreUnavailable as error:
        log.warning("freeze.only_here", site=taken.scope, person=taken.person, why=str(error))
        return Taken(taken, trouble=str(error))
    except AlreadyFrozen:
        ports.local_freezes.drop(taken)
        raise
    ports.local_freezes.drop(taken)
    log.info("freeze.set", site=taken.scope, person=taken.person)
    ports.wake()
    return Taken(taken)


async def write_down(ports: Ports) -> None:
    """Give the store every freeze that it may not have. Raises StoreUnavailable while it does not answer."""
    lifted = await _lifted(ports)
    for waiting, entry in ports.local_freezes.waiting():
        if waiting not in lifted:  # the store had it after all, and two people have lifted it since
            try:
                await ports.operations.freeze(waiting, entry)
            except Unconfirmed as error:
                log.warning("freeze.unconfirmed", site=waiting.scope, person=waiting.person, why=str(error))
                continue
            except AlreadyFrozen:
                log.info("freeze.longer_already", site=waiting.scope)
                await ports.operations.record(entry)  # it was in force here
        ports.local_freezes.drop(waiting)


async def _lifted(ports: Ports) -> tuple[Freeze, ...]:
    """Return the freezes that people have lifted of late."""
    recent = await ports.operations.recent()
    return tuple(freeze for operation in recent if operation.state is State.DONE for freeze in operation.plan.lifts)


async def in_force(ports: Ports, scopes: Collection[str]) -> tuple[Freeze, ...]:
    """Return which of these scopes are frozen. Raises StoreUnavailable while nobody can tell."""
    return stopping((*_local(ports), *await ports.operations.freezes()), scopes)


async def switches(ports: Ports) -> Switches:
    """Return everything that may stop a write now; a store that does not say counts as frozen."""
    try:
        freezes = await ports.operations.freezes()
    except StoreUnavailable as error:
        return switches_here(ports, str(error))
    local = tuple(freeze for freeze in _local(ports) if freeze not in freezes)
    return Switches(freezes, local, ports.kill_switch())


def switches_here(ports: Ports, unknown: str) -> Switches:
    """Return what this process knows by itself, where the store does not say for this reason."""
    return Switches(local=_local(ports), switch=ports.kill_switch(), unknown=unknown)


async def require_thawed(ports: Ports, scopes: Collection[str]) -> None:
    """Raise Frozen while one of these scopes is frozen, StoreUnavailable while nobody can tell."""
    if found := await in_force(ports, scopes):
        why = f"{told(ports, found)} {lifting(found)}Until then nothing moves there; `/registry status` still answers."
        raise Frozen(why, [freeze.scope for freeze in found])


def require_thawed_here(ports: Ports, scopes: Collection[str]) -> None:
    """Raise Frozen while this process alone knows that one of these scopes is frozen."""
    if found := stopping(_local(ports), scopes):
        why = f"{told(ports, found)} Redis does not have it yet, so only this bot may know."
        raise Frozen(why, [freeze.scope for freeze in found])


def told(ports: Ports, freezes: Iterable[Freeze]) -> str:
    """Return what these freezes say, in sentences."""
    now = ports.clock.now()
    return " ".join(freeze.told(now) for freeze in freezes)


def _local(ports: Ports) -> tuple[Freeze, ...]:
    now = ports.clock.now()
    return tuple(freeze for freeze in ports.local_freezes.freezes() if not freeze.is_over(now))


def _to_the_millisecond(moment: datetime) -> datetime:
    """Return a moment as the store can keep it, so that what is read back equals what was written."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


_NEW_STORE = "No bot has used this Redis before: it is the first start, or what was frozen and open is lost"
