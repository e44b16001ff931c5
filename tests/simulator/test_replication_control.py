"""Pushes, copies, call limits and the truth through the control API."""

import asyncio

from aiohttp import ClientSession

from simulator.app import Simulator, running
from simulator.generator import Generation
from tests.simulator.conftest import Getter, Poster


async def test_people_push_through_control_and_the_truth_tells(whole: Simulator, post: Poster, get: Getter) -> None:
    await post("faults", name="false_success", on=True)
    await post("replication", lag_ms=0)
    answered = await post("pushes", instance="cri-bbbbb", per_minute=60_000)
    async with asyncio.timeout(10):
        while not (found := await get("truth?source=cri-bbbbb&target=cri-aaaaa"))["counts"]["different"]:
            await asyncio.sleep(0.05)

    assert answered == {"ok": True, "result": {"cri-bbbbb": 60_000}}
    assert found["different"]
    await post("reset")
    assert whole.pushers.per_minute == {}


async def test_the_truth_of_an_unknown_instance_is_a_sentence(get: Getter) -> None:
    assert "No instance is called" in (await get("truth?source=cri-bbbbb"))["error"]


async def test_replication_behaves_as_it_is_told(whole: Simulator, post: Poster) -> None:
    answered = await post("replication", lag_ms=500, spread=1, false_success=0.25)

    assert answered["result"]["spread"] == 1
    assert whole.world.state.behaviour.false_success == 0.25
    for wrong in ({"lag": 1}, {"lag_ms": "fast"}, {"failures": 2}):
        assert "replication takes" in (await post("replication", **wrong))["error"]


async def test_calls_are_limited_through_control(whole: Simulator, post: Poster) -> None:
    await post("limits", action="ListRepoTag", qps=200)
    both = await post("limits", action="*", qps=50, retry_after_ms=300, code="Throttling")
    one = await post("limits", action="ListRepoTag")

    assert set(both["result"]) == {"ListRepoTag", "*"}
    assert one["result"] == {"*": {"qps": 50, "retry_after_ms": 300, "code": "Throttling"}}
    assert "numbers" in (await post("limits", action="*", qps="many"))["error"]
    await post("reset")
    assert whole.alibaba
    assert whole.alibaba.cloud.flow.limits == {}


async def test_a_very_large_world_shows_counts_instead_of_digests() -> None:
    async with running(only={"alibaba"}, generate=Generation(1_100, 2)) as simulator, ClientSession() as session:
        shown = await session.get(f"{simulator.announcement['control']}/control/world")
        instances = (await shown.json())["instances"]

    assert instances[1]["repositories"]["core/api"] == 3
