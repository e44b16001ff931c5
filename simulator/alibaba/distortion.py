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
        """Return TotalCount; under `wrong_counts` too many, too few and none in turn.

        Turns of seven answers: a list of two to six pages, read again, is not told the same by the same page.
        """
        if not self._faults.active("wrong_counts", instance.site):
            return count
        self._counted += 1
        return (count + 3, count // 2, 0, count // 2, 0, count // 2, 0)[self._counted % 7]

    def ordered(self, instance: Instance, items: Sequence[T], page: int) -> Sequence[T]:
        """Return what there is to page through; under `shifting_pages` the last entry comes first before each page on.

        That is what a push by somebody else does to a list of the latest: one entry is listed twice, one is left out.
        """
        if not items or not self._faults.active("shifting_pages", instance.site):
            return items
        self._turned += page > 1
        start = len(items) - self._turned % len(items)
        return [*items[start:], *items[:start]]

    def digests(self, instance: Instance, wires: list[Wire]) -> list[Wire]:
        """Return entries whose digests have no prefix; under `prefixed_digests` every other one has it."""
        if not self._faults.active("prefixed_digests", instance.site):
            return wires
        return [wire | {"Digest": f"sha256:{wire['Digest']}"} if at % 2 == 0 else wire for at, wire in enumerate(wires)]

    def texts(self, instance: Instance, wires: list[Wire], *names: str) -> list[Wire]:
        """Return entries; under `null_texts` what these names tell, and what is not there, is the text `null`."""
        if not self._faults.active("null_texts", instance.site):
            return wires
        return [
            {name: "null" if name in names or value == "" else value for name, value in wire.items()} for wire in wires
        ]
