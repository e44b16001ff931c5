"""What an instance holds, as the bot reads it in bulk."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.adapters.alibaba.catalogue import AlibabaCatalogue
from bot.adapters.alibaba.client import Alibaba, Limits
from bot.adapters.alibaba.limits import CATCH_UP, RECOVERY, SLOWEST, Gate, Lane, Pace
from bot.domain.inventory import Listed, Tag
from bot.errors import Refused, Unreachable
from simulator.app import Simulator
from simulator.images import Image
from tests.adapters.canned import HANG, Canned, Say, Script, canned
from tests.adapters.conftest import HANGZHOU, a_client

API = Listed("core/api", "crr-1")
THROTTLED = Say(400, {"Code": "Throttling.User", "RequestId": "r"}, {"x-acs-retry-after": "5"})


def answer(**fields: Any) -> Say:
    return Say(200, {"IsSuccess": True, "Code": "success", "RequestId": "r", **fields})


def tags(names: Iterable[str], total: int, **fields: Any) -> Say:
    images = [{"Tag": name, "Digest": "ab" * 32, "ImageUpdate": "1700000000000", **fields} for name in names]
    return answer(Images=images, TotalCount=str(total))


def numbered(start: int, end: int) -> list[str]:
    return [f"t{n}" for n in range(start, end)]


@asynccontextmanager
async def saying(*script: Script, limits: Limits | None = None) -> AsyncIterator[tuple[AlibabaCatalogue, Canned]]:
    async with canned(*script) as server:
        client = a_client(cr=server.address, limits=limits or Limits(rate=10_000, read_deadline=0.3))
        yield AlibabaCatalogue(client), server
        await client.close()


async def test_everything_that_the_simulated_instance_holds_is_listed(cloud: Simulator, alibaba: Alibaba) -> None:
    for n in range(110):
        cloud.world.put("cri-aaaaa", f"core/many{n}", "1", Image(f"{n}"))
    catalogue = AlibabaCatalogue(alibaba)

    first, total = await catalogue.repositories(HANGZHOU, 1)
    second, _ = await catalogue.repositories(HANGZHOU, 2)

    held = cloud.world.instances["cri-aaaaa"].repositories
    assert {listed.path for listed in [*first, *second]} == set(held)
    assert (total, len(first)) == (len(held), 100)
    assert all(listed.modified_at is not None and not listed.is_going for listed in first)
    assert set(await catalogue.namespaces(HANGZHOU)) == {path.partition("/")[0] for path in held}


async def test_tags_come_with_digest_and_time_of_push(cloud: Simulator, alibaba: Alibaba) -> None:
    catalogue = AlibabaCatalogue(alibaba)
    listed = next(each for each in (await catalogue.repositories(HANGZHOU, 1))[0] if each.path == "core/api")

    found = await catalogue.tags(HANGZHOU, listed) or {}

    held = cloud.world.instances["cri-aaaaa"].repositories["core/api"].tags
    assert {name: tag.digest for name, tag in found.items()} == {
        name: tag.image.digest.removeprefix("sha256:") for name, tag in held.items()
    }
    assert all(tag.pushed_at is not None for tag in found.values())


async def test_a_repository_that_is_gone_is_told_from_one_without_tags(alibaba: Alibaba) -> None:
    assert await AlibabaCatalogue(alibaba).tags(HANGZHOU, Listed("core/none", "crr-none")) is None


async def test_pages_are_turned_until_the_count_is_reached_and_no_further() -> None:
    async with saying(tags(numbered(0, 100), 200), tags(numbered(100, 200), 200)) as (catalogue, server):
        assert len(await catalogue.tags(HANGZHOU, API) or ()) == 200

    assert [query["PageNo"] for _, query in server.calls] == ["1", "2"]


async def test_tags_that_slipped_to_a_page_already_read_are_found_by_reading_again() -> None:
    first, shifted = tags(numbered(0, 100), 120), tags(numbered(101, 120), 120)

    async with saying(first, shifted, first, tags(numbered(100, 120), 120)) as (catalogue, _):
        assert len(await catalogue.tags(HANGZHOU, API) or ()) == 120


@pytest.mark.parametrize("total", [150, 101])
async def test_tags_that_are_counted_and_never_come_make_the_list_unusable(total: int) -> None:
    async with saying(tags(numbered(0, 30), total)) as (catalogue, server):
        with pytest.raises(Unreachable, match=rf"30 of {total} entries of tags of core/api"):
            await catalogue.tags(HANGZHOU, API)

    assert len(server.calls) == 3


async def test_a_count_that_is_too_low_ends_nothing_early() -> None:
    async with saying(tags(numbered(0, 100), 5), tags(numbered(100, 130), 5)) as (catalogue, _):
        assert len(await catalogue.tags(HANGZHOU, API) or ()) == 130


async def test_a_tag_that_came_twice_is_a_reason_to_read_again_whatever_the_count_says() -> None:
    first, shifted = tags(numbered(0, 100), 5), tags(numbered(99, 119), 5)

    async with saying(first, shifted, first, tags(numbered(100, 120), 5)) as (catalogue, _):
        assert len(await catalogue.tags(HANGZHOU, API) or ()) == 120


async def test_a_tag_deleted_while_the_pages_are_turned_hides_no_other() -> None:
    first, second = tags(numbered(0, 100), 120), tags(numbered(101, 120), 119)
    again = [tags([*numbered(0, 5), *numbered(6, 101)], 119), second]

    async with saying(first, second, *again) as (catalogue, _):
        assert set(await catalogue.tags(HANGZHOU, API) or ()) == set(numbered(0, 120))


async def test_a_server_that_never_turns_the_page_does_not_keep_us() -> None:
    async with saying(tags(numbered(0, 100), 150)) as (catalogue, _):
        with pytest.raises(Unreachable, match="100 of 200"):
            await catalogue.tags(HANGZHOU, API)


async def test_a_digest_is_the_same_with_its_prefix_and_without() -> None:
    for digest in ("ab" * 32, "sha256:" + "ab" * 32):
        async with saying(tags(["1.0"], 1, Digest=digest, ImageUpdate="null")) as (catalogue, _):
            assert await catalogue.tags(HANGZHOU, API) == {"1.0": Tag("ab" * 32)}


async def test_a_tag_without_a_digest_makes_its_repository_unreadable() -> None:
    async with saying(tags(["1.0"], 1, Digest="null")) as (catalogue, _):
        with pytest.raises(Unreachable, match="Digest"):
            await catalogue.tags(HANGZHOU, API)


async def test_of_the_word_null_a_repository_takes_nothing_as_said() -> None:
    nameless = {"RepoId": "crr-2", "RepoName": "null", "RepoNamespaceName": "core"}
    odd = {"RepoId": "crr-1", "RepoName": "api", "RepoNamespaceName": "core", "RepoStatus": "null"}
    odd |= {"ModifiedTime": "null", "TagImmutability": "null"}

    async with saying(answer(Repositories=[nameless, odd], TotalCount="2")) as (catalogue, _):
        assert await catalogue.repositories(HANGZHOU, 1) == ([Listed("core/api", "crr-1")], 2)


async def test_a_repository_that_is_being_deleted_is_said_to_be() -> None:
    going: dict[str, Any] = {
        "RepoId": "crr-1",
        "RepoName": "api",
        "RepoNamespaceName": "core",
        "RepoStatus": "DELETING",
    }
    going |= {"ModifiedTime": 1_700_000_000_000, "TagImmutability": True}

    async with saying(answer(Repositories=[going], TotalCount="1")) as (catalogue, _):
        (listed,), _total = await catalogue.repositories(HANGZHOU, 1)

    assert listed == Listed("core/api", "crr-1", datetime.fromtimestamp(1_700_000_000, UTC), True, True)


async def test_being_asked_for_less_again_and_again_slows_a_reading_down_and_does_not_end_it() -> None:
    async with saying(*[THROTTLED] * 8, tags(["1.0"], 1)) as (catalogue, server):
        assert set(await catalogue.tags(HANGZHOU, API) or ()) == {"1.0"}

    assert len(server.calls) == 9


async def test_a_call_that_hangs_costs_one_deadline() -> None:
    started = time.monotonic()

    async with saying(HANG) as (catalogue, _):
        with pytest.raises(Unreachable, match=r"did not answer within 0.3 s"):
            await catalogue.tags(HANGZHOU, API)

    assert time.monotonic() - started < 1


async def test_a_call_that_is_not_permitted_names_what_is_missing() -> None:
    async with saying(Say(403, {"Code": "NoPermission", "RequestId": "r"})) as (catalogue, _):
        with pytest.raises(Refused, match=r"cr:ListNamespace on acs:cr:cn-hangzhou:\*:repository/cri-aaaaa\*"):
            await catalogue.namespaces(HANGZHOU)


async def test_a_reading_that_was_slowed_down_leaves_single_reads_their_pace() -> None:
    slow = Limits(rate=200, in_flight=8, read_deadline=2)
    async with saying(THROTTLED, tags(["1.0"], 1), limits=slow) as (catalogue, _):
        await catalogue.tags(HANGZHOU, API)
        started = time.monotonic()
        single = await catalogue._alibaba.cr(HANGZHOU.region, "main")
        _, models = await catalogue._alibaba.models()
        request = models.ListRepoTagRequest(instance_id="cri-aaaaa", repo_id="crr-1")
        await asyncio.gather(*(single.list_repo_tag_async(request) for _ in range(20)))

    assert time.monotonic() - started < 0.5


def test_the_pace_halves_once_for_all_calls_that_were_on_their_way() -> None:
    pace = Pace(100.0)
    pace.halve(sent_at=10.0, now=10.1)
    pace.halve(sent_at=10.05, now=10.2)

    assert pace.rate(10.2) == pytest.approx(50, rel=0.01)


def test_the_pace_comes_back_bit_by_bit_and_no_further() -> None:
    pace = Pace(100.0)
    pace.halve(sent_at=0.0, now=0.0)

    assert pace.rate(RECOVERY / 4) == pytest.approx(75)
    assert pace.rate(RECOVERY) == 100


def test_the_pace_never_stops() -> None:
    pace = Pace(100.0)
    for moment in range(40):
        pace.halve(sent_at=moment / 1000, now=moment / 1000)

    assert pace.rate(0.039) == pytest.approx(SLOWEST, rel=0.1)


def test_a_slowed_pace_spaces_the_calls_out() -> None:
    pace = Pace(100.0)
    pace.halve(sent_at=0.0, now=0.0)
    pace.step(CATCH_UP)

    assert pace.missing(0.0) == pytest.approx(1 / 50, rel=0.01)
    assert pace.missing(1.0) == 0


async def test_a_scan_has_no_burst_and_keeps_its_rate() -> None:
    gate = Gate(rate=1_000, in_flight=8)
    started = time.monotonic()

    for _ in range(500):
        await gate.spend(Lane.SCAN)

    assert 0.5 - 2 * CATCH_UP < time.monotonic() - started < 0.8


async def test_a_scan_goes_on_however_many_single_reads_there_are() -> None:
    gate = Gate(rate=20, in_flight=8)

    async def read() -> None:
        while True:
            await gate.spend(Lane.READ)

    reads = [asyncio.ensure_future(read()) for _ in range(8)]
    await asyncio.sleep(0.1)
    async with asyncio.timeout(4):
        await gate.spend(Lane.SCAN)
        await gate.spend(Lane.SCAN)

    for task in reads:
        task.cancel()
    await asyncio.gather(*reads, return_exceptions=True)


async def test_a_scan_that_waits_to_be_let_in_again_keeps_no_single_read_from_its_slot() -> None:
    wait = Say(400, {"Code": "Throttling.User", "RequestId": "r"}, {"x-acs-retry-after": "60000"})
    small = Limits(rate=1_000, in_flight=2, read_deadline=2)
    async with saying(wait, tags(["1.0"], 1), limits=small) as (catalogue, _):
        stuck = [asyncio.ensure_future(catalogue.tags(HANGZHOU, API)) for _ in range(4)]
        await asyncio.sleep(0.05)
        single = await catalogue._alibaba.cr(HANGZHOU.region, "main")
        _, models = await catalogue._alibaba.models()

        async with asyncio.timeout(1):
            await asyncio.gather(*(single.list_repo_tag_async(models.ListRepoTagRequest()) for _ in range(4)))

        for task in stuck:
            task.cancel()
        await asyncio.gather(*stuck, return_exceptions=True)


@pytest.mark.parametrize("images", ["none", ["1.0"], {"Tag": "1.0"}])
async def test_a_list_of_another_shape_is_no_answer(images: Any) -> None:
    async with saying(answer(Images=images, TotalCount="1")) as (catalogue, _):
        with pytest.raises(Unreachable, match="unknown shape"):
            await catalogue.tags(HANGZHOU, API)
