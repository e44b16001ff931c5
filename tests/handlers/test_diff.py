"""/registry diff"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.inventory import Listed, Tag
from bot.domain.topology import Site
from bot.errors import StoreUnavailable, Unreachable, UsageError
from bot.ports import Ports
from tests.builders import NOW
from tests.domain.stocks import a_feed, a_repository, a_rule, a_tag, a_task
from tests.fake_inventories import FakeCatalogue, FakeInventories
from tests.fakes import FakeRegistries, some_ports
from tests.handlers.calls import answer
from tests.handlers.kept import keep
from tests.messages.reading import words_of

ZJK, HZ = "zhangjiakou", "hangzhou"


def world(*down: str) -> Ports:
    registries = FakeRegistries(*down, images={ZJK: {}, HZ: {}})
    registries.rules, registries.feed = (a_rule(),), a_feed(a_task("ERROR", issue="NETWORK_ERROR"))
    return some_ports(registries=registries)


async def test_an_image_that_is_the_same_everywhere_is_said_to_be() -> None:
    ports = world()
    await keep(ports, ZJK, a_repository("core/api", {"1": a_tag()}))
    await keep(ports, HZ, a_repository("core/api", {"1": a_tag()}))

    message = await answer(ports, "diff core/api:1")

    assert message.text == "SAME: core/api:1 is identical at every site"
    assert "*zhangjiakou* `sha256:aaaaaaaaaaaa…` pushed 1 h ago, read just now" in words_of(message)


async def test_a_missing_image_is_told_with_its_task_and_its_rule() -> None:
    ports = world()
    await keep(ports, ZJK, a_repository("core/api", {"1": a_tag()}))
    await keep(ports, HZ)

    message = await answer(ports, "diff core/api:1")

    said = words_of(message)
    assert message.text == "MISSING: core/api:1 is not at hangzhou"
    assert "*hangzhou* *missing*, read just now" in said
    assert "*zhangjiakou to hangzhou*: rule `core` on push · last copy `task-1` ERROR NETWORK_ERROR 58 min ago" in said
    assert "• missing, pushed 1 h ago, its copy failed" in said


async def test_of_a_different_image_the_newer_side_is_named() -> None:
    ports = world()
    await keep(ports, ZJK, a_repository("core/api", {"1": a_tag("a")}))
    await keep(ports, HZ, a_repository("core/api", {"1": a_tag("b", -90)}))

    message = await answer(ports, "diff core/api:1")

    assert message.text == "DIFFERENT: core/api:1 is not the same at every site, newer at zhangjiakou"
    assert "newer at the source: the target's image was written before the source's last push" in words_of(message)


async def test_a_repository_is_told_tag_by_tag() -> None:
    ports = world()
    await keep(ports, ZJK, a_repository("core/api", {str(n): a_tag() for n in range(14)}))
    await keep(ports, HZ, a_repository("core/api", {"0": a_tag()}))

    message = await answer(ports, "diff core/api")

    assert message.text == "DIFFERENT: 13 of 14 tags of core/api not the same at every site"
    assert "*zhangjiakou* 14 tags, read just now" in words_of(message)
    assert "and 3 more tags" in words_of(message)


async def test_a_repository_on_one_side_only_is_said_to_be() -> None:
    ports = world()
    await keep(ports, ZJK, a_repository("core/api", {"1": a_tag()}))
    await keep(ports, HZ)

    message = await answer(ports, "diff core/api")

    assert message.text == "MISSING: core/api is not at hangzhou"
    assert "*hangzhou* *no such repository*, read just now" in words_of(message)


async def test_capitals_that_typing_loses_are_found_again() -> None:
    ports = world()
    for site in (ZJK, HZ):
        await keep(ports, site, a_repository("core/api", {"v1-RC": a_tag()}))

    assert (await answer(ports, "diff core/api:v1-RC")).text == "SAME: core/api:v1-RC is identical at every site"


async def test_what_a_site_holds_now_goes_before_what_was_kept() -> None:
    ports = world()
    for site in (ZJK, HZ):
        await keep(ports, site, a_repository("core/api", {"1": a_tag()}))
    ports.catalogue.held[ZJK]["core/api"][1]["1"] = a_tag("c")  # type: ignore[attr-defined]

    assert (await answer(ports, "diff core/api:1")).text.startswith("DIFFERENT")


async def test_a_site_that_does_not_answer_is_told_from_what_is_kept() -> None:
    ports = some_ports(registries=FakeRegistries(ZJK), catalogue=_Silent())
    for site in (ZJK, HZ):
        await keep(ports, site, a_repository("core/api", {"1": a_tag()}))

    message = await answer(ports, "diff core/api:1")

    assert message.text == ("SAME: core/api:1 is identical at every site, hangzhou, zhangjiakou cannot be read")
    assert "*hangzhou* `sha256:aaaaaaaaaaaa…` pushed 1 h ago, read just now; *cannot be read* now: " in words_of(
        message
    )


@pytest.mark.parametrize(("there", "verdict"), [("a", "SAME"), ("b", "DIFFERENT")])
async def test_the_first_line_says_how_old_it_is_where_a_site_is_silent(there: str, verdict: str) -> None:
    ports = some_ports(registries=FakeRegistries(ZJK), catalogue=_Silent())
    read_at = NOW - timedelta(hours=5)
    await keep(ports, HZ, a_repository("core/api", {"1": a_tag()}))
    await keep(ports, ZJK, replace(a_repository("core/api", {"1": a_tag(there)}), read_at=read_at), as_of=read_at)

    said = (await answer(ports, "diff core/api:1")).text

    assert said.startswith(verdict)
    assert said.endswith(", as of 5 h ago, hangzhou, zhangjiakou cannot be read")


async def test_a_site_that_was_never_read_and_does_not_answer_leaves_it_unknown() -> None:
    ports = world(HZ)
    await keep(ports, ZJK, a_repository("core/api", {"1": a_tag()}))

    message = await answer(ports, "diff core/api:1")

    assert message.text == "UNKNOWN: core/api:1, nothing is known of hangzhou"
    assert "*hangzhou* *UNKNOWN*: not read yet" in words_of(message)


@pytest.mark.parametrize("kept", [True, False])
async def test_a_repository_that_nothing_is_kept_of_is_looked_for_where_it_may_have_come_since(kept: bool) -> None:
    ports = world()
    ports.registries.images = {ZJK: {"core/new:1": "a" * 64}, HZ: {"core/new:1": "a" * 64}}  # type: ignore[attr-defined]
    for site in (ZJK, HZ) if kept else ():
        await keep(ports, site, a_repository("core/api", {"1": a_tag()}), as_of=NOW - timedelta(minutes=9))

    message = await answer(ports, "diff core/new:1")

    assert message.text == "SAME: core/new:1 is identical at every site"
    assert "read just now" in words_of(message)


async def test_of_a_site_that_could_not_be_read_the_reason_is_told() -> None:
    ports = world(HZ)
    await keep(ports, ZJK, a_repository("core/api", {"1": a_tag()}))
    await keep(ports, HZ, as_of=None, silent_since=NOW, trouble="There are no valid credentials.")

    message = await answer(ports, "diff core/api:1")

    assert "*hangzhou* *UNKNOWN*: not read yet: There are no valid credentials." in words_of(message)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("diff core/apu:1", "None of 1 repositories is called 'core/apu'. Nearly: core/api."),
        ("diff registry.example.com/core/api:1", "called 'registry.example.com/core/api'. Nearly: core/api."),
        ("diff core/api:2", "No site has a tag '2' of core/api, which has 1 of them."),
        ("diff", "Name one repository or one image"),
        ("diff api", "Name one repository or one image"),
        ("diff core/api core/web", "Name one repository or one image"),
        ("diff core/*", "/registry replication repo core/"),
        ("diff core/api:", "Name one repository or one image"),
    ],
)
async def test_a_name_that_nothing_has_gets_what_is_near_it(text: str, words: str) -> None:
    ports = world()
    for site in (ZJK, HZ):
        await keep(ports, site, a_repository("core/api", {"1": a_tag()}))

    with pytest.raises(UsageError, match=words):
        await answer(ports, text)


async def test_a_name_that_nothing_had_when_it_was_read_is_said_to_rest_on_that() -> None:
    ports = some_ports(registries=FakeRegistries(ZJK), catalogue=_Silent())
    for site in (ZJK, HZ):
        read_at = NOW - timedelta(minutes=9)
        await keep(ports, site, replace(a_repository("core/api", {"1": a_tag()}), read_at=read_at), as_of=read_at)

    with pytest.raises(UsageError, match="zhangjiakou at 02:51:00 UTC: what was pushed since is not in it"):
        await answer(ports, "diff core/api:2")


async def test_without_the_store_it_is_refused_in_words() -> None:
    inventories = FakeInventories()
    inventories.down = StoreUnavailable("Redis does not answer.")

    with pytest.raises(StoreUnavailable, match="Redis does not answer"):
        await answer(some_ports(inventories=inventories), "diff core/api")


class _Silent(FakeCatalogue):
    """A catalogue that nobody reaches."""

    async def tags(self, site: Site, repository: Listed) -> Mapping[str, Tag]:
        raise Unreachable("no answer within 3 s")
