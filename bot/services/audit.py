"""What an audit entry says; it is appended in the same step as the move that it tells of."""

from bot.domain.operation import Operation, State


def entry(event: str, operation: Operation, person: str, user_id: str, before: State | None = None) -> dict[str, str]:
    """Describe one move of an operation: who, what, from, to, on exactly which plan."""
    return {
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
