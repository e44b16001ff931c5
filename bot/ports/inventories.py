"""Reading what an instance holds, page by page, and keeping it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from bot.domain.inventory import Coverage, Listed, Repository, Tag
from bot.domain.topology import Site


class Catalogue(Protocol):
    """What an instance lists of itself, read in bulk: slowed down by the vendor's limits, never failed by them.

    Raises Refused, or Unreachable when the instance does not answer.
    """

    def ahead(self, site: Site) -> timedelta:
        """Return how far the bot's clock is ahead of the instance's, which dates pushes; negative where it is behind.

        What answers have told by now: ask once the reading that is to be dated is over.
        """
        ...

    async def namespaces(self, site: Site) -> Mapping[str, bool]:
        """Return each namespace, and whether a push or a copy creates a repository there."""
        ...

    async def repositories(self, site: Site, page: int) -> tuple[Sequence[Listed], int]:
        """Return one page (from 1) of the repository list, and how many entries the vendor says there are in all."""
        ...

    async def tags(self, site: Site, repository: Listed) -> Mapping[str, Tag] | None:
        """Return all tags of a repository, None where it is gone; another may have taken its name."""
        ...


class Inventories(Protocol):
    """The kept inventories. Everything raises StoreUnavailable when Redis does not answer in time."""

    async def coverage(self, instance: str) -> Coverage:
        """Return how well an instance is known; empty for one that was never read."""
        ...

    async def save_coverage(self, coverage: Coverage) -> None:
        """Remember it."""
        ...

    async def paths(self, instance: str) -> tuple[str, ...]:
        """Return the paths of all kept repositories, sorted."""
        ...

    async def repositories(self, instance: str, paths: Sequence[str]) -> tuple[Repository | None, ...]:
        """Return these repositories in this order, None for one that is not kept; ask for some hundred at once."""
        ...

    async def put(self, instance: str, repositories: Iterable[Repository]) -> None:
        """Keep these repositories in place of what was known of them."""
        ...

    async def drop(self, instance: str, paths: Iterable[str]) -> None:
        """Forget these repositories."""
        ...

    async def lease(self, instance: str, owner: str, until: datetime) -> bool:
        """Take or renew the reading of an instance; False while another owner has it. Saves double work only."""
        ...
