"""Globs that name the images which a failover must not lose."""

import pytest

from bot.domain.comparing import Critical
from tests.builders import repositories_of


@pytest.mark.parametrize(
    ("glob", "repository", "tag", "is_match"),
    [
        ("core/*", "core/api", "2.7.1", True),
        ("core/*", "corex/api", "2.7.1", False),
        ("platform/base:*", "platform/base", "1", True),
        ("platform/base:1.*", "platform/base", "1.2", True),
        ("platform/base:1.*", "platform/base", "2.1", False),
        ("platform/base", "platform/base", "anything", True),
        ("platform/base", "platform/base2", "1", False),
        ("CORE/*", "core/api", "1", False),
    ],
)
def test_a_glob_without_a_tag_takes_every_tag_and_one_with_a_tag_only_those(
    glob: str, repository: str, tag: str, is_match: bool
) -> None:
    assert Critical([glob]).tags_of(repository)(tag) is is_match


def test_no_glob_matches_nothing() -> None:
    assert not Critical([]).tags_of("core/api")("1")
    assert not Critical([]).touches("core/api")


@pytest.mark.parametrize(("repository", "is_named"), [("core/api", True), ("platform/base", True), ("web/app", False)])
def test_a_repository_is_named_when_any_of_its_tags_could_match(repository: str, is_named: bool) -> None:
    assert Critical(["core/*", "platform/base:1.*"]).touches(repository) is is_named


def test_only_the_images_that_a_glob_names_are_counted() -> None:
    held = repositories_of({"core/api:1": "1", "core/api:2": "2", "platform/base:1": "3", "web/app:1": "4"})

    assert Critical(["core/*", "platform/base:2"]).count(held.values()) == 2
