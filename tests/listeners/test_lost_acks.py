"""A connection that dies between a decision and its acknowledgement: what was decided stands, and is recognised."""

from collections.abc import Callable
from typing import Any

import pytest

from bot.domain.operation import Operation, State
from bot.ports import Commit
from tests.builders import APPROVER
from tests.fakes import FakeClock, FakeOperations
from tests.office import office, until

APPROVE = "operation.approve"


class _CutAtTheVote(FakeOperations):
    """A store during whose commit of an approval something happens to the connection to Slack."""

    cut: Callable[[], None]

    async def commit(self, commit: Commit) -> Operation:
        """Commit, and cut."""
        written = await super().commit(commit)
        if commit.audit["event"] == "approve":
            self.cut()
        return written


@pytest.mark.covers("F44")
async def test_a_vote_whose_acknowledgement_was_lost_counts_and_saying_it_again_tells_so() -> None:
    store = _CutAtTheVote(FakeClock())
    async with office(operations=store) as place:
        card = await place.asked()
        store.cut = place.slack.sockets.drop

        lost: dict[str, Any] = await place.slack.click(APPROVER, "C01OPS", card["ts"], APPROVE)
        await until(lambda: place.slack.sockets.count == 1)
        again = await place.click(APPROVER, card["ts"], APPROVE)
        operation = await place.ports.operations.get("fo-0001")

    assert lost["status"] != "ok"
    assert "approved" in again.lower()
    assert (operation.state, len(operation.votes)) == (State.APPROVED, 1)
