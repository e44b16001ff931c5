"""Container Registry, asked by the vendor's own client."""

import asyncio
from collections.abc import Callable

import pytest
from alibabacloud_cr20181201 import models
from alibabacloud_cr20181201.client import Client
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException

from simulator.alibaba.server import Alibaba
from simulator.app import Simulator

DOMAIN = "cross-region.registry.io"

Registry = Callable[[str], Client]


@pytest.fixture
def hangzhou(registry: Registry) -> Client:
    return registry("cn-hangzhou")


@pytest.fixture
def zhangjiakou(registry: Registry) -> Client:
    return registry("cn-zhangjiakou")


async def test_an_instance_is_seen_only_through_its_own_region(hangzhou: Client, zhangjiakou: Client) -> None:
    request = models.GetInstanceRequest(instance_id="cri-bbbbb")

    here = (await zhangjiakou.get_instance_async(request)).body
    there = (await hangzhou.get_instance_async(request)).body

    assert (here.is_success, here.code, here.instance_status) == (True, "success", "RUNNING")
    assert (there.is_success, there.code) == (False, "INSTANCE_NOT_EXIST")


async def test_times_of_instances_are_texts_in_the_list_and_numbers_alone(hangzhou: Client) -> None:
    listed = (await hangzhou.list_instance_async(models.ListInstanceRequest())).body
    alone = (await hangzhou.get_instance_async(models.GetInstanceRequest(instance_id="cri-aaaaa"))).body

    assert (type(listed.instances[0].create_time), type(alone.create_time)) == (str, int)
    assert (listed.total_count, listed.instances[0].region_id) == (1, "cn-hangzhou")


async def test_what_does_not_apply_to_an_endpoint_is_the_text_null(hangzhou: Client) -> None:
    request = models.ListInstanceEndpointRequest(instance_id="cri-aaaaa")

    public, private = (await hangzhou.list_instance_endpoint_async(request)).body.endpoints

    assert [link.vpc_id for link in public.linked_vpcs] == ["null"]
    assert [entry.entry for entry in private.acl_entries] == ["null"]
    assert [link.vpc_id for link in private.linked_vpcs] == ["vpc-aaaaa"]


async def test_the_public_endpoint_tells_its_domains_and_whom_it_admits(hangzhou: Client) -> None:
    request = models.GetInstanceEndpointRequest(instance_id="cri-aaaaa", endpoint_type="internet")

    body = (await hangzhou.get_instance_endpoint_async(request)).body

    domains = {each.domain: each.type for each in body.domains}
    assert domains == {"sim-a-registry.cn-hangzhou.cr.aliyuncs.com": "SYSTEM", DOMAIN: "USER"}
    assert (body.enable, body.acl_enable, body.acl_entries[0].entry) == (True, True, "203.0.113.7/32")


async def test_a_closed_access_list_admits_nobody(sim: Simulator, hangzhou: Client) -> None:
    sim.faults.set("acl_closed", "hangzhou", True)
    request = models.GetInstanceEndpointRequest(instance_id="cri-aaaaa", endpoint_type="internet")

    body = (await hangzhou.get_instance_endpoint_async(request)).body

    assert (body.acl_enable, body.acl_entries) == (True, [])


async def test_an_endpoint_that_is_off_tells_no_custom_domain_and_the_link_still_does(
    sim: Simulator, hangzhou: Client
) -> None:
    sim.world.instances["cri-aaaaa"].endpoint.enabled = False
    public = models.GetInstanceEndpointRequest(instance_id="cri-aaaaa", endpoint_type="internet")
    private = models.GetInstanceVpcEndpointRequest(instance_id="cri-aaaaa", module_name="Registry")

    told = (await hangzhou.get_instance_endpoint_async(public)).body.domains

    assert [each.type for each in told] == ["SYSTEM"]
    assert DOMAIN in (await hangzhou.get_instance_vpc_endpoint_async(private)).body.domains


async def test_an_endpoint_that_is_off_has_no_status(sim: Simulator, hangzhou: Client) -> None:
    sim.world.instances["cri-aaaaa"].endpoint.enabled = False
    request = models.GetInstanceEndpointRequest(instance_id="cri-aaaaa", endpoint_type="internet")

    body = (await hangzhou.get_instance_endpoint_async(request)).body

    assert (body.enable, body.status) == (False, None)


async def test_the_link_address_is_told_with_its_vpc(hangzhou: Client) -> None:
    request = models.GetInstanceVpcEndpointRequest(instance_id="cri-aaaaa", module_name="Registry")

    body = (await hangzhou.get_instance_vpc_endpoint_async(request)).body

    link = body.linked_vpcs[0]
    assert (link.vpc_id, link.ip, link.status) == ("vpc-aaaaa", "10.1.0.10", "RUNNING")
    assert body.domains == ["sim-a-registry-vpc.cn-hangzhou.cr.aliyuncs.com", DOMAIN]


