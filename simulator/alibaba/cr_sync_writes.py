"""Container Registry's copies by hand: making them, and calling off those that have not ended.

Where the documentation names no code for a refusal, the code here follows the vendor's pattern and is a guess.
"""

from typing import Any

from simulator.alibaba.cr_images import Call, Finder, repository_of, running
from simulator.alibaba.cr_sync import task_of
from simulator.alibaba.errors import BusinessFailure
from simulator.alibaba.parameters import Parameters
from simulator.model import CANCELED, MANUAL, OPEN, SOURCES, Instance, SyncTask, share_cloud
from simulator.repositories import Repository, Tag
from simulator.world import World

ENDS = ("TargetInstanceId", "TargetRegionId", "TargetNamespace", "TargetRepoName", "TargetTag")
Wire = dict[str, Any]


class SyncWrites:
    """Answer the calls that begin or end copies; none of them takes a token, so each repeat is another task."""

    def __init__(self, world: World, find: Finder) -> None:
        self._world, self._find = world, find
        self.calls: dict[str, Call] = {
            "CreateRepoSyncTask": self.create,
            "CreateRepoSyncTaskByRule": self.create_by_rule,
            "CancelRepoSyncTask": self.cancel,
        }

    def create(self, given: Parameters) -> Wire:
        """CreateRepoSyncTask: what hinders the copy at the target shows in the task and not here."""
        given.require("InstanceId", "RepoId", "Tag", *ENDS)
        source, repository, tag = self._image(given)
        target = self._target(source, given)
        task = self._task(source, target.id, repository, tag, given)
        task.to_repo = f"{given.text('TargetNamespace')}/{given.text('TargetRepoName')}"
        task.to_tag, task.override = given.text("TargetTag"), given.text("Override").lower() == "true"
        self._world.queue(task)
        return {"SyncTaskId": task.id}

    def create_by_rule(self, given: Parameters) -> Wire:
        """CreateRepoSyncTaskByRule, for rules that copy by hand only."""
        given.require("InstanceId", "RepoId", "Tag", "SyncRuleId")
        source, repository, tag = self._image(given)
        rule = self._world.rules.get(given.text("SyncRuleId"))
        if rule is None or rule.source != source.id:
            raise BusinessFailure("SYNC_RULE_NOT_EXIST")
        if rule.trigger != MANUAL:
            raise BusinessFailure("SYNC_RULE_TRIGGER_NOT_SUPPORT")
        if not rule.covers(repository.path, tag.name):
            raise BusinessFailure("SYNC_RULE_NOT_MATCH")
        task = self._task(source, rule.target, repository, tag, given)
        task.rule = rule.id
        self._world.queue(task)
        return {"SyncTaskId": task.id}

    def cancel(self, given: Parameters) -> Wire:
        """CancelRepoSyncTask: what has ended cannot be called off."""
        given.require("InstanceId", "SyncTaskId")
        task = task_of(self._world, running(self._find, given), given)
        if task.status not in OPEN:
            raise BusinessFailure("SYNC_TASK_STATUS_NOT_SUPPORT")
        task.status, task.modified_ms = CANCELED, self._world.now_ms()
        return {}

    def _image(self, given: Parameters) -> tuple[Instance, Repository, Tag]:
        source = running(self._find, given)
        if source.specification not in SOURCES:
            raise BusinessFailure("INSTANCE_SPECIFICATION_NOT_SUPPORT")
        repository = repository_of(source, given)
        tag = repository.tags.get(given.text("Tag"))
        if tag is None:
            raise BusinessFailure("TAG_NOT_EXIST")
        return source, repository, tag

    def _target(self, source: Instance, given: Parameters) -> Instance:
        target = self._world.instances.get(given.text("TargetInstanceId"))
        accounts = self._world.state.accounts
        if target is None or target is source or target.region != given.text("TargetRegionId"):
            raise BusinessFailure("TARGET_INSTANCE_NOT_EXIST")
        if given.text("TargetUserId", accounts[source.account]) != accounts[target.account]:
            raise BusinessFailure("TARGET_INSTANCE_NOT_EXIST")
        if not share_cloud(source.region, target.region):
            raise BusinessFailure("TARGET_REGION_NOT_SUPPORT")
        return target

    def _task(self, source: Instance, target: str, repository: Repository, tag: Tag, given: Parameters) -> SyncTask:
        now, number = self._world.now_ms(), self._world.next_id()
        names = (f"rst-{number:08d}", f"rsb-{number:08d}", "", source.id, target, repository.path, tag.name)
        priority = given.integer("Priority", 3, 1, 5)
        return SyncTask(*names, tag.image, now, now, trigger=MANUAL, priority=priority)
