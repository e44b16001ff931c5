"""Reading and comparing what instances hold while others delete, make anew, empty the store or read as well."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.inventory import Coverage, Listed, Repository, Tag
from bot.domain.snapshot import Unknown
from bot.domain.topology import Site
from bot.domain.verdict import Verdict
from bot.errors import BotError, Unreachable
from bot.ports import Ports
from bot.services.replication import question, report
from bot.services.rule_auditing import audit_pair
from bot.services.stocktaking import take_stock
from bot.services.survey import survey_replication
from tests.builders import NOW
from tests.domain.stocks import SOURCE, TARGET, a_repository, a_tag
from tests.fake_inventories import FakeInventories
from tests.fakes import FakeRegistries, some_ports
from tests.handlers.kept import keep
from tests.services.test_stocktaking import DEAD, FULL_EVERY, LONG_AGO, NAME, Shop, many


async def test_a_repository_deleted_while_the_list_is_read_hides_no_other() -> None:
    shop = Shop(*many(25), page_size=10)
    await shop.take()

    def delete(kind: str, what: str) -> None:
        if (kind, what) == ("page", "2"):
            shop.catalogue.held[NAME].pop("core/app0003", None)

    shop.catalogue.before = delete
    known = await shop.take_later()

    assert (known.repositories, known.unlisted, known.unread) == (25, 0, ())
    assert set(shop.kept()) == set(many(25))
    assert (await shop.take_later()).repositories == 24
    assert shop.kept() == shop.held()


async def test_a_repository_that_the_list_left_out_whatever_the_count_says_is_asked_before_it_is_forgotten() -> None:
    shop = Shop(*many(25), page_size=10)
    await shop.take()

    def replace_one(kind: str, what: str) -> None:
        if (kind, what) == ("page", "2"):
            shop.catalogue.held[NAME].pop("core/app0003", None)
            shop.push("core/new", at=LONG_AGO)

    shop.catalogue.before = replace_one
    known = await shop.take_later()

    assert (known.unlisted, known.unread) == (0, ())
    assert set(shop.kept()) == {*many(25), "core/new"}
    await shop.take_later()
    assert shop.kept() == shop.held()


async def test_a_pass_that_asks_of_what_was_not_listed_never_makes_more_calls_than_it_says_there_are() -> None:
    shop = Shop(*many(60))
    await shop.take()
    shop.catalogue.held[NAME] = dict([*shop.catalogue.held[NAME].items()][:2])
    shop.catalogue.before = lambda _kind, _what: shop.clock.move(timedelta(seconds=3))

    await shop.take_later()

    scans = [each.running for each in shop.inventories.saved if each.running]
    assert max(scan.pages_done for scan in scans) > 50
    assert all(scan.pages_done <= scan.pages_total for scan in scans if scan.pages_total is not None)


async def test_what_was_listed_and_is_gone_makes_up_for_none_that_stayed_out_of_sight() -> None:
    shop = Shop(*many(25), page_size=10)
    gone = list[str]()

    def draw_another_to_a_page_already_read(kind: str, what: str) -> None:
        held = shop.catalogue.held[NAME]
        if (kind, what) == ("page", "2") and len(gone) < 2:
            gone.append(f"core/app000{len(gone)}")
            held.pop(gone[-1])
        elif (kind, what, len(gone)) == ("page", "1", 1):
            shop.push("core/new", at=LONG_AGO)
            shop.catalogue.held[NAME] = {"core/new": held.pop("core/new"), **held}

    shop.catalogue.before = draw_another_to_a_page_already_read
    known = await shop.take()

    assert shop.kept() == shop.held()
    assert (known.unlisted, known.unread) == (0, ("core/app0001",))


async def test_a_list_that_never_turns_the_page_ends_and_comes_short() -> None:
    shop = Shop(*many(25), page_size=10)
    shop.catalogue.turns = False

    known = await shop.take()

    assert (known.repositories, known.unlisted) == (10, 30)


async def test_a_repository_made_anew_between_its_listing_and_its_reading_is_unread_rather_than_empty() -> None:
    shop = Shop("core/api", "core/anew")
    await shop.take()
    shop.push("core/anew")

    def make_anew(kind: str, what: str) -> None:
        if (kind, what) == ("tags", "core/anew"):
            listed, tags = shop.catalogue.held[NAME][what]
            shop.catalogue.held[NAME][what] = replace(listed, id="crr-anew"), tags

    shop.catalogue.before = make_anew
    known = await shop.take_later()

    assert known.unread == ("core/anew",)
    assert shop.inventories.kept[shop.site.instance]["core/anew"].read_at == NOW

    shop.catalogue.before = lambda _kind, _what: None
    assert (await shop.take_later()).unread == ()
    assert shop.kept() == shop.held()


@pytest.mark.parametrize("lost_by", ["page", "tags"])
async def test_a_store_that_is_emptied_under_a_pass_is_filled_again_and_claims_nothing_before(lost_by: str) -> None:
    shop = Shop(*many(300))
    await shop.take()
    shop.push("core/app0001")
    shop.inventories.saved.clear()

    def empty(kind: str, _what: str) -> None:
        if kind == lost_by:
            shop.catalogue.before = lambda _kind, _what: shop.clock.move(timedelta(seconds=3))
            shop.inventories.kept.clear()
            shop.inventories.known.clear()

    shop.catalogue.before = empty
    known = await shop.take_later()

    assert shop.kept() == shop.held()
    assert (known.as_of, known.repositories, known.unread) == (NOW + timedelta(minutes=5), 300, ())
    told = [each.as_of for each in shop.inventories.saved[1:-1]]
    assert told
    assert set(told) == {None}


async def test_a_store_that_is_emptied_again_and_again_leaves_what_it_lost_unread() -> None:
    shop = Shop(*many(40))

    def empty(kind: str, what: str) -> None:
        if (kind, what) in (("tags", "core/app0000"), ("tags", "core/app0039")):
            shop.inventories.kept.clear()

    shop.catalogue.before = empty
    known = await shop.take()

    assert set(known.unread) == set(many(40)) - set(shop.kept())
    assert known.unread


@pytest.mark.parametrize("failure", [None, DEAD])
async def test_a_store_that_is_emptied_just_before_a_pass_ends_claims_nothing(failure: BotError | None) -> None:
    shop = Shop(*many(3))
    await shop.take()
    shop.catalogue.down = {NAME: failure} if failure else {}
    save, emptied = shop.inventories.save_coverage, list[Coverage]()

    async def empty(coverage: Coverage) -> None:
        if not emptied and (coverage.running is None or coverage.silent_since):
            emptied.append(coverage)
            shop.inventories.kept.clear()
        await save(coverage)

    shop.inventories.__dict__["save_coverage"] = empty
    known = await shop.take_later()

    assert emptied[0].as_of is not None
    assert (known.as_of, known.full_as_of) == (None, None)
    assert shop.inventories.known[shop.site.instance] == known

    shop.catalogue.down = {}
    await shop.take_later()
    assert shop.kept() == shop.held()


async def test_a_bot_that_slept_in_its_pass_writes_nothing_old_over_what_another_has_read() -> None:
    shop = Shop(*many(3))
    sleeping, awake = asyncio.Event(), asyncio.Event()
    asked = shop.catalogue.tags

    async def late(site: Site, listed: Listed) -> Mapping[str, Tag] | None:
        found = await asked(site, listed)
        if not sleeping.is_set():
            sleeping.set()
            await awake.wait()
        return found

    shop.catalogue.__dict__["tags"] = late
    first = asyncio.ensure_future(take_stock(shop.ports, shop.site, FULL_EVERY))
    await sleeping.wait()
    shop.clock.move(timedelta(minutes=3))
    shop.push("core/app0000", digest="bb" * 32)
    await take_stock(shop.ports, shop.site, FULL_EVERY)
    awake.set()
    await first

    assert shop.kept() == shop.held()


async def test_a_clock_that_was_ahead_keeps_nothing_that_is_read_later_from_being_kept() -> None:
    shop = Shop(*many(3))
    shop.clock.move(timedelta(minutes=5))
    await shop.take()
    shop.clock.move(timedelta(minutes=-5))
    shop.push("core/app0000", digest="bb" * 32)

    await shop.take()

    assert shop.kept() == shop.held()


async def test_a_pass_begun_by_a_clock_that_is_ahead_claims_nothing_later_than_it_read_when_another_ends_it() -> None:
    shop = Shop(*many(100))
    shop.clock.move(timedelta(minutes=5))
    shop.catalogue.skew = {NAME: timedelta(minutes=5)}

    def fail(*_: str) -> None:
        if len(shop.read()) > 60:
            raise DEAD

    shop.catalogue.before = fail
    await shop.take()
    shop.catalogue.before, shop.catalogue.skew = lambda _kind, _what: None, {}
    known = await shop.take_later(1)

    assert len(shop.read()) < 100
    assert known.as_of == known.full_as_of == NOW


async def test_an_instance_is_silent_since_when_its_own_clock_said_so() -> None:
    shop = Shop("core/api")
    shop.catalogue.skew = {NAME: timedelta(minutes=5)}
    before = await shop.take()
    shop.catalogue.down = {NAME: Unreachable("It does not answer.")}

    after = await shop.take_later()

    assert before.as_of is not None
    assert after.silent_since is not None
    assert after.silent_since - before.as_of < timedelta(minutes=6)


class _Emptied(FakeInventories):
    """A store that is emptied once the source's repositories have been read."""

    async def repositories(self, instance: str, paths: Sequence[str]) -> tuple[Repository | None, ...]:
        found = await super().repositories(instance, paths)
        self.kept.clear()
        self.known.clear()
        return found


