"""Small checks that combine: each takes a value and its JSON pointer and yields what is wrong with it."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

Check = Callable[[Any, str], Iterator[str]]


def wrong(sentence: str, pointer: str) -> str:
    """Word a mistake as Slack does, with the place where it stands."""
    return f"{sentence} [json-pointer:{pointer}]"


def string(longest: int, shortest: int = 1) -> Check:
    """Accept a string whose length lies between both bounds."""

    def check(value: Any, pointer: str) -> Iterator[str]:
        if not isinstance(value, str):
            yield wrong("must be a string", pointer)
        elif len(value) < shortest:
            yield wrong(f"must be more than {shortest - 1} characters", pointer)
        elif len(value) > longest:
            yield wrong(f"must be less than {longest + 1} characters", pointer)

    return check


def url(longest: int) -> Check:
    """Accept an absolute web or mail address."""

    def check(value: Any, pointer: str) -> Iterator[str]:
        yield from string(longest)(value, pointer)
        if isinstance(value, str) and urlsplit(value).scheme not in ("http", "https", "mailto"):
            yield wrong("must be a valid URL", pointer)

    return check


def one_of(*allowed: str) -> Check:
    """Accept one of these words."""

    def check(value: Any, pointer: str) -> Iterator[str]:
        if value not in allowed:
            yield wrong(f"must be one of: {', '.join(allowed)}", pointer)

    return check


def boolean(value: Any, pointer: str) -> Iterator[str]:
    """Accept true and false."""
    if not isinstance(value, bool):
        yield wrong("must be a boolean", pointer)


def number(smallest: float, largest: float) -> Check:
    """Accept a number between both bounds."""

    def check(value: Any, pointer: str) -> Iterator[str]:
        if isinstance(value, bool) or not isinstance(value, int | float):
            yield wrong("must be a number", pointer)
        elif not smallest <= value <= largest:
            yield wrong(f"must be between {smallest} and {largest}", pointer)

    return check


def anything(_value: Any, _pointer: str) -> Iterator[str]:
    """Accept whatever stands there."""
    return iter(())


def items(check_item: Check, most: int, least: int = 1) -> Check:
    """Accept a list with so many items, each of them right."""

    def check(value: Any, pointer: str) -> Iterator[str]:
        if not isinstance(value, list):
            yield wrong("must be an array", pointer)
            return
        if len(value) > most:
            yield wrong(f"no more than {most} items allowed", pointer)
        if len(value) < least:
            yield wrong(f"no less than {least} items allowed", pointer)
        for index, item in enumerate(value):
            yield from check_item(item, f"{pointer}/{index}")

    return check


def shape(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """Accept an object with these fields and no others."""
    known = {**required, **(optional or {})}

    def check(value: Any, pointer: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield wrong("must be an object", pointer)
            return
        for name in required:
            if name not in value:
                yield wrong(f"missing required field: {name}", pointer)
        for name, content in value.items():
            if name in known:
                yield from known[name](content, f"{pointer}/{name}")
            elif name != "type":
                yield wrong(f"invalid additional property: {name}", pointer)

    return check


def by_type(kinds: Mapping[str, Check]) -> Check:
    """Accept an object whose `type` is known, and check it as that type."""

    def check(value: Any, pointer: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield wrong("must be an object", pointer)
        elif "type" not in value:
            yield wrong("missing required field: type", pointer)
        elif value["type"] not in kinds:
            yield wrong(f"unsupported type: {value['type']}", f"{pointer}/type")
        else:
            yield from kinds[value["type"]](value, pointer)

    return check
