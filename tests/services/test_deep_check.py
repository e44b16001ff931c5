"""Looking at a site's images as pulls meet them."""

from datetime import timedelta

import pytest

from bot.domain.inventory import Coverage, Repository, Tag
from bot.domain.manifests import digest_of
from bot.domain.pulling import Absent, DeepReport, Flaw, Lack, Trouble
from bot.domain.report import Question
from bot.errors import Refused, StoreUnavailable, Unreachable
from bot.ports import Ports
from bot.services import deep_check, inspection
from bot.services.deep_check import deep_reports
from tests.builders import INSTANCE_ID, NOW, PUBLIC_NAME, a_site
from tests.fake_inventories import FakeCatalogue, FakeInventories
from tests.fake_puller import FakePuller, a_layer, an_image, an_index
from tests.fakes import FakeRegistries, some_ports

PATH = "core/api"
LISTED_AT = NOW - timedelta(minutes=5)
IMAGE = an_image()
INDEX = an_index(an_image("amd64"), an_image("arm64"))


class Target:
    """The instance of Hangzhou, with images that are listed and held until a test says otherwise."""

    def __init__(self) -> None:
        self.puller = FakePuller()
        self.registry = self.puller.registry
        self.inventories = FakeInventories()
        self.registries = FakeRegistries()
        self.catalogue = FakeCatalogue()
        self.instance = INSTANCE_ID["hangzhou"]
        self.inventories.known[self.instance] = Coverage(self.instance, LISTED_AT)
        self.flaws: list[Flaw] = []

    def hold(self, *contents: bytes, path: str = PATH, tags: tuple[str, ...] = ("1",)) -> None:
        """List and hold an image under its tags; what it refers to comes before it."""
        for tag in tags:
            self.registry.hold(path, *contents, tag=tag)
        self.enlist(path, dict.fromkeys(tags, digest_of(contents[-1])))

    def enlist(self, path: str, digests: dict[str, str]) -> None:
        """List tags by their digests."""
        for name, digest in digests.items():
            self.catalogue.push("hangzhou", path, name, digest, LISTED_AT)
        kept = self.inventories.kept.setdefault(self.instance, {})
        before = kept[path].tags if path in kept else {}
        tags = {name: Tag(digest.removeprefix("sha256:")) for name, digest in digests.items()}
        kept[path] = Repository(path, f"crr-{path}", {**before, **tags}, LISTED_AT, 1)

    @property
    def ports(self) -> Ports:
        """Return a world in which this is the target."""
        return some_ports(
            puller=self.puller, inventories=self.inventories, registries=self.registries, catalogue=self.catalogue
        )

    async def reports(self, repositories: str | None = None) -> list[DeepReport]:
        """Look at the critical images, or at those of some repositories."""
        asked = Question(a_site("zhangjiakou"), a_site("hangzhou"), ("core/*", "platform/base:*"), repositories)
        return [report async for report in deep_reports(self.ports, asked, self.flaws.append)]

    async def last(self, repositories: str | None = None) -> DeepReport:
        """Return the last word."""
        return (await self.reports(repositories))[-1]


@pytest.fixture
def target() -> Target:
    return Target()


async def test_an_image_that_comes_whole_is_sound_and_nothing_is_pulled(target: Target) -> None:
    target.hold(IMAGE)

    report = await target.last()

    assert (report.found.tags, report.found.sound, report.found.layers) == (1, 1, 1)
    assert (report.is_final, report.interrupted, report.at) == (True, "", PUBLIC_NAME["hangzhou"])
    assert target.registry.asked == [
        "HEAD core/api 1",
        f"GET core/api {digest_of(IMAGE)}",
        f"LAYER core/api {a_layer('base')}",
    ]


async def test_tags_that_name_one_image_are_each_asked_for_and_the_image_once(target: Target) -> None:
    target.hold(IMAGE, tags=("1", "1.0", "latest"))

    report = await target.last()

    assert (report.found.sound, report.found.layers) == (3, 1)
    assert sum(asked.startswith("HEAD") for asked in target.registry.asked) == 3


