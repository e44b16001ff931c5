"""Signatures under a named key, with one key before the present one."""

import hashlib

import pytest

from bot.adapters.signer import HmacSigner
from bot.errors import InvalidConfiguration, NotPermitted

OLD, NEW = "the key before this one", "the key of these days"
PARTS = ("T01SIM", "fo-7k2m", "approve", "d" * 64)


def test_a_signature_fits_what_was_signed() -> None:
    signer = HmacSigner(NEW)

    assert signer.verify(signer.sign(*PARTS), *PARTS)


@pytest.mark.parametrize("index", range(4))
def test_a_signature_does_not_fit_when_any_part_differs(index: int) -> None:
    signer = HmacSigner(NEW)
    other = [part + "x" if i == index else part for i, part in enumerate(PARTS)]

    assert not signer.verify(signer.sign(*PARTS), *other)


def test_parts_cannot_be_shifted_into_each_other() -> None:
    signer = HmacSigner(NEW)

    assert not signer.verify(signer.sign("ab", "c"), "a", "bc")
    assert not signer.verify(signer.sign("abc"), "abc", "")


def test_the_key_is_named_by_the_start_of_its_hash() -> None:
    assert HmacSigner(NEW).sign("a").partition(":")[0] == hashlib.sha256(NEW.encode()).hexdigest()[:4]


def test_the_previous_key_still_verifies_but_no_longer_signs() -> None:
    both = HmacSigner(NEW, OLD)

    assert both.verify(HmacSigner(OLD).sign(*PARTS), *PARTS)
    assert both.sign(*PARTS) == HmacSigner(NEW).sign(*PARTS)


def test_a_key_that_is_no_longer_known_asks_to_approve_again() -> None:
    with pytest.raises(NotPermitted, match="approve again") as refused:
        HmacSigner(NEW).verify(HmacSigner(OLD).sign(*PARTS), *PARTS)

    assert refused.value.code == "E_UNKNOWN_KEY"


@pytest.mark.parametrize("mac", ["", "no key id", "ключ"])
def test_what_is_no_signature_does_not_fit(mac: str) -> None:
    assert not HmacSigner(NEW).verify(mac, *PARTS)


def test_a_signature_of_the_right_key_with_the_wrong_code_does_not_fit() -> None:
    signer = HmacSigner(NEW)
    key_id = signer.sign(*PARTS).partition(":")[0]

    assert not signer.verify(f"{key_id}:ключ", *PARTS)


def test_a_short_key_is_refused_without_repeating_it() -> None:
    with pytest.raises(InvalidConfiguration, match="REGISTRY_BOT_SIGNING_KEY is shorter than 16") as refused:
        HmacSigner("hunter2")

    assert "hunter2" not in str(refused.value)
