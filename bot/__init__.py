"""Moves container-image pulls from a failed registry instance to a healthy one, with two people's consent."""

__version__ = "0.1.0"
