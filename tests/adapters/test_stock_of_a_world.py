"""What is kept of a simulated instance, beside what it really holds, through everything that can distort a reading."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.adapters.alibaba.catalogue import AlibabaCatalogue
from bot.adapters.alibaba.client import Alibaba
from bot.adapters.clock import SystemClock
from bot.adapters.redis_inventory import RedisInventories
from bot.domain.inventory import Coverage
from bot.ports import Ports
from bot.services.stocktaking import take_stock
from simulator.app import Simulator, running
from simulator.generator import Generation
from tests.adapters.conftest import EAGER, HANGZHOU, of
from tests.fake_inventories import FakeInventories
from tests.fakes import some_ports

FULL_EVERY = timedelta(hours=6)
SMALL = Generation(230, 3, source="cri-aaaaa")
DISTORTIONS = ("shifting_pages", "wrong_counts", "null_texts", "prefixed_digests", "rate_limited")


def really(sim: Simulator) -> dict[str, dict[str, str]]:
    """Return what the instance holds: path → tag → digest."""
    repositories = sim.world.instances[HANGZHOU.instance].repositories
    return {
        path: {name: tag.image.digest.removeprefix("sha256:") for name, tag in each.tags.items()}
        for path, each in repositories.items()
    }


async def kept(ports: Ports) -> dict[str, dict[str, str]]:
    """Return what is kept, the same way."""
    paths = await ports.inventories.paths(HANGZHOU.instance)
    found = await ports.inventories.repositories(HANGZHOU.instance, paths)
    return {each.path: {name: tag.digest for name, tag in each.tags.items()} for each in found if each}


def reading(alibaba: Alibaba) -> Ports:
    return some_ports(clock=SystemClock(), catalogue=AlibabaCatalogue(alibaba), inventories=FakeInventories())


async def take(ports: Ports) -> Coverage:
    return await take_stock(ports, HANGZHOU, FULL_EVERY)


async def test_a_generated_world_is_kept_in_redis_as_it_is_and_costs_the_least_calls(redis_url: str) -> None:
    async with running(only={"alibaba"}, generate=SMALL) as sim:
        alibaba = of(sim, EAGER)
        inventories = RedisInventories(redis_url, SystemClock())
        ports = replace(reading(alibaba), inventories=inventories)

        known = await take(ports)
        first = len(sim.calls)
        await take(ports)

        assert await kept(ports) == really(sim)
        assert (known.unread, known.unlisted, known.trouble) == ((), 0, "")
        assert first == 1 + 3 + known.repositories
        assert len(sim.calls) - first <= 4 + 20
        await inventories.close()
        await alibaba.close()


@pytest.mark.parametrize("fault", DISTORTIONS)
async def test_a_distorted_reading_keeps_the_truth_or_says_what_it_lacks(
    cloud: Simulator, alibaba: Alibaba, fault: str
) -> None:
    for n in range(120):
        cloud.world.push(HANGZHOU.instance, f"core/many{n % 5}", f"1.{n}")
    cloud.faults.set(fault, None if fault != "rate_limited" else "hangzhou", True)
    ports = reading(alibaba)

    known = await take(ports)

    truth = really(cloud)
    assert {path: tags for path, tags in (await kept(ports)).items() if truth[path] != tags} == {}
    assert set(truth) - set(await kept(ports)) <= set(known.unread)
    assert (known.as_of is not None, known.unlisted) == (True, 0)


async def test_pushes_and_deletions_between_passes_are_all_seen_by_the_next(cloud: Simulator, alibaba: Alibaba) -> None:
    ports = reading(alibaba)
    await take(ports)
    cloud.world.push(HANGZHOU.instance, "core/api", "9.9")
    cloud.world.push(HANGZHOU.instance, "core/new", "1.0")
    gone = next(iter(cloud.world.instances[HANGZHOU.instance].repositories["core/web"].tags))
    cloud.world.delete(HANGZHOU.instance, "core/web", gone)

    await take(ports)

    assert await kept(ports) == really(cloud)


async def test_an_instance_that_is_stopped_is_silent_with_the_reason_and_kept_as_it_was(
    cloud: Simulator, alibaba: Alibaba
) -> None:
    ports = reading(alibaba)
    before = await take(ports)
    cloud.world.instances[HANGZHOU.instance].status = "STOPPED"

    known = await take(ports)

    assert known.silent_since is not None
    assert "INSTANCE_STATUS_NOT_SUPPORT" in known.trouble
    assert known.as_of == before.as_of
    assert await kept(ports) == really(cloud)


async def test_missing_permission_for_namespaces_is_told_and_costs_nothing_else(
    cloud: Simulator, alibaba: Alibaba
) -> None:
    assert cloud.alibaba is not None
    cloud.alibaba.cloud.ram.denied.add("cr:ListNamespace")
    ports = reading(alibaba)

    known = await take(ports)

    assert "cr:ListNamespace" in known.trouble
    assert await kept(ports) == really(cloud)
