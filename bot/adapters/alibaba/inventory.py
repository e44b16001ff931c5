"""Reading which images an instance holds, asking only for namespaces and repositories that a glob can match."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from bot.adapters.alibaba.wire import PAGE_SIZE, Page, body, count, flag, moment, read_whole, required, text, together
from bot.domain.comparing import Critical
from bot.domain.inventory import Repository, Tag

LIVE = 0
"""Stands where a pass has its number."""
_WILD = set("*?[")
Query = tuple[str | None, str | None]
"""Namespace and repository name to ask for; None asks for all."""


async def read_inventory(
    cr: Any, models: Any, instance: str, globs: tuple[str, ...], as_of: Callable[[], datetime]
) -> dict[str, Repository]:
    """Return every repository of which a glob names any image, with all its tags, dated by `as_of` when they are read.

    Costs one call for each page of repositories of each query, and one for each 100 tags of each repository found.
    """
    listed = await together(_repositories(cr, models, instance, query) for query in queries(globs))
    repositories = {repo_id: wire for found in listed for repo_id, wire in found.items()}
    critical = Critical(globs)
    wanted = {repo_id: path for repo_id, wire in repositories.items() if critical.touches(path := _path(wire))}
    tagged = await together(_tags(cr, models, instance, repo_id, path) for repo_id, path in wanted.items())
    at = as_of()
    return {
        path: Repository(path, repo_id, tags, at, LIVE, is_immutable=flag(repositories[repo_id].tag_immutability))
        for (repo_id, path), tags in zip(wanted.items(), tagged, strict=True)
    }


def queries(globs: Iterable[str]) -> tuple[Query, ...]:
    """Return the fewest repository lists that cover the globs: narrower ones go when a wider one is asked anyway."""
    wanted = {_query(glob.partition(":")[0]) for glob in globs}
    if (None, None) in wanted:
        return ((None, None),)
    whole = {namespace for namespace, name in wanted if name is None}
    kept = {query for query in wanted if query[1] is None or query[0] not in whole}
    return tuple(sorted(kept, key=lambda query: (query[0] or "", query[1] or "")))


def _query(path: str) -> Query:
    namespace, _, name = path.partition("/")
    if not _WILD.isdisjoint(namespace) or not name:
        return None, None
    return namespace, name if _WILD.isdisjoint(name) else None


async def _repositories(cr: Any, models: Any, instance: str, query: Query) -> dict[str, Any]:
    namespace, name = query

    async def fetch(page: int) -> Page:
        request = models.ListRepositoryRequest(
            instance_id=instance, repo_namespace_name=namespace, repo_name=name, page_no=page, page_size=PAGE_SIZE
        )
        found = body(await cr.list_repository_async(request), "ListRepository")
        return Page(list(found.repositories or []), count(found.total_count, "TotalCount"))

    found = await read_whole(fetch, lambda wire: required(wire.repo_id, "RepoId"), f"repositories of {instance}")
    return {repo_id: wire for repo_id, wire in found.items() if text(wire.repo_status) in (None, "NORMAL")}


def _path(wire: Any) -> str:
    return f"{wire.repo_namespace_name}/{wire.repo_name}"


async def _tags(cr: Any, models: Any, instance: str, repo_id: str, path: str) -> dict[str, Tag]:
    async def fetch(page: int) -> Page:
        request = models.ListRepoTagRequest(instance_id=instance, repo_id=repo_id, page_no=page, page_size=PAGE_SIZE)
        found = body(await cr.list_repo_tag_async(request), "ListRepoTag")
        return Page(list(found.images or []), count(found.total_count, "TotalCount"))

    found = await read_whole(fetch, lambda wire: required(wire.tag, "Tag"), f"tags of {path}")
    return {tag: _tag_from_wire(wire) for tag, wire in found.items()}


def _tag_from_wire(wire: Any) -> Tag:
    return Tag(required(wire.digest, "Digest").removeprefix("sha256:"), moment(wire.image_update))
