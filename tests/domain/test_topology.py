"""Names that find a site, and what its views and domains are called."""

import pytest

from bot.domain.topology import Topology
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
