"""What two instances hold as they answer now, for the hour in which the store with what is kept is what has failed."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.domain.differences import Side
from bot.domain.inventory import Coverage, Repository
from bot.domain.report import Question
from bot.domain.snapshot import Inventory, Unknown
from bot.domain.topology import Site
from bot.ports import Ports
from bot.services.survey import observe

WITHIN = timedelta(seconds=20)
"""For the repositories that are asked about; nobody could read all of a large instance meanwhile."""


@dataclass(frozen=True, slots=True)
class LiveStock:
    """Repositories by instance and path."""

    held: Mapping[str, Mapping[str, Repository]]

    async def paths(self, instance: str) -> tuple[str, ...]:
        """Return the paths of all repositories."""
        return tuple(self.held[instance])

    async def repositories(self, instance: str, paths: Sequence[str]) -> tuple[Repository | None, ...]:
        """Return these repositories in this order, None for one that is not there."""
        return tuple(self.held[instance].get(path) for path in paths)


async def read_live(ports: Ports, asked: Question) -> tuple[tuple[Side, Side], LiveStock] | Unknown:
    """Return what both ends hold of the critical repositories, or of those that are asked for by name."""
    globs = (asked.repositories,) if asked.repositories else asked.critical
    async with asyncio.TaskGroup() as group:
        reads = [
            group.create_task(observe(ports.registries.inventory(site, globs), WITHIN))
            for site in (asked.source, asked.target)
        ]
    here, there = (read.result() for read in reads)
    if isinstance(here, Unknown):
        return Unknown(f"{asked.source.name}: {here.reason}")
    if isinstance(there, Unknown):
        return Unknown(f"{asked.target.name}: {there.reason}")
    sides = _side(asked.source, here), _side(asked.target, there)
    return sides, LiveStock({each.instance_id: each.repositories for each in (here, there)})


def _side(site: Site, answer: Inventory) -> Side:
    return Side.of(site, Coverage(answer.instance_id, as_of=answer.as_of))
