"""The words of a command: what is undone, what is kept, and what is refused in a sentence."""

import unicodedata
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.grammar import (
    REASON_LIMIT,
    REDACTED,
    SHORTEST_SECRET,
    Wish,
    clean_reason,
    known_name,
    normalise,
    parse_operation_id,
    parse_wish,
    select_views,
    split,
)
from bot.domain.topology import Route
from bot.errors import UnknownSite, UsageError
from tests.builders import DOMAIN, a_site, a_topology, a_view

TOPOLOGY = a_topology()
ANY_TEXT = st.text(st.characters(), max_size=200)
SECRET = "aB3" * 10


def _wish(text: str) -> Wish:
    words, reason = split(text)
    return parse_wish(words, reason, TOPOLOGY)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("  Failover   ZhangJiaKou ", "failover zhangjiakou"),
        ("failover “zhangjiakou”", "failover zhangjiakou"),
        ("failover `zhangjiakou`", "failover zhangjiakou"),
        ("failover\u00a0zhangjiakou", "failover zhangjiakou"),
        ("failover\tzhangjiakou\nto hangzhou", "failover zhangjiakou to hangzhou"),
        ("ｆａｉｌｏｖｅｒ 张家口", "failover 张家口"),
        ("show fo–7k2m", "show fo-7k2m"),
        ("show fo—7k2m", "show fo-7k2m"),
        ("failover zjk BECAUSE The Region Is Down", "failover zjk because The Region Is Down"),
        ("", ""),
    ],
)
def test_what_slack_clients_do_to_typing_is_undone(typed: str, words: str) -> None:
    assert normalise(typed) == words


@given(ANY_TEXT)
def test_no_text_at_all_makes_the_words_raise(text: str) -> None:
    words, reason = split(text)

    assert all(word and not any(c.isspace() for c in word) for word in words)
    assert len(reason) <= REASON_LIMIT


@given(ANY_TEXT)
def test_a_reason_is_one_line_that_can_be_stored_and_cleaning_it_twice_changes_nothing(text: str) -> None:
    cleaned = clean_reason(text)

    assert not {unicodedata.category(c) for c in cleaned} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert cleaned.encode().decode() == cleaned == clean_reason(cleaned)


@given(st.text(min_size=REASON_LIMIT, max_size=REASON_LIMIT * 3))
def test_a_reason_is_never_longer_than_its_limit(text: str) -> None:
    assert len(clean_reason(text)) <= REASON_LIMIT


def test_a_reason_as_long_as_the_limit_is_kept_whole() -> None:
    assert clean_reason("x" * REASON_LIMIT) == "x" * REASON_LIMIT


def test_a_reason_of_ten_thousand_characters_is_cut() -> None:
    assert clean_reason("x" * 10_000) == "x" * (REASON_LIMIT - 1) + "…"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("down since <!channel> said so", "down since <!channel> said so"),
        ("nul\x00byte", "nul byte"),
        ("right\u202eto\u2066left", "right to left"),
        ("two\nlines\u2028and more", "two lines and more"),
        ("half a \ud83d emoji", "half a emoji"),
    ],
)
def test_a_reason_keeps_its_words_and_loses_what_cannot_be_seen(typed: str, kept: str) -> None:
    assert clean_reason(typed) == kept


@pytest.mark.parametrize(
    "secret",
    ["LTAI5tSimulatedKey0001", f"STS.{SECRET}", "xoxb-1234567890-abcdef", "xapp-1-A0123456789", SECRET],
)
def test_a_credential_in_a_reason_is_redacted(secret: str) -> None:
    assert clean_reason(f"the key {secret} leaked") == f"the key {REDACTED} leaked"


def test_a_reason_that_is_nothing_but_the_shortest_credential_is_redacted() -> None:
    shortest = "xapp-" + "1" * 8

    assert (clean_reason(shortest), len(shortest)) == (REDACTED, SHORTEST_SECRET)


def test_a_credential_across_the_cut_leaves_nothing_behind() -> None:
    assert "LTAI" not in clean_reason("x" * (REASON_LIMIT - 8) + " LTAI5tSimulatedKey0001")


@pytest.mark.parametrize("plain", ["the deploy of 2026-11-03", "a" * 30, "0123456789" * 3, "a1" * 15])
def test_ordinary_words_in_a_reason_are_left_alone(plain: str) -> None:
    assert clean_reason(plain) == plain


def test_a_wish_may_be_a_site_alone() -> None:
    assert _wish("zhangjiakou") == Wish("zhangjiakou")


