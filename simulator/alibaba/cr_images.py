"""Container Registry's namespaces, repositories and tags."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from simulator.alibaba.cr_paging import page, page_or_token
from simulator.alibaba.distortion import Distortion
from simulator.alibaba.errors import BusinessFailure
from simulator.alibaba.parameters import Parameters
from simulator.model import Instance
from simulator.repositories import Repository, Tag

T = TypeVar("T")
Wire = dict[str, Any]
Call = Callable[[Parameters], Wire]
Finder = Callable[[Parameters], Instance]
SELECTING = {"RepoNamespaceName", "RepoName", "RepoStatus"}


def running(find: Finder, given: Parameters) -> Instance:
    """Find an instance that can be asked about its content."""
    instance = find(given)
    if instance.status != "RUNNING":
        raise BusinessFailure("INSTANCE_STATUS_NOT_SUPPORT")
    return instance


class Images:
    """Answer the calls about what an instance holds."""

    def __init__(self, find: Finder, distortion: Distortion) -> None:
        self._find, self._distortion = find, distortion
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
        return {"Namespaces": wires, "TotalCount": self._total(instance, len(names))} | paging

    def list_repositories(self, given: Parameters) -> Wire:
        instance = running(self._find, given)
        found = list(instance.repositories.values())
        if given.raw.keys() & SELECTING:
            found = [each for each in found if _selected(each, given)]
        shown, paging = page_or_token(given, self._ordered(instance, found, given))
        wires = [_repository_to_wire(instance, each) for each in shown]
        wires = self._distortion.texts(instance, wires, "ModifiedTime", "CreateTime", "Summary")
        return {"Repositories": wires, "TotalCount": self._total(instance, len(found))} | paging

    def get_repository(self, given: Parameters) -> Wire:
        """GetRepository, by its id or by namespace and name."""
        instance = running(self._find, given)
        if not given.optional("RepoId"):
            given.require("RepoNamespaceName", "RepoName")
            repository = instance.repositories.get(f"{given.text('RepoNamespaceName')}/{given.text('RepoName')}")
            if repository is None:
                raise BusinessFailure("REPO_NOT_EXIST")
            return _repository_to_wire(instance, repository)
        return _repository_to_wire(instance, repository_of(instance, given))

    def list_tags(self, given: Parameters) -> Wire:
        """ListRepoTag: digests come without their prefix, times as texts."""
        given.require("InstanceId", "RepoId")
        instance = running(self._find, given)
        tags = list(repository_of(instance, given).tags.values())
        shown, paging = page_or_token(given, self._ordered(instance, tags, given))
        wires = self._distortion.digests(instance, [_tag_to_wire(tag, str) for tag in shown])
        wires = self._distortion.texts(instance, wires, "ImageCreate", "ImageUpdate")
        return {"Images": wires, "TotalCount": self._total(instance, len(tags))} | paging

    def get_tag(self, given: Parameters) -> Wire:
        """GetRepoTag: times as numbers."""
        given.require("InstanceId", "RepoId", "Tag")
        tag = repository_of(running(self._find, given), given).tags.get(given.text("Tag"))
        if tag is None:
            raise BusinessFailure("TAG_NOT_EXIST")
        return _tag_to_wire(tag, int)

    def _total(self, instance: Instance, count: int) -> str:
        return str(self._distortion.total(instance, count))

    def _ordered(self, instance: Instance, items: list[T], given: Parameters) -> Sequence[T]:
        later = given.optional("NextToken") or given.text("PageNo", "1") != "1"
        return self._distortion.ordered(instance, items, 2 if later else 1)


def repository_of(instance: Instance, given: Parameters) -> Repository:
    """Find the repository that RepoId names."""
    repository = instance.by_id.get(given.required("RepoId"))
    if repository is None:
        raise BusinessFailure("REPO_NOT_EXIST")
    return repository


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
        "AutoCreateRepo": name not in instance.by_hand,
        "DefaultRepoType": "PRIVATE",
        "DefaultRepoConfiguration": {"RepoType": "PRIVATE", "TagImmutability": False},
        "ResourceGroupId": "rg-default",
    }


def _repository_to_wire(instance: Instance, repository: Repository) -> Wire:
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
        "ModifiedTime": repository.modified_ms,
    }


def _tag_to_wire(tag: Tag, time: type[int] | type[str]) -> Wire:
    facts, pushed = tag.image.facts, time(tag.pushed_ms)
    return {
        "Tag": tag.name,
        "Digest": facts.digest.removeprefix("sha256:"),
        "ImageId": facts.config.removeprefix("sha256:"),
        "ImageSize": facts.size,
        "ImageCreate": pushed,
        "ImageUpdate": pushed,
        "Status": "NORMAL",
    }
