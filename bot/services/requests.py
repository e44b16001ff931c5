"""Ask for an operation and decide on it: people's words in, one committed state out."""

from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from bot.domain.access import Act, Identity, Person
from bot.domain.draft import Draft
from bot.domain.freeze import ALL, scopes_of
from bot.domain.grammar import Wish, clean_reason
from bot.domain.operation import Event, Operation, Progress, Requester, State, Verb, Vote, advance
from bot.domain.plan import Kind, Plan, Verdict
from bot.domain.topology import Site
from bot.errors import (
    Conflict,
    Frozen,
    InvalidTransition,
    NotPermitted,
    OutOfTime,
    ProviderError,
    StoreUnavailable,
    VersionConflict,
)
from bot.ports import WORD_DURABLE_WITHIN, Commit, IndexMove, Ports
from bot.services import forgery
from bot.services.audit import blocked, entry
from bot.services.freezing import require_thawed, require_thawed_here
from bot.services.identity import IDENTITY_MAX_AGE, verified
from bot.services.marks import mark_request, mark_vote
from bot.services.moderation import require_closed, require_moderation
from bot.services.planning import draft, sites_of, views_of
from bot.services.safekeeping import keeping_request, keeping_vote

TRIES = 3
_ACTS = {Verb.REJECT: Act.REJECT, Verb.CANCEL: Act.CANCEL}
_EVENTS = {Verb.APPROVE: Event.APPROVE, Verb.REJECT: Event.REJECT, Verb.CANCEL: Event.CANCEL}


async def propose(ports: Ports, wish: Wish, requester: Requester, channel: str) -> Operation | Draft:
    """Plan, and store the operation as PENDING; a NO-GO plan is returned as a Draft and nothing is stored.

    Raises Frozen, AlreadyOpen, NotMovable, UsageError or a ProviderError.
    """
    require_unfrozen(ports)
    # asked of the store before anything else, so that one that hangs is told at once and not after the planning
    await require_thawed(ports, scopes_of(*sites_of(ports, wish)))
    await require_closed(ports, views_of(ports, wish))
    await require_moderation(ports, requester)
    drafted = await draft(ports, wish)
    if drafted.plan.verdict is Verdict.NO_GO:
        with suppress(StoreUnavailable):  # people must hear what is wrong, whatever becomes of the entry
            await ports.operations.record(blocked(drafted.plan, requester, channel))
        return drafted
    return await store_request(ports, drafted.plan, requester, channel, wish.reason, drafted.only)


async def cast_vote(
    ports: Ports, operation_id: str, verb: Verb, user_id: str, *, digest: str | None = None, reason: str = ""
) -> Operation:
    """Count one person's word on an operation, in one atomic step.

    `digest` is the plan that the person saw, where the message carried it. A repeat of the same word gives the same
    answer. Raises NotPermitted, InvalidTransition, RecordHeld, Frozen, OutOfTime or StoreUnavailable; Unconfirmed where
    the word was counted, but a failover of Redis may still lose it.
    """
    for _ in range(TRIES):
        operation = await ports.operations.get(operation_id)
        try:
            return await _vote_once(ports, operation, verb, user_id, digest, reason)
        except VersionConflict:
            continue
    raise Conflict(f"{operation_id} is being changed by several people at once. Look at its card, then try again.")


def require_unfrozen(ports: Ports) -> None:
    """Raise Frozen while this process's kill switch is on, StoreUnavailable while its Redis cannot be trusted."""
    if why := ports.kill_switch():
        stopped = "Nothing can be requested, approved or executed until whoever runs this bot ends that"
        raise Frozen(f"{why} {stopped}; `/registry status` still answers.", [why])
    if why := ports.store_trouble():
        raise StoreUnavailable(f"{why} Until then nothing can be requested or decided; `/registry status` answers.")


async def store_request(
    ports: Ports, plan: Plan, requester: Requester, channel: str, reason: str, only: str = ""
) -> Operation:
    """Store a plan as PENDING, once Slack confirms who asks.

    Raises AlreadyOpen, Frozen or NotPermitted; Unconfirmed where it was stored, but a failover may still lose it.
    """
    await _warm_identities(ports, requester)
    for _ in range(TRIES):
        operation = replace(_pending(ports, plan, requester, channel, reason), only=only)
        try:
            with keeping_request(ports, operation.id):
                stored = await ports.operations.commit(_asking(ports, operation))
        except VersionConflict:
            continue  # the random id is taken: draw another
        ports.wake()
        return stored
    raise Conflict("No free operation id was found. Ask again.")


