"""What an instance holds: repositories and their tags, those of a large world made only when somebody looks."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field

from simulator.images import Image


@dataclass(slots=True)
class Tag:
    """What a tag names.

    `previous` is what it named before the last push, for copies that bring the older image; `lacks` are the digests of
    what a copy did not bring along.
    """

    name: str
    image: Image
    pushed_ms: int
    previous: Image | None = None
    lacks: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Promise:
    """Tags that are not made yet, and how many they will be."""

    count: int
    make: Callable[[], dict[str, Tag]]

    def __deepcopy__(self, memo: dict[int, object]) -> "Promise":
        return self  # whoever makes them makes fresh ones


@dataclass(slots=True)
class Repository:
    """One repository; `modified_ms` is when its tags last changed, as the list of repositories tells it."""

    id: str
    namespace: str
    name: str
    created_ms: int
    status: str = "NORMAL"
    immutable: bool = False
    modified_ms: int = 0
    promise: Promise | None = None
    _tags: dict[str, Tag] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self.modified_ms = self.modified_ms or self.created_ms

    def __deepcopy__(self, memo: dict[int, object]) -> "Repository":
        twin = copy.copy(self)
        twin._tags = copy.deepcopy(self._tags, memo)  # noqa: SLF001 - its own kind
        return twin

    @property
    def path(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def tags(self) -> dict[str, Tag]:
        if self.promise is not None:
            promise, self.promise = self.promise, None
            self._tags.update(promise.make())
        return self._tags

    @property
    def count(self) -> int:
        """How many tags there are, without making them."""
        return self.promise.count if self.promise is not None else len(self._tags)
