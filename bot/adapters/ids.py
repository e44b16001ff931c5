"""Randomness from the operating system: short ids for people, long tokens for programs."""

import secrets

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base32: no i, l or o beside 1 and 0, and no u, so that an id survives being read out."""
LENGTH = 4
"""A million ids a kind; the store refuses a second operation under an id that it still has."""


class RandomIds:
    """Ids and tokens that nobody can foretell."""

    def operation_id(self, prefix: str) -> str:
        """Return a new short id such as `fo-7k2m`."""
        return f"{prefix}-{''.join(secrets.choice(ALPHABET) for _ in range(LENGTH))}"

    def token(self) -> str:
        """Return 128 random bits as hex."""
        return secrets.token_hex(16)
