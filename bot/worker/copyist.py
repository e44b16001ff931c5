"""Carries confirmed copy jobs on and keeps their messages true; of several bots one at a time does each."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from functools import partial

import structlog

from bot import messages
from bot.domain.copy_job import CopyJob, Phase
from bot.errors import BotError, ProviderError, Refused, Unanswered, VersionConflict
from bot.ports import Message, Ports
from bot.services import copy_audit
from bot.services.copy_run import go_on
from bot.services.copy_start import copy_button_values
from bot.services.showing import Showing

log = structlog.get_logger()
LEASE = timedelta(seconds=30)
"""A bot that dies in a round is followed by another after it; a round itself may take minutes, at the vendor's pace."""
RENEW_EVERY = timedelta(seconds=10)
ROUND = timedelta(seconds=2)
"""Between two rounds of a job."""


class Copyist:
    """One bot's part in copying images; remembers what each message showed last."""

    def __init__(self, ports: Ports, owner: str) -> None:
        self._ports = ports
        self._owner = owner
        self._shown: dict[str, Message] = {}
        self._showing: dict[str, Showing] = {}
        self._complaints: dict[str, str] = {}

    async def tick(self) -> bool:
        """Take a round of every job that no other bot is at, and tell whether there is more to do soon."""
        live = await self._ports.copies.live()
        self._forget_all_but(live)
        async with asyncio.TaskGroup() as group:
            rounds = [group.create_task(self._one(job_id)) for job_id in live]
        return any(taken.result() for taken in rounds)

    def _forget_all_but(self, live: Collection[str]) -> None:
        self._shown = {job_id: shown for job_id, shown in self._shown.items() if job_id in live}
        self._complaints = {job_id: why for job_id, why in self._complaints.items() if job_id in live}
        for job_id in self._showing.keys() - set(live):
            self._showing.pop(job_id).end()

    async def _one(self, job_id: str) -> bool:
        name = f"copies/{job_id}"
        if not await self._ports.operations.claim_news(name, self._owner, self._ports.clock.now() + LEASE):
            return False
        async with self._held(name):
            try:
                job = await self._ports.copies.get(job_id)
                return job is not None and await self._step(job)
            except VersionConflict:
                return True  # somebody pressed, or another bot is at it: look again
            except BotError as error:
                self._complain(job_id, str(error))
                return False

    @asynccontextmanager
    async def _held(self, name: str) -> AsyncIterator[None]:
        """Keep what was claimed, for as long as it is needed."""
        is_over = asyncio.Event()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._renew(name, is_over))
                try:
                    yield
                finally:
                    is_over.set()
        finally:
            await self._ports.operations.release_news(name)

    async def _renew(self, name: str, is_over: asyncio.Event) -> None:
        while True:
            await self._ports.clock.pause(RENEW_EVERY, is_over)
            if is_over.is_set():
                return
            with suppress(BotError):  # the next one makes up for it; two bots at a round would do no harm
                await self._ports.operations.claim_news(name, self._owner, self._ports.clock.now() + LEASE)

    def _complain(self, job_id: str, why: str) -> None:
        """Log what holds a job up, once until it is something else."""
        if self._complaints.get(job_id) != why:
            self._complaints[job_id] = why
            log.warning("copies.held_up", operation=job_id, why=why)

    async def _step(self, job: CopyJob) -> bool:
        if job.phase is Phase.OFFERED:
            job = await self._expire(job)
        elif job.phase is Phase.RUNNING:
            job = await go_on(self._ports, job)
        if job.phase is Phase.OFFERED:
            return False
        is_shown = await self._show(job)
        if job.phase is not Phase.RUNNING and is_shown:
            await self._tell_end(job)
        return job.phase is Phase.RUNNING

    async def _expire(self, job: CopyJob) -> CopyJob:
        now = self._ports.clock.now()
        if now < job.expires_at:
            return job
        return await self._ports.copies.save(
            job.over(Phase.EXPIRED, now), copy_audit.entry(copy_audit.EXPIRED, job, "bot", "")
        )

    async def _show(self, job: CopyJob) -> bool:
        """Bring the message up to date, and tell whether it is; one that is gone counts."""
        card = messages.copy_card(job, partial(copy_button_values, self._ports), is_simulation=self._is_simulation)
        if not job.ts or self._shown.get(job.id) == card:
            return True
        if job.phase is Phase.RUNNING and not self._has_turn(job):
            return False
        try:
            await self._ports.workspace.update(job.channel, job.ts, card)
        except Refused as error:
            log.warning("copies.no_message", operation=job.id, code=error.code)
        except ProviderError as error:
            log.warning("copies.not_shown", operation=job.id, why=str(error))
            return False
        self._shown[job.id] = card
        return True

    def _has_turn(self, job: CopyJob) -> bool:
        """Tell whether the message may show how the job goes now, as it may at once where it did not yet."""
        if showing := self._showing.get(job.id):
            return showing.take_turn()
        self._showing[job.id] = Showing(self._ports, f"{job.channel}/{job.ts}")
        return True

    async def _tell_end(self, job: CopyJob) -> None:
        """Tell those who asked and confirmed, once; a crash in between may tell them twice."""
        if job.phase is Phase.ENDED:
            outcome = messages.copy_outcome(job, is_simulation=self._is_simulation)
            try:
                await self._ports.workspace.post(job.channel, outcome, thread_ts=job.ts or None)
            except (Refused, Unanswered) as error:  # the message itself shows the end by now
                log.warning("copies.untold", operation=job.id, code=error.code)
            else:
                await self._attach(job)
        await self._ports.copies.save(job.told())

    async def _attach(self, job: CopyJob) -> None:
        """Put the whole list below; the end was told without it, and trying again would tell it again."""
        file = messages.copy_file(job)
        if file is None or not job.ts:
            return
        try:
            await self._ports.workspace.share(job.channel, job.ts, file)
        except ProviderError as error:
            log.warning("copies.no_list", operation=job.id, code=error.code, why=str(error))

    @property
    def _is_simulation(self) -> bool:
        return self._ports.rules.is_simulation
