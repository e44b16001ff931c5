"""Copies that came in part, found at the simulated registries by the real client."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bot.adapters.alibaba.catalogue import AlibabaCatalogue
from bot.adapters.alibaba.registry import AlibabaRegistries
from bot.adapters.clock import SystemClock
from bot.adapters.pull_client import RegistryPuller
from bot.domain.pulling import DeepReport, Trouble
from bot.domain.report import Question
from bot.ports import Ports
from bot.services.deep_check import deep_reports
from bot.services.stocktaking import take_stock
from simulator.app import Simulator, running
from simulator.generator import Generation
from simulator.images import Image
from simulator.replication import Engine
from tests.adapters.conftest import EAGER, HANGZHOU, ZHANGJIAKOU, now, of
from tests.adapters.test_pull_client import redirects
from tests.fake_inventories import FakeInventories
from tests.fakes import some_ports

CRITICAL = ("core/*",)


class World:
    """A simulated company whose copies to Hangzhou land at once."""

    def __init__(self, simulator: Simulator, ports: Ports) -> None:
        self.simulator, self.ports = simulator, ports
        self._engine = Engine(simulator.world, simulator.faults, lag_seconds=0.0)

    def copy(self, tag: str, *platforms: str) -> None:
        """Push an image at Zhangjiakou, for several platforms where they are named, and let its copy arrive."""
        world = self.simulator.world
        world.push(ZHANGJIAKOU.instance, "core/api", tag)
        if platforms:
            world.tasks[-1].image = Image(f"core/api:{tag}", platforms=platforms)
        for _ in range(2):
            self._engine.tick(world.now_ms() + 1_000)

    async def look(self, critical: tuple[str, ...] = CRITICAL) -> DeepReport:
        """Read what Hangzhou lists, and then look at it as pulls do."""
        await take_stock(self.ports, HANGZHOU, timedelta(hours=6))
        asked = Question(ZHANGJIAKOU, HANGZHOU, critical)
        return [report async for report in deep_reports(self.ports, asked)][-1]


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    async with running(only={"alibaba", "registries"}, generate=Generation(30, 4, source="cri-aaaaa")) as simulator:
        monkeypatch.setenv("SSL_CERT_FILE", simulator.announcement["ca"])
        alibaba = of(simulator, EAGER)
        ports = some_ports(
            clock=SystemClock(),
            catalogue=AlibabaCatalogue(alibaba),
            inventories=FakeInventories(),
            registries=AlibabaRegistries(alibaba, now),
            puller=RegistryPuller(alibaba, now, redirects(simulator)),
        )
        yield World(simulator, ports)
        await alibaba.close()


async def test_copies_in_part_are_found_and_nothing_else(world: World) -> None:
    world.copy("whole", "amd64", "arm64")
    world.simulator.faults.set("incomplete_copies", "hangzhou", True)
    world.copy("no-layer")
    world.copy("no-image", "amd64", "arm64")

    report = await world.look()

    assert (report.interrupted, report.is_final) == ("", True)
    assert {(flaw.tag, flaw.trouble) for flaw in report.found.flaws} == {
        ("no-layer", Trouble.NO_LAYER),
        ("no-image", Trouble.NO_CHILD),
    }
    assert report.found.sound == report.found.tags - 2


async def test_a_large_instance_that_is_whole_is_sound_throughout(world: World) -> None:
    report = await world.look(("*",))

    held = world.simulator.world.instances[HANGZHOU.instance].repositories
    assert report.found.tags == report.found.sound == sum(each.count for each in held.values()) >= 100
    assert report.done == report.total == len(held)


async def test_a_tag_deleted_since_it_was_listed_is_told_as_such(world: World) -> None:
    await world.look()
    world.simulator.world.delete(HANGZHOU.instance, "core/api", "2.7.1")

    asked = Question(ZHANGJIAKOU, HANGZHOU, CRITICAL)
    report = [each async for each in deep_reports(world.ports, asked)][-1]

    (flaw,) = report.found.flaws
    assert (flaw.image, flaw.trouble) == ("core/api:2.7.1", Trouble.DELETED)
    assert flaw.listed_at < flaw.seen_at
    assert (report.found.changed, report.found.flawed) == (1, 0)


async def test_a_tag_that_is_listed_even_now_and_does_not_come_is_broken(world: World) -> None:
    world.simulator.faults.set("manifest_missing", "hangzhou", True)

    report = await world.look()

    assert {flaw.trouble for flaw in report.found.flaws} == {Trouble.NO_MANIFEST}
    assert report.found.flawed == report.found.tags > 0


async def test_without_the_permission_to_pull_the_reason_is_said_once(world: World) -> None:
    assert world.simulator.alibaba
    world.simulator.alibaba.cloud.ram.denied.add("cr:PullRepository")

    report = await world.look(("*",))

    assert "cr:PullRepository" in report.interrupted
    assert (report.found.sound, report.found.flawed) == (0, 0)
