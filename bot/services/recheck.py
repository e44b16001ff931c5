"""Everything checked again right before a claim: people, policy, approvals, values and verdict."""

import asyncio
from datetime import timedelta

from bot.domain.access import Act, Identity
from bot.domain.operation import Operation, Vote
from bot.domain.plan import Change, Effect, Plan
from bot.errors import BotError, NotPermitted, ProviderError
from bot.ports import Ports
from bot.services.planning import draft_for
from bot.services.requests import policy_hash_now

ASK_LIMIT = 1.0
"""Seconds for Slack's word on a person at the claim."""
STORED_CHECK_LASTS = timedelta(seconds=120)
"""How old the identity check stored with a vote may be when Slack does not answer at the claim."""


async def difference(ports: Ports, operation: Operation) -> str:
    """Return what differs from what was approved, as a sentence with both values, or nothing."""
    return await authority_lost(ports, operation) or await _ground_moved(ports, operation)


async def authority_lost(ports: Ports, operation: Operation) -> str:
    """Return why the approvals no longer count, or nothing."""
    now_hash = policy_hash_now(ports, operation)
    if now_hash != operation.plan.policy_hash:
        was, now = operation.plan.policy_hash[:12], (now_hash or "no such site")[:12]
        return f"registry.yaml changed since the plan (policy {was} then, {now} now)."
    wanted = ports.rules.access.policy.approvals
    genuine = [vote for vote in operation.approvals if _is_genuine(ports, operation, vote)]
    if len(genuine) < wanted:
        return f"{len(genuine)} of {wanted} approvals carry this bot's own mark (E_APPROVAL_FORGED)."
    return await _people_gone(ports, operation, genuine)


def _is_genuine(ports: Ports, operation: Operation, vote: Vote) -> bool:
    try:
        return ports.signer.verify(vote.mac, operation.id, vote.digest, vote.person, vote.verb)
    except NotPermitted:
        return False  # a key that nobody knows any more proves nothing


async def _people_gone(ports: Ports, operation: Operation, votes: list[Vote]) -> str:
    asker = operation.requester
    asked = [_person_gone(ports, vote.user_id, Act.APPROVE, asker.person, vote) for vote in votes]
    reasons = await asyncio.gather(_person_gone(ports, asker.user_id, Act.REQUEST, None, None), *asked)
    return next((reason for reason in reasons if reason), "")


async def _person_gone(ports: Ports, user_id: str, act: Act, requester: str | None, vote: Vote | None) -> str:
    try:
        identity = await _asked(ports, user_id)
        if identity is None:
            return _stored_check_fails(ports, user_id, act, requester, vote)
        person = ports.rules.access.authorize(identity, act, requester)
    except NotPermitted as error:
        return f"<@{user_id}> may no longer {act} this: {error} ({error.code})"
    if vote is not None and (person is None or person.name != vote.person):
        return f"<@{user_id}> is another person in registry.yaml than the one who approved."
    return ""


async def _asked(ports: Ports, user_id: str) -> Identity | None:
    try:
        async with asyncio.timeout(ASK_LIMIT):
            return await ports.identities.identity(user_id, timedelta(0))
    except (ProviderError, TimeoutError):
        return None  # the caller then goes by what Slack last said


def _stored_check_fails(ports: Ports, user_id: str, act: Act, requester: str | None, vote: Vote | None) -> str:
    """Judge by what Slack last said, while it says nothing now."""
    cached = ports.identities.cached(user_id)
    if cached is not None:
        # Raises for somebody who was deactivated before Slack fell silent.
        ports.rules.access.authorize(cached, act, requester)
    checked = [cached.checked_at] if cached else []
    checked += [vote.identity_checked_at] if vote else []
    if checked and ports.clock.now() - max(checked) <= STORED_CHECK_LASTS:
        return ""
    age = f"{STORED_CHECK_LASTS.total_seconds():g} s"
    return f"Slack does not confirm <@{user_id}>, and the last confirmation is more than {age} old."


async def _ground_moved(ports: Ports, operation: Operation) -> str:
    plan, topology = operation.plan, ports.rules.topology
    views = tuple(change.view for change in plan.changes)
    try:
        fresh = await draft_for(ports, topology.site(plan.away), topology.site(plan.to), plan.route, views)
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
    if old.verdict is not new.verdict:
        since = "; ".join(f.sentence for f in new.findings if f not in old.findings)
        return f"The verdict was {old.verdict}, now it is {new.verdict}: {since}"
    return _loss_grown(old, new)


def _loss_grown(old: Plan, new: Plan) -> str:
    """Return the losses that nobody accepted, because other ones gave the plan the same verdict."""
    accepted = {finding.code for finding in old.findings if finding.effect is Effect.LOSS}
    grown = [f.sentence for f in new.findings if f.effect is Effect.LOSS and f.code not in accepted]
    return f"What would be lost has grown since the plan: {'; '.join(grown)}" if grown else ""


def _changes_differ(was: Change, now: Change) -> str:
    if was.existing != now.existing:
        return (
            f"{was.view} held {was.existing.target}, now it holds {now.existing.target} (or its TTL, line or remark)."
        )
    if was.desired != now.desired:
        return f"The value to write was {was.desired.target}, now it would be {now.desired.target}."
    return f"The zone of {was.view} changed: {was.zone} then, {now.zone} now."
