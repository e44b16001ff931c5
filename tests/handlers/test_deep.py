"""/registry replication … deep"""

import csv
import io
from collections.abc import Sequence
from datetime import timedelta

import pytest

from bot.domain.inventory import Repository, Tag
from bot.domain.manifests import digest_of
from bot.errors import StoreUnavailable, UsageError
from bot.ports import Ports
from bot.services import publishing
from bot.tasks import Tasks
from tests.builders import NOW
from tests.domain.stocks import a_repository
from tests.fake_inventories import FakeInventories
from tests.fake_puller import FakePuller, a_layer, an_image
from tests.fakes import FakeWorkspace, some_ports
from tests.handlers.calls import answer
from tests.handlers.kept import keep
from tests.messages.reading import words_of

TEXT = "replication from zjk to hz deep"
IMAGE = an_image()


async def a_world(
    count: int = 2, *, puller: FakePuller | None = None, inventories: FakeInventories | None = None
) -> tuple[Ports, FakePuller, FakeWorkspace]:
    """Both sites list the same images, and the target serves them."""
    puller, workspace = puller or FakePuller(), FakeWorkspace()
    ports = some_ports(puller=puller, workspace=workspace, inventories=inventories or FakeInventories())
    tags = {f"{n:02}": Tag(digest_of(IMAGE).removeprefix("sha256:"), NOW) for n in range(count)}
    for site in ("zhangjiakou", "hangzhou"):
        await keep(ports, site, _repository(tags))
    for tag in tags:
        puller.registry.hold("core/api", IMAGE, tag=tag)
    return ports, puller, workspace


class _Silent(FakeInventories):
    """A store that is silent once, when images are pulled."""

    def __init__(self, puller: FakePuller) -> None:
        super().__init__()
        self._puller = puller
        self.was_silent = False

    async def repositories(self, instance: str, paths: Sequence[str]) -> tuple[Repository | None, ...]:
        if self._puller.reached and not self.was_silent:
            self.was_silent = True
            raise StoreUnavailable("Redis does not answer.")
        return await super().repositories(instance, paths)


def _repository(tags: dict[str, Tag]) -> Repository:
    return a_repository("core/api", tags)


async def test_what_is_listed_and_comes_whole_is_said_to() -> None:
    ports, _, _ = await a_world()

    message = await answer(ports, TEXT)

    assert message.text.startswith("IN STEP: all 2 critical images identical")
    assert "*Pulls from hangzhou*: 2 of 2 tags sound" in words_of(message)


async def test_what_is_listed_and_does_not_come_whole_is_said_before_everything_else() -> None:
    ports, puller, _ = await a_world()
    puller.registry.lacks.add(a_layer("base"))

    message = await answer(ports, TEXT)

    assert message.text.startswith("BROKEN: 2 tags of hangzhou cannot be pulled whole. IN STEP: all 2 critical images")
    assert "• `core/api:00` lacks a layer" in words_of(message)


async def test_what_is_broken_in_many_images_is_listed_in_the_file() -> None:
    ports, puller, workspace = await a_world(14)
    puller.registry.lacks.add(a_layer("base"))
    tasks = Tasks()

    await answer(ports, TEXT, linger=tasks.start)
    await tasks.drain(timedelta(seconds=20))

    ((_, _, file),) = workspace.files
    rows = list(csv.DictReader(io.StringIO(file.content.decode("utf-8-sig"))))
    assert {row["compared"] for row in rows} == {"pull lacks a layer"}
    assert (len(rows), "and 14 flaws" in file.title) == (14, True)
    assert workspace.posts[0].message.text.startswith("BROKEN: 14 tags")


async def test_it_is_not_looked_into_unless_somebody_asks() -> None:
    ports, puller, _ = await a_world()

    await answer(ports, "replication from zjk to hz")

    assert puller.registry.asked == []


async def test_without_a_direction_every_target_is_looked_at_and_the_broken_one_told_first() -> None:
    ports, puller, _ = await a_world()
    puller.registry.lacks.add(a_layer("base"))

    message = await answer(ports, "replication deep")

    first, second = message.text.splitlines()
    assert first.startswith("BROKEN: 2 tags of")
    assert {"hangzhou to zhangjiakou" in first, "hangzhou to zhangjiakou" in second} == {True, False}
    assert "*Pulls from hangzhou*" in words_of(message)
    assert "*Pulls from zhangjiakou*" in words_of(message)


@pytest.mark.parametrize(
    ("text", "words"),
    [("replication deep from zjk to hz", "/registry replication"), ("replication repo deep deep", "is called 'deep'")],
)
async def test_deep_is_the_last_word(text: str, words: str) -> None:
    ports, _, _ = await a_world()

    with pytest.raises(UsageError, match=words):
        await answer(ports, text)


async def test_where_redis_is_silent_while_images_are_pulled_it_is_looked_at_anew_once_redis_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(publishing, "AT_ONCE", timedelta(0))
    puller = FakePuller()
    inventories = _Silent(puller)
    ports, _, workspace = await a_world(puller=puller, inventories=inventories)
    tasks = Tasks()

    await answer(ports, TEXT, linger=tasks.start)
    await tasks.drain(timedelta(seconds=20))

    said = words_of(workspace.posts[0].message)
    assert "*Pulls from hangzhou*: 2 of 2 tags sound" in said
    assert inventories.was_silent
