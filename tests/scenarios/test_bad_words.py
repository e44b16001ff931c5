"""Words that cannot be meant: one sentence that says what is wrong and what to type, and nothing happens."""

import pytest

from tests.scenarios.company import APPROVER, GENERAL, ON_CALL, OPS, Company

WORDS = {
    "failvoer zhangjiakou": ("'failvoer' is not a command", "Did you mean failover?"),
    "appr fo-2222": ("'appr' is not a command", "Did you mean approve?"),
    "<@U01GUEST> <!channel>": ("is not a command", "Commands: help, status"),
    "failover": ("Which site has failed?", "Known sites: hangzhou, zhangjiakou."),
    "failover zhangjiaku": ("No site is called 'zhangjiaku'.", "Did you mean zhangjiakou?"),
    "failover 张家": ("'张家' is not a site name.", "Known sites: hangzhou, zhangjiakou."),
    "failover <!channel>": ("is not a site name.", "Known sites"),
    "failover zhangjiakou to": ("'to' wants a word after it.",),
    "failover zhangjiakou to zjk": ("cannot take over from itself.", "Its standbys: hangzhou."),
    "failover zhangjiakou to hangzhou to hangzhou": ("'to' is given twice.",),
    "failover zhangjiakou via sea": ("'via sea' is not a route.", "internet (CNAME), internal (A record)"),
    "failover zhangjiakou only vpc-x": ("names no view of this site.", "vpc-bbbbb"),
    "failover zhangjiakou please": ("'please' is not understood.", "After the site come"),
    "plan": ("Say what to plan", "/registry plan failover"),
    "plan failover nowhere": ("No site is called 'nowhere'.",),
    "approve": ("Name one operation by its id", "/registry actions"),
    "reject 12": ("Name one operation by its id", "/registry actions"),
    "cancel fo-zzzz": ("No operation is called fo-zzzz.", "/registry actions"),
    "show fo-zzzz manual": ("No operation is called fo-zzzz.",),
    "status nowhere": ("No site is called 'nowhere'.", "A domain or a VPC id works too."),
    "replication from": ("Use /registry replication",),
    "help xyz": ("'xyz' is not a command", "Commands: help"),
}
REASONS = {
    "<!channel> and <@U01GUEST>\n*now*": "&lt;!channel&gt; and &lt;@U01GUEST&gt; *now*",
    "key LTAI5tAbCdEfGhIjKlMnOp and aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0": "key [redacted] and [redacted]",
    "x" * 1900: "x" * 299 + "…",
}


async def test_each_word_that_is_not_understood_is_answered_with_what_to_type(company: Company) -> None:
    for typed, words in WORDS.items():
        company.refused(await company.command(ON_CALL, typed), *words)


async def test_a_reason_of_ten_kilobytes_is_refused_with_the_limit(company: Company) -> None:
    told = await company.command(ON_CALL, f"failover zhangjiakou because {'x' * 10_000}")

    company.refused(told, "the bot reads at most 2,000", "Shorten it")


@pytest.mark.covers("A32", "A33")
@pytest.mark.parametrize("reason", REASONS)
async def test_a_reason_is_shown_harmless_and_without_keys(company: Company, reason: str) -> None:
    card = await company.failover(f"failover zhangjiakou because {reason}")

    assert REASONS[reason] in str(card["blocks"])
    assert "<!channel" not in company.said()
    assert "LTAI5tAbCdEf" not in company.said()


@pytest.mark.covers("A32", "A33")
async def test_reasons_of_a_decision_are_made_harmless_too(company: Company) -> None:
    card = await company.failover()

    await company.command(APPROVER, f"reject {company.operation_id(card)} because <!here> LTAI5tAbCdEfGhIjKlMnOp")
    await company.shows("REJECTED")

    assert "&lt;!here&gt; [redacted]" in company.said()
    assert "<!here" not in company.said()


@pytest.mark.covers("A28")
async def test_who_has_asked_already_is_told_which_operation_is_open(company: Company) -> None:
    card = await company.failover()

    told = await company.command(ON_CALL, "failover zhangjiakou to hangzhou", GENERAL)

    assert f"{company.operation_id(card)} already wants to change the same." in told
    assert len(company.cards(OPS)) == 1