async def _kept_until_read() -> Ports:
    """Return a world in which nothing is lost, neither end of which answers."""
    ports = some_ports(inventories=_Emptied(), registries=FakeRegistries(SOURCE, TARGET))
    for site in (SOURCE, TARGET):
        await keep(ports, site, a_repository(tags={"1": a_tag()}))
    return ports


async def test_a_store_that_is_emptied_while_it_is_compared_makes_nothing_missing() -> None:
    ports = await _kept_until_read()
    sites = ports.rules.topology.sites

    found = await report(ports, question(ports, sites[SOURCE], sites[TARGET], None, None))

    assert (found.judgement.verdict, found.found.all.lost) == (Verdict.UNKNOWN, 0)
    assert found.interrupted == f"Redis has lost what was kept of {SOURCE}. It is being read again."


async def test_a_store_that_is_emptied_while_a_plan_is_made_leaves_its_copies_unknown() -> None:
    ports = await _kept_until_read()
    sites = ports.rules.topology.sites

    found = await survey_replication(ports, sites[SOURCE], sites[TARGET], timedelta(seconds=3))

    assert found.comparison == Unknown(f"Redis has lost what was kept of {SOURCE}. It is being read again")


async def test_a_store_that_is_emptied_while_rules_are_audited_covers_nothing() -> None:
    ports = await _kept_until_read()
    ports.registries.down.clear()  # type: ignore[attr-defined]
    sites = ports.rules.topology.sites

    found = await audit_pair(ports, sites[SOURCE], sites[TARGET])

    assert found.reached == Unknown(f"Redis has lost what was kept of {SOURCE}. It is being read again")
