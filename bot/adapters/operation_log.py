"""The lines that a commit leaves on stdout: beside the store's own trail, and readable when that is gone."""

import structlog

from bot.ports import Commit

SHORT = 12
"""Characters of a hash; enough to find it again."""
CLAIMED = "claimed"


def tell(commit: Commit) -> None:
    """Log the move that was just stored; for a claim also what it allows, since no write may come before that line."""
    said = commit.audit
    log = structlog.get_logger().bind(
        operation=commit.operation.id,
        what=said.get("event", ""),
        person=said.get("person", ""),
        before=said.get("before", ""),
        after=str(commit.operation.state),
        digest=commit.operation.plan.digest[:SHORT],
        policy=commit.operation.plan.policy_hash[:SHORT],
    )
    if said.get("before", "") != commit.operation.state:
        log.info("operation.moved")
    if said.get("event") == CLAIMED:
        log.info("operation.claimed", change=said.get("changes", ""))
