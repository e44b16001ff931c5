"""Container Registry's namespaces, repositories and tags."""

from collections.abc import Callable
from typing import Any

from simulator.alibaba.cr_paging import page, page_or_token
from simulator.alibaba.errors import BusinessFailure
from simulator.alibaba.parameters import Parameters
from simulator.images import sha256
from simulator.model import Instance, Repository, Tag

Wire = dict[str, Any]
Call = Callable[[Parameters], Wire]
Finder = Callable[[Parameters], Instance]


def running(find: Finder, given: Parameters) -> Instance:
    """Find an instance that can be asked about its content."""
    instance = find(given)
    if instance.status != "RUNNING":
        raise BusinessFailure("INSTANCE_STATUS_NOT_SUPPORT")
    return instance


class Images:
    """Answer the calls about what an instance holds."""

    def __init__(self, find: Finder) -> None:
        self._find = find
        self.calls: dict[str, Call] = {
            "ListNamespace": self.list_namespaces,
            "ListRepository": self.list_repositories,
            "GetRepository": self.get_repository,
            "ListRepoTag": self.list_tags,
            "GetRepoTag": self.get_tag,
        }

    def list_namespaces(self, given: Parameters) -> Wire:
        instance = running(self._find, given)
        names = [name for name in instance.namespaces if name == given.text("NamespaceName", name)]
        names = names if given.text("NamespaceStatus", "NORMAL") == "NORMAL" else []
        shown, paging = page(given, names)
        wires = [_namespace_to_wire(instance, name) for name in shown]
        return {"Namespaces": wires, "TotalCount": str(len(names))} | paging

    def list_repositories(self, given: Parameters) -> Wire:
        instance = running(self._find, given)
        found = [each for each in instance.repositories.values() if _selected(each, given)]
        shown, paging = page_or_token(given, found)
        wires = [_repository_to_wire(instance, each) for each in shown]
        return {"Repositories": wires, "TotalCount": str(len(found))} | paging

    def get_repository(self, given: Parameters) -> Wire:
        """GetRepository, by its id or by namespace and name."""
        instance = running(self._find, given)
        if not given.optional("RepoId"):
            given.require("RepoNamespaceName", "RepoName")
            repository = instance.repositories.get(f"{given.text('RepoNamespaceName')}/{given.text('RepoName')}")
            if repository is None:
                raise BusinessFailure("REPO_NOT_EXIST")
            return _repository_to_wire(instance, repository)
        return _repository_to_wire(instance, _repository(instance, given))

    def list_tags(self, given: Parameters) -> Wire:
        """ListRepoTag: digests come without their prefix, times as texts."""
        given.require("InstanceId", "RepoId")
        tags = list(_repository(running(self._find, given), given).tags.values())
        shown, paging = page_or_token(given, tags)
        return {"Images": [_tag_to_wire(tag, str) for tag in shown], "TotalCount": str(len(tags))} | paging

    def get_tag(self, given: Parameters) -> Wire:
        """GetRepoTag: times as numbers."""
        given.require("InstanceId", "RepoId", "Tag")
        tag = _repository(running(self._find, given), given).tags.get(given.text("Tag"))
        if tag is None:
            raise BusinessFailure("TAG_NOT_EXIST")
        return _tag_to_wire(tag, int)


def _repository(instance: Instance, given: Parameters) -> Repository:
    wanted = given.required("RepoId")
    for repository in instance.repositories.values():
        if repository.id == wanted:
            return repository
    raise BusinessFailure("REPO_NOT_EXIST")


def _selected(repository: Repository, given: Parameters) -> bool:
    wanted = (
        given.text("RepoNamespaceName", repository.namespace),
        given.text("RepoName", repository.name),
        given.text("RepoStatus", repository.status).replace("ALL", repository.status),
    )
    return (repository.namespace, repository.name, repository.status) == wanted


def _namespace_to_wire(instance: Instance, name: str) -> Wire:
    return {
        "InstanceId": instance.id,
        "NamespaceId": f"crn-{instance.id[4:]}{instance.namespaces.index(name):08d}",
        "NamespaceName": name,
        "NamespaceStatus": "NORMAL",
        "AutoCreateRepo": True,
        "DefaultRepoType": "PRIVATE",
        "DefaultRepoConfiguration": {"RepoType": "PRIVATE", "TagImmutability": False},
        "ResourceGroupId": "rg-default",
    }


def _repository_to_wire(instance: Instance, repository: Repository) -> Wire:
    pushed = [tag.pushed_ms for tag in repository.tags.values()]
    return {
        "InstanceId": instance.id,
        "RepoId": repository.id,
        "RepoName": repository.name,
        "RepoNamespaceName": repository.namespace,
        "RepoType": "PRIVATE",
        "RepoStatus": repository.status,
        "RepoBuildType": "MANUAL",
        "ResourceGroupId": "rg-default",
        "Summary": repository.path,
        "TagImmutability": repository.immutable,
        "CreateTime": repository.created_ms,
        "ModifiedTime": max(pushed, default=repository.created_ms),
    }


def _tag_to_wire(tag: Tag, time: type[int] | type[str]) -> Wire:
    return {
        "Tag": tag.name,
        "Digest": tag.image.digest.removeprefix("sha256:"),
        "ImageId": sha256(tag.image.config).removeprefix("sha256:"),
        "ImageSize": tag.image.size,
        "ImageCreate": time(tag.pushed_ms),
        "ImageUpdate": time(tag.pushed_ms),
        "Status": "NORMAL",
    }
