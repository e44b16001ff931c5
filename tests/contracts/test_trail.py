"""The audit as it is read and sealed: what every store does, the fake in memory and the real one."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from bot.adapters.redis_audit import RedisTrail
from bot.adapters.redis_keys import META
from bot.domain.chain import FIRST, START, Head, Seal, sealed
from bot.ports import AuditTrail, Operations
from tests.adapters.stores import opened
from tests.builders import WORKSPACE
from tests.fake_trail import FakeTrail
from tests.fakes import FakeClock, FakeOperations


@dataclass
class Kept:
    """A store and the trail of what it records."""

    store: Operations
    trail: AuditTrail

    async def after(self, *events: str) -> list[Seal]:
        """Record events and return the seals of all that is recorded."""
        for event in events:
            await self.store.record({"event": event})
        seals, damages = sealed(FIRST, await self.trail.entries(START, 1000), 1000)
        assert damages == []
        return seals

    async def seal(self, seals: list[Seal], before: Seal = FIRST) -> bool:
        """Write seals, signed by nobody in particular."""
        name = (await self.trail.standing()).store
        return await self.trail.seal(name, before, seals, Head(seals[-1].seq, seals[-1].hash, "k:m"))


@pytest.fixture(params=["fake", "redis"])
async def kept(request: pytest.FixtureRequest) -> AsyncIterator[Kept]:
    if request.param == "fake":
        fake = FakeOperations(FakeClock())
        yield Kept(fake, FakeTrail(fake))
        return
    async with opened(request.getfixturevalue("redis_url")) as real:
        await real.adopt()
        yield Kept(real, RedisTrail(real.link))


async def test_entries_come_in_order_a_page_at_a_time(kept: Kept) -> None:
    await kept.after("a", "b", "c")

    first = await kept.trail.entries(START, 2)
    rest = await kept.trail.entries(first[-1].id, 2)

    assert [(e.seq, e.event) for e in (*first, *rest)] == [(1, "a"), (2, "b"), (3, "c")]
    assert await kept.trail.entry(first[1].id) == first[1]
    assert await kept.trail.entry("1-1") is None


async def test_an_empty_trail_stands_at_nothing(kept: Kept) -> None:
    standing = await kept.trail.standing()

    assert (standing.workspace, standing.sequence, standing.last, standing.head) == (WORKSPACE, 0, None, None)


async def test_seals_stand_under_their_numbers_with_the_head_over_them(kept: Kept) -> None:
    seals = await kept.after("a", "b", "c")

    assert await kept.seal(seals)
    standing = await kept.trail.standing(2)
    assert (standing.sequence, standing.last, standing.asked) == (3, seals[2], seals[1])
    assert standing.head == Head(3, seals[2].hash, "k:m")
    assert await kept.trail.seals(2, 9) == {2: seals[1], 3: seals[2]}


async def test_two_bots_that_seal_the_same_agree(kept: Kept) -> None:
    seals = await kept.after("a", "b", "c")

    assert await kept.seal(seals)
    assert await kept.seal(seals[:2])
    assert ((await kept.trail.standing()).last, (await kept.trail.standing()).head) == (
        seals[2],
        Head(3, seals[2].hash, "k:m"),
    )


async def test_a_seal_is_written_once_and_never_over(kept: Kept) -> None:
    seals = await kept.after("a", "b")
    await kept.seal(seals)
    other = Seal(2, "f" * 64, seals[1].entry)

    assert not await kept.seal([other], before=seals[0])
    assert not await kept.seal([Seal(3, "e" * 64, "9-9")], before=other)
    assert (await kept.trail.standing()).last == seals[1]


async def test_a_head_beyond_every_seal_gives_way_to_the_one_of_those_that_there_are(redis_url: str) -> None:
    async with opened(redis_url) as real:
        await real.adopt()
        kept = Kept(real, RedisTrail(real.link))
        seals = await kept.after("a", "b")
        await real.link.call("HSET", META, "head", "9:beyond:k:m")

        assert await kept.seal(seals)
        assert (await kept.trail.standing()).head == Head(2, seals[1].hash, "k:m")


async def test_an_exchanged_redis_is_not_sealed(redis_url: str) -> None:
    async with opened(redis_url) as real:
        await real.adopt()
        trail = RedisTrail(real.link)
        seals = await Kept(real, trail).after("a")

        with pytest.raises(Exception, match="another one than when this bot started"):
            await trail.seal("another store", FIRST, seals, Head(1, seals[0].hash, "k:m"))


async def test_trimming_keeps_the_last_trimmed_seal_and_what_follows(redis_url: str) -> None:
    async with opened(redis_url) as real:
        await real.adopt()
        trail = RedisTrail(real.link)
        room = Kept(real, trail)
        seals = await room.after(*"abcd")
        await room.seal(seals)
        await trail.trim(Head(2, seals[1].hash, "k:m"), seals[2].entry)

        assert [entry.event for entry in await trail.entries(START, 9)] == ["c", "d"]
        assert set(await trail.seals(1, 9)) == {2, 3, 4}
        assert (await trail.standing()).base == Head(2, seals[1].hash, "k:m")
