"""How often answers that show how something goes are edited, counted in virtual time."""

import asyncio
import random
from collections import Counter
from collections.abc import Coroutine, Iterator, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from bot.domain.inventory import Coverage, Repository, Scan
from bot.ports import Message, Ports
from bot.tasks import Tasks
from tests.builders import INSTANCE_ID, NOW
from tests.domain.stocks import a_repository, a_tag
from tests.fake_inventories import FakeInventories
from tests.fakes import FakeWorkspace, some_ports
from tests.handlers.calls import answer
from tests.handlers.kept import keep
from tests.simulation.clock import SimClock
from tests.simulation.loop import SimLoop

READ_AFTER = 300.0
"""Seconds after which the first reading of hangzhou is over."""
MINUTE = 60.0


@pytest.fixture
def loop() -> Iterator[SimLoop]:
    loop = SimLoop(random.Random(1))
    yield loop
    loop.wind_up()


class Counted(FakeWorkspace):
    """A workspace that remembers when each message was edited, and how it began then."""

    def __init__(self, loop: SimLoop) -> None:
        super().__init__()
        self._loop = loop
        self.edits: list[tuple[float, str, str]] = []

    async def update(self, channel: str, ts: str, message: Message) -> None:
        self.edits.append((self._loop.time(), ts, message.text.partition(":")[0]))
        await super().update(channel, ts, message)

    @property
    def progress(self) -> list[tuple[float, str]]:
        """Return when each message was edited before its last word."""
        return [(at, ts) for at, ts, verdict in self.edits if verdict != "BEHIND"]

    @property
    def ends(self) -> list[float]:
        """Return when each message was told its last word."""
        return [at for at, _, verdict in self.edits if verdict == "BEHIND"]


class Reading(FakeInventories):
    """A store in which the first reading of hangzhou goes on for five minutes."""

    def __init__(self, loop: SimLoop) -> None:
        super().__init__()
        self._loop = loop

    async def coverage(self, instance: str) -> Coverage:
        done = int(self._loop.time())
        if instance == INSTANCE_ID["hangzhou"] and done < READ_AFTER:
            return Coverage(instance, running=Scan(1, True, NOW, done, 1200))
        return await super().coverage(instance)


class Slow(Reading):
    """One that takes its time over what was read then."""

    async def repositories(self, instance: str, paths: Sequence[str]) -> tuple[Repository | None, ...]:
        if self._loop.time() >= READ_AFTER:
            await asyncio.sleep(20)
        return await super().repositories(instance, paths)


async def asked(ports: Ports, times: int) -> None:
    """Ask so often at once, and wait until every answer has ended."""
    await keep(ports, "zhangjiakou", a_repository("core/api", {"1": a_tag(), "2": a_tag()}))
    await keep(ports, "hangzhou")
    tasks = Tasks()
    for _ in range(times):
        await answer(ports, "replication from zjk to hz", linger=tasks.start)
    await tasks.drain(timedelta(seconds=READ_AFTER + MINUTE))


def edited(loop: SimLoop, times: int, kind: type[Reading] = Reading) -> Counted:
    workspace = Counted(loop)
    ports = some_ports(clock=SimClock(loop), workspace=workspace, inventories=kind(loop))
    _run(loop, asked(ports, times))
    assert ports.showing == set()
    return workspace


def _run(loop: SimLoop, work: Coroutine[Any, Any, None]) -> None:
    asyncio.set_event_loop(None)
    loop.run_until_complete(work)


def test_one_answer_alone_is_edited_every_two_seconds_and_soon_every_ten(loop: SimLoop) -> None:
    workspace = edited(loop, 1)

    times = [at for at, _ in workspace.progress]
    gaps = [round(later - before) for before, later in pairwise(times)]
    assert set(gaps[:5]) == {2}
    assert set(gaps[8:]) == {10}
    assert READ_AFTER <= workspace.ends[0] <= READ_AFTER + 2


def test_twenty_at_once_take_twenty_edits_a_minute_together_and_each_its_share(loop: SimLoop) -> None:
    workspace = edited(loop, 20)

    times = [at for at, _ in workspace.progress]
    assert max(sum(at <= other < at + MINUTE for other in times) for at in times) <= 20
    assert sorted(set(Counter(ts for _, ts in workspace.progress).values())) == [4]
    assert len(workspace.ends) == 20
    assert READ_AFTER <= min(workspace.ends) <= max(workspace.ends) <= READ_AFTER + 2


def test_a_comparison_after_a_first_reading_shows_its_progress(loop: SimLoop) -> None:
    workspace = edited(loop, 1, Slow)

    assert next(verdict for at, _, verdict in workspace.edits if at > READ_AFTER + 5).startswith("COMPARING")
    assert len(workspace.ends) == 1
