"""Answers about copies that are long, or take long: in the channel, with progress, and with the full list as a file."""

import asyncio
import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.inventory import Coverage, Repository, Scan
from bot.errors import Refused, StoreUnavailable, Throttled, Unreachable
from bot.messages import losses_file
from bot.ports import Channel, Message, Ports
from bot.services import publishing
from bot.tasks import Tasks
from tests.builders import CHANNEL, INSTANCE_ID, NOW
from tests.domain.stocks import a_repository, a_tag
from tests.fake_inventories import FakeInventories
from tests.fakes import FakeWorkspace, some_ports
from tests.handlers.calls import answer
from tests.handlers.kept import keep
from tests.messages.reading import words_of

TEXT = "replication from zjk to hz"
INTERRUPTED = "INTERRUPTED: the bot that compared zhangjiakou with hangzhou stopped before the end"


async def a_world(count: int = 14, **ports: Any) -> tuple[Ports, FakeWorkspace]:
    workspace = ports.pop("workspace", None) or FakeWorkspace()
    world = some_ports(workspace=workspace, **ports)
    await keep(world, "zhangjiakou", a_repository("core/api", {f"{n:03}": a_tag() for n in range(count)}))
    await keep(world, "hangzhou")
    return world, workspace


async def asked(ports: Ports, text: str = TEXT) -> Message:
    """Ask, and wait until everything that goes on after the answer has ended."""
    tasks = Tasks()
    told = await answer(ports, text, linger=tasks.start)
    await tasks.drain(timedelta(seconds=20))
    return told


def rows(workspace: FakeWorkspace) -> list[dict[str, str]]:
    ((_, _, file),) = workspace.files
    return list(csv.DictReader(io.StringIO(file.content.decode("utf-8-sig"))))


async def test_what_does_not_fit_is_told_in_the_channel_with_the_full_list_in_its_thread() -> None:
    ports, workspace = await a_world()

    told = await asked(ports)

    (post,) = workspace.posts
    ((channel, thread, file),) = workspace.files
    assert post.message.text.startswith("BEHIND: 14 of 14 critical images would be lost")
    assert (channel, thread) == (CHANNEL, post.ts)
    assert (file.name, len(rows(workspace))) == ("zhangjiakou-to-hangzhou-20261103T0300Z.csv", 14)
    assert file.title == "14 differences from zhangjiakou to hangzhou, 2026-11-03 03:00 UTC"
    assert f"archives/{CHANNEL}/p" in str(told.blocks)


async def test_what_fits_is_told_to_the_asker_alone() -> None:
    ports, workspace = await a_world(10)

    told = await asked(ports)

    assert told.text.startswith("BEHIND: 10 of 10")
    assert (workspace.posts, workspace.files) == ([], [])


@pytest.mark.parametrize("channel", [Channel(CHANNEL, "ops", False, False), Channel("C09", "elsewhere", True, False)])
async def test_where_the_bot_cannot_post_the_short_answer_says_how_to_get_the_list(channel: Channel) -> None:
    ports, workspace = await a_world(workspace=FakeWorkspace(channel))

    told = await asked(ports)

    assert told.text.startswith("BEHIND: 14 of 14")
    assert "/invite @registry" in str(told.blocks)
    assert workspace.posts == []


async def test_a_channel_that_refuses_the_message_costs_only_the_list() -> None:
    ports, workspace = await a_world()
    workspace.fail_next(Refused("This channel is archived.", code="is_archived"))

    assert "/invite @registry" in str((await asked(ports)).blocks)


async def test_each_row_tells_what_is_known_of_an_image() -> None:
    ports, workspace = await a_world()

    await asked(ports)

    row = rows(workspace)[0]
    assert (row["image"], row["compared"], row["critical"]) == ("core/api:000", "missing", "yes")
    assert (row["source digest"], row["target digest"]) == (f"sha256:{'a' * 64}", "")
    assert (row["pushed at source"], row["target seen"]) == ("2026-11-03T02:00:00Z", "2026-11-03T03:00:00Z")


