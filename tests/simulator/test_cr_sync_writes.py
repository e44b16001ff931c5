"""Copies made and called off by hand, by the vendor's own client."""

from collections.abc import Callable
from typing import Any

import pytest
from alibabacloud_cr20181201 import models
from alibabacloud_cr20181201.client import Client
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from alibabacloud_tea_openapi.models import Config
from darabonba.exceptions import UnretryableException

from simulator.alibaba.server import Alibaba
from simulator.app import Simulator

Registry = Callable[[str], Client]
MANUAL_RULE = "crsr-00000003"


@pytest.fixture
def zhangjiakou(registry: Registry) -> Client:
    return registry("cn-zhangjiakou")


def wanted(sim: Simulator, repo: str = "platform/tools", tag: str = "1.1", **changed: Any) -> Any:
    namespace, _, name = repo.partition("/")
    fields = {
        "instance_id": "cri-bbbbb",
        "repo_id": sim.world.instances["cri-bbbbb"].repositories[repo].id,
        "tag": tag,
        "target_instance_id": "cri-aaaaa",
        "target_region_id": "cn-hangzhou",
        "target_namespace": namespace,
        "target_repo_name": name,
        "target_tag": tag,
    }
    return models.CreateRepoSyncTaskRequest(**fields | changed)


async def run(sim: Simulator) -> Any:
    """Let the engine bring the last task to its end, by a clock that is ahead."""
    task = sim.world.tasks[-1]
    for seconds in (10, 20):
        sim.engine.tick(task.created_ms + seconds * 1000)
    return task


async def test_an_image_is_copied_by_hand(sim: Simulator, zhangjiakou: Client) -> None:
    body = (await zhangjiakou.create_repo_sync_task_async(wanted(sim))).body
    task = await run(sim)

    source, copy = (sim.world.instances[name].tag("platform/tools", "1.1") for name in ("cri-bbbbb", "cri-aaaaa"))
    assert (task.id, task.status, task.trigger) == (body.sync_task_id, "SUCCESS", "INITIATIVE")
    assert source
    assert copy
    assert copy.image == source.image


async def test_an_image_may_be_called_otherwise_at_the_target(sim: Simulator, zhangjiakou: Client) -> None:
    await zhangjiakou.create_repo_sync_task_async(wanted(sim, target_repo_name="tools-copy", target_tag="one"))
    task = await run(sim)
    asked = models.GetRepoSyncTaskRequest(instance_id="cri-bbbbb", sync_task_id=task.id)
    told = (await zhangjiakou.get_repo_sync_task_async(asked)).body

    assert sim.world.instances["cri-aaaaa"].tag("platform/tools-copy", "one") is not None
    assert (told.image_from.repo_name, told.image_to.repo_name, told.image_to.image_tag) == (
        "tools",
        "tools-copy",
        "one",
    )


async def test_a_call_made_twice_makes_two_tasks(sim: Simulator, zhangjiakou: Client) -> None:
    ids = [(await zhangjiakou.create_repo_sync_task_async(wanted(sim))).body.sync_task_id for _ in range(2)]

    assert len(set(ids)) == 2


@pytest.mark.parametrize(
    ("override", "status", "issue"),
    [(None, "ERROR", "TAG_CONFLICT"), (False, "ERROR", "TAG_CONFLICT"), (True, "SUCCESS", None)],
)
async def test_another_image_of_the_tag_is_replaced_only_on_demand(
    sim: Simulator, zhangjiakou: Client, override: bool | None, status: str, issue: str | None
) -> None:
    sim.world.push("cri-bbbbb", "platform/tools", "1.0")

    await zhangjiakou.create_repo_sync_task_async(wanted(sim, tag="1.0", override=override))
    task = await run(sim)

    assert (task.status, task.issue) == (status, issue)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"repo_id": "crr-none"}, "REPO_NOT_EXIST"),
        ({"tag": "none"}, "TAG_NOT_EXIST"),
        ({"target_instance_id": "cri-none"}, "TARGET_INSTANCE_NOT_EXIST"),
        ({"target_instance_id": "cri-bbbbb", "target_region_id": "cn-zhangjiakou"}, "TARGET_INSTANCE_NOT_EXIST"),
        ({"target_region_id": "cn-beijing"}, "TARGET_INSTANCE_NOT_EXIST"),
        ({"target_user_id": "42"}, "TARGET_INSTANCE_NOT_EXIST"),
    ],
)
async def test_what_is_not_there_is_not_copied(
    sim: Simulator, zhangjiakou: Client, changed: dict[str, str], code: str
) -> None:
    body = (await zhangjiakou.create_repo_sync_task_async(wanted(sim, **changed))).body

    assert (body.is_success, body.code) == (False, code)
    assert sim.world.tasks[-1].trigger == "PASSIVE"


@pytest.mark.parametrize("missing", ["repo_id", "tag", "target_instance_id", "target_namespace", "target_tag"])
async def test_every_end_of_a_copy_must_be_named(sim: Simulator, zhangjiakou: Client, missing: str) -> None:
    lacking: dict[str, Any] = {missing: None}

    with pytest.raises(AlibabaCloudException, match="mandatory"):
        await zhangjiakou.create_repo_sync_task_async(wanted(sim, **lacking))


