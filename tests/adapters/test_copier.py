"""Copies by hand as the bot asks for them, at the simulated vendor."""

from dataclasses import replace

import pytest

from bot.adapters.alibaba.client import Alibaba
from bot.adapters.alibaba.copier import AlibabaCopier
from bot.adapters.alibaba.registry import AlibabaRegistries
from bot.domain.copy_job import Copy
from bot.domain.topology import Account
from bot.errors import Gone, OutcomeUnknown, Refused, Throttled
from simulator.alibaba.flow import Limit
from simulator.app import Simulator
from simulator.model import SyncTask
from tests.adapters.conftest import HANGZHOU, ZHANGJIAKOU

ACCOUNTS = {"main": Account("main")}
PATH, TAG = "platform/tools", "1.1"


@pytest.fixture
def copier(alibaba: Alibaba) -> AlibabaCopier:
    return AlibabaCopier(alibaba, ACCOUNTS)


@pytest.fixture
async def image(registries: AlibabaRegistries) -> tuple[Copy, str]:
    """Return an image that only Zhangjiakou has, and its repository's id there."""
    held = (await registries.inventory(ZHANGJIAKOU, (PATH,))).repositories[PATH]
    return Copy(PATH, TAG, held.tags[TAG].digest), held.id


def run(cloud: Simulator) -> SyncTask:
    """Let the engine bring the last task to its end, by a clock that is ahead."""
    task = cloud.world.tasks[-1]
    for seconds in (10, 20):
        cloud.engine.tick(task.created_ms + seconds * 1000)
    return task


async def test_an_image_is_copied_under_its_own_name_and_its_task_is_told(
    cloud: Simulator, copier: AlibabaCopier, registries: AlibabaRegistries, image: tuple[Copy, str]
) -> None:
    copy, repository = image

    task_id = await copier.begin(copy, ZHANGJIAKOU, HANGZHOU, repository, overrides=False)
    before = await copier.task(ZHANGJIAKOU, task_id)
    run(cloud)
    after = await copier.task(ZHANGJIAKOU, task_id)

    assert before is not None
    assert after is not None
    assert (before.status, after.status) == ("PENDING", "SUCCESS")
    there = (await registries.inventory(HANGZHOU, (PATH,))).repositories[PATH]
    assert there.tags[TAG].digest == copy.digest


async def test_a_tag_is_replaced_only_when_that_is_said(
    cloud: Simulator, copier: AlibabaCopier, image: tuple[Copy, str]
) -> None:
    copy, repository = image
    cloud.world.push("cri-aaaaa", PATH, TAG)

    ended = []
    for overrides in (False, True):
        await copier.begin(copy, ZHANGJIAKOU, HANGZHOU, repository, overrides=overrides)
        task = run(cloud)
        ended.append((task.status, task.issue))

    assert ended == [("ERROR", "TAG_CONFLICT"), ("SUCCESS", None)]


async def test_the_tasks_of_one_image_are_found_and_no_others(copier: AlibabaCopier, image: tuple[Copy, str]) -> None:
    copy, repository = image
    first = await copier.begin(copy, ZHANGJIAKOU, HANGZHOU, repository, overrides=False)
    second = await copier.begin(copy, ZHANGJIAKOU, HANGZHOU, repository, overrides=False)

    found = await copier.tasks_of(ZHANGJIAKOU, copy)

    assert {task.task_id for task in found} == {first, second}
    assert {(task.to_instance, task.image, task.created_at is not None) for task in found} == {
        ("cri-aaaaa", copy.image, True)
    }
    assert await copier.tasks_of(ZHANGJIAKOU, replace(copy, tag="9.9")) == ()


async def test_a_task_that_is_gone_is_none(copier: AlibabaCopier) -> None:
    assert await copier.task(ZHANGJIAKOU, "rst-99999999") is None


