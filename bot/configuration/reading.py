"""From the text of registry.yaml to a checked Registry, or to every mistake in it at once."""

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bot.configuration.contradictions import contradictions
from bot.configuration.model import Registry
from bot.errors import InvalidConfiguration

_SAID = {
    "extra_forbidden": "is not a known key",
    "missing": "is missing",
    "string_type": "must be text; put it in quotes if it looks like a number",
    "list_type": "must be a list, such as [one, two]",
    "dict_type": "must be a mapping of keys to values",
    "model_type": "must be a mapping of keys to values",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
}
"""Our words for pydantic's kinds of mistakes; a mapping key's own mistake carries [key] in its path."""


def load_registry(path: Path) -> Registry:
    """Read registry.yaml.

    Raises InvalidConfiguration with every mistake, each with its path in the file.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise InvalidConfiguration(f"{path} cannot be read: {why}. REGISTRY_BOT_CONFIG must name the file.") from None
    return parse_registry(text, str(path))


def parse_registry(text: str, name: str = "registry.yaml") -> Registry:
    """Read the text of registry.yaml; see `load_registry`."""
    document, mistakes = _document(text, name)
    try:
        registry = Registry.model_validate(document)
    except ValidationError as error:
        mistakes += [_mistake(part) for part in error.errors()]
    else:
        mistakes += contradictions(registry)
        if not mistakes:
            return registry
    raise InvalidConfiguration(_report(name, mistakes))


def _document(text: str, name: str) -> tuple[dict[Any, Any], list[str]]:
    """Return the file's mapping, and its duplicate keys as mistakes."""
    try:
        loader = _StrictLoader(text)
        document = loader.get_single_data()
    except yaml.YAMLError as error:
        raise InvalidConfiguration(f"{name} is not valid YAML: {_where(error)}") from None
    if not isinstance(document, dict):
        raise InvalidConfiguration(f"{name} must hold a mapping with domains, sites, people and policy.")
    return document, loader.duplicates


class _StrictLoader(yaml.SafeLoader):
    """YAML's safe loader, which also remembers duplicate keys: YAML forbids them and PyYAML takes the last."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.duplicates: list[str] = []


def _strict_mapping(loader: _StrictLoader, node: yaml.MappingNode) -> dict[Hashable, Any]:
    seen: set[str] = set()
    for key, _value in node.value:
        if isinstance(key, yaml.ScalarNode):
            if key.value in seen:
                loader.duplicates.append(f"line {key.start_mark.line + 1}: the key '{key.value}' is there twice")
            seen.add(key.value)
    return loader.construct_mapping(node, deep=True)


_StrictLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _strict_mapping)


def _where(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.reader.ReaderError):
        return f"the character at position {error.position} is not allowed."
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "it cannot be parsed"
    place = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    return f"{problem}{place}."


def _mistake(part: ErrorDetails) -> str:
    path = ".".join(str(step) for step in part["loc"])
    return f"{path}: {_said(part)}"


def _said(part: ErrorDetails) -> str:
    context = part.get("ctx", {})
    match part["type"]:
        case "too_short":
            least = context["min_length"]
            return "must not be empty" if least == 1 else f"must have at least {least} entries"
        case "enum":
            return f"must be {context['expected']}"
        case "greater_than_equal" | "less_than_equal":
            return f"must be {'at least' if 'ge' in context else 'at most'} {context.get('ge', context.get('le'))}"
        case kind:
            return _SAID.get(kind) or part["msg"].removeprefix("Value error, ")


def _report(name: str, mistakes: list[str]) -> str:
    count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
    return f"{name} has {count}:\n" + "\n".join(f"- {mistake}" for mistake in mistakes)
