"""What links into a layer bucket lead to, kept from when they are given: a large world is too large to search."""

MOST_KEPT = 2_000


class Shelf:
    """The contents behind the links that were given last, by digest."""

    def __init__(self) -> None:
        self._contents: dict[str, bytes] = {}

    def put(self, digest: str, content: bytes) -> None:
        """Keep a content; the oldest goes when there are too many."""
        self._contents[digest] = content
        if len(self._contents) > MOST_KEPT:
            del self._contents[next(iter(self._contents))]

    def get(self, digest: str) -> bytes | None:
        return self._contents.get(digest)
