"""Everything checked again right before a claim: people, policy, approvals, values and verdict."""

import asyncio
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from bot.domain.access import Act, Identity
from bot.domain.operation import Operation, Vote
from bot.domain.plan import Change, Effect, Plan, Verdict
from bot.domain.record import Record, Zone
from bot.errors import BotError, NotPermitted, ProviderError, Unreadable
from bot.ports import Ports
from bot.services import forgery
from bot.services.marks import is_genuine_request, is_genuine_vote, is_postdated
from bot.services.planning import draft_for
from bot.services.policies import policy_difference
from bot.services.requests import approving_act, asking_act

ASK_LIMIT = 1.0
"""Seconds for Slack's word on a person at the claim."""
STORED_CHECK_LASTS = timedelta(seconds=120)
"""How old the identity check stored with a vote may be when Slack does not answer at the claim."""
_SEVERITY = (Verdict.GO, Verdict.GO_WITH_LOSS, Verdict.NO_GO)
"""A plan that turns out better than it was approved may go on; a worse one may not."""


@dataclass(frozen=True, slots=True)
class Recheck:
    """What a second look found: a `difference` in a sentence with both values, or nothing; what people should know."""

    difference: str = ""
    notes: tuple[str, ...] = ()


async def recheck(ports: Ports, operation: Operation) -> Recheck:
    """Check everything again before the first claim. Raises Unreadable while a value cannot be read."""
    authority = await recheck_authority(ports, operation)
    if authority.difference:
        return authority
    return replace(authority, difference=await _ground_moved(ports, operation))


async def recheck_authority(ports: Ports, operation: Operation) -> Recheck:
    """Check again whether the approvals count, as before every claim."""
    if difference := policy_difference(ports, operation):
        return Recheck(difference)
    if not is_genuine_request(ports, operation):
        return await _unmarked(ports, operation, "E_REQUEST_FORGED", "The request does not carry this bot's own mark")
    wanted = ports.rules.access.policy.approvals
    genuine = [vote for vote in operation.approvals if is_genuine_vote(ports, operation, vote)]
    if len(genuine) < wanted:
        what = f"{len(genuine)} of {wanted} approvals carry this bot's own mark"
        return await _unmarked(ports, operation, "E_APPROVAL_FORGED", what)
    if is_postdated(ports, operation):
        return await _unmarked(ports, operation, "E_APPROVAL_FORGED", "The approval is older than it claims to be")
    if await forgery.is_put_back(ports, operation, genuine):
        return Recheck("It had ended before, and was put back in Redis (E_APPROVAL_FORGED).")
    return await _recheck_people(ports, _named(operation, genuine))


async def _unmarked(ports: Ports, operation: Operation, code: str, what: str) -> Recheck:
    is_forged = await forgery.is_reported(ports, operation, code)
    return Recheck(f"{what} ({code}). Somebody writes to Redis." if is_forged else forgery.OUTLIVED)


@dataclass(frozen=True, slots=True)
class _Named:
    """Somebody on whose word the operation rests, and when Slack last confirmed them for it."""

    user_id: str
    person: str
    act: Act
    requester: str | None
    checked_at: datetime


def _named(operation: Operation, votes: list[Vote]) -> list[_Named]:
    asker = operation.requester
    # a vote stores the older of both people's checks, so it speaks for the requester too
    confirmed = max(vote.identity_checked_at for vote in votes)
    approving = approving_act(operation.plan)
    approvers = [_Named(v.user_id, v.person, approving, asker.person, v.identity_checked_at) for v in votes]
    return [_Named(asker.user_id, asker.person, asking_act(operation.plan), None, confirmed), *approvers]


async def _recheck_people(ports: Ports, people: list[_Named]) -> Recheck:
    found = await asyncio.gather(*(_recheck_person(ports, named) for named in people))
    notes = tuple(dict.fromkeys(note for one in found for note in one.notes))
    return Recheck(next((one.difference for one in found if one.difference), ""), notes)


