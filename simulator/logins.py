"""Passwords for one instance and for a while, as the OpenAPI hands them out and the token services take them."""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass

from simulator.canary import secret

USER = "cr_temp_user"
HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Pass:
    """What one password is good for."""

    instance: str
    expires_ms: int


class Logins:
    """The passwords that were handed out; `may_pull` tells whether those who hold one may pull anything with it."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._passes: dict[str, Pass] = {}
        self.may_pull: Callable[[], bool] = lambda: True

    def issue(self, instance: str, hours: int) -> tuple[str, int]:
        """Hand out a password for an instance, and say when it ends; those that have ended are forgotten."""
        now = self._now_ms()
        self._passes = {word: each for word, each in self._passes.items() if each.expires_ms > now}
        password, expires_ms = secret(16), now + hours * HOUR_MS
        self._passes[password] = Pass(instance, expires_ms)
        return password, expires_ms

    def admits(self, header: str, instance: str) -> bool:
        """Tell whether an Authorization header holds a password of this instance that has not ended."""
        found = self._passes.get(_password(header))
        return found is not None and found.instance == instance and found.expires_ms > self._now_ms()


def _password(header: str) -> str:
    scheme, _, code = header.partition(" ")
    try:
        user, _, password = base64.b64decode(code, validate=True).decode().partition(":")
    except (ValueError, binascii.Error):
        return ""
    return password if scheme.lower() == "basic" and user == USER else ""