async def test_a_custom_domain_names_its_certificate(hangzhou: Client) -> None:
    wanted = {"instance_id": "cri-aaaaa", "module_name": "Registry"}

    known = await hangzhou.get_instance_customized_domain_async(
        models.GetInstanceCustomizedDomainRequest(**wanted, domain=DOMAIN)
    )
    unknown = await hangzhou.get_instance_customized_domain_async(
        models.GetInstanceCustomizedDomainRequest(**wanted, domain="other.example")
    )

    assert (known.body.domain_type, unknown.body.is_success) == ("USER", False)
    assert known.body.cert_id


async def test_usage_is_told_in_texts(hangzhou: Client) -> None:
    body = (await hangzhou.get_instance_usage_async(models.GetInstanceUsageRequest(instance_id="cri-aaaaa"))).body

    assert (body.repo_usage, body.vpc_quota, body.performance_units) == ("4", "3", 0)


async def test_namespaces_are_counted_in_a_text(hangzhou: Client) -> None:
    body = (await hangzhou.list_namespace_async(models.ListNamespaceRequest(instance_id="cri-aaaaa"))).body

    assert ([each.namespace_name for each in body.namespaces], body.total_count) == (["core", "platform"], "2")


async def test_repositories_come_page_after_page_by_token(hangzhou: Client) -> None:
    first = (
        await hangzhou.list_repository_async(models.ListRepositoryRequest(instance_id="cri-aaaaa", max_results=3))
    ).body
    request = models.ListRepositoryRequest(instance_id="cri-aaaaa", max_results=3, next_token=first.next_token)
    second = (await hangzhou.list_repository_async(request)).body

    found = [each.repo_name for each in first.repositories + second.repositories]
    assert (found, second.next_token) == (["api", "web", "base", "tools"], None)


async def test_tags_have_digests_without_prefix_and_times_in_texts(sim: Simulator, hangzhou: Client) -> None:
    repository = sim.world.instances["cri-aaaaa"].repositories["core/api"]
    request = models.ListRepoTagRequest(instance_id="cri-aaaaa", repo_id=repository.id)

    body = (await hangzhou.list_repo_tag_async(request)).body

    image = next(each for each in body.images if each.tag == "2.7.1")
    assert f"sha256:{image.digest}" == repository.tags["2.7.1"].image.digest
    assert (type(image.image_create), body.total_count) == (str, "3")


async def test_one_tag_is_asked_by_get_and_has_times_in_numbers(sim: Simulator, hangzhou: Client) -> None:
    repository = sim.world.instances["cri-aaaaa"].repositories["core/api"]
    request = models.GetRepoTagRequest(instance_id="cri-aaaaa", repo_id=repository.id, tag="2.7.1")

    body = (await hangzhou.get_repo_tag_async(request)).body

    assert type(body.image_create) is int


async def test_repository_ids_differ_between_instances(hangzhou: Client, zhangjiakou: Client) -> None:
    wanted = {"repo_namespace_name": "core", "repo_name": "api"}

    at_home = await zhangjiakou.get_repository_async(models.GetRepositoryRequest(instance_id="cri-bbbbb", **wanted))
    away = await hangzhou.get_repository_async(models.GetRepositoryRequest(instance_id="cri-aaaaa", **wanted))

    assert at_home.body.repo_id != away.body.repo_id


async def test_a_repository_that_is_not_there_is_a_failure_inside_a_200(hangzhou: Client) -> None:
    request = models.ListRepoTagRequest(instance_id="cri-aaaaa", repo_id="crr-nowhere")

    body = (await hangzhou.list_repo_tag_async(request)).body

    assert (body.is_success, body.code, body.images) == (False, "REPO_NOT_EXIST", [])


async def test_tags_need_a_repository_id(hangzhou: Client) -> None:
    with pytest.raises(AlibabaCloudException) as caught:
        await hangzhou.list_repo_tag_async(models.ListRepoTagRequest(instance_id="cri-aaaaa"))

    assert caught.value.code == "MissingRepoId"


async def test_a_rule_is_listed_at_both_ends_each_end_calling_itself_local(
    hangzhou: Client, zhangjiakou: Client
) -> None:
    source = (await zhangjiakou.list_repo_sync_rule_async(models.ListRepoSyncRuleRequest(instance_id="cri-bbbbb"))).body
    target = (await hangzhou.list_repo_sync_rule_async(models.ListRepoSyncRuleRequest(instance_id="cri-aaaaa"))).body

    at_source, at_target = source.sync_rules[0], target.sync_rules[0]
    assert at_source.sync_rule_id == at_target.sync_rule_id
    assert (at_source.sync_direction, at_source.local_instance_id) == ("FROM", "cri-bbbbb")
    assert (at_target.sync_direction, at_target.local_instance_id) == ("TO", "cri-aaaaa")
    assert (source.total_count, target.total_count) == (3, 3)


