"""What the token service hands out and the registries accept: signed claims that name one instance."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

TOKEN_SECONDS = 300
LINK_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token allows: to pull these repositories of that service, and nothing elsewhere."""

    service: str
    repositories: tuple[str, ...]


class Tokens:
    """Sign and check bearer tokens and the links into layer buckets."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._key = secrets.token_bytes(32)

    def issue(self, grant: Grant) -> str:
        """Put a grant into a signed token (RFC 7519, HS256)."""
        access = [{"type": "repository", "name": name, "actions": ["pull"]} for name in grant.repositories]
        claims = {"aud": grant.service, "exp": self._now() + TOKEN_SECONDS, "access": access}
        body = f"{_encode({'typ': 'JWT', 'alg': 'HS256'})}.{_encode(claims)}"
        return f"{body}.{self._sign(body)}"

    def read(self, token: str) -> Grant | None:
        """Return what a token grants, or None when it is forged or too old."""
        body, _, signature = token.rpartition(".")
        if not hmac.compare_digest(self._sign(body).encode(), signature.encode()):
            return None
        claims = _decode(body.rpartition(".")[2])
        if claims["exp"] <= self._now():
            return None
        return Grant(claims["aud"], tuple(entry["name"] for entry in claims["access"]))

    def sign_link(self, path: str) -> dict[str, str]:
        """Return the query that opens `path` in a bucket for a while."""
        expires = str(self._now() + LINK_SECONDS)
        return {"Expires": expires, "Signature": self._sign(f"{path}?{expires}")}

    def opens(self, path: str, expires: str, signature: str) -> bool:
        """Tell whether a link into a bucket is ours and still young enough."""
        ours = hmac.compare_digest(self._sign(f"{path}?{expires}").encode(), signature.encode())
        return ours and int(expires) > self._now()

    def _sign(self, text: str) -> str:
        return _base64(hmac.digest(self._key, text.encode(), hashlib.sha256))

    def _now(self) -> int:
        return self._now_ms() // 1000


def _encode(part: dict[str, object]) -> str:
    return _base64(json.dumps(part, separators=(",", ":")).encode())


def _decode(part: str) -> dict[str, Any]:
    return dict(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
