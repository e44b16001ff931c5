"""How the vendor's lists mislead at times: what the faults about counts, pages, digests and texts do to an answer."""

from collections.abc import Sequence
from typing import Any, TypeVar

from simulator.faults import Faults
from simulator.model import Instance

T = TypeVar("T")
Wire = dict[str, Any]


class Distortion:
    """Distort what an instance lists, as far as a fault covers its site; each call differs from the one before."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._counted = self._turned = 0

    def total(self, instance: Instance, count: int) -> int:
        """Return TotalCount; under `wrong_counts` too many, too few and none in turn."""
        if not self._faults.active("wrong_counts", instance.site):
            return count
        self._counted += 1
        return (count + 3, count // 2, 0)[self._counted % 3]

    def ordered(self, instance: Instance, items: Sequence[T], page: int) -> Sequence[T]:
        """Return what there is to page through; under `shifting_pages` the last entry comes first before each page on.

        That is what a push by somebody else does to a list of the latest: one entry is listed twice, one is left out.
        """
        if not items or not self._faults.active("shifting_pages", instance.site):
            return items
        self._turned += page > 1
        start = len(items) - self._turned % len(items)
        return [*items[start:], *items[:start]]

    def digest(self, instance: Instance, digest: str, position: int) -> str:
        """Return a digest without its prefix; under `prefixed_digests` every other one has it."""
        is_prefixed = position % 2 == 0 and self._faults.active("prefixed_digests", instance.site)
        return digest if is_prefixed else digest.removeprefix("sha256:")

    def texts(self, instance: Instance, wire: Wire, *names: str) -> Wire:
        """Return an entry; under `null_texts` what these names tell is the text `null`."""
        if not self._faults.active("null_texts", instance.site):
            return wire
        return wire | dict.fromkeys(names, "null")
