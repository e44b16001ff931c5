"""Who reads an instance, and when it is looked at again."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from structlog.testing import capture_logs

from bot.errors import Unreachable
from bot.worker import Worker
from bot.worker.scanner import CLAIMED_EVERY, LEASE, SILENT_EVERY, Scanner
from tests.builders import NOW
from tests.fake_inventories import FakeCatalogue, FakeInventories
from tests.fakes import FakeClock, some_ports, some_rules

CATALOGUE_AT = NOW - timedelta(days=1)
EVERY = timedelta(minutes=2)


def a_catalogue() -> FakeCatalogue:
    catalogue = FakeCatalogue()
    for site in ("hangzhou", "zhangjiakou"):
        catalogue.push(site, "core/api", "1.0", "aa" * 32, CATALOGUE_AT)
    return catalogue


async def test_a_look_reads_the_instance_and_says_when_to_come_back() -> None:
    ports = some_ports(catalogue=a_catalogue())
    site = ports.rules.topology.site("hangzhou")

    with capture_logs() as logs:
        wait = await Scanner(ports, "one").tick(site)

    assert wait == EVERY
    assert await ports.inventories.paths(site.instance) == ("core/api",)
    assert [(entry["event"], entry["count"]) for entry in logs] == [("inventory.read", 1)]


async def test_of_two_bots_one_reads_and_the_other_takes_over_when_it_dies() -> None:
    clock = FakeClock()
    inventories = FakeInventories(clock.now)
    catalogue = a_catalogue()
    ports = some_ports(catalogue=catalogue, inventories=inventories, clock=clock)
    site = ports.rules.topology.site("hangzhou")
    await inventories.lease(site.instance, "dead", clock.now() + LEASE)

    await Scanner(ports, "alive").tick(site)
    meanwhile = len(catalogue.calls)
    clock.move(LEASE + timedelta(seconds=1))
    await Scanner(ports, "alive").tick(site)

    assert meanwhile == 0
    assert await inventories.paths(site.instance) == ("core/api",)


async def test_an_instance_that_a_dead_bot_has_claimed_is_soon_looked_at_again_however_rarely_it_is_read() -> None:
    rules = replace(some_rules(), inventory_every=timedelta(hours=1))
    ports = some_ports(catalogue=a_catalogue(), rules=rules)
    site = ports.rules.topology.site("hangzhou")
    await ports.inventories.lease(site.instance, "dead", ports.clock.now() + LEASE)

    assert await Scanner(ports, "alive").tick(site) == CLAIMED_EVERY
    assert (LEASE + CLAIMED_EVERY).total_seconds() < 60


async def test_what_was_read_is_free_for_others_at_once() -> None:
    ports = some_ports(catalogue=a_catalogue())
    site = ports.rules.topology.site("hangzhou")
    await Scanner(ports, "one").tick(site)

    await Scanner(ports, "other").tick(site)

    pages = [kind for _, kind, _ in ports.catalogue.calls if kind == "page"]  # type: ignore[attr-defined]
    assert len(pages) == 2


async def test_a_silent_instance_is_asked_again_sooner_and_said_to_be_silent() -> None:
    catalogue = a_catalogue()
    catalogue.down["hangzhou"] = Unreachable("cn-hangzhou does not answer.")
    ports = some_ports(catalogue=catalogue)

    with capture_logs() as logs:
        wait = await Scanner(ports, "one").tick(ports.rules.topology.site("hangzhou"))

    assert wait == SILENT_EVERY
    assert [(entry["event"], entry["why"]) for entry in logs] == [("inventory.silent", "cn-hangzhou does not answer.")]


async def test_the_worker_reads_all_sites_once_the_start_is_over_and_stops_at_once_in_the_middle_of_it() -> None:
    catalogue = a_catalogue()
    rules = replace(some_rules(), inventory_every=timedelta(milliseconds=1))
    worker = Worker(some_ports(catalogue=catalogue, rules=rules), "one", lambda *_: "")
    hanging = asyncio.Event()

    async def hang(*_: object) -> dict[str, bool]:
        hanging.set()
        await asyncio.Event().wait()
        return {}

    catalogue.namespaces = hang  # type: ignore[method-assign,assignment]
    running = asyncio.ensure_future(worker.run())
    await asyncio.sleep(0.01)
    before = list(catalogue.calls)
    worker.begin_reading()
    await hanging.wait()
    worker.stop()

    async with asyncio.timeout(2):
        await running

    assert before == []
    assert {site for site, _, _ in catalogue.calls} == {"hangzhou", "zhangjiakou"}
