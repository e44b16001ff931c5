"""Slack's front door: commands and clicks through the simulator's Slack, by socket and by signed request."""

import pytest

from bot.domain.operation import State
from tests.builders import APPROVER, ON_CALL
from tests.office import office


@pytest.mark.parametrize("by_http", [False, True])
async def test_a_failover_is_asked_for_and_approved_from_slack(by_http: bool) -> None:
    async with office(by_http=by_http) as place:
        said = await place.say(ON_CALL, "failover zhangjiakou because the region is down")
        await place.post_cards()
        card = place.posts()[0]
        answer = await place.click(APPROVER, card["ts"], "operation.approve")
        operation = await place.ports.operations.get("fo-0001")

    assert "fo-0001" in said
    assert "approved" in answer
    assert operation.state is State.APPROVED


async def test_status_answers_with_every_view() -> None:
    async with office() as place:
        said = await place.say("U01MEMBER", "status")

    assert "both views are at home" in said