async def test_a_push_makes_a_pending_task_by_the_automatic_rules_only(sim: Simulator, zhangjiakou: Client) -> None:
    for repo in ("core/api", "platform/tools"):
        sim.world.push("cri-bbbbb", repo, "9.9.9")
    request = models.ListRepoSyncTaskRequest(instance_id="cri-bbbbb", tag="9.9.9")

    body = (await zhangjiakou.list_repo_sync_task_async(request)).body

    task = body.sync_tasks[0]
    assert (body.total_count, task.task_status, task.image_to.instance_id) == ("1", "PENDING", "cri-aaaaa")
    assert task.image_from.repo_name == "api"


async def test_tasks_come_in_another_order_each_time_and_none_is_left_out(sim: Simulator, zhangjiakou: Client) -> None:
    for tag in ("9.9.8", "9.9.9"):
        sim.world.push("cri-bbbbb", "core/api", tag)
    request = models.ListRepoSyncTaskRequest(instance_id="cri-bbbbb")

    first, second = [
        [task.sync_task_id for task in (await zhangjiakou.list_repo_sync_task_async(request)).body.sync_tasks]
        for _ in range(2)
    ]

    assert first != second
    assert sorted(first) == sorted(second)


async def test_the_modified_time_of_a_task_bears_its_misspelt_name_too(zhangjiakou: Client) -> None:
    body = (
        await zhangjiakou.list_repo_sync_task_async(
            models.ListRepoSyncTaskRequest(instance_id="cri-bbbbb", page_size=1)
        )
    ).body

    assert body.sync_tasks[0].modifed_time == body.sync_tasks[0].modified_time


async def test_progress_is_nothing_or_all(sim: Simulator, zhangjiakou: Client) -> None:
    sim.world.push("cri-bbbbb", "core/api", "9.9.9")
    progress = []
    for task in (sim.world.tasks[0], sim.world.tasks[-1]):
        request = models.GetRepoSyncTaskRequest(instance_id="cri-bbbbb", sync_task_id=task.id)
        progress.append((await zhangjiakou.get_repo_sync_task_async(request)).body.progress)

    assert progress == [1, 0]


async def test_a_task_that_does_not_exist_is_a_400(zhangjiakou: Client) -> None:
    with pytest.raises(AlibabaCloudException) as caught:
        await zhangjiakou.get_repo_sync_task_async(
            models.GetRepoSyncTaskRequest(instance_id="cri-bbbbb", sync_task_id="rst-none")
        )

    assert (caught.value.code, caught.value.status_code) == ("SYNC_TASK_NOT_EXIST", 400)


async def test_a_stopped_instance_says_nothing_of_its_content(sim: Simulator, zhangjiakou: Client) -> None:
    sim.world.instances["cri-bbbbb"].status = "STOPPED"

    body = (await zhangjiakou.list_repository_async(models.ListRepositoryRequest(instance_id="cri-bbbbb"))).body

    assert (body.is_success, body.code) == (False, "INSTANCE_STATUS_NOT_SUPPORT")


async def test_a_permission_bears_the_actions_name_and_not_the_calls(alibaba: Alibaba, hangzhou: Client) -> None:
    alibaba.cloud.ram.denied.add("cr:ListSyncRule")

    with pytest.raises(AlibabaCloudException) as caught:
        await hangzhou.list_repo_sync_rule_async(models.ListRepoSyncRuleRequest(instance_id="cri-aaaaa"))

    assert (caught.value.code, caught.value.status_code) == ("NoPermission", 403)
    assert caught.value.access_denied_detail["AuthAction"] == "cr:ListSyncRule"


async def test_writes_are_forbidden(hangzhou: Client) -> None:
    with pytest.raises(AlibabaCloudException) as caught:
        await hangzhou.delete_repository_async(models.DeleteRepositoryRequest(instance_id="cri-aaaaa", repo_id="x"))

    assert caught.value.status_code == 403


async def test_a_region_that_is_down_accepts_and_never_answers(
    sim: Simulator, hangzhou: Client, zhangjiakou: Client
) -> None:
    sim.faults.set("region_down", "zhangjiakou", True)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await zhangjiakou.list_instance_async(models.ListInstanceRequest())

    assert (await hangzhou.list_instance_async(models.ListInstanceRequest())).body.total_count == 1
