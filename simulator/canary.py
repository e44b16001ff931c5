"""Secrets that are recognised wherever they turn up: each carries a word that stands nowhere else."""

import secrets

MARK = "7c4n4ry7"
"""Only letters and digits, so that it survives in every token and every URL as it is."""


def secret(random_bytes: int = 8) -> str:
    """Make a secret nobody can guess and anybody can recognise."""
    return f"{MARK}{secrets.token_hex(random_bytes)}"
