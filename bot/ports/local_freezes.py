"""Freezes that the store does not have yet: in force in this process alone, and kept until they are written down."""

from collections.abc import Mapping

from bot.domain.freeze import Freeze


class LocalFreezes:
    """What somebody froze here while Redis did not answer, each with its audit entry."""

    def __init__(self) -> None:
        self._waiting: dict[Freeze, Mapping[str, str]] = {}
        self._turns = 0

    @property
    def turns(self) -> int:
        """Count what was put in and forgotten: whoever looked while this grew saw something halfway."""
        return self._turns

    def add(self, freeze: Freeze, entry: Mapping[str, str]) -> None:
        """Put a freeze in force here at once."""
        self._waiting[freeze] = entry
        self._turns += 1

    def drop(self, freeze: Freeze) -> None:
        """Forget a freeze, because the store has it or a longer one."""
        self._waiting.pop(freeze, None)
        self._turns += 1

    def waiting(self) -> tuple[tuple[Freeze, Mapping[str, str]], ...]:
        """Return every freeze with its entry, in the order of freezing."""
        return tuple(self._waiting.items())

    def freezes(self) -> tuple[Freeze, ...]:
        """Return every freeze, in the order of freezing."""
        return tuple(self._waiting)
