"""Messages that are still to end with an answer, as every store keeps them."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.adapters.redis_bulletins import RedisBulletins
from bot.adapters.redis_keys import BULLETINS
from bot.ports import Bulletins, OpenBulletin
from tests.builders import CHANNEL, NOW
from tests.contracts.conftest import ObservedRedis, Subject
from tests.fake_bulletins import FakeBulletins
from tests.fakes import FakeOperations

OLD = OpenBulletin(CHANNEL, "1.1", "zhangjiakou", "hangzhou", "replication from zhangjiakou to hangzhou", NOW)
YOUNG = replace(OLD, ts="1.0", begun_at=NOW + timedelta(microseconds=1), question='replication repo "`*`" 杭州')


@pytest.fixture
async def bulletins(subject: Subject) -> AsyncIterator[Bulletins]:
    if isinstance(subject.store, FakeOperations):
        yield FakeBulletins()
        return
    assert isinstance(subject.store, ObservedRedis)
    yield RedisBulletins(subject.store.link)


async def test_what_is_open_is_told_whole_the_oldest_first_until_it_is_forgotten(bulletins: Bulletins) -> None:
    for bulletin in (YOUNG, OLD, OLD):
        await bulletins.keep(bulletin)
    both = await bulletins.open()
    was_open = [await bulletins.forget(OLD) for _ in range(2)]

    assert both == (OLD, YOUNG)
    assert was_open == [True, False]
    assert await bulletins.open() == (YOUNG,)


async def test_the_same_ts_in_another_channel_is_another_message(bulletins: Bulletins) -> None:
    other = replace(OLD, channel="C02INC")
    await bulletins.keep(OLD)
    await bulletins.keep(other)

    await bulletins.forget(OLD)

    assert await bulletins.open() == (other,)


async def test_what_nobody_can_read_hides_no_other_and_is_forgotten(bulletins: Bulletins, subject: Subject) -> None:
    if isinstance(bulletins, RedisBulletins) and isinstance(subject.store, ObservedRedis):
        link = subject.store.link
        await link.call("HSET", BULLETINS, "C01OPS/9.9", "nonsense")
        await bulletins.keep(OLD)

        assert await bulletins.open() == (OLD,)
        assert await link.call("HLEN", BULLETINS) == 1
