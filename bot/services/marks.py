"""This bot's own marks on requests and votes: their key is not in the store, so writing there approves nothing."""

from dataclasses import replace
from datetime import UTC, timedelta

from bot.domain.operation import Operation, Requester, State, Vote
from bot.errors import NotPermitted
from bot.ports import Ports
from bot.services.identity import IDENTITY_MAX_AGE

CLOCK_SET = timedelta(seconds=30)
"""By how much a clock may be set between a look at a person and the vote that rests on it."""


def mark_request(ports: Ports, operation: Operation) -> Operation:
    """Mark who asked for exactly this plan."""
    mac = ports.signer.sign(*_request_parts(ports, operation))
    return replace(operation, requester=replace(operation.requester, mac=mac))


def mark_vote(ports: Ports, operation: Operation, vote: Vote) -> Vote:
    """Mark a vote with all that the claim will later rest on."""
    return replace(vote, mac=ports.signer.sign(*_vote_parts(ports, operation, vote)))


def is_genuine_request(ports: Ports, operation: Operation) -> bool:
    """Tell whether this bot stored this requester for this plan."""
    return _verified(ports, operation.requester.mac, _request_parts(ports, operation))


def is_genuine_vote(ports: Ports, operation: Operation, vote: Vote) -> bool:
    """Tell whether this bot counted this vote."""
    return _verified(ports, vote.mac, _vote_parts(ports, operation, vote))


def is_postdated(ports: Ports, operation: Operation) -> bool:
    """Tell whether an approval is dated later than its marked votes: an old decision was written into the store again.

    No mark covers the time of the approval itself, which the last vote sets, but it covers when that vote's people were
    looked at, and that is never longer ago than a vote allows.
    """
    looked_at = [vote.identity_checked_at for vote in operation.approvals if is_genuine_vote(ports, operation, vote)]
    return bool(looked_at) and operation.decided_at - max(looked_at) > IDENTITY_MAX_AGE + CLOCK_SET


def is_forged(ports: Ports, operation: Operation) -> bool:
    """Tell whether somebody else wrote a mark or a decision into the store; a key changed since then proves nothing."""
    if is_postdated(ports, operation):
        return True
    votes = operation.approvals
    is_unvoted = operation.state is not State.PENDING and len(votes) < ports.rules.access.policy.approvals
    marks = [(operation.requester.mac, _request_parts(ports, operation))]
    marks += [(vote.mac, _vote_parts(ports, operation, vote)) for vote in votes]
    return is_unvoted or any(_is_foreign(ports, mac, parts) for mac, parts in marks)


def _is_foreign(ports: Ports, mac: str, parts: tuple[str, ...]) -> bool:
    try:
        return not ports.signer.verify(mac, *parts)
    except NotPermitted:
        return False


def _verified(ports: Ports, mac: str, parts: tuple[str, ...]) -> bool:
    try:
        return ports.signer.verify(mac, *parts)
    except NotPermitted:
        return False  # a key that nobody knows any more proves nothing


def _request_parts(ports: Ports, operation: Operation) -> tuple[str, ...]:
    asker: Requester = operation.requester
    workspace = ports.rules.access.workspace
    return ("request", workspace, operation.id, operation.plan.digest, asker.person, asker.user_id)


def _vote_parts(ports: Ports, operation: Operation, vote: Vote) -> tuple[str, ...]:
    checked_at = vote.identity_checked_at.astimezone(UTC).isoformat()
    asker, workspace = operation.requester.person, ports.rules.access.workspace
    return ("vote", workspace, operation.id, vote.digest, asker, vote.person, vote.user_id, vote.verb, checked_at)
