"""Reading what an instance holds: what it costs, what it skips, what breaks it off, and what is known afterwards."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.domain.inventory import Coverage, Scan
from bot.domain.topology import Site
from bot.errors import Refused, StoreUnavailable, Unreachable
from bot.ports import Ports
from bot.services.stock_keeping import KEPT_AT_ONCE
from bot.services.stocktaking import take_stock
from tests.builders import NOW
from tests.fake_inventories import FakeCatalogue, FakeInventories
from tests.fakes import FakeClock, some_ports

FULL_EVERY = timedelta(hours=6)
LONG_AGO = NOW - timedelta(days=1)
NAME = "hangzhou"
DEAD = Unreachable("cn-hangzhou does not answer.")


class Shop:
    """An instance, its keeper, and a bot that takes stock of it."""

    def __init__(self, *paths: str, page_size: int = 100) -> None:
        self.catalogue = FakeCatalogue(page_size)
        self.inventories = FakeInventories()
        self.clock = FakeClock()
        self.ports: Ports = some_ports(clock=self.clock, catalogue=self.catalogue, inventories=self.inventories)
        self.site: Site = self.ports.rules.topology.site(NAME)
        for path in paths:
            self.push(path, at=LONG_AGO)

    def push(self, path: str, tag: str = "1.0", digest: str = "aa" * 32, at: datetime | None = None) -> None:
        self.catalogue.push(NAME, path, tag, digest, at or self.clock.now())

    def push_untold(self, path: str, digest: str) -> None:
        self.catalogue.push(NAME, path, "1.0", digest, self.clock.now(), is_told=False)

    async def take(self, full_every: timedelta = FULL_EVERY) -> Coverage:
        """Take stock, and return what is known; from then on only later calls count."""
        self.catalogue.calls.clear()
        return await take_stock(self.ports, self.site, full_every)

    async def take_later(self, minutes: int = 5) -> Coverage:
        self.clock.move(timedelta(minutes=minutes))
        return await self.take()

    def read(self) -> list[str]:
        """Return the repositories whose tags were asked for."""
        return sorted(self.catalogue.asked(NAME, "tags"))

    def kept(self) -> dict[str, dict[str, str]]:
        """Return what is kept: path → tag → digest."""
        found = self.inventories.kept.get(self.site.instance, {})
        return {path: {name: tag.digest for name, tag in each.tags.items()} for path, each in found.items()}

    def held(self) -> dict[str, dict[str, str]]:
        """Return what is there."""
        found = self.catalogue.held[NAME]
        return {path: {name: tag.digest for name, tag in tags.items()} for path, (_, tags) in found.items()}


def many(count: int) -> list[str]:
    return [f"core/app{n:04}" for n in range(count)]


async def test_repositories_of_critical_images_are_read_before_all_others() -> None:
    shop = Shop("apps/a", "core/app", "apps/z", "web/site", "core/api")

    await shop.take()

    assert shop.catalogue.asked(NAME, "tags") == ["core/api", "core/app", "apps/a", "apps/z", "web/site"]


async def test_the_first_pass_reads_everything_with_the_least_calls() -> None:
    shop = Shop(*many(250))
    shop.push("core/deep", "2.0")

    known = await shop.take()

    assert shop.kept() == shop.held()
    assert (len(shop.catalogue.asked(NAME, "page")), len(shop.catalogue.calls)) == (3, 1 + 3 + 251)
    assert (known.as_of, known.full_as_of, known.running) == (NOW, NOW, None)
    assert (known.repositories, known.tags, known.trouble) == (251, 251, "")
    assert known.namespaces == {"core": True}


async def test_an_instance_without_repositories_is_known_to_be_empty() -> None:
    shop = Shop()

    known = await shop.take()

    assert (known.as_of, known.repositories, known.trouble) == (NOW, 0, "")
    assert len(shop.catalogue.calls) == 2


async def test_a_second_pass_reads_only_what_was_modified() -> None:
    shop = Shop(*many(250))
    await shop.take()
    shop.clock.move(timedelta(minutes=5))
    shop.push("core/app0007", digest="bb" * 32)
    shop.push("core/fresh")

    known = await shop.take()

    assert shop.read() == ["core/app0007", "core/fresh"]
    assert shop.kept() == shop.held()
    assert known.as_of == NOW + timedelta(minutes=5)
    assert (known.full_as_of, known.tags) == (NOW, 251)


async def test_a_repository_modified_just_before_its_reading_is_read_again() -> None:
    shop = Shop("core/quiet")
    shop.push("core/busy", at=NOW - timedelta(seconds=30))
    await shop.take()

    await shop.take_later()
    first = shop.read()
    await shop.take_later()

    assert (first, shop.read()) == (["core/busy"], [])


async def test_a_repository_that_was_made_anew_under_its_old_name_is_read_again() -> None:
    shop = Shop("core/api")
    await shop.take()
    listed, tags = shop.catalogue.held[NAME]["core/api"]
    shop.catalogue.held[NAME]["core/api"] = replace(listed, id="crr-other"), tags

    await shop.take_later()

    assert shop.read() == ["core/api"]


async def test_a_repository_without_a_modification_time_is_read_each_time() -> None:
    shop = Shop("core/api")
    listed, tags = shop.catalogue.held[NAME]["core/api"]
    shop.catalogue.held[NAME]["core/api"] = replace(listed, modified_at=None), tags
    await shop.take()

    await shop.take_later()

    assert shop.read() == ["core/api"]


async def test_after_the_interval_everything_is_read_again() -> None:
    shop = Shop(*many(3))
    await shop.take()

    known = await shop.take_later(minutes=361)

    assert len(shop.read()) == 3
    assert known.full_as_of == known.as_of


async def test_what_is_gone_or_going_is_forgotten() -> None:
    shop = Shop("core/api", "core/gone", "core/going")
    await shop.take()
    del shop.catalogue.held[NAME]["core/gone"]
    listed, tags = shop.catalogue.held[NAME]["core/going"]
    shop.catalogue.held[NAME]["core/going"] = replace(listed, is_going=True), tags

    known = await shop.take_later()

    assert set(shop.kept()) == {"core/api"}
    assert (known.repositories, known.tags) == (1, 1)


async def test_a_change_behind_an_unmoved_time_ends_all_skipping() -> None:
    shop = Shop(*many(3))
    await shop.take()
    shop.clock.move(timedelta(hours=1))
    shop.push_untold("core/app0001", digest="bb" * 32)
    unseen = await shop.take()

    known = await shop.take_later(minutes=301)
    await shop.take_later()

    assert (unseen.distrusts_modified, known.distrusts_modified) == (False, True)
    assert shop.read() == many(3)
    assert shop.kept() == shop.held()


async def test_a_push_between_listing_and_reading_raises_no_distrust() -> None:
    shop = Shop(*many(3))
    await shop.take()
    shop.clock.move(timedelta(hours=7))

    def push(kind: str, what: str) -> None:
        if (kind, what) == ("tags", "core/app0001"):
            shop.push(what, digest="bb" * 32)

    shop.catalogue.before = push
    known = await shop.take()

    assert not known.distrusts_modified
    assert shop.kept() == shop.held()


async def test_a_repository_that_fails_once_is_asked_again() -> None:
    shop = Shop(*many(3))
    shop.catalogue.failures["core/app0001"] = [DEAD, DEAD]

    known = await shop.take()

    assert (known.unread, known.trouble) == ((), "")
    assert shop.kept() == shop.held()


@pytest.mark.parametrize("error", [DEAD, Refused("Not permitted.")])
async def test_a_repository_that_cannot_be_read_is_named_and_the_rest_is_known(error: Unreachable | Refused) -> None:
    shop = Shop(*many(3))
    await shop.take()
    shop.clock.move(timedelta(hours=7))
    shop.catalogue.failures["core/app0001"] = [error] * 3

    known = await shop.take()

    assert known.unread == ("core/app0001",)
    assert known.trouble == f"1 repositories could not be read, the first core/app0001: {error}"
    assert (known.as_of, known.repositories, known.tags) == (NOW + timedelta(hours=7), 3, 3)
    assert shop.kept() == shop.held()


async def test_namespaces_that_cannot_be_read_stay_as_they_were_known() -> None:
    shop = Shop("core/api")
    await shop.take()

    def refuse(kind: str, _: str) -> None:
        if kind == "namespaces":
            raise Refused("Grant cr:ListNamespace.")

    shop.catalogue.before = refuse
    known = await shop.take_later()

    assert known.namespaces == {"core": True}
    assert known.trouble == "The namespaces could not be read: Grant cr:ListNamespace."
    assert known.as_of == NOW + timedelta(minutes=5)


async def test_after_a_list_that_came_short_nothing_is_forgotten() -> None:
    shop = Shop(*many(3))
    await shop.take()
    del shop.catalogue.held[NAME]["core/app0002"]
    shop.catalogue.counts[NAME] = 3

    known = await shop.take_later()

    assert set(shop.kept()) == set(many(3))
    assert (known.unlisted, known.unread) == (1, ("core/app0002",))
    assert "1 short of the count" in known.trouble


async def test_a_count_that_is_too_low_hides_nothing() -> None:
    shop = Shop(*many(25), page_size=10)
    shop.catalogue.counts[NAME] = 4

    known = await shop.take()

    assert (known.repositories, known.unlisted) == (25, 0)


async def test_a_repository_that_comes_twice_is_a_reason_to_list_again_whatever_the_count_says() -> None:
    shop = Shop(*many(25), page_size=10)
    shop.catalogue.counts[NAME] = 4

    def shift(kind: str, what: str) -> None:
        if (kind, what) == ("page", "2") and len(shop.catalogue.asked(NAME, "page")) == 2:
            *before, last = shop.catalogue.held[NAME].items()
            shop.catalogue.held[NAME] = dict([last, *before])

    shop.catalogue.before = shift
    known = await shop.take()

    assert (known.repositories, known.unlisted) == (25, 0)


async def test_repositories_that_slip_to_a_page_already_read_are_found_by_listing_again() -> None:
    shop = Shop(*many(25), page_size=10)
    shop.catalogue.lost = {2}

    known = await shop.take()

    assert (known.repositories, known.unlisted) == (25, 0)
    assert shop.catalogue.asked(NAME, "page") == ["1", "2", "3"] * 2


async def test_a_silent_instance_keeps_what_is_known_of_it_and_since_when() -> None:
    shop = Shop("core/api")
    await shop.take()
    shop.catalogue.down[NAME] = DEAD

    first = await shop.take_later()
    later = await shop.take_later()

    assert first.silent_since is not None
    assert (later.silent_since, later.trouble) == (first.silent_since, str(DEAD))
    assert (later.as_of, later.repositories) == (NOW, 1)
    assert shop.kept() == shop.held()


async def test_an_instance_that_answers_again_is_silent_no_more() -> None:
    shop = Shop("core/api")
    shop.catalogue.down[NAME] = DEAD
    await shop.take()
    del shop.catalogue.down[NAME]

    known = await shop.take_later()

    assert (known.silent_since, known.trouble, known.repositories) == (None, "", 1)


async def test_an_instance_that_falls_silent_in_the_middle_ends_the_pass_and_is_read_on_from_there() -> None:
    shop = Shop(*many(1_000))

    def fail(*_: str) -> None:
        if len(shop.read()) > 300:
            raise DEAD

    shop.catalogue.before = fail
    broken = await shop.take()
    kept = set(shop.kept())
    shop.catalogue.before = lambda _kind, _what: None
    known = await shop.take_later()

    assert (broken.as_of, broken.trouble) == (None, str(DEAD))
    assert broken.running is not None
    assert 300 - KEPT_AT_ONCE < len(kept) <= 300
    assert set(shop.read()) == set(many(1_000)) - kept
    assert (known.repositories, known.as_of) == (1_000, broken.running.started_at)


async def test_a_pass_that_was_broken_off_long_ago_is_begun_anew() -> None:
    shop = Shop(*many(3))
    await shop.inventories.save_coverage(Coverage(shop.site.instance, running=Scan(1, True, NOW - timedelta(hours=2))))

    known = await shop.take()

    assert known.as_of == NOW


async def test_an_instance_that_is_silent_from_the_start_leaves_nothing_to_resume() -> None:
    shop = Shop(*many(3))
    shop.catalogue.down[NAME] = DEAD

    known = await shop.take()

    assert known.running is None


async def test_a_pass_that_dies_anywhere_is_finished_by_the_next_without_reading_twice_what_was_kept() -> None:
    for deaths in range(1, 12):
        shop = Shop(*many(100))
        task = asyncio.ensure_future(shop.take())
        for _ in range(deaths * 3):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        kept = set(shop.kept())

        known = await shop.take_later(minutes=1)

        assert known.repositories == 100
        assert shop.kept() == shop.held()
        assert not kept & set(shop.read())


async def test_how_far_a_long_pass_has_come_is_told_on_the_way() -> None:
    shop = Shop(*many(300))
    shop.catalogue.before = lambda _kind, _what: shop.clock.move(timedelta(seconds=0.1))
    told = list[int]()

    async def tell() -> None:
        told.append(shop.inventories.saved[-1].running.pages_done)  # type: ignore[union-attr]

    await take_stock(shop.ports, shop.site, FULL_EVERY, tell)

    totals = [each.running.pages_total for each in shop.inventories.saved if each.running is not None]
    assert len(told) >= 10
    assert told == sorted(told)
    assert set(totals) == {None, 3 + 1 + 300}


async def test_a_store_that_does_not_answer_ends_the_pass_with_its_own_error() -> None:
    shop = Shop(*many(100))
    shop.inventories.down = StoreUnavailable("Redis does not answer.")

    with pytest.raises(StoreUnavailable):
        await shop.take()
