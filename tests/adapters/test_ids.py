"""Ids that people can read out, and tokens that nobody can guess."""

import re

from bot.adapters.ids import RandomIds
from bot.domain.grammar import parse_operation_id


def test_an_id_is_short_and_has_no_look_alikes() -> None:
    for _ in range(200):
        assert re.fullmatch(r"fo-[0-9a-hjkmnp-tv-z]{4}", RandomIds().operation_id("fo"))


def test_an_id_can_be_typed_back() -> None:
    name = RandomIds().operation_id("fo")

    assert parse_operation_id((name,)) == name


def test_a_token_is_128_bits_and_never_comes_twice() -> None:
    tokens = {RandomIds().token() for _ in range(100)}

    assert len(tokens) == 100
    assert all(re.fullmatch(r"[0-9a-f]{32}", token) for token in tokens)
