"""Lists in an order that nobody may rely on, for what the vendor documents no order of."""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Disorder:
    """Answer each call with the same things in another order than the call before."""

    def __init__(self) -> None:
        self._calls = 0

    def of(self, items: Sequence[T]) -> list[T]:
        """Return the items turned by one place more than the last time."""
        self._calls += 1
        start = self._calls % len(items) if items else 0
        return [*items[start:], *items[:start]]
