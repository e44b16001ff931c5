"""Answer about copies at once where that is soon done and short; else in the channel, with progress and the full list.

The message in the channel outlives the command that asked for it, so that no answer is given up after a minute.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol

import structlog

from bot.domain.differences import Difference, Side
from bot.domain.pulling import Flaw
from bot.domain.report import Assessment, Question
from bot.errors import ProviderError, Refused, UsageError
from bot.ports import Attachment, Message, OpenBulletin, Ports
from bot.services import stock
from bot.services.bulletin import Bulletin, RunningBulletin, Word
from bot.services.study import Study

log = structlog.get_logger()
AT_ONCE = timedelta(seconds=1.5)
"""A large comparison that takes longer than this shows its progress."""
SMALL, SOON = 2_000, timedelta(seconds=8)
"""So few repositories are compared in no time; what is waited for is an instance that does not tell its rules."""
LONG_READING = 300
"""Calls that a first reading must still need for its progress to be worth a message in the channel."""
LONGEST = timedelta(minutes=15)
LAST_WORD = timedelta(seconds=12)
"""For the last edit and the file, also while the process stops."""
LOOK_EVERY = 0.5
READING_EVERY = 2.0
"""Seconds between looks at a comparison, and at a first reading of an instance."""
CUT_OFF, AGAIN_AFTER = 3, 10.0
"""How often, and after how many seconds, an answer that Redis cut off is begun anew."""

Linger = Callable[[Coroutine[Any, Any, Assessment | None], str], "asyncio.Task[Any]"]
Answer = tuple[Message, Assessment | None]
"""What the asker is told, and what that says; None where it says only that the answer is given in the channel."""


class Table(Protocol):
    """Takes in every difference, for a file."""

    def add(self, difference: Difference) -> None:
        """Take in one more."""
        ...

    def add_flaw(self, flaw: Flaw) -> None:
        """Take in one thing wrong with what the target serves."""
        ...

    def attachment(self, known: Assessment) -> Attachment | None:
        """Return the file, or None where there is nothing to list."""
        ...


class Voice(Protocol):
    """The words for an answer."""

    def table(self) -> Table:
        """Return an empty table."""
        ...

    def fits(self, known: Assessment) -> bool:
        """Tell whether a short answer says all."""
        ...

    def whole(self, known: Assessment, now: datetime) -> Message:
        """Return the answer."""
        ...

    def progress(self, known: Assessment, now: datetime) -> Message:
        """Return how far it is."""
        ...

    def broken_off(self, known: Assessment, now: datetime, bulletin: OpenBulletin, limit: timedelta | None) -> Message:
        """Return what is known where nobody follows it to the end: the bot stops, or it took longer than `limit`."""
        ...

    def mistaken(self, error: UsageError) -> Message:
        """Return what is wrong with the question."""
        ...

    def pointer(self, known: Assessment, link: str | None) -> Message:
        """Return where the answer is given."""
        ...

    def uninvited(self, known: Assessment, now: datetime) -> Message:
        """Return the answer without its list, for a channel in which the bot cannot post."""
        ...


class Inquiry:
    """One question of one person in one channel; `linger` runs what goes on after the answer."""

    def __init__(
        self, ports: Ports, asked: Question, channel: str, voice: Voice, linger: Linger, study: type[Study] = Study
    ) -> None:
        self._ports, self._asked, self._channel = ports, asked, channel
        self._voice, self._linger, self._kind = voice, linger, study
        self._before: Assessment | None = None
        self._reading: Assessment | None = None
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._table = self._voice.table()
        self._study = self._kind(self._ports, self._asked, self._table.add, self._table.add_flaw)

    async def answer(self) -> Answer:
        """Return the answer, or where it is given. Raises UsageError when no repository is called so."""
        await self._study.begin()
        work = self._linger(self._study.finish(), "replication.study")
        patience = SOON if self._latest().report.total <= SMALL and not self._kind.depth else AT_ONCE
        await asyncio.wait([work], timeout=patience.total_seconds())
        over = _end_of(work)
        if over and self._voice.fits(over):
            return self._whole(over), over
        if not await self._may_post():
            return self._uninvited(await work)
        return await self._published(work)

    def _uninvited(self, known: Assessment) -> Answer:
        return self._voice.uninvited(known, self._ports.clock.now()), known

    async def _may_post(self) -> bool:
        try:
            return (await self._ports.workspace.channel(self._channel)).has_bot
        except Refused:
            return False

    async def _published(self, work: "asyncio.Task[Assessment]") -> Answer:
        over, now = _end_of(work), self._ports.clock.now()
        first = self._voice.whole(over, now) if over else self._voice.progress(self._latest(), now)
        try:
            ts = await self._ports.workspace.post(self._channel, first)
        except ProviderError as error:
            log.warning("bulletin.not_posted", why=str(error))
            return self._uninvited(await work)
        if over:
            bulletin = Bulletin(self._ports, self._channel, ts)
            rest = bulletin.attach(self._table.attachment(over))
        else:
            bulletin = running = RunningBulletin(self._ports, self._open_bulletin(ts))
            rest = self._follow(running, work)
        self._linger(rest, "replication.follow")  # before anything else is waited for, or it might never be ended
        return self._voice.pointer(self._latest(), await bulletin.link()), None

    def _open_bulletin(self, ts: str) -> OpenBulletin:
        ends, question = (self._asked.source.name, self._asked.target.name), f"{self._asked.words}{self._kind.depth}"
        return OpenBulletin(self._channel, ts, *ends, question, self._ports.clock.now())

    def _latest(self) -> Assessment:
        known = self._reading or self._study.latest or self._before
        assert known is not None  # set since it first began
        return known

    async def _follow(self, bulletin: RunningBulletin, work: "asyncio.Task[Assessment]") -> None:
        """Show the progress until the end, and the end whatever comes: what is known by then says what it lacks."""
        last: Assessment | None = None
        word: Word = partial(self._broken_off, bulletin.kept, None)
        try:
            await bulletin.keep()
            async with asyncio.timeout(LONGEST.total_seconds()):
                last = await self._to_the_end(bulletin, work)
            word = partial(self._whole, last)
        except TimeoutError:
            word = partial(self._broken_off, bulletin.kept, LONGEST)
        except UsageError as error:  # nothing was known of the names when it began
            word = partial(self._voice.mistaken, error)
        finally:
            file = self._table.attachment(last or self._latest())
            with suppress(TimeoutError):
                async with asyncio.timeout(LAST_WORD.total_seconds()):
                    await bulletin.conclude(word, file)
        await bulletin.settle(word, file)

    def _whole(self, known: Assessment) -> Message:
        return self._voice.whole(known, self._ports.clock.now())

    def _broken_off(self, kept: OpenBulletin, limit: timedelta | None) -> Message:
        return self._voice.broken_off(self._latest(), self._ports.clock.now(), kept, limit)

    async def _to_the_end(self, bulletin: RunningBulletin, work: "asyncio.Task[Assessment]") -> Assessment:
        known = await self._uncut(bulletin, work)
        if _is_settled(known):
            return known
        while _is_being_read(known):
            is_first, self._reading = self._reading is None, known
            await bulletin.show(self._whole(known), is_turn=is_first)
            await self._ports.clock.sleep(READING_EVERY)
            sides, trouble = await stock.sides(self._ports.inventories, self._asked.source, self._asked.target)
            if not trouble:
                known = replace(known, report=replace(known.report, source=sides[0], target=sides[1]))
        return await self._uncut(bulletin, await self._anew(known))

    async def _uncut(self, bulletin: RunningBulletin, work: "asyncio.Task[Assessment]") -> Assessment:
        """Return the answer, begun anew where Redis was away for a moment: people wait for the whole of it."""
        known = await self._watched(bulletin, work)
        for _ in range(CUT_OFF):
            if not self._is_cut_off(known):
                break
            await self._ports.clock.sleep(AGAIN_AFTER)
            known = await self._watched(bulletin, await self._anew(known))
        return known

    def _is_cut_off(self, known: Assessment) -> bool:
        """Tell whether Redis told less than it did before."""
        was_kept = self._before is not None and not self._before.report.live_because
        is_cut = known.report.interrupted or (known.deep and known.deep.is_cut_off)
        return bool(is_cut or (known.report.live_because and was_kept))

    async def _anew(self, known: Assessment) -> "asyncio.Task[Assessment]":
        self._before, self._reading = self._before or known, None
        self._begin_anew()
        await self._study.begin()
        return self._linger(self._study.finish(), "replication.study")

    async def _watched(self, bulletin: RunningBulletin, work: "asyncio.Task[Assessment]") -> Assessment:
        while not (await asyncio.wait([work], timeout=LOOK_EVERY))[0]:
            await bulletin.show(self._voice.progress(self._latest(), self._ports.clock.now()))
        return work.result()


async def answer_all(inquiries: Sequence[Inquiry]) -> tuple[Answer, ...]:
    """Answer several questions at once, leaving out those in which no repository is called so.

    Raises UsageError when that leaves nothing.
    """
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_answer_or_why(inquiry)) for inquiry in inquiries]
    told = [task.result() for task in tasks]
    if answers := tuple(each for each in told if not isinstance(each, UsageError)):
        return answers
    raise next(each for each in told if isinstance(each, UsageError))


async def _answer_or_why(inquiry: Inquiry) -> Answer | UsageError:
    try:
        return await inquiry.answer()
    except UsageError as error:
        return error


def _end_of(work: "asyncio.Task[Assessment]") -> Assessment | None:
    """Return the answer if it is there, and no more of it is to be waited for."""
    return work.result() if work.done() and _is_settled(work.result()) else None


def _is_settled(known: Assessment) -> bool:
    """Tell whether no instance is in the middle of a long first reading: then waiting brings little more."""
    return not any(_is_long_reading(side) for side in (known.report.source, known.report.target))


def _is_long_reading(side: Side) -> bool:
    at_hand = side.coverage.running
    return (
        _is_first_reading(side) and at_hand is not None and (at_hand.pages_total or 0) - side.pages_done > LONG_READING
    )


def _is_being_read(known: Assessment) -> bool:
    return any(_is_first_reading(side) for side in (known.report.source, known.report.target))


def _is_first_reading(side: Side) -> bool:
    known = side.coverage
    return known.as_of is None and known.running is not None and known.silent_since is None
