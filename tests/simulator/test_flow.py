"""How often a call may be made."""

from collections.abc import Callable

import pytest
from alibabacloud_cr20181201 import models
from alibabacloud_cr20181201.client import Client
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException

from simulator.alibaba.errors import Refusal
from simulator.alibaba.flow import HINT, Flow, Limit
from simulator.alibaba.server import Alibaba
from simulator.app import Simulator


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def passed(flow: Flow, times: int, action: str = "ListRepoTag", account: str = "main") -> int:
    count = 0
    for _ in range(times):
        try:
            flow.take("cn-hangzhou", account, action, is_fault=False)
        except Refusal:
            continue
        count += 1
    return count


def test_a_limit_lets_one_seconds_worth_pass_at_once_and_then_its_rate() -> None:
    clock = Clock()
    flow = Flow({"ListRepoTag": Limit(10)}, clock)

    assert passed(flow, 20) == 10
    clock.now = 0.5
    assert passed(flow, 20) == 5


def test_each_call_and_each_account_is_counted_by_itself() -> None:
    flow = Flow({"*": Limit(3)}, Clock())

    assert [passed(flow, 9), passed(flow, 9, "ListRepository"), passed(flow, 9, account="partner")] == [3, 3, 3]


def test_the_limit_of_a_call_goes_before_the_one_of_all() -> None:
    flow = Flow({"*": Limit(3), "ListRepoTag": Limit(5)}, Clock())

    assert passed(flow, 9) == 5


def test_without_a_limit_everything_passes() -> None:
    assert passed(Flow(clock=Clock()), 1000) == 1000


def test_a_refusal_tells_how_long_to_wait_where_it_is_set() -> None:
    flow = Flow({"*": Limit(1, retry_after_ms=700, code="Throttling.Api")}, Clock())
    passed(flow, 1)

    with pytest.raises(Refusal) as caught:
        flow.take("cn-hangzhou", "main", "ListRepoTag", is_fault=False)

    assert (caught.value.status, caught.value.code, caught.value.headers) == (400, "Throttling.Api", {HINT: "700"})


def test_under_the_fault_both_forms_of_the_answer_are_met() -> None:
    flow, hints = Flow(clock=Clock()), []
    for _ in range(9):
        try:
            flow.take("cn-hangzhou", "main", "ListRepoTag", is_fault=True)
        except Refusal as refusal:
            hints.append(HINT in refusal.headers)

    assert hints == [False, True, False, True]


@pytest.mark.parametrize("wrong", [{"qps": 0}, {"qps": 5, "retry_after_ms": -1}, {"qps": 5, "code": "Busy"}])
def test_a_limit_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="A limit is"):
        Limit(**wrong)  # type: ignore[arg-type]


async def test_the_vendors_client_knows_a_call_too_many_by_its_code_and_its_hint(
    alibaba: Alibaba, registry: Callable[[str], Client]
) -> None:
    alibaba.cloud.flow.limits["ListInstance"] = Limit(1, retry_after_ms=700)
    client = registry("cn-hangzhou")
    await client.list_instance_async(models.ListInstanceRequest())

    with pytest.raises(AlibabaCloudException) as caught:
        await client.list_instance_async(models.ListInstanceRequest())

    assert (caught.value.code, caught.value.status_code) == ("Throttling.User", 400)
    assert caught.value.retry_after == 700


async def test_a_limited_region_refuses_the_sixth_call_of_a_kind(
    sim: Simulator, registry: Callable[[str], Client]
) -> None:
    sim.faults.set("rate_limited", "hangzhou", True)
    client = registry("cn-hangzhou")
    for _ in range(5):
        await client.list_instance_async(models.ListInstanceRequest())

    with pytest.raises(AlibabaCloudException, match="flow control"):
        await client.list_instance_async(models.ListInstanceRequest())
