"""Attacks, each by the front door where there is one: what the attacker is told, and what did not happen."""
