"""Reading which images an instance holds, asking only for namespaces and repositories that a glob can match."""

from collections.abc import Iterable
from typing import Any

from bot.adapters.alibaba.wire import PAGE_SIZE, Page, body, count, read_list, required, text, together
from bot.domain.topology import globs_naming_repository, matches_image

_WILD = set("*?[")
Query = tuple[str | None, str | None]
"""Namespace and repository name to ask for; None asks for all."""


async def read_inventory(cr: Any, models: Any, instance: str, globs: tuple[str, ...]) -> dict[str, str]:
    """Return `namespace/repo:tag` → digest of every image that matches a glob.

    Costs one call for each page of repositories of each query, and one for each 100 tags of each repository found.
    """
    listed = await together(_repositories(cr, models, instance, query) for query in queries(globs))
    repositories = {repo_id: path for found in listed for repo_id, path in found.items()}
    wanted = {repo_id: path for repo_id, path in repositories.items() if globs_naming_repository(globs, path)}
    tagged = await together(_tags(cr, models, instance, repo_id, path) for repo_id, path in wanted.items())
    return {
        f"{path}:{tag}": digest
        for path, tags in tagged
        for tag, digest in tags.items()
        if matches_image(globs, path, tag)
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


async def _repositories(cr: Any, models: Any, instance: str, query: Query) -> dict[str, str]:
    namespace, name = query

    async def fetch(page: int) -> Page:
        request = models.ListRepositoryRequest(
            instance_id=instance, repo_namespace_name=namespace, repo_name=name, page_no=page, page_size=PAGE_SIZE
        )
        found = body(await cr.list_repository_async(request), "ListRepository")
        return Page(list(found.repositories or []), count(found.total_count, "TotalCount"))

    page = await read_list(fetch, lambda wire: required(wire.repo_id, "RepoId"), f"repositories of {instance}")
    alive = [wire for wire in page.items if text(wire.repo_status) in (None, "NORMAL")]
    return {wire.repo_id: f"{wire.repo_namespace_name}/{wire.repo_name}" for wire in alive}


async def _tags(cr: Any, models: Any, instance: str, repo_id: str, path: str) -> tuple[str, dict[str, str]]:
    async def fetch(page: int) -> Page:
        request = models.ListRepoTagRequest(instance_id=instance, repo_id=repo_id, page_no=page, page_size=PAGE_SIZE)
        found = body(await cr.list_repo_tag_async(request), "ListRepoTag")
        return Page(list(found.images or []), count(found.total_count, "TotalCount"))

    page = await read_list(fetch, lambda wire: required(wire.tag, "Tag"), f"tags of {path}")
    return path, {wire.tag: required(wire.digest, "Digest").removeprefix("sha256:") for wire in page.items}
