"""Ask for an operation and decide on it: people's words in, one committed state out."""

from dataclasses import replace
from datetime import datetime

from bot.domain.access import Act, Identity, Person
from bot.domain.draft import Draft
from bot.domain.freeze import scopes_of
from bot.domain.grammar import Wish, clean_reason
from bot.domain.operation import (
    Event,
    Operation,
    Progress,
    Requester,
    State,
    Verb,
    Vote,
    advance,
)
from bot.domain.plan import Verdict
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
from bot.ports import Commit, IndexMove, Ports
from bot.services.audit import entry
from bot.services.freezing import require_thawed, require_thawed_here
from bot.services.identity import IDENTITY_MAX_AGE, verified
from bot.services.marks import is_genuine_request, mark_request, mark_vote
from bot.services.planning import draft, sites_of

TRIES = 3
_ACTS = {Verb.APPROVE: Act.APPROVE, Verb.REJECT: Act.REJECT, Verb.CANCEL: Act.CANCEL}
_EVENTS = {Verb.APPROVE: Event.APPROVE, Verb.REJECT: Event.REJECT, Verb.CANCEL: Event.CANCEL}


async def propose(ports: Ports, wish: Wish, requester: Requester, channel: str) -> Operation | Draft:
    """Plan, and store the operation as PENDING; a NO-GO plan is returned as a Draft and nothing is stored.

    Raises Frozen, AlreadyOpen, NotMovable, UsageError or a ProviderError.
    """
    require_unfrozen(ports)
    # asked of the store before anything else, so that one that hangs is told at once and not after the planning
    await require_thawed(ports, sites_of(ports, wish))
    drafted = await draft(ports, wish)
    if drafted.plan.verdict is Verdict.NO_GO:
        return drafted
    await _warm_identities(ports, requester)
    return await _store(ports, drafted, wish, requester, channel)


async def cast_vote(
    ports: Ports, operation_id: str, verb: Verb, user_id: str, *, digest: str | None = None, reason: str = ""
) -> Operation:
    """Count one person's word on an operation, in one atomic step.

    `digest` is the plan that the person saw, where the message carried it. A repeat of the same word gives the same
    answer. Raises NotPermitted, InvalidTransition, RecordHeld, Frozen, OutOfTime or StoreUnavailable.
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
        raise Frozen(f"{why} Nothing can be requested, approved or executed. `/registry status` still answers.")
    if why := ports.store_trouble():
        raise StoreUnavailable(f"{why} Until then nothing can be requested or decided; `/registry status` answers.")


async def _store(ports: Ports, drafted: Draft, wish: Wish, requester: Requester, channel: str) -> Operation:
    for _ in range(TRIES):
        operation = _pending(ports, drafted, wish, requester, channel)
        try:
            stored = await ports.operations.commit(
                Commit(
                    operation,
                    attempt=ports.ids.token(),
                    audit=entry("requested", operation, requester.person, requester.user_id),
                    index=IndexMove.TAKE,
                    unless_frozen=scopes_of(operation.plan.away, operation.plan.to),
                    due_at=operation.expires_at,
                )
            )
        except VersionConflict:
            continue  # the random id is taken: draw another
        ports.wake()
        return stored
    raise Conflict("No free operation id was found. Ask again.")


def _pending(ports: Ports, drafted: Draft, wish: Wish, requester: Requester, channel: str) -> Operation:
    now = ports.clock.now()
    policy = ports.rules.access.policy
    operation = Operation(
        id=ports.ids.operation_id(drafted.plan.kind),
        plan=drafted.plan,
        state=State.PENDING,
        requester=requester,
        channel=channel,
        created_at=now,
        expires_at=now + policy.pending_for,
        reason=clean_reason(wish.reason),
        approvals_needed=policy.approvals,
        progress=tuple(Progress() for _ in drafted.plan.changes),
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
    person = ports.rules.access.authorize(identity, _ACTS[verb], operation.requester.person)
    if person is None:
        raise NotPermitted("E_NOT_APPROVER", "You are not in the people list of this registry.")
    if _has_said(operation, person, verb):
        return _said_before(operation)
    now = ports.clock.now()
    _require_open(operation, verb, digest, now)
    checked_at = identity.checked_at
    if verb is Verb.APPROVE:
        checked_at = min(checked_at, (await _require_same_ground(ports, operation)).checked_at)
    vote = _vote(ports, operation, verb, replace(identity, checked_at=checked_at), person, reason)
    return await _commit_vote(ports, operation, vote, now)


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
    require_thawed_here(ports, (operation.plan.away, operation.plan.to))
    if not is_genuine_request(ports, operation):
        raise NotPermitted(
            "E_REQUEST_FORGED",
            f"{operation.id} does not carry this bot's own mark for the person who asked. Cancel it and ask again; "
            "if the signing key was not changed, tell whoever looks after security here.",
        )
    requester = await verified(ports, operation.requester.user_id)
    ports.rules.access.authorize(requester, Act.REQUEST)
    if policy_hash_now(ports, operation) != operation.plan.policy_hash:
        raise NotPermitted(
            "E_POLICY_CHANGED", f"registry.yaml changed since {operation.id} was planned. Cancel it and plan again."
        )
    return requester


def policy_hash_now(ports: Ports, operation: Operation) -> str | None:
    """Return the policy hash that this plan would get today, or None when one of its sites is gone."""
    sites = ports.rules.topology.sites
    if operation.plan.away not in sites or operation.plan.to not in sites:
        return None
    return ports.rules.access.policy_hash((sites[operation.plan.away], sites[operation.plan.to]))


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
        unless_frozen=scopes_of(moved.plan.away, moved.plan.to) if vote.verb is Verb.APPROVE else (),
        unless_held=vote.verb is Verb.APPROVE,
        due_at=now if is_approved else None if moved.is_terminal else operation.expires_at,
    )
    try:
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
