"""Copy jobs as every store keeps them: over the version that was read, with their audit entry."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.adapters.redis_copies import LIFE, RedisCopies
from bot.adapters.redis_keys import COPY, META, STARTED
from bot.domain.copy_job import Copy, CopyJob, Fate, LeftOut, Phase, Started
from bot.errors import StoreUnavailable, VersionConflict
from bot.ports import Copies
from tests.builders import CHANNEL, NOW, ON_CALL
from tests.contracts.conftest import ObservedRedis, Subject
from tests.fake_copies import FakeCopies
from tests.fakes import FakeOperations

ENTRY = {"event": "copies offered", "person": "on-call"}


def a_job(**fields: object) -> CopyJob:
    copies = (Copy("core/api", "1", "a" * 64), Copy("core/api", "2", "b" * 64, "c" * 64, "no rule copies it"))
    instances = ("cri-bbbbb", "cri-aaaaa")
    job = CopyJob("sy-0001", "missing", "zhangjiakou", "hangzhou", instances, "on-call", ON_CALL, CHANNEL, NOW, copies)
    return replace(job, **fields)  # type: ignore[arg-type]


@pytest.fixture
async def copies(subject: Subject) -> AsyncIterator[Copies]:
    if isinstance(subject.store, FakeOperations):
        yield FakeCopies(subject.store)
        return
    assert isinstance(subject.store, ObservedRedis)
    yield RedisCopies(subject.store.link, subject.store.adopt)


async def test_what_was_saved_is_read_whole(copies: Copies) -> None:
    started = Started("on-call", ON_CALL, NOW + timedelta(seconds=1), "key1:mac")
    job = a_job(
        phase=Phase.RUNNING,
        started=started,
        left_out=(LeftOut("core/api:3", "newer at the target"),),
        left_counts={"newer at the target": 1},
        progressed_at=NOW + timedelta(microseconds=17),
    )
    job = job.changed([job.copies[0].to(Fate.ENQUEUED, NOW, task_id="rst-1")], NOW)

    saved = await copies.save(job)

    assert await copies.get(job.id) == saved == replace(job, version=1)
    assert await copies.get("sy-0002") is None


async def test_of_two_who_read_the_same_one_writes(copies: Copies, subject: Subject) -> None:
    read = await copies.save(a_job(), ENTRY)

    first = await copies.save(read.over(Phase.DISMISSED, NOW), ENTRY)
    with pytest.raises(VersionConflict):
        await copies.save(replace(read, phase=Phase.RUNNING), ENTRY)

    assert await copies.get(read.id) == first
    assert [entry["event"] for entry in await subject.store.entries()] == ["copies offered"] * 2


async def test_a_taken_id_is_a_conflict(copies: Copies) -> None:
    await copies.save(a_job())

    with pytest.raises(VersionConflict):
        await copies.save(a_job(asked="core/api"))


async def test_the_same_write_again_is_one_write_and_one_entry(copies: Copies, subject: Subject) -> None:
    for _ in range(2):
        await copies.save(a_job(), ENTRY)

    assert len(await subject.store.entries()) == 1


async def test_of_two_jobs_that_follow_the_same_one_is_started(copies: Copies, subject: Subject) -> None:
    first, second, back = [
        await copies.save(job)
        for job in (a_job(), a_job(id="sy-0002"), a_job(id="sy-0003", source="hangzhou", target="zhangjiakou"))
    ]
    last = await copies.last_started("zhangjiakou", "hangzhou")

    started = await copies.start(replace(first, phase=Phase.RUNNING), ENTRY, last)
    await copies.start(replace(back, phase=Phase.RUNNING), ENTRY, last)
    with pytest.raises(VersionConflict):
        await copies.start(replace(second, phase=Phase.RUNNING), ENTRY, last)

    assert (last, await copies.last_started("zhangjiakou", "hangzhou")) == ("", first.id)
    assert (await copies.get(first.id), await copies.get(second.id)) == (started, second)
    assert len(await subject.store.entries()) == 2


async def test_the_same_start_again_is_one_start_whatever_was_started_since(copies: Copies, subject: Subject) -> None:
    first, second = await copies.save(a_job()), await copies.save(a_job(id="sy-0002"))
    running = replace(first, phase=Phase.RUNNING)
    started = await copies.start(running, ENTRY, "")
    await copies.start(replace(second, phase=Phase.RUNNING), ENTRY, first.id)

    assert await copies.start(running, ENTRY, "") == started
    assert await copies.last_started(first.source, first.target) == second.id
    assert len(await subject.store.entries()) == 2


async def test_a_job_that_has_moved_is_not_started(copies: Copies) -> None:
    offered = await copies.save(a_job())
    await copies.save(offered.over(Phase.DISMISSED, NOW))

    with pytest.raises(VersionConflict):
        await copies.start(replace(offered, phase=Phase.RUNNING), ENTRY, "")

    assert await copies.last_started(offered.source, offered.target) == ""


async def test_who_was_started_last_is_forgotten_with_the_jobs(copies: Copies, subject: Subject) -> None:
    if isinstance(copies, RedisCopies) and isinstance(subject.store, ObservedRedis):
        job = await copies.start(await copies.save(a_job()), ENTRY, "")
        keys = (f"{COPY}{job.id}", f"{STARTED}{job.source}:{job.target}")

        assert [await subject.store.link.call("TTL", key) for key in keys] == [int(LIFE.total_seconds())] * 2


async def test_jobs_are_live_until_their_end_was_told(copies: Copies) -> None:
    offered = await copies.save(a_job())
    first = await copies.live()
    ended = await copies.save(offered.over(Phase.EXPIRED, NOW))
    second = await copies.live()
    await copies.save(ended.told())

    assert (first, second, await copies.live()) == ((offered.id,), (offered.id,), ())


async def test_entries_are_numbered_with_all_others(copies: Copies, subject: Subject) -> None:
    await subject.store.record({"event": "refused"})
    await copies.save(a_job(), ENTRY)

    numbers = [int(entry["seq"]) for entry in await subject.store.entries()]
    assert numbers == [1, 2]


async def test_what_somebody_wrote_into_redis_is_said_to_be_unreadable(copies: Copies, subject: Subject) -> None:
    if isinstance(copies, RedisCopies) and isinstance(subject.store, ObservedRedis):
        await subject.store.link.call("HSET", f"{COPY}sy-0001", "doc", "nonsense")

        with pytest.raises(StoreUnavailable, match="cannot be read in Redis"):
            await copies.get("sy-0001")


async def test_nothing_is_written_into_another_store_than_at_the_start(copies: Copies, subject: Subject) -> None:
    if isinstance(copies, RedisCopies) and isinstance(subject.store, ObservedRedis):
        await copies.save(a_job())
        await subject.store.link.call("HSET", META, "store", "another")

        with pytest.raises(StoreUnavailable, match="Nothing was recorded for sy-0001"):
            await copies.save(a_job(version=1))
