"""Container Registry's replication rules and tasks, as either end sees them."""

from collections.abc import Callable
from typing import Any

from simulator.alibaba.cr_images import Finder, running
from simulator.alibaba.cr_paging import page
from simulator.alibaba.disorder import Disorder
from simulator.alibaba.distortion import Distortion
from simulator.alibaba.errors import Refusal
from simulator.alibaba.parameters import Parameters
from simulator.images import LAYER_TYPE, sha256
from simulator.model import SUCCESS, Instance, SyncRule, SyncTask
from simulator.world import World

Wire = dict[str, Any]
Call = Callable[[Parameters], Wire]


class Replication:
    """Answer the calls about rules and tasks."""

    def __init__(self, world: World, find: Finder, distortion: Distortion) -> None:
        self._world, self._find, self._distortion, self._disorder = world, find, distortion, Disorder()
        self.calls: dict[str, Call] = {
            "ListRepoSyncRule": self.list_rules,
            "ListRepoSyncTask": self.list_tasks,
            "GetRepoSyncTask": self.get_task,
        }

    def list_rules(self, given: Parameters) -> Wire:
        """ListRepoSyncRule: a rule is listed at both ends, Local being who was asked; TotalCount is a number."""
        asked = running(self._find, given)
        rules = [rule for rule in self._world.rules.values() if asked.id in (rule.source, rule.target)]
        wires = [self._rule_to_wire(rule, asked) for rule in rules]
        wires = [wire for wire in wires if _selected(wire, given)]
        shown, paging = page(given, wires)
        total = self._distortion.total(asked, len(wires))
        told = self._distortion.texts(asked, list(shown), "CreateTime", "ModifiedTime")
        return {"SyncRules": told, "TotalCount": total} | paging

    def list_tasks(self, given: Parameters) -> Wire:
        """ListRepoSyncTask: no filter by status, no order to rely on, TotalCount a text."""
        asked = running(self._find, given)
        tasks = [task for task in self._world.tasks if asked.id in (task.source, task.target)]
        tasks = [task for task in tasks if _wanted(task, given)]
        # The vendor documents no order, so whoever takes the first line for the newest must fail here.
        tasks.sort(key=lambda task: task.id[::-1])
        shown, paging = page(given, tasks)
        wires = [self._listed_to_wire(task) for task in self._disorder.of(shown)]
        return {"SyncTasks": wires, "TotalCount": str(self._distortion.total(asked, len(tasks)))} | paging

    def get_task(self, given: Parameters) -> Wire:
        """GetRepoSyncTask: Progress knows only 0 and 1."""
        given.require("InstanceId", "SyncTaskId")
        asked = running(self._find, given)
        return self._detail_to_wire(task_of(self._world, asked, given))

    def _rule_to_wire(self, rule: SyncRule, asked: Instance) -> Wire:
        is_source = asked.id == rule.source
        local, target = (rule.source, rule.target) if is_source else (rule.target, rule.source)
        instances = self._world.instances
        return {
            "SyncRuleId": rule.id,
            "SyncRuleName": rule.name,
            "SyncScope": rule.scope,
            "SyncTrigger": rule.trigger,
            "SyncDirection": "FROM" if is_source else "TO",
            "LocalInstanceId": local,
            "LocalRegionId": instances[local].region,
            "LocalNamespaceName": rule.namespace,
            "LocalRepoName": rule.repo,
            "TargetInstanceId": target,
            "TargetRegionId": instances[target].region,
            "TargetNamespaceName": rule.namespace,
            "TargetRepoName": rule.repo,
            "NamespaceNameFilter": rule.namespace_filter if rule.scope == "INSTANCE" else "",
            "RepoNameFilter": "" if rule.scope == "REPO" else rule.repo_filter,
            "TagFilter": rule.tag_filter,
            "CrossUser": self._crosses(rule),
            "Priority": 3,
            "CreateTime": rule.created_ms,
            "ModifiedTime": rule.created_ms,
        }

    def _task_to_wire(self, task: SyncTask) -> Wire:
        wire: Wire = {
            "SyncTaskId": task.id,
            "SyncBatchTaskId": task.batch,
            "SyncRuleId": task.rule,
            "TaskStatus": task.status,
            "TaskTrigger": task.trigger,
            "ImageFrom": self._image_to_wire(task.source, task.repo, task.tag),
            "ImageTo": self._image_to_wire(task.target, *task.lands_at),
            "CrossUser": self._crosses(task),
            "Priority": task.priority,
            "SyncTransAccelerate": False,
        }
        return wire | ({"TaskIssue": task.issue} if task.issue else {})

    def _listed_to_wire(self, task: SyncTask) -> Wire:
        """Add what only the list tells, in the vendor's two spellings."""
        times = {"CreateTime": task.created_ms, "ModifedTime": task.modified_ms, "ModifiedTime": task.modified_ms}
        return self._task_to_wire(task) | times | {"CustomLink": False}

    def _crosses(self, either: SyncRule | SyncTask) -> bool:
        instances = self._world.instances
        return instances[either.source].account != instances[either.target].account

    def _image_to_wire(self, instance: str, repo: str, tag: str) -> Wire:
        namespace, _, name = repo.partition("/")
        return {
            "InstanceId": instance,
            "RegionId": self._world.instances[instance].region,
            "RepoNamespaceName": namespace,
            "RepoName": name,
            "ImageTag": tag,
        }

    def _detail_to_wire(self, task: SyncTask) -> Wire:
        done = task.status == SUCCESS
        layer = len(task.image.layer)
        layer_task = {
            "SyncLayerTaskId": f"{task.id}-1",
            "ArtifactDigest": task.image.digest,
            "Digest": sha256(task.image.layer),
            "MediaType": LAYER_TYPE,
            "Size": layer,
            "SyncedSize": layer if done else 0,
            "TaskStatus": task.status,
        }
        progress = {"Progress": int(done), "SyncedSize": task.image.size if done else 0, "LayerTasks": [layer_task]}
        return self._task_to_wire(task) | progress


def task_of(world: World, asked: Instance, given: Parameters) -> SyncTask:
    """Find the task that SyncTaskId names, if the instance is at one of its ends."""
    wanted = given.text("SyncTaskId")
    for task in world.tasks:
        if task.id == wanted and asked.id in (task.source, task.target):
            return task
    raise Refusal(400, "SYNC_TASK_NOT_EXIST", "The synchronization task does not exist.")


def _selected(wire: Wire, given: Parameters) -> bool:
    filters = {
        "NamespaceName": "LocalNamespaceName",
        "RepoName": "LocalRepoName",
        "TargetInstanceId": "TargetInstanceId",
        "TargetRegionId": "TargetRegionId",
    }
    return all(wire[key] == given.text(name, wire[key]) for name, key in filters.items())


def _wanted(task: SyncTask, given: Parameters) -> bool:
    namespace, _, name = task.repo.partition("/")
    asked = {"RepoNamespaceName": namespace, "RepoName": name, "Tag": task.tag, "SyncRecordId": task.batch}
    return all(given.text(key, value) == value for key, value in asked.items())
