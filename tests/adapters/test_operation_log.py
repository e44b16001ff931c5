"""What a store says on stdout about operations: every move, and what may be written before it can be."""

from contextlib import suppress
from dataclasses import replace
from typing import Any

from structlog.testing import capture_logs

from bot.adapters.clock import SystemClock
from bot.adapters.redis_store import RedisOperations
from bot.domain.operation import Operation, State, SubState
from bot.errors import VersionConflict
from bot.logs import FIELDS
from bot.ports import Commit
from bot.services.audit import entry, told_changes
from tests.builders import WORKSPACE, a_vote, an_operation


async def _told(redis_url: str, *commits: Commit) -> list[Any]:
    store = RedisOperations(redis_url, clock=SystemClock(), workspace=WORKSPACE)
    try:
        with capture_logs() as logs:
            for commit in commits:
                with suppress(VersionConflict):
                    await store.commit(commit)
    finally:
        await store.close()
    return list(logs)


def _commit(operation: Operation, what: str, before: State | None, attempt: str = "first") -> Commit:
    return Commit(operation, attempt, entry(what, operation, "on-call", "U01ONCALL", before=before))


async def test_a_move_is_one_line_with_who_what_from_and_to(redis_url: str) -> None:
    operation = an_operation()

    [line] = await _told(redis_url, _commit(operation, "requested", None))

    assert line == {
        "event": "operation.moved",
        "log_level": "info",
        "operation": operation.id,
        "what": "requested",
        "person": "on-call",
        "before": "",
        "after": "PENDING",
        "digest": operation.plan.digest[:12],
        "policy": operation.plan.policy_hash[:12],
    }


async def test_a_claim_says_what_may_now_be_written(redis_url: str) -> None:
    asked = an_operation(votes=(a_vote(),))
    claimed = replace(asked, version=1, state=State.APPLYING)
    claimed = claimed.with_progress(0, replace(claimed.progress[0], state=SubState.CLAIMED))
    commits = _commit(asked, "requested", None), _commit(claimed, "claimed", State.APPROVED, "second")

    _, moved, intent = await _told(redis_url, *commits)

    assert (moved["event"], moved["before"], moved["after"]) == ("operation.moved", "APPROVED", "APPLYING")
    assert intent["event"] == "operation.claimed"
    assert intent["change"] == told_changes(claimed.plan.changes)
    assert set(intent) - {"log_level"} <= FIELDS


async def test_what_moves_nothing_or_is_refused_leaves_no_line(redis_url: str) -> None:
    asked = an_operation()
    noted = _commit(replace(asked, version=1), "progress", State.PENDING, "second")
    late = _commit(replace(asked, state=State.APPROVED), "approve", State.PENDING, "third")

    assert len(await _told(redis_url, _commit(asked, "requested", None), noted, late)) == 1
