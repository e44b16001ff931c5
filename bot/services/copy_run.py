"""Carry a confirmed copy job on by one round: follow what was asked for, ask for more, and end it when all is known.

What is about to be sent is written down as ASKED before it is sent, so that a bot that dies, or whose answer is lost,
leaves word of it; whoever goes on looks for the task first. Two bots at once do no harm: only one of them can write
ASKED over the version that both have read.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from bot.domain.copy_job import MOST_UNFINISHED, UNDER_WAY, Copy, CopyJob, Fate
from bot.domain.copy_steps import (
    Ends,
    Shelves,
    arrived,
    followed,
    is_over,
    is_settled,
    overrides,
    ready,
    recovered,
)
from bot.domain.freeze import scopes_of
from bot.domain.snapshot import Unknown
from bot.domain.topology import Site
from bot.errors import Gone, OutcomeUnknown, ProviderError, Refused, Throttled
from bot.ports import Ports
from bot.services import copy_audit
from bot.services.copy_start import is_confirmed
from bot.services.freezing import in_force, told
from bot.services.survey import observe

log = structlog.get_logger()
T = TypeVar("T")
READ_WITHIN = timedelta(seconds=60)
"""For the repositories of one round, at the pace that the vendor allows."""
SEND_WITHIN = 10.0
"""Seconds after it was written down that something is sent: later nothing is, as another bot may be at it."""


async def go_on(ports: Ports, job: CopyJob) -> CopyJob:
    """Take one round and return the job as it is stored then. Raises VersionConflict where another bot took one."""
    return await Round(ports, job).take()


class Round:
    """One round of one job; `job` is what is known by now."""

    def __init__(self, ports: Ports, job: CopyJob) -> None:
        self._ports = ports
        self._stored = job
        self.job = replace(job, trouble="")
        self._ends = Ends(job.source, job.target)

    async def take(self) -> CopyJob:
        """Follow, recover, send, and end what is over."""
        if why := self._unfit():
            self.job = self.job.failing(why, self._now())
            await self._end()
            return self.job
        await self._follow()
        await self._recover()
        await self._send()
        await self._settle()
        return self.job

    def _now(self) -> datetime:
        return self._ports.clock.now()

    @property
    def _source(self) -> Site:
        return self._ports.rules.topology.site(self.job.source)

    @property
    def _target(self) -> Site:
        return self._ports.rules.topology.site(self.job.target)

    def _unfit(self) -> str:
        """Return why nothing more of this job may be sent, ever."""
        if not is_confirmed(self._ports, self.job):
            log.error("alarm.forged_copy_job", operation=self.job.id)
            self._ports.alarm("forged_copy_job")
            return "nobody has confirmed exactly this list, as far as this bot can tell"
        sites = self._ports.rules.topology.sites
        instances = tuple(sites[name].instance if name in sites else "" for name in (self.job.source, self.job.target))
        return "" if instances == self.job.instances else "registry.yaml names other instances by now"

    async def _follow(self) -> None:
        """Look at the tasks under way, and at the target where one of them is over."""
        enqueued = self.job.of(Fate.ENQUEUED)
        answers = await self._each(enqueued, lambda copy: self._ports.copier.task(self._source, copy.task_id))
        over = [
            (copy, task) for copy, (task, is_known) in zip(enqueued, answers, strict=True) if is_known and is_over(task)
        ]
        there = await self._shelves(self._target, [copy for copy, _ in over])
        if there is not None:
            now = self._now()
            self._change(followed(copy, task, there, self._ends, now) for copy, task in over)

    async def _recover(self) -> None:
        """Look for the tasks of what was asked for without an answer."""
        lost = [copy for copy in self.job.of(Fate.ASKED) if is_settled(copy, self._now())]
        answers = await self._each(lost, lambda copy: self._ports.copier.tasks_of(self._source, copy))
        found = [(copy, tasks) for copy, (tasks, is_known) in zip(lost, answers, strict=True) if is_known]
        now, ahead = self._now(), self._ports.catalogue.ahead(self._source)
        self._change(recovered(copy, tasks or (), self.job.instances[1], now, ahead) for copy, tasks in found)

    async def _send(self) -> None:
        """Ask for as many more copies as there is room for."""
        room = MOST_UNFINISHED - len(self.job.of(*UNDER_WAY))
        waiting = self.job.of(Fate.WAITING)[:room] if room > 0 else ()
        if not waiting or self._ports.is_stopping():
            return
        if why := await self._stopped():
            self._trouble(why)
            return
        here, there = await self._shelves(self._source, waiting), await self._shelves(self._target, waiting)
        if here is None or there is None:
            return
        await self._announce_and_send(
            [ready(copy, here, there, self._ends, self._now()) for copy in waiting], here, there
        )

    async def _announce_and_send(self, looked: Iterable[Copy], here: Shelves, there: Shelves) -> None:
        now, started = self._now(), self._ports.clock.monotonic()
        known = tuple(looked)
        asked = [replace(c.to(Fate.ASKED, now), sent=c.sent + 1) for c in known if c.state is Fate.WAITING]
        self._change([*(copy for copy in known if copy.state is not Fate.WAITING), *asked])
        await self._keep()
        if not asked or self._ports.clock.monotonic() - started > SEND_WITHIN:
            return
        async with asyncio.TaskGroup() as group:
            sends = [group.create_task(self._begin(copy, here, overrides(copy, there))) for copy in asked]
        results = [send.result() for send in sends]
        self._change(results)
        self._give_up_if_useless(asked, results)
        await self._keep()

    async def _begin(self, copy: Copy, here: Shelves, replaces: bool) -> Copy:
        """Send one call, and return what is known of it then."""
        now = self._now()
        if self._ports.kill_switch():
            return self._unsent(copy)
        try:
            repository = here[copy.path].id
            task_id = await self._ports.copier.begin(copy, self._source, self._target, repository, overrides=replaces)
        except OutcomeUnknown:
            return copy
        except Throttled as error:
            self._trouble(str(error))
            return self._unsent(copy)
        except Gone:
            return copy.to(Fate.FAILED, now, f"{self.job.source} no longer has it")
        except Refused as error:
            return self._refused(copy, error)
        return copy.to(Fate.ENQUEUED, now, task_id=task_id)

    def _refused(self, copy: Copy, error: Refused) -> Copy:
        if error.code is None:  # it never left
            self._trouble(str(error))
            return self._unsent(copy)
        return copy.to(Fate.FAILED, self._now(), str(error))

    def _unsent(self, copy: Copy) -> Copy:
        """Return an image of which nothing came to the vendor, or nothing came of what did."""
        return replace(copy.to(Fate.WAITING, self._now()), sent=copy.sent - 1)

    def _give_up_if_useless(self, asked: Sequence[Copy], results: Sequence[Copy]) -> None:
        """Send no more where all of a round was refused for one and the same reason, such as a right that lacks."""
        reasons = {copy.reason for copy in results}
        if all(copy.state is Fate.FAILED for copy in results) and len(reasons) == 1 and len(asked) > 1:
            self.job = self.job.failing(reasons.pop(), self._now())

    async def _settle(self) -> None:
        """End the job when nothing is open, or nothing has moved for too long."""
        now = self._now()
        if any(copy.is_open for copy in self.job.copies) and not self.job.is_stalled(now):
            await self._keep()
            return
        doubtful = self.job.of(Fate.FAILED, *UNDER_WAY)  # a rule or another job may have brought it meanwhile
        there = await self._shelves(self._target, doubtful)
        self._change(arrived(copy, there or {}, now) for copy in doubtful)
        await self._end()

    async def _end(self) -> None:
        self.job = self.job.ended(self._now())
        started = self.job.started
        who = (started.person, started.user_id) if started else ("", "")
        await self._keep(copy_audit.entry(copy_audit.ENDED, self.job, *who))

    async def _stopped(self) -> str:
        """Return why nothing may be sent now."""
        if why := self._ports.kill_switch() or self._ports.store_trouble():
            return why
        freezes = await in_force(self._ports, scopes_of(self.job.source, self.job.target))
        return told(self._ports, freezes)

    async def _shelves(self, site: Site, copies: Iterable[Copy]) -> Shelves | None:
        """Return what a site holds now of these images' repositories; None where it does not say."""
        paths = tuple(sorted({copy.path for copy in copies}))
        if not paths:
            return {}
        found = await observe(self._ports.registries.inventory(site, paths), READ_WITHIN)
        if isinstance(found, Unknown):
            self._trouble(f"{site.name}: {found.reason}.")
            return None
        return found.repositories

    async def _each(self, copies: Sequence[Copy], ask: Callable[[Copy], Awaitable[T]]) -> list[tuple[T | None, bool]]:
        """Ask about each image at once, and return the answers, each with whether there is one."""

        async def one(copy: Copy) -> tuple[T | None, bool]:
            try:
                return await ask(copy), True
            except ProviderError as error:
                self._trouble(str(error))
                return None, False

        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(one(copy)) for copy in copies]
        return [task.result() for task in asked]

    def _change(self, copies: Iterable[Copy]) -> None:
        self.job = self.job.changed(copies, self._now())

    def _trouble(self, why: str) -> None:
        self.job = replace(self.job, trouble=why)

    async def _keep(self, entry: Mapping[str, str] | None = None) -> None:
        if entry is not None or self.job != self._stored:
            self.job = self._stored = await self._ports.copies.save(self.job, entry)
