"""Verify ACS3-HMAC-SHA256 as the gateway does: from the list of signed headers and the decoded, re-encoded query."""

import hashlib
import hmac
import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import parse_qsl, quote

from simulator.alibaba.errors import Refusal

ALGORITHM = "ACS3-HMAC-SHA256"
WINDOW_SECONDS = 15 * 60
AUTHORIZATION = re.compile(
    ALGORITHM
    + r" *Credential=(?P<key>[^,]+), *SignedHeaders=(?P<headers>[^,]+), *Signature=(?P<signature>[0-9a-f]{64})"
)
NEEDED = ("host", "x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256")


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came over the wire; header names in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


class Verifier:
    """Check signatures against known key pairs, and refuse what is old or was seen before."""

    def __init__(self, secrets: Mapping[str, str], now: Callable[[], datetime]) -> None:
        self._secrets = dict(secrets)
        self._now = now
        self._nonces: set[str] = set()
        self._ages: deque[tuple[float, str]] = deque()

    def know(self, access_key_id: str, secret: str) -> None:
        """Accept signatures of one more key pair."""
        self._secrets[access_key_id] = secret

    def forget(self, access_key_id: str) -> None:
        """Accept signatures of this key pair no longer."""
        del self._secrets[access_key_id]

    def verify(self, received: Received) -> str:
        """Return the access key id that signed this request, or raise what the gateway says."""
        match = AUTHORIZATION.fullmatch(received.headers.get("authorization", ""))
        if match is None:
            raise Refusal(400, "IncompleteSignature", "The request signature does not conform to Aliyun standards.")
        signed = match["headers"].split(";")
        self._refuse_incomplete(received, signed)
        if match["key"] not in self._secrets:
            raise Refusal(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")
        self._refuse_forgery(received, signed, self._secrets[match["key"]], match["signature"])
        self._refuse_stale(received.headers["x-acs-date"])
        self._refuse_replay(received.headers["x-acs-signature-nonce"])
        return match["key"]

    def _refuse_incomplete(self, received: Received, signed: list[str]) -> None:
        for name in NEEDED:
            if name not in received.headers:
                raise Refusal(400, "MissingParameter", f"The header {name} is mandatory for this action.")
        unsigned = [name for name in received.headers if name.startswith("x-acs-") or name == "host"]
        if not set(unsigned) <= set(signed) or not set(signed) <= set(received.headers):
            raise Refusal(400, "IncompleteSignature", "host and every x-acs- header must be present and signed.")
        if "x-acs-security-token" in received.headers:
            raise Refusal(400, "InvalidSecurityToken.Malformed", "Specified SecurityToken is malformed.")

    def _refuse_forgery(self, received: Received, signed: list[str], secret: str, signature: str) -> None:
        text = canonical_request(received, signed)
        expected = sign(secret, text)
        if not hmac.compare_digest(expected, signature):
            message = f"Specified signature does not match our calculation. server CanonicalRequest is {text!r}."
            raise Refusal(400, "SignatureDoesNotMatch", message)

    def _refuse_stale(self, date: str) -> None:
        try:
            sent = _moment(date)
        except ValueError:
            raise Refusal(400, "IllegalTimestamp", "The input parameter Timestamp is not valid.") from None
        if abs((self._now() - sent).total_seconds()) > WINDOW_SECONDS:
            raise Refusal(400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.")

    def _refuse_replay(self, nonce: str) -> None:
        now = self._now().timestamp()
        while self._ages and self._ages[0][0] < now - 2 * WINDOW_SECONDS:
            self._nonces.discard(self._ages.popleft()[1])
        if nonce in self._nonces:
            raise Refusal(400, "SignatureNonceUsed", "Specified signature nonce was used already.")
        self._nonces.add(nonce)
        self._ages.append((now, nonce))


def canonical_request(received: Received, signed: list[str]) -> str:
    """Build the text whose hash is signed; the wire may escape the query otherwise than the signer did."""
    digest = hashlib.sha256(received.body).hexdigest()
    if received.headers["x-acs-content-sha256"] != digest:
        raise Refusal(400, "SignatureDoesNotMatch", "x-acs-content-sha256 is not the hash of the body.")
    headers = "".join(f"{name}:{received.headers[name].strip()}\n" for name in signed)
    query = canonical_query(received.query)
    return "\n".join([received.method, received.path, query, headers, ";".join(signed), digest])


def canonical_query(query: str) -> str:
    """Decode a raw query and encode it again, sorted: space as %20, `@` as %40, `~` kept."""
    pairs = sorted(parse_qsl(query, keep_blank_values=True))
    return "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in pairs)


@lru_cache(maxsize=10_000)
def _quoted(text: str) -> str:
    return quote(text, safe="~")


@lru_cache(maxsize=16)
def _moment(date: str) -> datetime:
    return datetime.strptime(date, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def sign(secret: str, text: str) -> str:
    """Sign a canonical request with the bare secret."""
    string = f"{ALGORITHM}\n{hashlib.sha256(text.encode()).hexdigest()}"
    return hmac.new(secret.encode(), string.encode(), hashlib.sha256).hexdigest()
