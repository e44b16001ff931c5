"""An instance that belongs to another account."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from alibabacloud_cr20181201 import models
from alibabacloud_cr20181201.client import Client
from alibabacloud_pvtz20180101 import models as pvtz_models
from alibabacloud_pvtz20180101.client import Client as ZoneClient
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException

from simulator.alibaba.server import Alibaba
from simulator.app import Simulator, running
from simulator.world import World
from tests.simulator.conftest import config

SEED = Path(__file__).parents[2] / "simulator" / "seed.yaml"
PARTNER = "2000000000000002"


def written(tmp_path: Path, **changed: Any) -> Path:
    document = yaml.safe_load(SEED.read_text(encoding="utf-8")) | {"accounts": {"partner": PARTNER}} | changed
    document["instances"]["cri-aaaaa"]["account"] = "partner"
    path = tmp_path / "world.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


@pytest.fixture
async def sim(tmp_path: Path) -> AsyncIterator[Simulator]:
    async with running(only={"alibaba"}, world=written(tmp_path)) as simulator:
        yield simulator


@pytest.fixture
def alibaba(sim: Simulator) -> Alibaba:
    assert sim.alibaba is not None
    return sim.alibaba


def ask(alibaba: Alibaba, who: int) -> Client:
    return Client(config(alibaba.cr["cn-hangzhou"], [alibaba.writer, *alibaba.others][who]))


async def test_an_instance_is_seen_by_its_own_account_only(alibaba: Alibaba) -> None:
    request = models.GetInstanceRequest(instance_id="cri-aaaaa")

    ours, theirs = [(await ask(alibaba, who).get_instance_async(request)).body for who in (0, 1)]

    assert (ours.is_success, ours.code) == (False, "INSTANCE_NOT_EXIST")
    assert (theirs.is_success, theirs.instance_status) == (True, "RUNNING")


async def test_a_list_of_instances_tells_those_of_the_caller(alibaba: Alibaba) -> None:
    lists = [(await ask(alibaba, who).list_instance_async(models.ListInstanceRequest())).body for who in (0, 1)]

    assert [each.total_count for each in lists] == [0, 1]


async def test_a_rule_between_accounts_is_listed_at_both_ends(alibaba: Alibaba) -> None:
    source = Client(config(alibaba.cr["cn-zhangjiakou"], alibaba.writer))

    ours = await source.list_repo_sync_rule_async(models.ListRepoSyncRuleRequest(instance_id="cri-bbbbb"))
    theirs = await ask(alibaba, 1).list_repo_sync_rule_async(models.ListRepoSyncRuleRequest(instance_id="cri-aaaaa"))

    assert [rule.cross_user for rule in ours.body.sync_rules] == [True] * 3
    assert [rule.sync_rule_id for rule in ours.body.sync_rules] == [
        rule.sync_rule_id for rule in theirs.body.sync_rules
    ]


async def test_another_account_sees_no_zones(alibaba: Alibaba) -> None:
    zones = ZoneClient(config(alibaba.pvtz, alibaba.others[0]))

    with pytest.raises(AlibabaCloudException) as caught:
        await zones.describe_zones_async(pvtz_models.DescribeZonesRequest())

    assert caught.value.code == "Forbidden.RAM"


@pytest.mark.parametrize(("user", "code"), [(PARTNER, "success"), (None, "TARGET_INSTANCE_NOT_EXIST")])
async def test_a_copy_into_another_account_names_it(
    sim: Simulator, alibaba: Alibaba, user: str | None, code: str
) -> None:
    source = Client(config(alibaba.cr["cn-zhangjiakou"], alibaba.writer))
    request = models.CreateRepoSyncTaskRequest(
        instance_id="cri-bbbbb",
        repo_id=sim.world.instances["cri-bbbbb"].repositories["platform/tools"].id,
        tag="1.1",
        target_instance_id="cri-aaaaa",
        target_region_id="cn-hangzhou",
        target_namespace="platform",
        target_repo_name="tools",
        target_tag="1.1",
        target_user_id=user,
    )

    assert (await source.create_repo_sync_task_async(request)).body.code == code


def test_the_announcement_tells_the_keys_and_the_configuration_the_role(sim: Simulator) -> None:
    document = yaml.safe_load(Path(sim.announcement["config"]).read_text(encoding="utf-8"))

    assert set(sim.announcement["alibaba"]["accounts"]["partner"]) == {"access_key_id", "access_key_secret"}
    assert document["accounts"]["partner"]["role_arn"] == f"acs:ram::{PARTNER}:role/registry-bot"
    assert [site["account"] for site in document["sites"].values()] == ["partner", "main"]


def test_an_account_that_is_not_known_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="account 'partner', which is not under accounts"):
        World.load(written(tmp_path, accounts={}))