async def test_no_cell_is_a_formula() -> None:
    ports, workspace = await a_world()
    await keep(ports, "zhangjiakou", a_repository('=cmd|"/c calc"!a0/x', {"1": a_tag()}))

    await asked(ports)

    assert rows(workspace)[0]["image"] == '\'=cmd|"/c calc"!a0/x:1'


async def test_a_list_that_is_too_long_says_that_it_was_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(losses_file, "MOST_ROWS", 12)
    ports, workspace = await a_world()

    await asked(ports)

    assert len(rows(workspace)) == 12
    assert workspace.files[0][2].title.endswith("UTC, the first 12 of them")


async def test_what_slack_does_not_take_at_once_is_tried_again() -> None:
    ports, workspace = await a_world()
    tasks = Tasks()
    await answer(ports, TEXT, linger=tasks.start)
    workspace.fail_next(Throttled("Slow down.", retry_after=3.0), Unreachable("Slack does not answer."))
    await tasks.drain(timedelta(seconds=20))

    assert workspace.posts[0].message.text.startswith("BEHIND")
    assert len(workspace.files) == 1


async def test_a_comparison_that_takes_long_shows_its_progress_and_then_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(publishing, "SOON", timedelta(0))
    inventories = _Held()
    ports, workspace = await a_world(2, inventories=inventories)
    tasks = Tasks()

    told = await answer(ports, TEXT, linger=tasks.start)
    first = workspace.posts[0].message.text
    inventories.release.set()
    await tasks.drain(timedelta(seconds=20))

    assert "the answer is given in this channel" in told.text
    assert first == "COMPARING zhangjiakou to hangzhou: 0 of 1 repository"
    assert workspace.posts[0].message.text.startswith("BEHIND: 2 of 2")


async def test_a_stopping_bot_says_that_it_did_and_leaves_what_it_knows_by_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(publishing, "SOON", timedelta(0))
    ports, workspace = await a_world(2, inventories=_Held())
    tasks = Tasks()

    await answer(ports, TEXT, linger=tasks.start)
    await asyncio.sleep(0.01)
    await tasks.drain(timedelta(0))

    last = workspace.posts[0].message
    assert last.text == INTERRUPTED
    assert words_of(last).splitlines()[:4] == [
        f"*{INTERRUPTED}*",
        "Ask again: `/registry replication from zhangjiakou to hangzhou`",
        "Known by then:",
        "*UNKNOWN: zhangjiakou to hangzhou, 0 of 1 repository compared*",
    ]
    assert await ports.bulletins.open() == ()


async def test_an_answer_that_also_pulls_is_begun_in_the_channel_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "AT_ONCE", timedelta(0))
    ports, workspace = await a_world(2, inventories=_Held())
    tasks = Tasks()

    await answer(ports, f"{TEXT} deep", linger=tasks.start)

    assert [post.message.text for post in workspace.posts] == ["COMPARING zhangjiakou to hangzhou: 0 of 1 repository"]
    await tasks.drain(timedelta(0))


async def test_a_first_reading_is_followed_to_its_end() -> None:
    inventories = _Reading()
    workspace = _Watched()
    ports, _ = await a_world(2, inventories=inventories, workspace=workspace)
    reading = Coverage(INSTANCE_ID["hangzhou"], running=Scan(1, True, NOW, 40, 1200))
    inventories.stages = [reading, reading, replace(reading, running=Scan(1, True, NOW, 1180, 1200))]

    await asked(ports)

    assert workspace.posts[0].message.text.startswith("BEHIND: 2 of 2")
    assert any("is being read, 1,180 of 1,200 calls done" in text for text in workspace.seen)


