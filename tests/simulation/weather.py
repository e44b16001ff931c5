"""What goes wrong with one service just now, and for whom."""

import random
from dataclasses import dataclass, field


@dataclass(slots=True)
class Weather:
    """Kinds of trouble in force, each with its probability a call and its victims; without victims it is for all."""

    chance: random.Random
    storms: dict[str, tuple[float, frozenset[str]]] = field(default_factory=dict)
    ended_at: float = 0.0

    def draw(self, who: str) -> str:
        """Return the first word of the kind that befalls one call, or nothing."""
        for kind, (probability, victims) in self.storms.items():
            if (not victims or who in victims) and self.chance.random() < probability:
                return kind.partition(" ")[0]
        return ""

    def begin(self, kind: str, probability: float, *victims: str) -> None:
        """Let trouble begin."""
        self.storms[kind] = (probability, frozenset(victims))

    def end(self, kind: str, now: float) -> None:
        """Let one kind of trouble end."""
        if self.storms.pop(kind, None) is not None:
            self.ended_at = now

    def troubled_since(self, moment: float) -> bool:
        """Tell whether anything was wrong at or after a moment."""
        return bool(self.storms) or self.ended_at >= moment
