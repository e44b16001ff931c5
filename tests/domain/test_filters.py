"""The regular expressions of replication rules."""

import pytest

from bot.domain.filters import LONGEST, Match, matches, trouble


@pytest.mark.parametrize("pattern", [None, "", ".*"])
def test_no_filter_takes_every_name(pattern: str | None) -> None:
    assert matches(pattern, "core/api") is Match.YES


@pytest.mark.parametrize(
    ("pattern", "name", "answer"),
    [
        ("v.*", "v1.2.3", Match.YES),
        ("v", "v1", Match.NO),
        ("1", "v1", Match.NO),
        (r"release-\d+", "release-12", Match.YES),
        ("a|ab", "ab", Match.YES),
        ("^v1$", "v1", Match.YES),
        ("(?i)V1", "v1", Match.YES),
    ],
)
def test_a_filter_takes_whole_names_only(pattern: str, name: str, answer: Match) -> None:
    assert matches(pattern, name) is answer


@pytest.mark.parametrize("pattern", ["*", "[", "(", "(?=v)v1", r"(a)\1", "a" * (LONGEST + 1), "((a{1000}){1000}){9}"])
def test_what_cannot_be_evaluated_is_unknown_and_says_why(pattern: str) -> None:
    assert matches(pattern, "v1") is Match.UNKNOWN
    assert trouble(pattern)


def test_what_can_be_evaluated_is_no_trouble() -> None:
    assert not trouble("v.*")


def test_a_filter_that_keeps_other_engines_busy_for_hours_answers_at_once() -> None:
    assert matches("(a+)+(b|a)+$", "a" * 10_000 + "c") is Match.NO
