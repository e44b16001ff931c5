"""End what rests on a registry.yaml that is no longer this bot's: nobody has approved it under the present one."""

import structlog

from bot.domain.access import Role
from bot.domain.operation import Event, Operation, State
from bot.errors import Conflict
from bot.ports import Ports
from bot.services.finishing import end
from bot.services.requests import policy_hash_now
from bot.services.survey import RECENT_OPERATIONS

log = structlog.get_logger()
_UNBEGUN = {State.PENDING, State.APPROVED}


def policy_difference(ports: Ports, operation: Operation) -> str:
    """Return what about registry.yaml is different now, or nothing."""
    now_hash = policy_hash_now(ports, operation)
    if now_hash == operation.plan.policy_hash:
        return ""
    if (revoked := _revoked(ports, operation)) is not None:
        return f"<@{revoked}> approved this and is no longer an approver in registry.yaml (E_APPROVER_REVOKED)."
    was, now = operation.plan.policy_hash[:12], (now_hash or "no such site")[:12]
    return f"registry.yaml changed since the plan: policy {was} then, {now} now (E_POLICY_CHANGED)."


async def end_outdated(ports: Ports) -> bool:
    """End every operation that is not begun and was planned under another policy; tell whether there was one."""
    if ports.store_trouble():
        return False
    recent = await ports.operations.recent(RECENT_OPERATIONS)
    ended = [await _end_if_outdated(ports, operation) for operation in recent if operation.state in _UNBEGUN]
    return any(ended)


async def _end_if_outdated(ports: Ports, operation: Operation) -> bool:
    difference = policy_difference(ports, operation)
    if not difference:
        return False
    try:
        await end(ports, operation, Event.DIFFER, f"Nothing was changed. {difference} Plan again.")
    except Conflict as conflict:
        log.info("operation.decided_elsewhere", operation=operation.id, why=str(conflict))
    return True


def _revoked(ports: Ports, operation: Operation) -> str | None:
    """Return the first whose approval counted and who may no longer give one."""
    may = ports.rules.access.people.slack_ids(Role.APPROVER)
    return next((vote.user_id for vote in operation.approvals if vote.user_id not in may), None)