def test_a_wish_may_say_everything_in_any_order() -> None:
    wish = _wish("张家口 only vpc-bbbbb via INTERNAL to hz because Region is down")

    assert wish == Wish("zhangjiakou", "hangzhou", Route.INTERNAL, "vpc-bbbbb", "Region is down")


@pytest.mark.covers("A45")
@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        (
            "",
            "Which site has failed? For example: /registry failover hangzhou. Known sites: hangzhou, zhangjiakou.",
        ),
        ("zjk to", "'to' wants a word after it."),
        ("zjk via train", "'via train' is not a route. Routes: internet (CNAME), internal (A record)."),
        ("zjk to hz to hz", "'to' is given twice. Give it once."),
        (
            "zjk --force",
            "'--force' is not understood. After the site come: to <site>, via <route>, only <vpc>.",
        ),
        ("zjk hangzhou", "'hangzhou' is not understood. After the site come: to <site>, via <route>, only <vpc>."),
    ],
)
def test_words_that_do_not_fit_are_refused_in_a_sentence(typed: str, sentence: str) -> None:
    with pytest.raises(UsageError) as refused:
        _wish(typed)

    assert str(refused.value) == sentence


@pytest.mark.covers("A30", "A31")
@pytest.mark.parametrize(
    "typed",
    [
        "mars",
        "zhangjiakou; id",
        "zhangjiakou\x00",
        "zhang\u200bjiakou",
        "\u202ezhangjiakou",
        "zhаngjiakou",  # a Cyrillic letter
        "zhangjiakóu",
        "张家囗",
        "hángzhōu to zjk",
        "hangzhou to mars",
        "../zhangjiakou",
        "<!channel>",
        "-rf",
        "x" * 10_000,
    ],
)
def test_only_configured_names_name_a_site(typed: str) -> None:
    with pytest.raises(UnknownSite) as refused:
        _wish(typed)

    assert str(refused.value).endswith("Known sites: hangzhou, zhangjiakou.")
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize(("typed", "shown"), [("张家囗", "张家囗"), ("\u202ezhang\x00jiakou", "zhangjiakou")])
def test_a_name_that_is_none_is_repeated_without_what_cannot_be_seen(typed: str, shown: str) -> None:
    with pytest.raises(UnknownSite, match=f"^'{shown}' is not a site name"):
        known_name(typed, TOPOLOGY)


@given(ANY_TEXT)
def test_a_wish_is_understood_or_refused_in_words_and_never_anything_else(text: str) -> None:
    with suppress(UsageError, UnknownSite):
        assert _wish(text).away in TOPOLOGY.sites


@pytest.mark.parametrize("word", ["张家口", "hz", "vpc-bbbbb", DOMAIN, "cri-aaaaa"])
def test_ascii_names_and_configured_aliases_come_through(word: str) -> None:
    assert known_name(word, TOPOLOGY) == word


def test_an_operation_is_named_by_its_id() -> None:
    assert parse_operation_id(("fo-7k2m",)) == "fo-7k2m"


@pytest.mark.parametrize("words", [(), ("fo-7k2m", "fo-8k2m"), ("fo",), ("FO-7K2M",), ("fo-7k2m|x",), ("7k2m",)])
def test_anything_else_is_no_operation_id(words: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match=r"such as fo-7k2m\. `/registry actions` lists them"):
        parse_operation_id(words)


TWO_VIEWS = (a_view(), a_view(domain="images.registry.io", vpcs=("vpc-ccccc", "vpc-ddddd")))


@pytest.mark.parametrize(
    ("only", "chosen"),
    [(None, TWO_VIEWS), (DOMAIN, TWO_VIEWS[:1]), ("vpc-ddddd", TWO_VIEWS[1:])],
)
def test_views_are_narrowed_down_to_a_domain_or_a_vpc(only: str | None, chosen: object) -> None:
    assert select_views(TWO_VIEWS, only) == chosen


def test_a_narrowing_that_leaves_nothing_lists_what_there_is() -> None:
    with pytest.raises(UsageError) as refused:
        select_views(a_site().views, "vpc-zzzzz")

    assert str(refused.value) == (f"'only vpc-zzzzz' names no view of this site. It has: {DOMAIN}, vpc-bbbbb.")


def test_a_narrowing_of_ten_thousand_characters_is_not_repeated() -> None:
    with pytest.raises(UsageError) as refused:
        select_views(a_site().views, "x" * 10_000)

    assert len(str(refused.value)) < 300
