"""registry.yaml → topology and access: strict, and every mistake reported at once with its path."""

from bot.configuration.model import Registry
from bot.configuration.reading import load_registry, parse_registry

__all__ = ["Registry", "load_registry", "parse_registry"]