async def test_a_bot_that_stops_as_a_first_reading_ends_leaves_what_it_knew_before() -> None:
    inventories = _Stuck()
    ports, workspace = await a_world(2, inventories=inventories)
    reading = Coverage(INSTANCE_ID["hangzhou"], running=Scan(1, True, NOW, 40, 1200))
    inventories.stages = [reading] * 2
    tasks = Tasks()

    await answer(ports, TEXT, linger=tasks.start)
    async with asyncio.timeout(5):
        await inventories.is_stuck.wait()
    is_open = await ports.bulletins.open()
    await tasks.drain(timedelta(0))

    last = workspace.posts[0].message
    assert last.text == INTERRUPTED
    assert "*UNKNOWN: zhangjiakou to hangzhou" in words_of(last)
    assert (len(is_open), await ports.bulletins.open()) == (1, ())


async def test_a_name_that_nothing_has_once_both_are_read_is_told_as_the_mistake_that_it_is() -> None:
    inventories = _Blank()
    ports, workspace = await a_world(2, inventories=inventories)
    inventories.stages = [Coverage(INSTANCE_ID["hangzhou"], running=Scan(1, True, NOW, 40, 1200))] * 2

    await asked(ports, f"{TEXT} repo core/apu")

    last = workspace.posts[0].message.text
    assert last.startswith("None of 1 repositories is called 'core/apu'. Nearly: core/api.")
    assert await ports.bulletins.open() == ()


async def test_a_list_that_was_broken_off_is_called_partial() -> None:
    inventories = _Broken()
    ports, workspace = await a_world(inventories=inventories)
    await keep(ports, "zhangjiakou", *(a_repository(f"web/app{n:03}", {"1": a_tag()}) for n in range(60)))
    inventories.breaks_at = "web/app059"

    await asked(ports)

    assert workspace.files[0][2].title.endswith("UTC, partial")


async def test_a_short_first_reading_is_told_of_and_not_followed() -> None:
    ports, workspace = await a_world(2)
    await ports.inventories.save_coverage(Coverage(INSTANCE_ID["hangzhou"], running=Scan(1, True, NOW, 40, 120)))

    told = await asked(ports)

    assert told.text == "UNKNOWN: zhangjiakou to hangzhou, hangzhou is being read, 40 of 120 calls done"
    assert workspace.posts == []


class _Watched(FakeWorkspace):
    """A workspace that remembers every text that a message had."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    async def update(self, channel: str, ts: str, message: Message) -> None:
        self.seen.append(message.text)
        await super().update(channel, ts, message)


class _Held(FakeInventories):
    """A store that holds back repositories until it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.release = asyncio.Event()

    async def repositories(self, instance: str, paths: Sequence[str]) -> tuple[Repository | None, ...]:
        await self.release.wait()
        return await super().repositories(instance, paths)


class _Reading(FakeInventories):
    """A store in which the reading of one instance goes on from look to look."""

    def __init__(self) -> None:
        super().__init__()
        self.stages: list[Coverage] = []

    async def coverage(self, instance: str) -> Coverage:
        if instance == INSTANCE_ID["hangzhou"] and self.stages:
            return self.stages.pop(0)
        return await super().coverage(instance)


class _Blank(_Reading):
    """One that keeps nothing before that reading has ended."""

    async def paths(self, instance: str) -> tuple[str, ...]:
        return () if self.stages else await super().paths(instance)


class _Stuck(_Reading):
    """One that does not answer any more once that reading has ended."""

    def __init__(self) -> None:
        super().__init__()
        self.is_stuck = asyncio.Event()
        self._ended = 0

    async def coverage(self, instance: str) -> Coverage:
        if not self.stages:
            self._ended += instance == "cri-bbbbb"
            if self._ended > 1:
                self.is_stuck.set()
                await asyncio.Event().wait()
        return await super().coverage(instance)


class _Broken(FakeInventories):
    """A store that fails at one repository."""

    breaks_at = ""

    async def repositories(self, instance: str, paths: Sequence[str]) -> tuple[Repository | None, ...]:
        if self.breaks_at in paths:
            raise StoreUnavailable("Redis does not answer.")
        return await super().repositories(instance, paths)