async def test_an_image_that_is_gone_is_told_from_other_refusals(
    cloud: Simulator, copier: AlibabaCopier, image: tuple[Copy, str]
) -> None:
    copy, repository = image

    with pytest.raises(Gone):
        await copier.begin(replace(copy, tag="9.9"), ZHANGJIAKOU, HANGZHOU, repository, overrides=False)
    there = cloud.world.instances["cri-aaaaa"].repositories["core/api"].id
    with pytest.raises(Refused, match="INSTANCE_SPECIFICATION_NOT_SUPPORT"):
        await copier.begin(Copy("core/api", TAG, "a"), HANGZHOU, ZHANGJIAKOU, there, overrides=False)


async def test_a_right_that_lacks_is_named(cloud: Simulator, copier: AlibabaCopier, image: tuple[Copy, str]) -> None:
    assert cloud.alibaba is not None
    cloud.alibaba.cloud.ram.denied.add("cr:CreateRepositorySync")

    with pytest.raises(Refused, match=r"lacks the RAM action cr:CreateRepositorySync on acs:cr:cn-zhangjiakou:"):
        await copier.begin(image[0], ZHANGJIAKOU, HANGZHOU, image[1], overrides=False)


async def test_being_asked_for_less_is_told_and_nothing_was_sent_twice(
    cloud: Simulator, copier: AlibabaCopier, image: tuple[Copy, str]
) -> None:
    assert cloud.alibaba is not None
    cloud.alibaba.cloud.flow.limits["CreateRepoSyncTask"] = Limit(qps=0.01)
    tasks = len(cloud.world.tasks)

    outcomes: list[str] = []
    for _ in range(2):
        try:
            await copier.begin(image[0], ZHANGJIAKOU, HANGZHOU, image[1], overrides=False)
            outcomes.append("begun")
        except Throttled:
            outcomes.append("throttled")

    assert outcomes[-1] == "throttled"
    assert len(cloud.world.tasks) - tasks == outcomes.count("begun")


async def test_an_answer_that_does_not_come_is_no_failure(
    cloud: Simulator, impatient: Alibaba, registries: AlibabaRegistries, image: tuple[Copy, str]
) -> None:
    cloud.faults.set("region_down", "zhangjiakou", True)

    with pytest.raises(OutcomeUnknown):
        await AlibabaCopier(impatient, ACCOUNTS).begin(image[0], ZHANGJIAKOU, HANGZHOU, image[1], overrides=False)


async def test_the_number_of_another_account_comes_of_its_role(
    cloud: Simulator, alibaba: Alibaba, image: tuple[Copy, str]
) -> None:
    partner = replace(HANGZHOU, account="partner")
    known = {"partner": Account("partner", "acs:ram::1234567890123456:role/registry-bot")}

    with pytest.raises(Refused, match="is not known, so nothing was sent"):
        await AlibabaCopier(alibaba, ACCOUNTS).begin(image[0], ZHANGJIAKOU, partner, image[1], overrides=False)
    with pytest.raises(Refused, match="TARGET_INSTANCE_NOT_EXIST"):
        await AlibabaCopier(alibaba, known).begin(image[0], ZHANGJIAKOU, partner, image[1], overrides=False)

    assert [call["params"]["TargetUserId"] for call in cloud.calls if call["action"] == "CreateRepoSyncTask"] == [
        "1234567890123456"
    ]


async def test_an_image_is_copied_into_another_account(
    cloud: Simulator, alibaba: Alibaba, image: tuple[Copy, str]
) -> None:
    cloud.world.state.accounts["partner"] = "1234567890123456"
    cloud.world.instances["cri-aaaaa"].account = "partner"
    known = {"partner": Account("partner", "acs:ram::1234567890123456:role/registry-bot")}

    partner = replace(HANGZHOU, account="partner")
    await AlibabaCopier(alibaba, known).begin(image[0], ZHANGJIAKOU, partner, image[1], overrides=False)

    assert run(cloud).status == "SUCCESS"
