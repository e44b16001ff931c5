"""Signatures: what the vendor's own clients send is accepted, everything else is refused with the vendor's code."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from simulator.alibaba.errors import Refusal
from simulator.alibaba.signature import Received, Verifier, canonical_query, canonical_request, sign

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
SIGNED = [
    "accept",
    "host",
    "x-acs-action",
    "x-acs-content-sha256",
    "x-acs-date",
    "x-acs-signature-nonce",
    "x-acs-version",
]


def unsigned(**changes: str) -> Received:
    headers = {
        "accept": "application/json",
        "host": "pvtz.example",
        "x-acs-action": "DescribeZones",
        "x-acs-version": "2018-01-01",
        "x-acs-date": "2026-11-23T03:00:00Z",
        "x-acs-signature-nonce": "n-1",
        "x-acs-content-sha256": hashlib.sha256(b"").hexdigest(),
    }
    return Received("POST", "/", "Rr=%40&Value=a+b", headers | changes, b"")


def signed(request: Received, names: list[str] = SIGNED, secret: str = "secret", key: str = "key") -> Received:
    signature = sign(secret, canonical_request(request, names))
    text = f"ACS3-HMAC-SHA256 Credential={key},SignedHeaders={';'.join(names)},Signature={signature}"
    return replace(request, headers={**request.headers, "authorization": text})


@pytest.fixture
def verifier() -> Verifier:
    return Verifier({"key": "secret"}, lambda: NOW)


def refused(verifier: Verifier, request: Received) -> tuple[int, str]:
    with pytest.raises(Refusal) as caught:
        verifier.verify(request)
    return caught.value.status, caught.value.code


def test_a_right_signature_tells_who_signed(verifier: Verifier) -> None:
    assert verifier.verify(signed(unsigned())) == "key"


@pytest.mark.parametrize("wire", ["Rr=@&Value=a+b", "Value=a%20b&Rr=%40", "Rr=%40&Value=a+b"])
def test_however_the_wire_escapes_the_query_the_signature_stays_right(verifier: Verifier, wire: str) -> None:
    assert verifier.verify(replace(signed(unsigned()), query=wire)) == "key"


def test_the_query_is_encoded_by_the_canonical_rule() -> None:
    assert canonical_query("b=~&a=x+%2F*&c=") == "a=x%20%2F%2A&b=~&c="


def test_a_changed_parameter_breaks_the_signature(verifier: Verifier) -> None:
    forged = replace(signed(unsigned()), query="Rr=%40&Value=other")

    assert refused(verifier, forged) == (400, "SignatureDoesNotMatch")


def test_a_wrong_secret_breaks_the_signature(verifier: Verifier) -> None:
    assert refused(verifier, signed(unsigned(), secret="other")) == (400, "SignatureDoesNotMatch")


def test_a_body_that_was_not_hashed_breaks_the_signature(verifier: Verifier) -> None:
    assert refused(verifier, replace(signed(unsigned()), body=b"x")) == (400, "SignatureDoesNotMatch")


def test_an_unknown_key_is_not_found_with_404(verifier: Verifier) -> None:
    assert refused(verifier, signed(unsigned(), key="nobody")) == (404, "InvalidAccessKeyId.NotFound")


@pytest.mark.parametrize("minutes", [-16, 16])
def test_a_clock_that_is_off_is_refused(verifier: Verifier, minutes: int) -> None:
    date = (NOW + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")

    assert refused(verifier, signed(unsigned(**{"x-acs-date": date}))) == (400, "InvalidTimeStamp.Expired")


def test_a_date_of_another_form_is_refused(verifier: Verifier) -> None:
    request = signed(unsigned(**{"x-acs-date": "Mon, 23 Nov 2026"}))

    assert refused(verifier, request) == (400, "IllegalTimestamp")


def test_a_nonce_is_good_once(verifier: Verifier) -> None:
    verifier.verify(signed(unsigned()))

    assert refused(verifier, signed(unsigned())) == (400, "SignatureNonceUsed")


def test_a_header_of_the_vendor_that_was_not_signed_is_refused(verifier: Verifier) -> None:
    request = unsigned(**{"x-acs-extra": "1"})

    assert refused(verifier, signed(request)) == (400, "IncompleteSignature")


def test_a_request_without_signature_is_refused(verifier: Verifier) -> None:
    assert refused(verifier, unsigned()) == (400, "IncompleteSignature")


def test_a_session_token_is_none_of_these_keys(verifier: Verifier) -> None:
    request = unsigned(**{"x-acs-security-token": "t"})

    assert refused(verifier, signed(request, sorted([*SIGNED, "x-acs-security-token"]))) == (
        400,
        "InvalidSecurityToken.Malformed",
    )