def _asking(ports: Ports, operation: Operation) -> Commit:
    return Commit(
        operation,
        attempt=ports.ids.token(),
        audit=entry("requested", operation, operation.requester.person, operation.requester.user_id),
        index=IndexMove.TAKE,
        unless_frozen=operation.plan.stopped_by,
        due_at=operation.expires_at,
        durable_within=WORD_DURABLE_WITHIN,
    )


def _pending(ports: Ports, plan: Plan, requester: Requester, channel: str, reason: str) -> Operation:
    now = ports.clock.now()
    policy = ports.rules.access.policy
    operation = Operation(
        id=ports.ids.operation_id(plan.kind),
        plan=plan,
        state=State.PENDING,
        requester=requester,
        channel=channel,
        created_at=now,
        expires_at=now + policy.pending_for,
        reason=clean_reason(reason),
        approvals_needed=policy.approvals,
        progress=tuple(Progress() for _ in plan.changes),
    )
    return mark_request(ports, operation)


async def _warm_identities(ports: Ports, requester: Requester) -> None:
    """Ask about the requester now, so that an approver's click finds a fresh answer."""
    try:
        await ports.identities.identity(requester.user_id, IDENTITY_MAX_AGE)
    except ProviderError as error:
        raise NotPermitted("E_IDENTITY_UNVERIFIED", f"Slack does not confirm who you are: {error}") from None


async def _vote_once(
    ports: Ports, operation: Operation, verb: Verb, user_id: str, digest: str | None, reason: str
) -> Operation:
    identity = await verified(ports, user_id)
    person = ports.rules.access.authorize(identity, _act(operation.plan, verb), operation.requester.person)
    if person is None:
        raise NotPermitted("E_NOT_APPROVER", "You are not in the people list of this registry.")
    if _has_said(operation, person, verb):
        with keeping_vote(ports, operation.id, verb):  # it may not have been safe when it was said first
            await ports.operations.confirm(operation, WORD_DURABLE_WITHIN)
        return _said_before(operation)
    now = ports.clock.now()
    _require_open(operation, verb, digest, now)
    checked_at = identity.checked_at
    if verb is Verb.APPROVE:
        checked_at = min(checked_at, (await _require_same_ground(ports, operation)).checked_at)
    vote = _vote(ports, operation, verb, replace(identity, checked_at=checked_at), person, reason)
    return await _commit_vote(ports, operation, vote, now)


def asking_act(plan: Plan) -> Act:
    """Return what whoever asked for a plan must be allowed."""
    return Act.FREEZE if plan.kind is Kind.UNFREEZE else Act.REQUEST


def approving_act(plan: Plan) -> Act:
    """Return what whoever approves a plan must be allowed."""
    return Act.LIFT if plan.kind is Kind.UNFREEZE else Act.APPROVE


def _act(plan: Plan, verb: Verb) -> Act:
    return approving_act(plan) if verb is Verb.APPROVE else _ACTS[verb]


def _has_said(operation: Operation, person: Person, verb: Verb) -> bool:
    return any(vote.person == person.name and vote.verb is verb for vote in operation.votes)


def _said_before(operation: Operation) -> Operation:
    """Let a repeated word count as the first, while it still says all there is to say."""
    if operation.state is State.PENDING:
        return operation
    raise InvalidTransition(_already(operation))


def _require_open(operation: Operation, verb: Verb, digest: str | None, now: datetime) -> None:
    if digest is not None and digest != operation.plan.digest:
        raise NotPermitted("E_PLAN_CHANGED", f"That button belongs to another plan than {operation.id} holds now.")
    if operation.state is State.PENDING and now >= operation.expires_at:
        raise NotPermitted("E_EXPIRED", _expired(operation))
    # the table decides; asking it here gives the person the outcome instead of a version conflict
    try:
        advance(operation, _EVENTS[verb], now)
    except InvalidTransition:
        raise InvalidTransition(_already(operation)) from None


def _expired(operation: Operation) -> str:
    return f"{operation.id} expired at {operation.expires_at:%H:%M} UTC. Nothing was changed. Start a new request."


