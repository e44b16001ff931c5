"""What an audit entry says, so that an auditor needs the trail alone: no document of Redis, no message of Slack.

An entry of a move is appended in the same step as the move. Values are short lines without control characters and
credentials; what nobody said is left out.
"""

from collections.abc import Iterable, Mapping

from bot import __version__
from bot.domain.chain import Damage
from bot.domain.freeze import ALL, Freeze
from bot.domain.grammar import clean_line
from bot.domain.operation import Operation, Requester, State, SubState, Verb
from bot.domain.plan import Change, Effect, Plan

REQUESTED, CLAIMED, OBSERVED, REFUSED = "requested", "claimed", "observed", "refused"
FROZEN, UNFROZEN, REWOUND = "frozen", "unfrozen", "rewound"
LONGEST = 500
LONGEST_LIST = 4000
"""Characters of what would change: a plan of a dozen records fits."""
_LISTS = {"changes", "findings", "requests", "observations"}


def entry(event: str, operation: Operation, person: str, user_id: str, before: State | None = None) -> dict[str, str]:
    """Describe one move of an operation: who, what, from, to, on exactly which plan, and what belongs to the event."""
    said = {
        "event": str(event),
        "operation": operation.id,
        "person": person,
        "user": user_id,
        "before": str(before or ""),
        "after": str(operation.state),
        "digest": operation.plan.digest,
        "policy": operation.plan.policy_hash,
        "requests": " ".join(i for progress in operation.progress for i in progress.request_ids),
    }
    if operation.is_terminal and before is not operation.state:
        said["outcome"] = operation.outcome
    return {"before": "", **cleaned(said | _particulars(event, operation, person))}


def refused(
    person: str, user_id: str, verb: str, code: str, *, channel: str = "", operation: str = "", count: int = 1
) -> dict[str, str]:
    """Describe that somebody was refused something; `count` refusals may share one entry."""
    return cleaned(
        {
            "event": REFUSED,
            "operation": operation,
            "person": person,
            "user": user_id,
            "verb": verb,
            "code": code,
            "channel": channel,
            "count": str(count),
        }
    )


def blocked(plan: Plan, requester: Requester, channel: str) -> dict[str, str]:
    """Describe that somebody asked for what the plan itself speaks against, and by which findings."""
    said = refused(requester.person, requester.user_id, "failover", "E_NO_GO", channel=channel)
    against = ", ".join(f.code for f in plan.findings if f.effect is Effect.BLOCKS)
    return said | cleaned({"away": plan.away, "to": plan.to, "findings": against})


def frozen(freeze: Freeze) -> dict[str, str]:
    """Describe a freeze: who, what, until when, why."""
    return cleaned(
        {
            "event": FROZEN,
            "person": freeze.person,
            "user": freeze.user_id,
            "scope": freeze.scope,
            "frozen_at": freeze.at.isoformat(timespec="milliseconds"),
            "until": freeze.until.isoformat(timespec="seconds") if freeze.until else "",
            "reason": freeze.reason,
        }
    )


def forged(operation: Operation, code: str, sentence: str) -> dict[str, str]:
    """Describe that everything was frozen because the store holds what this bot never stored."""
    said = {"event": FROZEN, "operation": operation.id, "person": "bot", "scope": ALL, "code": code, "reason": sentence}
    return cleaned(said)


def rewound(damage: Damage, mac: str) -> dict[str, str]:
    """Describe that the trail is not what it was; the code keeps anybody else from calling a damage known."""
    return cleaned(
        {"event": REWOUND, "person": "bot", "scope": ALL, "damage": damage.name, "why": damage.sentence, "mac": mac}
    )


def cleaned(entry: Mapping[str, str]) -> dict[str, str]:
    """Make every value a short, harmless line, and leave out those that say nothing."""
    lines = {name: clean_line(value, LONGEST_LIST if name in _LISTS else LONGEST) for name, value in entry.items()}
    return {name: line for name, line in lines.items() if line}


def _particulars(event: str, operation: Operation, person: str) -> dict[str, str]:
    if event == REQUESTED:
        return _request(operation)
    if event in tuple(Verb):
        return _vote(operation, person, Verb(event))
    if event == CLAIMED:
        return _claim(operation)
    return _observations(operation) if event == OBSERVED else {}


def _request(operation: Operation) -> dict[str, str]:
    plan = operation.plan
    found = (f"{f.code} {f.level} ({f.effect})" for f in plan.findings if f.effect is not Effect.NONE)
    return {
        "kind": plan.kind,
        "away": plan.away,
        "to": plan.to,
        "route": plan.route,
        "changes": told_changes(plan.changes),
        "lifts": ", ".join(f"freeze of {freeze.scope} by {freeze.person}" for freeze in plan.lifts),
        "verdict": plan.verdict,
        "findings": ", ".join(found),
        "reason": operation.reason,
        "channel": operation.channel,
        "expires_at": operation.expires_at.isoformat(timespec="seconds"),
        "approvals_needed": str(operation.approvals_needed),
    }


def told_changes(changes: Iterable[Change]) -> str:
    """Name every record with its value before and after."""
    return "; ".join(f"{c.existing.record_id} ({c.view}): {c.existing.target} → {c.desired.target}" for c in changes)


def _vote(operation: Operation, person: str, verb: Verb) -> dict[str, str]:
    votes = [vote for vote in operation.votes if vote.person == person and vote.verb is verb]
    if not votes:
        return {}
    vote = votes[-1]
    return {
        "reason": vote.reason,
        "identity_checked_at": vote.identity_checked_at.isoformat(timespec="seconds"),
        "key": vote.mac.partition(":")[0],
        "approvals": f"{len(operation.approvals)} of {operation.approvals_needed}",
    }


def _claim(operation: Operation) -> dict[str, str]:
    claimed = [
        change
        for change, progress in zip(operation.plan.changes, operation.progress, strict=True)
        if progress.state is SubState.CLAIMED
    ]
    owner = operation.lease.owner if operation.lease else ""
    return {"bot": owner, "bot_version": __version__, "changes": told_changes(claimed)}


def _observations(operation: Operation) -> dict[str, str]:
    seen = (f"{o.name} of {operation.plan.changes[o.change].view}: {o.outcome}" for o in operation.observations)
    return {"observations": "; ".join(seen)}


def card_moved(operation: Operation, stood: str, stands: str, code: str) -> dict[str, str]:
    """Describe that a card had to be posted anew: where it stood, where it stands (channel and ts), and why.

    `before` and `after` would be states of the operation.
    """
    return {"event": "card moved", "operation": operation.id, "stood": stood, "stands": stands, "code": code}