async def test_a_listed_tag_that_does_not_come_is_told_with_the_time_of_its_listing(target: Target) -> None:
    target.enlist(PATH, {"1": digest_of(IMAGE)})

    report = await target.last()

    assert report.found.flawed == 1
    (flaw,) = report.found.flaws
    assert (flaw.image, flaw.trouble, flaw.detail) == ("core/api:1", Trouble.NO_MANIFEST, "does not have it")
    assert (flaw.listed_at, flaw.seen_at) == (LISTED_AT, NOW)


async def test_a_tag_that_is_not_listed_any_more_was_deleted_and_is_not_broken(target: Target) -> None:
    target.enlist(PATH, {"1": digest_of(IMAGE)})
    target.catalogue.held.clear()

    found = (await target.last()).found

    assert (found.changed, found.flawed) == (1, 0)
    assert found.flaws[0].trouble is Trouble.DELETED


async def test_an_api_that_does_not_answer_speaks_no_missing_image_free(target: Target) -> None:
    target.enlist(PATH, {"1": digest_of(IMAGE)})
    target.catalogue.down["hangzhou"] = Unreachable("It does not answer.")

    assert (await target.last()).found.flawed == 1


async def test_where_hardly_anything_comes_the_list_is_not_asked_for_all_of_it_again(target: Target) -> None:
    for number in range(inspection.LISTED_AGAIN + 5):
        target.enlist(f"core/{number}", {"1": digest_of(IMAGE)})

    found = (await target.last()).found

    assert len(target.catalogue.asked("hangzhou", "tags")) == inspection.LISTED_AGAIN
    assert found.flawed == inspection.LISTED_AGAIN + 5


async def test_a_tag_that_names_another_image_is_told_and_that_image_is_looked_at(target: Target) -> None:
    target.hold(an_image("other", ("gone",)))
    target.enlist(PATH, {"1": digest_of(IMAGE)})
    target.registry.lacks = {a_layer("gone")}

    report = await target.last()

    assert [flaw.trouble for flaw in report.found.flaws] == [Trouble.NO_LAYER, Trouble.OTHER_DIGEST]
    assert (report.found.flawed, report.found.changed) == (1, 0)


async def test_a_tag_that_somebody_pushed_again_since_is_changed_and_not_broken(target: Target) -> None:
    target.hold(IMAGE)
    target.enlist(PATH, {"1": digest_of(b"before")})

    found = (await target.last()).found

    assert (found.tags, found.changed, found.flawed, found.sound) == (1, 1, 0, 0)
    assert found.flaws[0].detail == f"names {digest_of(IMAGE)} now"


async def test_an_index_is_sound_when_all_its_images_are_there(target: Target) -> None:
    target.hold(an_image("amd64"), an_image("arm64"), INDEX)

    report = await target.last()

    assert (report.found.sound, report.found.children, report.found.layers) == (1, 2, 1)


async def test_an_index_that_lacks_an_image_is_told_with_its_platform(target: Target) -> None:
    target.hold(an_image("amd64"), INDEX)

    report = await target.last()

    assert [flaw.trouble for flaw in report.found.flaws] == [Trouble.NO_CHILD]
    assert report.found.flaws[0].detail == f"linux/cpu1 {digest_of(an_image('arm64'))}"


async def test_a_missing_layer_is_told(target: Target) -> None:
    target.hold(IMAGE)
    target.registry.lacks = {a_layer("base")}

    await target.last()

    assert [(flaw.trouble, flaw.detail) for flaw in target.flaws] == [(Trouble.NO_LAYER, a_layer("base"))]


async def test_another_hour_looks_at_another_layer(target: Target) -> None:
    image = an_image("layers", ("one", "two"))
    target.hold(image)
    ports = target.ports
    asked = Question(a_site("zhangjiakou"), a_site("hangzhou"), ("core/*",))

    for _ in range(2):
        async for _report in deep_reports(ports, asked):
            pass
        await ports.clock.sleep(3600)

    looked = {each for each in target.registry.asked if each.startswith("LAYER")}
    assert looked == {f"LAYER core/api {a_layer(layer)}" for layer in ("one", "two")}


