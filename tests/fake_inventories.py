"""Inventories and catalogues in memory."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.domain.inventory import Coverage, Listed, Repository, Tag
from bot.domain.topology import Site
from bot.errors import BotError


class FakeInventories:
    """What is kept, in dictionaries; `puts` are the paths of each call that kept something."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.now = now
        self.kept: dict[str, dict[str, Repository]] = {}
        self.known: dict[str, Coverage] = {}
        self.saved: list[Coverage] = []
        self.puts: list[tuple[str, ...]] = []
        self.down: BotError | None = None
        self._leases: dict[str, tuple[str, datetime]] = {}

    async def coverage(self, instance: str) -> Coverage:
        """Return how well an instance is known."""
        self._require_up()
        return self.known.get(instance, Coverage(instance))

    async def save_coverage(self, coverage: Coverage) -> None:
        """Remember it."""
        self._require_up()
        self.known[coverage.instance] = coverage
        self.saved.append(coverage)

    async def paths(self, instance: str) -> tuple[str, ...]:
        """Return the paths of all kept repositories, sorted."""
        self._require_up()
        return tuple(sorted(self.kept.get(instance, {})))

    async def repositories(self, instance: str, paths: Sequence[str]) -> tuple[Repository | None, ...]:
        """Return these repositories in this order."""
        self._require_up()
        return tuple(self.kept.get(instance, {}).get(path) for path in paths)

    async def put(self, instance: str, repositories: Iterable[Repository]) -> None:
        """Keep these repositories."""
        self._require_up()
        found = {each.path: each for each in repositories}
        self.kept.setdefault(instance, {}).update(found)
        self.puts.append(tuple(found))

    async def drop(self, instance: str, paths: Iterable[str]) -> None:
        """Forget these repositories."""
        self._require_up()
        for path in paths:
            self.kept.get(instance, {}).pop(path, None)

    async def lease(self, instance: str, owner: str, until: datetime) -> bool:
        """Take or renew the reading of an instance."""
        self._require_up()
        holder, ends = self._leases.get(instance, (owner, until))
        if holder != owner and ends > self.now():
            return False
        self._leases[instance] = owner, until
        return True

    def _require_up(self) -> None:
        if self.down is not None:
            raise self.down


class FakeCatalogue:
    """Repositories by site and path, listed in pages of `page_size`; `calls` says what was asked, in calls.

    `failures` are raised by the next reads of a path's tags, `down` by everything asked of a site. `counts` is how
    many repositories a site claims to have, where that is a lie; a page that is the n-th of all is empty where n is in
    `lost`, and every page is the first unless it `turns`. `before` is called before each answer, with what is asked as
    `calls` have it, and may raise.
    """

    def __init__(self, page_size: int = 100) -> None:
        self.page_size = page_size
        self.held: dict[str, dict[str, tuple[Listed, dict[str, Tag]]]] = {}
        self.spaces: dict[str, dict[str, bool]] = {}
        self.calls: list[tuple[str, str, str]] = []
        self.failures: dict[str, list[BotError]] = {}
        self.down: dict[str, BotError] = {}
        self.counts: dict[str, int] = {}
        self.lost: set[int] = set()
        self.turns = True
        self.skew: dict[str, timedelta] = {}
        self.before: Callable[[str, str], None] = lambda _kind, _what: None
        self._pages = 0

    def push(self, site: str, path: str, tag: str, digest: str, at: datetime, *, is_told: bool = True) -> None:
        """Push an image; its repository's modification time moves unless it `is_told` to nobody."""
        listed, tags = self.held.setdefault(site, {}).get(path, (Listed(path, f"crr-{path}", at), {}))
        moved = replace(listed, modified_at=at) if is_told else listed
        self.held[site][path] = moved, {**tags, tag: Tag(digest, at)}

    def ahead(self, site: Site) -> timedelta:
        """Return how far the clock is ahead of the site's."""
        return self.skew.get(site.name, timedelta(0))

    def asked(self, site: str, kind: str) -> list[str]:
        """Return what was asked of a site: `namespaces`, `page` or `tags`."""
        return [what for where, asked, what in self.calls if (where, asked) == (site, kind)]

    async def namespaces(self, site: Site) -> Mapping[str, bool]:
        """Return each namespace, and whether a push creates a repository there."""
        self._ask(site, "namespaces", "")
        found = {path.partition("/")[0]: True for path in self.held.get(site.name, {})}
        return found | self.spaces.get(site.name, {})

    async def repositories(self, site: Site, page: int) -> tuple[Sequence[Listed], int]:
        """Return one page of the repository list."""
        self._ask(site, "page", str(page))
        found = [listed for listed, _ in self.held.get(site.name, {}).values()]
        self._pages += 1
        start = len(found) if self._pages in self.lost else (page - 1) * self.page_size * self.turns
        return found[start : start + self.page_size], self.counts.get(site.name, len(found))

    async def tags(self, site: Site, repository: Listed) -> Mapping[str, Tag] | None:
        """Return all tags of a repository, None where it is gone."""
        self._ask(site, "tags", repository.path)
        if failures := self.failures.get(repository.path):
            raise failures.pop(0)
        listed, tags = self.held.get(site.name, {}).get(repository.path, (None, {}))
        return dict(tags) if listed and listed.id == repository.id else None

    def _ask(self, site: Site, kind: str, what: str) -> None:
        self.calls.append((site.name, kind, what))
        if site.name in self.down:
            raise self.down[site.name]
        self.before(kind, what)
