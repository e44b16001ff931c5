"""What an instance holds, read in bulk: page by page, at the pace that the vendor allows."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.adapters.alibaba.client import Alibaba
from bot.adapters.alibaba.limits import Lane
from bot.adapters.alibaba.wire import PAGE_SIZE, Page, body, count, flag, moment, read_whole, required, text
from bot.domain.inventory import Listed, Tag
from bot.domain.topology import Site
from bot.errors import Refused

ALIVE = (None, "NORMAL")
GONE = "REPO_NOT_EXIST"
PREFIX = "sha256:"


class AlibabaCatalogue:
    """The lists of Container Registry, for whoever reads all of them."""

    def __init__(self, alibaba: Alibaba) -> None:
        self._alibaba = alibaba

    async def namespaces(self, site: Site) -> Mapping[str, bool]:
        """Return each namespace, and whether a push or a copy creates a repository there."""
        cr, models = await self._of(site)

        async def fetch(page: int) -> Page:
            request = models.ListNamespaceRequest(instance_id=site.instance, page_no=page, page_size=PAGE_SIZE)
            found = body(await cr.list_namespace_async(request), "ListNamespace")
            return Page(list(found.namespaces or []), count(found.total_count, "TotalCount"))

        wires = await read_whole(fetch, lambda wire: text(wire.namespace_name), f"namespaces of {site.instance}")
        return {name: flag(wire.auto_create_repo) for name, wire in wires.items()}

    async def repositories(self, site: Site, page: int) -> tuple[Sequence[Listed], int]:
        """Return one page of the repository list, and how many entries the vendor says there are in all.

        An entry without an id or a name is left out, so the list comes out shorter than announced.
        """
        cr, models = await self._of(site)
        request = models.ListRepositoryRequest(instance_id=site.instance, page_no=page, page_size=PAGE_SIZE)
        found = body(await cr.list_repository_async(request), "ListRepository")
        listed = [each for wire in found.repositories or [] if (each := _listed_from_wire(wire)) is not None]
        return listed, count(found.total_count, "TotalCount")

    async def tags(self, site: Site, repository: Listed) -> Mapping[str, Tag]:
        """Return all tags of a repository; empty where it is gone."""
        cr, models = await self._of(site)

        async def fetch(page: int) -> Page:
            request = models.ListRepoTagRequest(
                instance_id=site.instance, repo_id=repository.id, page_no=page, page_size=PAGE_SIZE
            )
            found = body(await cr.list_repo_tag_async(request), "ListRepoTag")
            return Page(list(found.images or []), count(found.total_count, "TotalCount"))

        try:
            wires = await read_whole(fetch, lambda wire: text(wire.tag), f"tags of {repository.path}")
        except Refused as refused:
            if refused.code == GONE:
                return {}
            raise
        return {name: _tag_from_wire(wire) for name, wire in wires.items()}

    async def _of(self, site: Site) -> tuple[Any, Any]:
        return await self._alibaba.cr(site.region, site.account, Lane.SCAN), (await self._alibaba.models())[1]


def _listed_from_wire(wire: Any) -> Listed | None:
    names = (text(wire.repo_namespace_name), text(wire.repo_name), text(wire.repo_id))
    if not all(names):
        return None
    namespace, name, repository_id = names
    return Listed(
        path=f"{namespace}/{name}",
        id=repository_id or "",
        modified_at=moment(wire.modified_time),
        is_immutable=flag(wire.tag_immutability),
        is_going=text(wire.repo_status) not in ALIVE,
    )


def _tag_from_wire(wire: Any) -> Tag:
    return Tag(required(wire.digest, "Digest").removeprefix(PREFIX), moment(wire.image_update))
