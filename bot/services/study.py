"""Answer what is asked about copies: the comparison and the audit of the rules side by side."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from bot.domain.comparing import unheard
from bot.domain.differences import Difference
from bot.domain.pulling import DeepReport, Flaw
from bot.domain.report import Assessment, Question
from bot.errors import UsageError
from bot.ports import Ports
from bot.services.deep_check import deep_reports
from bot.services.deep_check import unheard as unheard_flaw
from bot.services.replication import reports
from bot.services.rule_auditing import audit_pair


class Study:
    """One question; `latest` is what is known by now. `each` hears of every image that is not the same.

    `each_flaw` hears of everything wrong with what the target serves, where that is looked at.
    """

    depth = ""
    """What is typed behind a question to have it studied like this."""

    def __init__(
        self,
        ports: Ports,
        asked: Question,
        each: Callable[[Difference], None] = unheard,
        each_flaw: Callable[[Flaw], None] = unheard_flaw,
    ) -> None:
        self._ports, self._asked = ports, asked
        self._frames = reports(ports, asked, each)
        self._each_flaw = each_flaw
        self.latest: Assessment | None = None

    async def begin(self) -> None:
        """Look what there is to compare. Raises UsageError when no repository is called so."""
        self.latest = Assessment(await anext(self._frames))

    async def finish(self) -> Assessment:
        """Compare all of it, and return the whole answer."""
        async with asyncio.TaskGroup() as group:
            audit = group.create_task(audit_pair(self._ports, self._asked.source, self._asked.target))
            last = self.latest.report if self.latest else await anext(self._frames)
            async for last in self._frames:
                self.latest = Assessment(last)
        self.latest = Assessment(last, audit.result())
        return self.latest


class DeepStudy(Study):
    """The same, and then the target as pulls meet it."""

    depth = " deep"

    async def finish(self) -> Assessment:
        """Compare all of it, look at what the target serves, and return the whole answer."""
        known = await super().finish()
        if known.report.interrupted:  # it is begun anew, or it ends: either way these lists are not the last
            cut = DeepReport(known.report.target, known.report.taken_at)
            return replace(known, deep=cut.ended(known.report.interrupted, is_cut_off=True))
        async for deep in deep_reports(self._ports, self._asked, self._each_flaw):
            known = self.latest = replace(known, deep=deep)
        return known


async def study_all(ports: Ports, questions: Sequence[Question]) -> tuple[Assessment, ...]:
    """Answer several questions at once, leaving out those in which no repository is called so.

    Raises UsageError when that leaves nothing.
    """
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_answer(ports, asked)) for asked in questions]
    found = [task.result() for task in tasks]
    answers = tuple(answer for answer in found if isinstance(answer, Assessment))
    if not answers:
        raise next(error for error in found if isinstance(error, UsageError))
    return answers


async def _answer(ports: Ports, asked: Question) -> Assessment | UsageError:
    study = Study(ports, asked)
    try:
        await study.begin()
    except UsageError as error:
        return error
    return await study.finish()
