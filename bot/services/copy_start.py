"""The buttons of an offer: whoever may ask for copies confirms it, once, or dismisses it."""

from dataclasses import dataclass, replace
from enum import StrEnum

import structlog

from bot.domain.access import Act, Person, lacking
from bot.domain.copy_job import CopyJob, Phase, Started, confirmation
from bot.domain.freeze import scopes_of
from bot.errors import Conflict, InvalidTransition, NotPermitted, VersionConflict
from bot.ports import Ports
from bot.services import copy_audit
from bot.services.copies_kept import being_copied
from bot.services.freezing import require_thawed
from bot.services.identity import verified
from bot.services.own_buttons import UNTRUSTED, carried, outlived, untrusted
from bot.services.requests import require_unfrozen

log = structlog.get_logger()
TRIES = 10
"""Each that fails lets one other press through: so many people may press so many offers in the same instant."""


class CopyVerb(StrEnum):
    """What a button of an offer does."""

    COPY = "copy"
    DISMISS = "dismiss"


@dataclass(frozen=True, slots=True)
class CopyPress:
    """A click as it came: what it carried, who pressed it, on which message."""

    verb: CopyVerb
    value: str
    user_id: str
    channel: str
    ts: str


def copy_button_values(ports: Ports, job: CopyJob) -> tuple[str, str]:
    """Return what the buttons of an offer carry: the one that begins it, and the one that puts it away."""
    return _value(ports, job, CopyVerb.COPY), _value(ports, job, CopyVerb.DISMISS)


def _value(ports: Ports, job: CopyJob, verb: CopyVerb) -> str:
    """Return verb, job, what it lists, and our code over them and the workspace."""
    mac = ports.signer.sign(ports.rules.access.workspace, job.id, verb, job.digest)
    return f"{verb}|{job.id}|{job.digest}|{mac}"


def is_confirmed(ports: Ports, job: CopyJob) -> bool:
    """Tell whether somebody has confirmed exactly this job, by a code whose key is not in the store."""
    if job.started is None:
        return False
    try:
        return ports.signer.verify(job.started.mac, *confirmation(job, ports.rules.access.workspace))
    except NotPermitted:
        return False  # the key is gone, so nobody can tell


async def decide(ports: Ports, pressed: CopyPress) -> CopyJob:
    """Carry out what a click stands for; of many clicks the first counts.

    Raises NotPermitted, InvalidTransition, Frozen or StoreUnavailable.
    """
    job_id, digest = _believed(ports, pressed)
    person = ports.rules.access.authorize(await verified(ports, pressed.user_id), Act.SYNC)
    if person is None:
        raise lacking(Act.SYNC)
    for _ in range(TRIES):
        job = await _open(ports, job_id, digest)
        _require_its_message(job, pressed)
        try:
            decided = await _decided(ports, job, pressed, person)
        except VersionConflict:
            continue
        ports.wake()
        return decided
    raise Conflict(f"Too many people press at once, so this was not counted. Look at {job_id}, then press again.")


async def _decided(ports: Ports, job: CopyJob, pressed: CopyPress, person: Person) -> CopyJob:
    job = replace(job, channel=pressed.channel, ts=pressed.ts)
    if pressed.verb is CopyVerb.DISMISS:
        ended = job.over(Phase.DISMISSED, ports.clock.now())
        entry = copy_audit.entry(copy_audit.DISMISSED, ended, person.name, pressed.user_id)
        return await ports.copies.save(ended, entry)
    require_unfrozen(ports)
    await require_thawed(ports, scopes_of(job.source, job.target))
    last = await ports.copies.last_started(job.source, job.target)
    await _require_free(ports, job)
    started = _signed(
        ports, replace(job, phase=Phase.RUNNING), Started(person.name, pressed.user_id, ports.clock.now())
    )
    entry = copy_audit.entry(copy_audit.STARTED, started, person.name, pressed.user_id)
    return await ports.copies.start(started, entry, after=last)


async def _require_free(ports: Ports, job: CopyJob) -> None:
    """Raise Conflict where another job copies any of these images: two offers may have listed them before.

    That this job does, because of a press at the same moment, is told when it is saved; and a job that is started
    after this look keeps the save from being made.
    """
    taken = await being_copied(ports, job.source, job.target)
    jobs = [taken[copy.image] for copy in job.copies if taken.get(copy.image, job.id) != job.id]
    if jobs:
        names, count = " and ".join(dict.fromkeys(jobs)), len(job.copies)
        some = f"{len(jobs):,} of " if len(jobs) < count else ""
        these = f"{some}these {count:,} images" if count > 1 else "this image"
        raise Conflict(
            f"Nothing was started: {names} copies {these} just now. Dismiss this offer; "
            f"`/registry sync {job.asked} from {job.source} to {job.target}` lists what is missing beside that."
        )


def _signed(ports: Ports, job: CopyJob, started: Started) -> CopyJob:
    named = replace(job, started=started, progressed_at=started.at)
    mac = ports.signer.sign(*confirmation(named, ports.rules.access.workspace))
    return replace(named, started=replace(started, mac=mac))


def _believed(ports: Ports, pressed: CopyPress) -> tuple[str, str]:
    """Return the job and the list that a button carries. Raises NotPermitted where we did not make it."""

    def signed(verb: str, job_id: str, digest: str) -> tuple[str, ...]:
        return (ports.rules.access.workspace, job_id, verb, digest)

    try:
        words = carried(ports, pressed.value, pressed.verb, 3, signed)
    except NotPermitted as unknown_key:
        raise outlived(unknown_key, "copied", "ask again with `/registry sync`") from None
    if words is None:
        log.error("alarm.untrusted_button", person=pressed.user_id, code=UNTRUSTED)
        ports.alarm("untrusted_button")
        raise untrusted("copied", "Tell whoever looks after security here; `/registry sync` asks anew.")
    return words[1], words[2]


def _require_its_message(job: CopyJob, pressed: CopyPress) -> None:
    """Raise NotPermitted for a press elsewhere; a message whose post was never answered is made known by its press."""
    if job.ts and (job.channel, job.ts) != (pressed.channel, pressed.ts):
        raise NotPermitted("E_OLD_CARD", f"This is not the message of {job.id}, so nothing was counted. Ask again.")


async def _open(ports: Ports, job_id: str, digest: str) -> CopyJob:
    job = await ports.copies.get(job_id)
    if job is None or job.digest != digest:
        raise NotPermitted("E_UNKNOWN_ACTION", f"{job_id} is not on record, so nothing is copied. Ask again.")
    if job.phase is not Phase.OFFERED:
        by = f" It was confirmed by <@{job.started.user_id}> at {job.started.at:%H:%M:%S} UTC." if job.started else ""
        then = (
            "Ask again to have images copied."
            if job.phase in (Phase.DISMISSED, Phase.EXPIRED)
            else "Its message shows how it goes."
        )
        raise InvalidTransition(f"{job.id} is already {job.phase}.{by} {then}")
    if ports.clock.now() >= job.expires_at:
        raise NotPermitted(
            "E_EXPIRED", f"{job.id} expired at {job.expires_at:%H:%M} UTC. Nothing is copied; ask again."
        )
    return job