def _already(operation: Operation) -> str:
    decided = [f"{vote.verb}: <@{vote.user_id}> at {vote.at:%H:%M:%S} UTC" for vote in operation.votes]
    story = f" ({'; '.join(decided)})" if decided else ""
    return f"{operation.id} is already {operation.state}{story}. {operation.outcome}".strip()


async def _require_same_ground(ports: Ports, operation: Operation) -> Identity:
    """Return the requester as Slack confirms them now. Raises when an approval could not be acted upon."""
    require_unfrozen(ports)
    require_thawed_here(ports, operation.plan.stopped_by)
    await forgery.require_own_request(ports, operation)
    requester = await _requester_again(ports, operation)
    if policy_hash_now(ports, operation) != operation.plan.policy_hash:
        raise NotPermitted(
            "E_POLICY_CHANGED", f"registry.yaml changed since {operation.id} was planned. Cancel it and plan again."
        )
    return requester


async def _requester_again(ports: Ports, operation: Operation) -> Identity:
    """Return who asked, if they still may; whoever approves must not take a refusal to be about themselves."""
    asker = operation.requester.user_id
    try:
        ports.rules.access.authorize(requester := await verified(ports, asker), asking_act(operation.plan))
    except NotPermitted as error:
        who = f"<@{asker}>, who asked for {operation.id}, stands in the way"
        why = f"{who}: {error} Press again in a moment, or have somebody else ask."
        raise NotPermitted(error.code, why) from None
    return requester


def policy_hash_now(ports: Ports, operation: Operation) -> str | None:
    """Return the policy hash that this plan would get today, or None when one of its sites is gone."""
    sites = involved_sites(ports, operation.plan)
    return None if sites is None else ports.rules.access.policy_hash(sites)


def involved_sites(ports: Ports, plan: Plan) -> tuple[Site, ...] | None:
    """Return the sites whose configuration a plan rests on, or None when one of them is gone."""
    known = ports.rules.topology.sites
    if plan.kind is Kind.UNFREEZE:
        return tuple(site for site in known.values() if plan.away in (ALL, site.name))
    names = (plan.away, plan.to)
    return tuple(known[name] for name in names) if all(name in known for name in names) else None


def _vote(ports: Ports, operation: Operation, verb: Verb, identity: Identity, person: Person, reason: str) -> Vote:
    vote = Vote(
        person=person.name,
        user_id=identity.user_id,
        verb=verb,
        digest=operation.plan.digest,
        at=ports.clock.now(),
        identity_checked_at=identity.checked_at,
        reason=clean_reason(reason),
    )
    return mark_vote(ports, operation, vote)


async def _commit_vote(ports: Ports, operation: Operation, vote: Vote, now: datetime) -> Operation:
    moved = operation.with_vote(vote)
    is_enough = vote.verb is not Verb.APPROVE or len(moved.approvals) >= ports.rules.access.policy.approvals
    if is_enough:
        moved = advance(moved, _EVENTS[vote.verb], now, _outcome(vote))
    is_approved = moved.state is State.APPROVED
    commit = Commit(
        moved,
        attempt=ports.ids.token(),
        audit=entry(vote.verb, moved, vote.person, vote.user_id, before=operation.state),
        not_after=operation.expires_at if operation.state is State.PENDING else None,
        index=IndexMove.RELEASE if moved.is_terminal else IndexMove.KEEP,
        unless_frozen=moved.plan.stopped_by if vote.verb is Verb.APPROVE else (),
        unless_held=vote.verb is Verb.APPROVE,
        due_at=now if is_approved else None if moved.is_terminal else operation.expires_at,
        durable_within=WORD_DURABLE_WITHIN,
    )
    try:
        with keeping_vote(ports, operation.id, vote.verb):
            stored = await ports.operations.commit(commit)
    except OutOfTime:
        raise NotPermitted("E_EXPIRED", _expired(operation)) from None
    ports.wake()
    return stored


def _outcome(vote: Vote) -> str:
    said = {Verb.REJECT: "Rejected", Verb.CANCEL: "Cancelled"}.get(vote.verb)
    if said is None:
        return ""
    because = f": {vote.reason}" if vote.reason else ""
    return f"{said} by <@{vote.user_id}>{because}. Nothing was changed."
