"""Container Registry as the bot reads it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from bot.adapters.alibaba.inventory import queries
from bot.adapters.alibaba.registry import AlibabaRegistries
from bot.errors import Refused, Unreachable
from simulator.alibaba.distortion import Distortion
from simulator.app import Simulator
from simulator.images import Image
from simulator.model import SyncTask
from tests.adapters.canned import Say, canned
from tests.adapters.conftest import DOMAIN, HANGZHOU, ZHANGJIAKOU, a_client, now


@asynccontextmanager
async def registries_saying(say: Say) -> AsyncIterator[AlibabaRegistries]:
    async with canned(say) as server:
        client = a_client(cr=server.address)
        yield AlibabaRegistries(client, now)
        await client.close()


OK = {"IsSuccess": True, "Code": "success", "RequestId": "r"}


async def test_an_instance_is_read_in_its_own_region(registries: AlibabaRegistries) -> None:
    instance = await registries.instance(ZHANGJIAKOU)

    assert (instance.instance_id, instance.is_running, instance.can_replicate_out) == ("cri-bbbbb", True, True)
    assert not (await registries.instance(HANGZHOU)).can_replicate_out


async def test_endpoints_tell_the_generated_name_from_the_custom_one(registries: AlibabaRegistries) -> None:
    endpoints = await registries.endpoints(HANGZHOU)

    internet = endpoints.internet
    assert (internet.is_open, internet.system_domain) == (True, "sim-a-registry.cn-hangzhou.cr.aliyuncs.com")
    assert (internet.custom_domains, internet.acl_entries) == ((DOMAIN,), ("203.0.113.7/32",))
    assert [(link.vpc_id, link.ip, link.is_running) for link in endpoints.links] == [("vpc-aaaaa", "10.1.0.10", True)]


async def test_many_who_ask_for_rules_and_tasks_at_once_share_one_read(
    cloud: Simulator, registries: AlibabaRegistries
) -> None:
    whole = await asyncio.gather(*(registries.sync_tasks(HANGZHOU) for _ in range(20)))
    rules = await asyncio.gather(*(registries.sync_rules(HANGZHOU) for _ in range(20)))
    actions = [call["action"] for call in cloud.calls]

    assert (len(set(map(id, whole))), len(set(map(id, rules)))) == (1, 1)
    assert (actions.count("ListRepoSyncTask"), actions.count("ListRepoSyncRule")) == (1, 1)
    await registries.sync_rules(HANGZHOU)
    assert [call["action"] for call in cloud.calls].count("ListRepoSyncRule") == 2


async def test_who_gives_up_on_a_shared_read_ends_it_for_nobody_else(registries: AlibabaRegistries) -> None:
    patient = asyncio.create_task(registries.sync_rules(HANGZHOU))
    hasty = asyncio.create_task(registries.sync_rules(HANGZHOU))
    await asyncio.sleep(0)
    hasty.cancel()

    assert await patient
    assert hasty.cancelled() or hasty.cancelling()


async def test_a_shared_read_that_fails_tells_everybody_why(cloud: Simulator, registries: AlibabaRegistries) -> None:
    cloud.faults.set("region_down", "hangzhou", True)

    told = await asyncio.gather(*(registries.sync_tasks(HANGZHOU) for _ in range(3)), return_exceptions=True)

    assert [type(each) for each in told] == [Unreachable] * 3


async def test_an_instance_without_vpc_links_has_none(cloud: Simulator, registries: AlibabaRegistries) -> None:
    cloud.world.instances["cri-aaaaa"].links.clear()

    assert (await registries.endpoints(HANGZHOU)).links == ()


async def test_the_inventory_holds_what_a_glob_names_and_no_other(registries: AlibabaRegistries) -> None:
    inventory = await registries.inventory(HANGZHOU, ("core/*", "platform/base:base-2026.11"))

    assert set(inventory.repositories) == {"core/api", "core/web", "platform/base"}
    held = [tag for each in inventory.repositories.values() for tag in each.tags.values()]
    assert "base-2026.11" in inventory.repositories["platform/base"].tags
    assert all(len(tag.digest) == 64 and tag.pushed_at for tag in held)
    assert {each.read_at for each in inventory.repositories.values()} == {inventory.as_of}


async def test_the_inventory_asks_only_for_what_a_glob_can_match(
    cloud: Simulator, registries: AlibabaRegistries
) -> None:
    await registries.inventory(HANGZHOU, ("platform/base:*",))

    asked = [(call["action"], call["params"].get("RepoNamespaceName")) for call in cloud.calls]
    assert asked == [("ListRepository", "platform"), ("ListRepoTag", None)]


async def test_an_inventory_of_many_repositories_and_tags_is_whole(
    cloud: Simulator, registries: AlibabaRegistries
) -> None:
    for n in range(110):
        cloud.world.put("cri-aaaaa", f"core/many{n}", "1", Image(f"{n}"))
    for n in range(250):
        cloud.world.put("cri-aaaaa", "core/deep", f"t{n}", Image(f"tag {n}"))

    inventory = await registries.inventory(HANGZHOU, ("core/many*", "core/deep:*"))

    assert sum(len(each.tags) for each in inventory.repositories.values()) == 360
    actions = [call["action"] for call in cloud.calls]
    assert (actions.count("ListRepository"), actions.count("ListRepoTag")) == (2, 110 + 3)


@pytest.mark.parametrize("share", [0, 2, 3])
async def test_a_count_that_is_too_low_cuts_no_inventory_short(
    cloud: Simulator, registries: AlibabaRegistries, monkeypatch: pytest.MonkeyPatch, share: int
) -> None:
    for n in range(110):
        cloud.world.put("cri-aaaaa", f"core/many{n}", "1", Image(f"{n}"))
    for n in range(250):
        cloud.world.put("cri-aaaaa", "core/deep", f"t{n}", Image(f"tag {n}"))
    monkeypatch.setattr(Distortion, "total", lambda self, at, true: true // share if share else 0)

    inventory = await registries.inventory(HANGZHOU, ("core/many*", "core/deep:*"))

    assert sum(len(each.tags) for each in inventory.repositories.values()) == 360


async def test_an_inventory_whose_pages_shift_while_it_is_read_is_whole(
    cloud: Simulator, registries: AlibabaRegistries
) -> None:
    for n in range(250):
        cloud.world.put("cri-aaaaa", "core/deep", f"t{n}", Image(f"tag {n}"))
    cloud.faults.set("shifting_pages", "hangzhou", True)

    inventory = await registries.inventory(HANGZHOU, ("core/deep:*",))

    assert len(inventory.repositories["core/deep"].tags) == 250


@pytest.mark.parametrize(
    ("globs", "asked"),
    [
        (("core/*", "core/api:1.*"), (("core", None),)),
        (("core/api:*", "core/web"), (("core", "api"), ("core", "web"))),
        (("core/*", "*/api"), ((None, None),)),
        (("*",), ((None, None),)),
        ((), ()),
    ],
)
def test_a_wide_list_makes_narrow_ones_needless(
    globs: tuple[str, ...], asked: tuple[tuple[str | None, str | None], ...]
) -> None:
    assert queries(globs) == asked


async def test_a_rule_is_the_same_from_either_end(registries: AlibabaRegistries) -> None:
    from_source, from_target = await registries.sync_rules(ZHANGJIAKOU), await registries.sync_rules(HANGZHOU)

    assert from_source == from_target
    assert {(rule.from_instance, rule.to_instance) for rule in from_source} == {("cri-bbbbb", "cri-aaaaa")}
    assert {rule.is_automatic for rule in from_source} == {True, False}


@pytest.mark.parametrize(("local", "target"), [("cri-aaaaa", "cri-bbbbb"), ("cri-bbbbb", "cri-aaaaa")])
async def test_a_rule_seen_from_its_target_has_its_source_first_however_the_ends_are_named(
    local: str, target: str
) -> None:
    rule = {
        "SyncRuleId": "crsr-1",
        "SyncDirection": "TO",
        "LocalInstanceId": local,
        "TargetInstanceId": target,
        "LocalNamespaceName": f"of {local}",
        "TargetNamespaceName": f"of {target}",
        "SyncTrigger": "PASSIVE",
    }

    async with registries_saying(Say(200, OK | {"SyncRules": [rule], "TotalCount": 1})) as registries:
        (read,) = await registries.sync_rules(HANGZHOU)

    assert (read.from_instance, read.to_instance, read.namespace) == ("cri-bbbbb", "cri-aaaaa", "of cri-bbbbb")


async def test_a_rule_says_what_it_takes_where_it_puts_it_and_since_when() -> None:
    rule = {
        "SyncRuleId": "crsr-1",
        "SyncDirection": "FROM",
        "SyncScope": "INSTANCE",
        "LocalInstanceId": "cri-aaaaa",
        "TargetInstanceId": "cri-bbbbb",
        "LocalNamespaceName": "null",
        "TargetNamespaceName": "mirror",
        "TargetRepoName": "api",
        "NamespaceNameFilter": "core|web",
        "RepoNameFilter": "a.*",
        "TagFilter": "null",
        "CrossUser": True,
        "CreateTime": 1762000000000,
    }

    async with registries_saying(Say(200, OK | {"SyncRules": [rule], "TotalCount": 1})) as registries:
        (read,) = await registries.sync_rules(HANGZHOU)

    assert (read.namespace, read.to_namespace, read.to_repository) == (None, "mirror", "api")
    assert (read.namespace_filter, read.repository_filter, read.tag_filter) == ("core|web", "a.*", None)
    assert read.is_cross_account
    assert read.created_at == datetime.fromtimestamp(1762000000, UTC)


async def test_replication_tasks_are_read_whole_up_to_the_cap(cloud: Simulator, registries: AlibabaRegistries) -> None:
    whole = await registries.sync_tasks(HANGZHOU)
    for n in range(600):
        cloud.world.tasks.append(_task(n))

    capped = await registries.sync_tasks(HANGZHOU)

    assert (whole.is_partial, len(whole.tasks)) == (False, whole.total)
    assert (capped.is_partial, len(capped.tasks), capped.total) == (True, 500, 600 + whole.total)


async def test_a_task_says_what_went_wrong_and_when(cloud: Simulator, registries: AlibabaRegistries) -> None:
    cloud.world.tasks[:] = [_task(1, status="ERROR", issue="TAG_CONFLICT")]

    (task,) = (await registries.sync_tasks(ZHANGJIAKOU)).tasks

    assert (task.status, task.issue, task.image) == ("ERROR", "TAG_CONFLICT", "core/api:t1")
    assert (task.from_instance, task.to_instance) == ("cri-bbbbb", "cri-aaaaa")
    assert task.created_at
    assert task.changed_at
    assert (task.changed_at - task.created_at).total_seconds() == 2


@pytest.mark.parametrize("spelling", ["ModifedTime", "ModifiedTime"])
async def test_the_time_of_change_is_read_in_both_spellings(spelling: str) -> None:
    task = {"SyncTaskId": "rst-1", "TaskStatus": "SUCCESS", "CreateTime": "1000", spelling: "3000"}

    async with registries_saying(Say(200, OK | {"SyncTasks": [task], "TotalCount": "1"})) as registries:
        feed = await registries.sync_tasks(HANGZHOU)

    assert feed.tasks[0].changed_at is not None
    assert feed.tasks[0].changed_at.timestamp() == 3


async def test_the_text_null_means_nothing() -> None:
    internet = OK | {
        "Enable": "true",
        "AclEnable": True,
        "Status": "RUNNING",
        "AclEntries": [{"Entry": "null"}, {"Entry": "10.0.0.0/8"}],
        "Domains": [{"Domain": "x.cr.aliyuncs.com", "Type": "SYSTEM"}],
        "LinkedVpcs": [{"VpcId": "null"}, {"VpcId": "vpc-1", "Ip": "10.0.0.1", "Status": "RUNNING"}],
    }

    async with registries_saying(Say(200, internet)) as registries:
        endpoints = await registries.endpoints(HANGZHOU)

    assert endpoints.internet.acl_entries == ("10.0.0.0/8",)
    assert [link.vpc_id for link in endpoints.links] == ["vpc-1"]
    assert endpoints.internet.is_open


async def test_an_empty_list_of_a_failed_call_is_not_believed(cloud: Simulator, registries: AlibabaRegistries) -> None:
    cloud.world.instances["cri-aaaaa"].status = "STOPPED"

    with pytest.raises(Refused, match="INSTANCE_STATUS_NOT_SUPPORT"):
        await registries.sync_rules(HANGZHOU)


async def test_an_unknown_instance_says_what_to_check() -> None:
    async with registries_saying(Say(200, {"IsSuccess": False, "Code": "INSTANCE_NOT_EXIST"})) as registries:
        with pytest.raises(Refused, match=r"registry\.yaml"):
            await registries.instance(HANGZHOU)


@pytest.mark.parametrize(
    "answer",
    [
        OK | {"Repositories": {"no": "list"}, "TotalCount": "1"},
        OK | {"Repositories": [], "TotalCount": "3"},
        OK | {"Repositories": []},
        {"Repositories": [], "TotalCount": "0"},
    ],
)
async def test_an_inventory_from_half_an_answer_is_none(answer: dict[str, object]) -> None:
    async with registries_saying(Say(200, answer)) as registries:
        with pytest.raises(Unreachable):
            await registries.inventory(HANGZHOU, ("core/*",))


async def test_discovery_lists_the_instances_of_a_region(registries: AlibabaRegistries) -> None:
    (instance,) = await registries.list_instances("cn-hangzhou")

    assert (instance.instance_id, instance.edition) == ("cri-aaaaa", "Enterprise_Basic")


def _task(n: int, status: str = "SUCCESS", issue: str | None = None) -> SyncTask:
    return SyncTask(
        f"rst-{n}",
        "rsb-1",
        "crsr-00000001",
        "cri-bbbbb",
        "cri-aaaaa",
        "core/api",
        f"t{n}",
        Image("x"),
        1_000_000,
        1_002_000,
        status,
        issue,
    )
