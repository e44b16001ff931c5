"""Answers that take long, in virtual time: a first reading of hangzhou goes on for five minutes."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from bot.domain.inventory import Coverage, Repository, Scan
from bot.errors import StoreUnavailable, Unanswered
from bot.ports import Attachment, Message, Ports
from bot.tasks import Tasks
from tests.builders import INSTANCE_ID, NOW
from tests.domain.stocks import a_repository, a_tag
from tests.fake_inventories import FakeInventories
from tests.fake_workspace import EditedWorkspace
from tests.fakes import some_ports
from tests.handlers.calls import answer
from tests.handlers.kept import keep
from tests.simulation.clock import SimClock
from tests.simulation.loop import SimLoop

READ_AFTER = 300.0
"""Seconds after which the first reading of hangzhou is over."""
MINUTE = 60.0


class Counted(EditedWorkspace):
    """A workspace that tells how answers go on and when they end."""

    def __init__(self, loop: SimLoop) -> None:
        super().__init__(loop.time)
        self._loop = loop

    @property
    def progress(self) -> list[tuple[float, str]]:
        """Return when each message was edited before its last word."""
        return [(at, ts) for at, ts, text in self.edits if not text.startswith("BEHIND")]

    @property
    def ends(self) -> list[float]:
        """Return when each message was told its last word."""
        return [at for at, _, text in self.edits if text.startswith("BEHIND")]


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


class Cut(Reading):
    """One that is away for a moment once hangzhou was read."""

    async def repositories(self, instance: str, paths: Sequence[str]) -> tuple[Repository | None, ...]:
        if READ_AFTER <= self._loop.time() < READ_AFTER + 8:
            raise StoreUnavailable("Redis does not answer.")
        return await super().repositories(instance, paths)


class Away(Counted):
    """A workspace that takes no file in the first minute after the reading."""

    async def share(self, channel: str, thread_ts: str, file: Attachment) -> None:
        if self._loop.time() < READ_AFTER + MINUTE:
            raise Unanswered("Slack does not answer.")
        await super().share(channel, thread_ts, file)


class Mute(Counted):
    """A workspace that takes nothing in the first three minutes after the reading."""

    async def update(self, channel: str, ts: str, message: Message) -> None:
        if READ_AFTER <= self._loop.time() < READ_AFTER + 3 * MINUTE:
            raise Unanswered("Slack does not answer.")
        await super().update(channel, ts, message)


async def asked(ports: Ports, times: int = 1, text: str = "replication from zjk to hz") -> None:
    """Ask so often at once, and wait until every answer has ended."""
    await keep(ports, "zhangjiakou", a_repository("core/api", {"1": a_tag(), "2": a_tag()}))
    await keep(ports, "hangzhou")
    tasks = Tasks()
    for _ in range(times):
        await answer(ports, text, linger=tasks.start)
    await tasks.drain(timedelta(hours=1))


def edited(loop: SimLoop, times: int, kind: type[Reading] = Reading, place: type[Counted] = Counted) -> Counted:
    """Return a workspace in which so many answers were asked for at once and have ended."""
    workspace = place(loop)
    ports = some_ports(clock=SimClock(loop), workspace=workspace, inventories=kind(loop))
    loop.run_until_complete(asked(ports, times))
    assert ports.showing == set()
    return workspace
