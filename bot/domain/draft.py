"""A plan that nobody has asked to carry out, with what it rests on."""

from dataclasses import dataclass

from bot.domain.plan import Plan
from bot.domain.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Draft:
    """A plan and the snapshot it was made from; `only` is the domain or VPC that it was narrowed down to by words."""

    plan: Plan
    snapshot: Snapshot
    only: str = ""
