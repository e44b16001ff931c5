"""What is read is dated by the vendor's clock where the bot's is ahead of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from email.utils import format_datetime

import pytest

from bot.adapters.alibaba.catalogue import AlibabaCatalogue
from bot.adapters.alibaba.credentials import Keys
from bot.adapters.alibaba.registry import AlibabaRegistries
from bot.adapters.alibaba.skew import Skew
from bot.adapters.clock import SystemClock
from bot.domain.differences import Cause, Difference
from bot.domain.inventory import dated
from bot.domain.report import Question
from bot.ports import Ports
from bot.services.replication import report
from bot.services.stocktaking import take_stock
from simulator.app import Simulator
from simulator.model import Behaviour
from simulator.replication import Engine
from tests.adapters.conftest import HANGZHOU, ZHANGJIAKOU, a_client
from tests.builders import NOW
from tests.fake_inventories import FakeInventories
from tests.fakes import some_ports

FULL_EVERY = timedelta(hours=6)
QUESTION = Question(ZHANGJIAKOU, HANGZHOU, ("core/*",))


@pytest.mark.parametrize(("seconds", "ahead"), [(300, 300), (4, 0), (0, 0), (-4, 0), (-300, -300)])
def test_only_a_clock_that_is_off_by_more_than_an_answer_takes_counts(seconds: int, ahead: int) -> None:
    skew = Skew(lambda: NOW + timedelta(seconds=seconds))

    skew.hear(format_datetime(NOW, usegmt=True))

    assert skew.ahead == timedelta(seconds=ahead)


@pytest.mark.parametrize("date", [None, "", "yesterday", "Tue, 03 Nov 2026 02:00:00 -0000"])
def test_an_answer_that_tells_no_time_changes_nothing(date: str | None) -> None:
    skew = Skew(lambda: NOW + timedelta(minutes=5))
    skew.hear(format_datetime(NOW, usegmt=True))

    skew.hear(date)

    assert skew.ahead == timedelta(minutes=5)


@pytest.mark.parametrize("minutes", [-20, 20])
def test_an_answer_so_far_off_that_no_call_would_be_taken_is_not_believed(minutes: int) -> None:
    skew = Skew(lambda: NOW)

    skew.hear(format_datetime(NOW + timedelta(minutes=minutes), usegmt=True))

    assert skew.ahead == timedelta(0)


@pytest.mark.parametrize(("minutes", "then"), [(5, -5), (0, 0), (-5, 0)])
def test_a_reading_is_never_dated_later_than_by_the_bots_clock(minutes: int, then: int) -> None:
    assert dated(NOW, timedelta(minutes=minutes)) == NOW + timedelta(minutes=then)


class Off(SystemClock):
    """A clock that is some minutes ahead of the simulated vendor's, or behind."""

    def __init__(self, minutes: int) -> None:
        self._off = timedelta(minutes=minutes)

    def now(self) -> datetime:
        return super().now() + self._off


@asynccontextmanager
async def a_bot(cloud: Simulator, minutes: int) -> AsyncIterator[Ports]:
    """Yield the ports of a bot whose clock is off."""
    where, clock = cloud.announcement["alibaba"], Off(minutes)
    keys = Keys(where["access_key_id"], where["access_key_secret"])
    alibaba = a_client(where["pvtz"], where["cr"], keys, clock=clock.now)
    yield some_ports(
        clock=clock,
        catalogue=AlibabaCatalogue(alibaba),
        registries=AlibabaRegistries(alibaba, clock.now),
        inventories=FakeInventories(),
    )
    await alibaba.close()


@pytest.fixture
async def ahead(cloud: Simulator) -> AsyncIterator[Ports]:
    async with a_bot(cloud, 5) as ports:
        yield ports


def push(cloud: Simulator, tag: str) -> None:
    """Push an image at Zhangjiakou, and let its copy end."""
    cloud.world.push(ZHANGJIAKOU.instance, "core/api", tag)
    engine = Engine(cloud.world, cloud.faults, lag_seconds=0.0)
    for _ in range(2):
        engine.tick(cloud.world.now_ms())


async def test_a_copy_that_came_after_the_target_was_read_is_not_said_to_have_gone_astray(
    cloud: Simulator, ahead: Ports
) -> None:
    await take_stock(ahead, HANGZHOU, FULL_EVERY)
    push(cloud, "9.9.9")
    await take_stock(ahead, ZHANGJIAKOU, FULL_EVERY)
    heard: list[Difference] = []

    await report(ahead, QUESTION, heard.append)

    (loss,) = [each for each in heard if each.is_critical]
    assert (loss.image, loss.is_unsettled, loss.explanation.cause) == ("core/api:9.9.9", True, Cause.WAITING)


async def test_a_push_since_the_source_was_read_is_in_no_list_yet(cloud: Simulator, ahead: Ports) -> None:
    for site in (HANGZHOU, ZHANGJIAKOU):
        await take_stock(ahead, site, FULL_EVERY)
    cloud.world.state.behaviour = Behaviour(failures=1.0)
    push(cloud, "9.9.9")

    found = await report(ahead, QUESTION)

    assert [(task.image, task.status) for task in found.unseen] == [("core/api:9.9.9", "ERROR")]


@pytest.mark.parametrize("minutes", [5, -5])
async def test_a_push_of_a_minute_ago_lags_by_that_whatever_the_bots_clock_says(cloud: Simulator, minutes: int) -> None:
    cloud.world.state.behaviour = Behaviour(failures=1.0)
    push(cloud, "9.9.9")
    cloud.world.instances[ZHANGJIAKOU.instance].repositories["core/api"].tags["9.9.9"].pushed_ms -= 60_000
    async with a_bot(cloud, minutes) as ports:
        for site in (HANGZHOU, ZHANGJIAKOU):
            await take_stock(ports, site, FULL_EVERY)

        found = await report(ports, QUESTION)

    assert found.judgement.lag is not None
    assert timedelta(seconds=50) < found.judgement.lag < timedelta(seconds=90)


async def test_the_first_answer_that_a_bot_hears_dates_its_own_reading(cloud: Simulator) -> None:
    async with a_bot(cloud, 5) as ports:
        feed = await ports.registries.sync_tasks(ZHANGJIAKOU)
    async with a_bot(cloud, 5) as ports:
        held = await ports.registries.inventory(ZHANGJIAKOU, ("core/*",))

    assert feed.as_of < SystemClock().now()
    assert held.as_of < SystemClock().now()


async def test_what_one_endpoint_says_the_time_is_dates_nothing_of_another(ahead: Ports) -> None:
    await ahead.catalogue.namespaces(HANGZHOU)

    assert ahead.catalogue.ahead(HANGZHOU) > timedelta(minutes=4)
    assert ahead.catalogue.ahead(ZHANGJIAKOU) == timedelta(0)
