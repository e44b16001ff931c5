"""What people may type to make the bot do, point at or show something else."""

from datetime import timedelta

import pytest

from bot.domain.operation import State
from tests.builders import APPROVER, ON_CALL
from tests.office import Office, office

_A_WHILE = timedelta(seconds=5)
"""Nobody types faster."""
BAD_TARGETS = [
    "failover zhangjiakou; id",
    "failover $(id)",
    "failover ../zhangjiakou",
    "failover zhangjiakou\x00",
    "failover zhang\u200bjiakou",
    "failover \u202ezhangjiakou",
    "failover zh\u0430ngjiakou",
    "failover *",
    "failover <!channel>",
    "failover zhangjiakou to <https://evil.example|hangzhou>",
]
MISUSES = [
    "failover zhangjiakou --force",
    "failover --force zhangjiakou",
    "failover zhangjiakou force",
    "failover zhangjiakou\nfailover hangzhou",
    "failover zhangjiakou && approve fo-0001",
    "failover zhangjiakou because " + "x" * 10_000,
    "failover zhangjiakou to hangzhou to hangzhou",
    "approve fo-0001 --force",
    "approve --force fo-0001",
    "force fo-0001",
]


async def _nothing_came_of(place: Office, text: str, code: str) -> None:
    told = await place.say(ON_CALL, text)

    assert told.endswith(f"`{code}`"), text
    assert "\n" not in told
    assert "<!" not in told
    assert len(told) < 600
    assert await place.ports.operations.recent() == ()


@pytest.mark.covers("A30", "A31")
async def test_what_names_no_configured_site_is_refused_in_one_line() -> None:
    async with office() as place:
        for text in BAD_TARGETS:
            place.clock.move(_A_WHILE)
            await _nothing_came_of(place, text, "E_BAD_TARGET")


@pytest.mark.covers("A30", "A45")
async def test_there_is_no_word_that_forces_anything() -> None:
    async with office() as place:
        for text in MISUSES:
            place.clock.move(_A_WHILE)
            code = "E_BAD_TARGET" if text == "failover --force zhangjiakou" else "E_USAGE"
            await _nothing_came_of(place, text, code)


@pytest.mark.covers("A32")
@pytest.mark.parametrize(
    "reason",
    [
        "<!channel> <!here> <@U01GUEST> <#C01OPS>",
        "<https://evil.example|Approve>",
        "`Approve` *bold* ```block```",
        "\u202egnihton eb llahs erehT",
        "x" * 1500,
    ],
)
async def test_a_reason_is_plain_text_wherever_it_is_shown(reason: str) -> None:
    async with office() as place:
        await place.say(ON_CALL, f"failover zhangjiakou because {reason}")
        await place.post_cards()
        shown = str(place.posts())
        (operation,) = await place.ports.operations.recent()

    assert len(operation.reason) <= 300
    for live in ("<!channel>", "<!here>", "<@U01GUEST>", "<#C01OPS>", "<https://evil", "```block", "\u202e"):
        assert live not in shown


@pytest.mark.covers("A33")
@pytest.mark.parametrize("secret", ["LTAI5tAbCdEfGhIjKlMnOp", "xoxb-1234567890-abcdef", "xapp-1-A0123456789"])
async def test_a_key_in_a_reason_is_shown_nowhere_and_its_owner_is_told_to_renew_it(secret: str) -> None:
    async with office() as place:
        told = await place.say(ON_CALL, f"failover zhangjiakou because {secret} leaked")
        plain = await place.say(ON_CALL, "failover hangzhou because of the fire")
        await place.post_cards()
        (_, operation) = await place.ports.operations.recent()
        shown = f"{told}{place.posts()}{place.ports.operations.audit}"  # type: ignore[attr-defined]

    assert operation.reason == "[redacted] leaked"
    assert "Renew it" in told
    assert "Renew it" not in plain
    assert secret not in shown


@pytest.mark.covers("A28")
async def test_a_second_request_for_the_same_record_is_refused_with_the_first_ones_id() -> None:
    async with office() as place:
        await place.asked()
        told = await place.say(ON_CALL, "failover zhangjiakou via internal")
        operations = await place.ports.operations.recent()

    assert told.startswith("fo-0001 already wants to change")
    assert told.endswith("`E_ALREADY_OPEN`")
    assert [operation.state for operation in operations] == [State.PENDING]


@pytest.mark.covers("A29")
@pytest.mark.parametrize("text", ["failover zhangjiakou", "approve fo-0001", "status", "show fo-0001"])
async def test_where_others_read_along_nothing_is_done_or_told(text: str) -> None:
    async with office() as place:
        await place.asked()
        told = await place.say(APPROVER, text, "C04SHARED")
        operation = await place.ports.operations.get("fo-0001")

    assert told.endswith(("`E_WRONG_CHANNEL`", "`E_NOT_REQUESTER`"))
    assert operation.votes == ()
    assert place.posts("C04SHARED") == []