async def _recheck_person(ports: Ports, named: _Named) -> Recheck:
    try:
        identity = await _asked(ports, named.user_id)
        if identity is None:
            return _by_stored_check(ports, named)
        person = ports.rules.access.authorize(identity, named.act, named.requester)
    except NotPermitted as error:
        return Recheck(f"<@{named.user_id}> may no longer {named.act} this: {error} ({error.code})")
    if person is None or person.name != named.person:
        return Recheck(f"<@{named.user_id}> is another person in registry.yaml than when this was decided.")
    return Recheck()


async def _asked(ports: Ports, user_id: str) -> Identity | None:
    try:
        async with asyncio.timeout(ASK_LIMIT):
            return await ports.identities.identity(user_id, timedelta(0))
    except (ProviderError, TimeoutError):
        return None  # the caller then goes by what Slack last said


def _by_stored_check(ports: Ports, named: _Named) -> Recheck:
    """Judge by what Slack last said, while it says nothing now."""
    cached = ports.identities.cached(named.user_id)
    if cached is not None:
        # Raises for somebody who was deactivated before Slack fell silent.
        ports.rules.access.authorize(cached, named.act, named.requester)
    checked_at = max(named.checked_at, cached.checked_at) if cached else named.checked_at
    if ports.clock.now() - checked_at <= STORED_CHECK_LASTS:
        answer = f"its answer of {checked_at:%H:%M:%S} UTC stood"
        return Recheck(notes=(f"Slack did not confirm <@{named.user_id}> right before the write; {answer}.",))
    age = f"{STORED_CHECK_LASTS.total_seconds():g} s"
    return Recheck(f"Slack does not confirm <@{named.user_id}>, and the last confirmation is more than {age} old.")


async def _ground_moved(ports: Ports, operation: Operation) -> str:
    plan, topology = operation.plan, ports.rules.topology
    views = tuple(change.view for change in plan.changes)
    try:
        fresh = await draft_for(ports, topology.site(plan.away), topology.site(plan.to), plan.route, views)
    except Unreadable:
        raise
    except BotError as error:
        return str(error)
    return _plans_differ(plan, fresh.plan)


def _plans_differ(old: Plan, new: Plan) -> str:
    now_planned = {change.view: change for change in new.changes}
    for was in old.changes:
        now = now_planned.get(was.view)
        if now is None:
            return f"{was.view} held {was.existing.target}, now it holds {was.desired.target} already."
        if was != now:
            return _changes_differ(was, now)
    if _SEVERITY.index(new.verdict) > _SEVERITY.index(old.verdict):
        since = " ".join(f.sentence for f in new.findings if f not in old.findings)
        return f"The verdict was {old.verdict}, now it is {new.verdict}: {since}"
    return _loss_grown(old, new)


def _loss_grown(old: Plan, new: Plan) -> str:
    """Return the losses that nobody accepted, because other ones gave the plan the same verdict."""
    accepted = {finding.code for finding in old.findings if finding.effect is Effect.LOSS}
    grown = [f.sentence for f in new.findings if f.effect is Effect.LOSS and f.code not in accepted]
    return f"What would be lost has grown since the plan: {' '.join(grown)}" if grown else ""


def _changes_differ(was: Change, now: Change) -> str:
    if was.existing.target != now.existing.target:
        return f"{was.view} held {was.existing.target}, now it holds {now.existing.target}."
    if was.existing != now.existing:
        return f"The `@` record of {was.view} changed: {_fields(was.existing, now.existing)}."
    if was.desired != now.desired:
        return f"The value to write was {was.desired.target}, now it would be {now.desired.target} (E_POLICY_CHANGED)."
    return f"The zone of {was.view} changed: {_fields(was.zone, now.zone)}."


def _fields(was: Record | Zone, now: Record | Zone) -> str:
    """Name what differs between two readings, with both values."""
    before, after = asdict(was), asdict(now)
    return ", ".join(f"{name} was {before[name]}, now {after[name]}" for name in before if before[name] != after[name])
