"""One row a goal: what was measured, against what, and whether it holds."""

import math
import operator
import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass

_RULES: dict[str, Callable[[float, float], bool]] = {"≤": operator.le, "≥": operator.ge, "=": operator.eq}


@dataclass(frozen=True, slots=True)
class Row:
    """One goal: `figure` is a ratio unless `unit` says otherwise; `detail` holds the figures behind it."""

    group: str
    what: str
    figure: float
    rule: str
    goal: float
    unit: str = "×"
    detail: str = ""

    @property
    def is_met(self) -> bool:
        """Tell whether the goal holds."""
        return _RULES[self.rule](self.figure, self.goal)

    def cells(self) -> tuple[str, ...]:
        """Return the row as text."""
        goal = f"{self.rule} {_number(self.goal)} {self.unit}".strip()
        return self.group, self.what, f"{_number(self.figure)} {self.unit}".strip(), goal, self.verdict, self.detail

    @property
    def verdict(self) -> str:
        """Return met or not, as a word that stands out where it is not."""
        return "met" if self.is_met else "NOT MET"


HEAD = ("group", "what", "measured", "goal", "", "behind it")


def table(rows: Iterable[Row]) -> str:
    """Return the rows as one Markdown table, so that it can be kept as it is."""
    lines = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    ruled = [lines[0], tuple("-" * width for width in widths), *lines[1:]]
    return "\n".join("| " + " | ".join(map(str.ljust, line, widths)) + " |" for line in ruled)


def percentile(values: Iterable[float], share: float) -> float:
    """Return the value below which this share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def spread(ratios: Iterable[float]) -> str:
    """Return the least and the largest of some ratios, as a measure of the machine's noise."""
    found = sorted(ratios)
    return f"{_number(found[0])} to {_number(found[-1])} in {len(found)} runs"


def median(values: Iterable[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def _number(value: float) -> str:
    if math.isnan(value):
        return "–"
    return f"{value:.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.2f}"