async def test_a_basic_edition_is_no_source(sim: Simulator, zhangjiakou: Client) -> None:
    sim.world.instances["cri-bbbbb"].specification = "Enterprise_Basic"

    body = (await zhangjiakou.create_repo_sync_task_async(wanted(sim))).body

    assert (body.is_success, body.code) == (False, "INSTANCE_SPECIFICATION_NOT_SUPPORT")


async def test_nothing_is_copied_between_clouds(sim: Simulator, zhangjiakou: Client) -> None:
    sim.world.instances["cri-aaaaa"].region = "cn-hangzhou-finance"

    body = (await zhangjiakou.create_repo_sync_task_async(wanted(sim, target_region_id="cn-hangzhou-finance"))).body

    assert body.code == "TARGET_REGION_NOT_SUPPORT"


async def test_a_namespace_that_makes_no_repositories_fails_the_task_and_not_the_call(
    sim: Simulator, zhangjiakou: Client
) -> None:
    sim.world.instances["cri-aaaaa"].by_hand = ["platform"]

    body = (await zhangjiakou.create_repo_sync_task_async(wanted(sim, target_repo_name="fresh"))).body
    task = await run(sim)

    assert body.is_success
    assert (task.status, task.issue) == ("ERROR", "INTERNAL_ERROR")


def by_rule(sim: Simulator, repo: str, rule: str) -> Any:
    repository = sim.world.instances["cri-bbbbb"].repositories[repo]
    return models.CreateRepoSyncTaskByRuleRequest(
        instance_id="cri-bbbbb", repo_id=repository.id, sync_rule_id=rule, tag=next(iter(repository.tags))
    )


async def test_a_rule_for_copies_by_hand_makes_them(sim: Simulator, zhangjiakou: Client) -> None:
    request = by_rule(sim, "platform/tools", MANUAL_RULE)

    body = (await zhangjiakou.create_repo_sync_task_by_rule_async(request)).body

    task = sim.world.tasks[-1]
    assert (body.sync_task_id, task.rule, task.target) == (task.id, MANUAL_RULE, "cri-aaaaa")


@pytest.mark.parametrize(
    ("repo", "rule", "code"),
    [
        ("core/api", "crsr-00000001", "SYNC_RULE_TRIGGER_NOT_SUPPORT"),
        ("core/api", MANUAL_RULE, "SYNC_RULE_NOT_MATCH"),
        ("core/api", "crsr-none", "SYNC_RULE_NOT_EXIST"),
    ],
)
async def test_a_rule_that_does_not_fit_makes_no_copy(
    sim: Simulator, zhangjiakou: Client, repo: str, rule: str, code: str
) -> None:
    body = (await zhangjiakou.create_repo_sync_task_by_rule_async(by_rule(sim, repo, rule))).body

    assert (body.is_success, body.code) == (False, code)


async def test_a_copy_is_called_off_until_it_has_ended(sim: Simulator, zhangjiakou: Client) -> None:
    sim.faults.set("replication_stalled", None, True)
    created = (await zhangjiakou.create_repo_sync_task_async(wanted(sim))).body
    request = models.CancelRepoSyncTaskRequest(instance_id="cri-bbbbb", sync_task_id=created.sync_task_id)

    first, second = [(await zhangjiakou.cancel_repo_sync_task_async(request)).body for _ in range(2)]

    assert (first.is_success, sim.world.tasks[-1].status) == (True, "CANCELED")
    assert (second.is_success, second.code) == (False, "SYNC_TASK_STATUS_NOT_SUPPORT")


async def test_copies_need_the_permission_of_that_name(alibaba: Alibaba, sim: Simulator, zhangjiakou: Client) -> None:
    alibaba.cloud.ram.denied.add("cr:CreateRepositorySync")

    with pytest.raises(AlibabaCloudException) as caught:
        await zhangjiakou.create_repo_sync_task_async(wanted(sim))

    assert caught.value.access_denied_detail["AuthAction"] == "cr:CreateRepositorySync"


async def test_the_reader_makes_no_copies(alibaba: Alibaba, sim: Simulator) -> None:
    who = alibaba.reader
    keys = {"access_key_id": who.access_key_id, "access_key_secret": who.access_key_secret}
    reader = Client(Config(endpoint=alibaba.cr["cn-zhangjiakou"], protocol="http", **keys))

    with pytest.raises(AlibabaCloudException) as caught:
        await reader.create_repo_sync_task_async(wanted(sim))

    assert caught.value.status_code == 403


async def test_a_copy_whose_answer_is_lost_is_made_nevertheless(sim: Simulator, zhangjiakou: Client) -> None:
    sim.faults.set("applied_but_timed_out", "zhangjiakou", True)

    with pytest.raises(UnretryableException):
        await zhangjiakou.create_repo_sync_task_async(wanted(sim))

    assert sim.world.tasks[-1].trigger == "INITIATIVE"
