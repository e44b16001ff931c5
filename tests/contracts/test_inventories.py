"""What every keeper of inventories does, the one in memory and the one in Redis."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.adapters.clock import SystemClock
from bot.adapters.redis_inventory import RedisInventories
from bot.domain.inventory import Coverage, Repository, Scan, Tag
from bot.ports.inventories import Inventories
from tests.fake_inventories import FakeInventories

AT = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
ONE = "cri-aaaaa"
API = Repository(
    path="core/api",
    id="crr-1",
    tags={
        "1.9": Tag("ab" * 32, AT - timedelta(days=400)),
        "1.10": Tag("cd" * 32, AT + timedelta(milliseconds=7)),
        "latest": Tag("sha512:odd"),
        "中": Tag("AB" * 32, AT),
    },
    read_at=AT,
    scan=1_795_000_000,
    modified_at=AT - timedelta(milliseconds=1),
    is_immutable=True,
)
BARE = Repository("core/bare", "crr-2", {}, AT, 0)


@pytest.fixture(params=["fake", "redis"])
async def kept(request: pytest.FixtureRequest) -> AsyncIterator[Inventories]:
    if request.param == "fake":
        yield FakeInventories()
        return
    real = RedisInventories(request.getfixturevalue("redis_url"), SystemClock())
    yield real
    await real.close()


async def test_what_was_put_comes_back_as_it_was_and_in_the_order_asked_for(kept: Inventories) -> None:
    await kept.put(ONE, [API, BARE])

    assert await kept.repositories(ONE, ["core/bare", "core/none", "core/api"]) == (BARE, None, API)
    assert await kept.paths(ONE) == ("core/api", "core/bare")
    assert await kept.repositories(ONE, []) == ()


async def test_a_repository_that_is_put_again_takes_the_place_of_what_was_known(kept: Inventories) -> None:
    await kept.put(ONE, [API])
    newer = replace(API, tags={"2.0": Tag("ef" * 32)}, scan=API.scan + 1)
    await kept.put(ONE, [newer])

    assert await kept.repositories(ONE, ["core/api"]) == (newer,)


async def test_what_is_dropped_is_gone_and_the_rest_stays(kept: Inventories) -> None:
    await kept.put(ONE, [API, BARE])
    await kept.drop(ONE, ["core/api"])
    await kept.drop(ONE, [])

    assert await kept.paths(ONE) == ("core/bare",)


async def test_instances_do_not_mix(kept: Inventories) -> None:
    await kept.put(ONE, [API])

    assert await kept.paths("cri-bbbbb") == ()
    assert await kept.coverage("cri-bbbbb") == Coverage("cri-bbbbb")


async def test_how_well_an_instance_is_known_comes_back_as_it_was(kept: Inventories) -> None:
    known = Coverage(
        ONE,
        as_of=AT,
        full_as_of=AT - timedelta(hours=1),
        running=Scan(7, True, AT, 40, 120),
        repositories=3,
        tags=9,
        namespaces={"core": True, "old": False},
        silent_since=AT,
        trouble="It does not answer.",
        distrusts_modified=True,
        unread=("core/api",),
    )
    await kept.save_coverage(known)

    assert await kept.coverage(ONE) == known


async def test_one_owner_at_a_time_has_the_lease_and_may_renew_it(kept: Inventories) -> None:
    until = datetime.now(UTC) + timedelta(minutes=1)

    assert await kept.lease(ONE, "first", until)
    assert await kept.lease(ONE, "first", until)
    assert not await kept.lease(ONE, "second", until)
    assert await kept.lease("cri-bbbbb", "second", until)


async def test_a_lease_that_ran_out_is_free(kept: Inventories) -> None:
    assert await kept.lease(ONE, "first", datetime.now(UTC) - timedelta(minutes=1))
    while not await kept.lease(ONE, "second", datetime.now(UTC) + timedelta(minutes=1)):
        pass