async def test_bytes_that_are_not_those_of_the_digest_are_told(target: Target) -> None:
    target.hold(IMAGE)
    target.registry.held[PATH, digest_of(IMAGE)] = an_image("changed")

    report = await target.last()

    assert report.found.flaws[0].detail == "comes with other bytes than its digest names"


async def test_only_critical_images_are_looked_at_unless_repositories_are_named(target: Target) -> None:
    target.hold(IMAGE)
    target.hold(IMAGE, path="other/tool")

    critical, named = await target.last(), await target.last("other/*")

    assert (critical.found.tags, critical.total) == (1, 1)
    assert (named.found.tags, named.total) == (1, 1)
    assert target.registry.asked[-1].startswith("LAYER other/tool")


async def test_repositories_whose_tags_nobody_knows_are_counted(target: Target) -> None:
    target.inventories.known[target.instance] = Coverage(target.instance, LISTED_AT, unread=("core/unread",))

    report = await target.last()

    assert (report.never_listed, report.total, report.found.tags) == (1, 1, 0)


async def test_there_is_word_of_how_far_it_has_come_after_every_few_hundred_images(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deep_check, "AT_ONCE", 2)
    for number in range(5):
        target.hold(IMAGE, path=f"core/{number}")

    reports = await target.reports()

    assert [(report.done, report.total) for report in reports] == [(0, 0), (0, 5), (2, 5), (4, 5), (5, 5), (5, 5)]
    assert [report.is_final for report in reports] == [False] * 5 + [True]


async def test_a_registry_that_falls_silent_ends_the_looking_with_what_was_found(target: Target) -> None:
    for number in range(40):
        target.hold(IMAGE, path=f"core/{number}")
    target.registry.broken = Absent(Lack.SILENT, "did not answer within 5 s")

    report = await target.last()

    assert report.interrupted == f"{PUBLIC_NAME['hangzhou']} did not answer within 5 s."
    assert (report.is_final, report.found.unanswered) == (True, inspection.SILENT_AFTER)


async def test_an_image_that_could_not_be_asked_about_counts_neither_as_sound_nor_as_flawed(target: Target) -> None:
    target.hold(IMAGE)
    target.registry.broken = Absent(Lack.REFUSED, "does not let the bot pull")

    found = (await target.last()).found

    assert (found.sound, found.flawed, found.unanswered) == (0, 0, 1)
    assert found.flaws[0].trouble is Trouble.REFUSED


async def test_of_what_gets_no_answer_each_reason_is_named_once(target: Target) -> None:
    for number in range(3):
        target.hold(IMAGE, path=f"core/{number}")
    target.registry.broken = Absent(Lack.REFUSED, "does not let the bot pull")

    found = (await target.last()).found

    assert (found.unanswered, len(found.flaws), len(target.flaws)) == (3, 1, 3)


async def test_a_target_that_was_never_read_is_not_logged_in_to(target: Target) -> None:
    target.inventories.known.clear()

    report = await target.last()

    assert report.interrupted == "What hangzhou holds has not been read yet, so there is nothing to look at."
    assert (report.is_final, target.puller.reached) == (True, [])


async def test_a_login_that_is_refused_is_the_answer(target: Target) -> None:
    target.hold(IMAGE)
    target.puller.refusal = Refused("The bot's identity lacks the RAM action cr:GetAuthorizationToken on *.")

    report = await target.last()

    assert report.interrupted == "The bot's identity lacks the RAM action cr:GetAuthorizationToken on *."
    assert report.is_final


async def test_a_target_whose_control_plane_is_silent_cannot_be_looked_at(target: Target) -> None:
    target.registries.down.add("hangzhou")

    report = await target.last()

    assert report.interrupted.startswith("Where hangzhou serves images could not be read:")


async def test_a_silent_store_is_said_at_once(target: Target) -> None:
    target.inventories.down = StoreUnavailable("Redis does not answer.")

    reports = await target.reports()

    assert [report.interrupted for report in reports] == ["Redis does not answer."]
