"""What an instance holds, read in bulk: page by page, at the pace that the vendor allows.

Answers are taken as they come over the wire, under the vendor's own names: a scan makes thousands of calls, and the
SDK's types would take a quarter of its time.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from bot.adapters.alibaba.client import Alibaba
from bot.adapters.alibaba.limits import Lane
from bot.adapters.alibaba.wire import PAGE_SIZE, Page, count, flag, moment, read_whole, required, text
from bot.domain.inventory import Listed, Tag
from bot.domain.topology import Site
from bot.errors import Refused, Unreachable

Wire = dict[str, Any]
ALIVE = (None, "NORMAL")
GONE = "REPO_NOT_EXIST"
PREFIX = "sha256:"


class AlibabaCatalogue:
    """The lists of Container Registry, for whoever reads all of them."""

    def __init__(self, alibaba: Alibaba) -> None:
        self._alibaba = alibaba

    def ahead(self, site: Site) -> timedelta:
        """Return how far the bot's clock is ahead of this instance's, as far as answers have told."""
        return self._alibaba.ahead(site.region)

    async def namespaces(self, site: Site) -> Mapping[str, bool]:
        """Return each namespace, and whether a push or a copy creates a repository there."""

        async def fetch(page: int) -> Page:
            return await self._page(site, "ListNamespace", "Namespaces", page)

        wires = await read_whole(fetch, lambda wire: text(wire.get("NamespaceName")), f"namespaces of {site.instance}")
        return {name: flag(wire.get("AutoCreateRepo")) for name, wire in wires.items()}

    async def repositories(self, site: Site, page: int) -> tuple[Sequence[Listed], int]:
        """Return one page of the repository list, and how many entries the vendor says there are in all.

        An entry without an id or a name is left out, so the list comes out shorter than announced.
        """
        found = await self._page(site, "ListRepository", "Repositories", page)
        return [each for wire in found.items if (each := _listed_from_wire(wire)) is not None], found.total

    async def tags(self, site: Site, repository: Listed) -> Mapping[str, Tag] | None:
        """Return all tags of a repository, None where it is gone."""

        async def fetch(page: int) -> Page:
            return await self._page(site, "ListRepoTag", "Images", page, RepoId=repository.id)

        try:
            wires = await read_whole(fetch, lambda wire: text(wire.get("Tag")), f"tags of {repository.path}")
        except Refused as refused:
            if refused.code == GONE:
                return None
            raise
        return {name: _tag_from_wire(wire) for name, wire in wires.items()}

    async def _page(self, site: Site, action: str, key: str, number: int, **more: str) -> Page:
        cr = await self._alibaba.cr(site.region, site.account, Lane.SCAN)
        query = {"InstanceId": site.instance, "PageNo": str(number), "PageSize": str(PAGE_SIZE), **more}
        found = await cr.ask(action, query)
        items = found.get(key) or []
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise Unreachable(f"The answer to {action} has an unknown shape, so it cannot be used.")
        return Page(items, count(found.get("TotalCount"), "TotalCount"))


def _listed_from_wire(wire: Wire) -> Listed | None:
    namespace, name, repository_id = (text(wire.get(key)) for key in ("RepoNamespaceName", "RepoName", "RepoId"))
    if not (namespace and name and repository_id):
        return None
    return Listed(
        path=f"{namespace}/{name}",
        id=repository_id,
        modified_at=moment(wire.get("ModifiedTime")),
        is_immutable=flag(wire.get("TagImmutability")),
        is_going=text(wire.get("RepoStatus")) not in ALIVE,
    )


def _tag_from_wire(wire: Wire) -> Tag:
    return Tag(required(wire.get("Digest"), "Digest").removeprefix(PREFIX), moment(wire.get("ImageUpdate")))
