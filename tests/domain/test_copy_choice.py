"""Which images a copy job takes, and what it leaves out with which reason."""

from dataclasses import replace
from typing import Any

import pytest

from bot.domain import copy_choice
from bot.domain.copy_choice import Choice
from bot.domain.differences import Cause, Difference, Explanation, Newer
from bot.domain.inventory import Tag
from tests.domain.stocks import a_difference, a_tag

A, B = a_tag("a", -30), a_tag("b", -60)


def explained(cause: Cause = Cause.NO_RULE, newer: Newer = Newer.UNCLEAR, task: str | None = None) -> Explanation:
    return Explanation(cause, newer, task_id=task)


def missing(explanation: Explanation | None = None, **place: Any) -> Difference:
    return a_difference(A, **place).explained(explanation or explained())


def different(newer: Newer, cause: Cause = Cause.NO_RULE, **place: Any) -> Difference:
    return a_difference(A, B, **place).explained(explained(cause, newer))


@pytest.mark.parametrize(
    ("difference", "reason", "even_if_named"),
    [
        (missing(), "", ""),
        (missing(explained(Cause.FAILED)), "", ""),
        (missing(explained(Cause.NOT_LANDED, task="rst-1")), "", ""),
        (missing(explained(Cause.WAITING)), "", ""),
        (missing(explained(Cause.WAITING, task="rst-1")), copy_choice.ON_ITS_WAY, ""),
        (missing(target_is_immutable=True), "", ""),
        (different(Newer.SOURCE), "", ""),
        (different(Newer.TARGET), copy_choice.NEWER, ""),
        (different(Newer.UNCLEAR), copy_choice.UNCLEAR, ""),
        (different(Newer.SOURCE, target_is_immutable=True), copy_choice.IMMUTABLE, copy_choice.IMMUTABLE),
        (a_difference(None, B), copy_choice.EXTRA, copy_choice.EXTRA),
    ],
)
def test_what_is_taken_and_what_is_left_out(difference: Difference, reason: str, even_if_named: str) -> None:
    anyhow, named = Choice(), Choice("1")
    for choice in (anyhow, named):
        choice.add(difference)

    assert [each.reason for each in anyhow.left_out] == ([reason] if reason else [])
    assert len(anyhow.copies()) == (not reason)
    assert [each.reason for each in named.left_out] == ([even_if_named] if even_if_named else [])


def test_a_copy_says_what_it_replaces_and_why_it_is_not_there() -> None:
    choice = Choice()
    choice.add(different(Newer.SOURCE))

    (copy,) = choice.copies()
    assert (copy.image, copy.digest, copy.replaces, copy.why) == (
        "core/api:1",
        "a" * 64,
        "b" * 64,
        "no rule copies it",
    )


@pytest.mark.parametrize(("newer", "why"), [(Newer.TARGET, copy_choice.NEWER), (Newer.UNCLEAR, copy_choice.UNCLEAR)])
def test_what_is_replaced_against_a_doubt_because_it_was_named_says_the_doubt(newer: Newer, why: str) -> None:
    choice = Choice("1")
    choice.add(different(newer))

    assert [(copy.replaces, copy.why) for copy in choice.copies()] == [("b" * 64, why)]


def test_of_too_many_the_oldest_are_taken_and_the_others_counted() -> None:
    choice = Choice(most=2)
    for minutes in (-5, -50, None, -20):
        choice.add(replace(missing(), tag=f"t{minutes}", source=Tag("a" * 64, a_tag("a", minutes).pushed_at)))

    assert [copy.tag for copy in choice.copies()] == ["t-50", "t-20"]
    assert choice.rest == 2


def test_only_the_tag_that_was_named_is_looked_at() -> None:
    choice = Choice("2")
    choice.add(missing())

    assert (choice.copies(), choice.left_out) == ((), [])


@pytest.mark.parametrize(
    ("namespaces", "has_repository", "reason"),
    [
        (None, False, ""),
        ({}, False, Cause.NO_NAMESPACE),
        ({"core": False}, False, Cause.NO_REPOSITORY),
        ({"core": False}, True, ""),
        ({"core": True}, False, ""),
    ],
)
@pytest.mark.parametrize("exact", [None, "1"])
def test_what_has_no_place_at_the_target_is_left_out_whatever_rules_say(
    namespaces: dict[str, bool] | None, has_repository: bool, reason: str, exact: str | None
) -> None:
    choice = Choice(exact)
    choice.namespaces = namespaces
    choice.add(missing(target_has_repository=has_repository))

    assert [each.reason for each in choice.left_out] == ([reason] if reason else [])


def test_what_nobody_knows_the_cause_of_has_none() -> None:
    choice = Choice()
    choice.add(missing(explained(Cause.UNKNOWN)))

    assert choice.copies()[0].why == ""


def test_of_very_many_left_out_some_are_named_and_all_are_counted() -> None:
    choice = Choice()
    for number in range(copy_choice.MOST_LEFT_OUT + 1):
        choice.add(replace(a_difference(None, B), tag=str(number)))

    assert len(choice.left_out) == copy_choice.MOST_LEFT_OUT
    assert choice.left_counts == {copy_choice.EXTRA: copy_choice.MOST_LEFT_OUT + 1}
