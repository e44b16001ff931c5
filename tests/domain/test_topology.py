"""Names that find a site, and globs that name images."""

import pytest

from bot.domain.topology import Topology, globs_naming_repository, matches_image
from bot.errors import UnknownSite
from tests.builders import DOMAIN, a_topology, a_view


@pytest.mark.parametrize("word", ["zhangjiakou", "zjk", "张家口"])
def test_a_site_is_found_by_its_name_and_by_each_alias(word: str) -> None:
    assert a_topology().site(word).name == "zhangjiakou"


@pytest.mark.parametrize("word", ["zhangjia", "ZHANGJIAKOU", "zhangjiakuo", "张家", "", "cn-zhangjiakou", "cri-bbbbb"])
def test_a_site_is_never_guessed(word: str) -> None:
    with pytest.raises(UnknownSite):
        a_topology().site(word)


def test_a_typo_gets_the_likely_names_and_all_known_ones() -> None:
    with pytest.raises(UnknownSite) as unknown:
        a_topology().site("zhangjiakuo")

    assert str(unknown.value) == (
        "No site is called 'zhangjiakuo'. Did you mean zhangjiakou? Known sites: hangzhou, zhangjiakou."
    )


def test_a_word_like_no_name_gets_the_known_ones_alone() -> None:
    with pytest.raises(UnknownSite) as unknown:
        a_topology().site("mars")

    assert str(unknown.value) == "No site is called 'mars'. Known sites: hangzhou, zhangjiakou."


def test_views_come_in_the_order_of_the_file() -> None:
    assert [view.site for view in a_topology().views] == ["hangzhou", "zhangjiakou"]


def test_a_view_is_called_by_its_domain_and_vpcs() -> None:
    assert str(a_view(vpcs=("vpc-1", "vpc-2"))) == f"{DOMAIN} in vpc-1, vpc-2"


def test_the_globs_of_several_domains_are_joined_without_repeats() -> None:
    topology = Topology({}, {"a.io": ("core/*", "web/*"), "b.io": ("core/*", "db/*")}, (), {})

    assert topology.critical_globs(["a.io", "b.io", "unknown.io"]) == ("core/*", "web/*", "db/*")


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
    assert matches_image([glob], repository, tag) is is_match


def test_no_glob_matches_nothing() -> None:
    assert not matches_image([], "core/api", "1")
    assert not globs_naming_repository([], "core/api")


@pytest.mark.parametrize(("repository", "is_named"), [("core/api", True), ("platform/base", True), ("web/app", False)])
def test_a_repository_is_named_when_any_of_its_tags_could_match(repository: str, is_named: bool) -> None:
    assert globs_naming_repository(["core/*", "platform/base:1.*"], repository) is is_named
