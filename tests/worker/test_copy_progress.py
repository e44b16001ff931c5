"""How often the messages of running copy jobs are edited, and that none of them stays behind."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

from bot.errors import Unreachable
from bot.services.showing import Showing
from bot.worker.copyist import ROUND, Copyist
from tests.builders import CHANNEL
from tests.fake_workspace import EditedWorkspace
from tests.services.copying import PUSHED, SOURCE, TARGET, Copying, copying

IMAGES = 90
"""Of each job; one arrives in each round."""
MINUTE = 60.0


class Jobs:
    """Running jobs, as many as there are repositories."""

    def __init__(self, company: Copying, count: int) -> None:
        self.company, self.count, self.landed = company, count, 0
        self.workspace = company.workspace = EditedWorkspace(company.clock.monotonic)
        company.ports = replace(company.ports, workspace=self.workspace)
        self.copyist = Copyist(company.ports, "bot-1")
        self.began, self.began_at = company.clock.monotonic(), company.clock.now()

    async def work(self, rounds: int, arriving: int = 1) -> None:
        """Take rounds, between which so many images of each job arrive."""
        for _ in range(rounds):
            await self.copyist.tick()
            numbers = range(self.landed, min(self.landed + arriving, IMAGES))
            self.company.land(*(f"core/r{n}:{number:03}" for n in range(self.count) for number in numbers))
            self.landed += arriving
            self.company.clock.move(ROUND)

    def edits(self, verdict: str = "COPYING") -> list[float]:
        """Return after how many seconds messages were edited to begin like this."""
        return [at - self.began for at, _, text in self.workspace.edits if text.startswith(verdict)]


async def running(count: int) -> Jobs:
    """Return so many jobs that were just confirmed."""
    company = await copying()
    for n in range(count):
        for number in range(IMAGES):
            digest = f"{n:032x}{number:032x}"
            company.registries.put(SOURCE, f"core/r{n}:{number:03}", digest, PUSHED + timedelta(seconds=number))
    await company.know()
    jobs = Jobs(company, count)
    for n in range(count):
        await company.press(await company.offer(f"sync core/r{n} from {SOURCE} to {TARGET}"))
    return jobs


async def test_one_job_alone_is_shown_at_once_then_every_two_seconds_and_soon_every_ten() -> None:
    jobs = await running(1)

    await jobs.work(30)

    assert jobs.edits() == [0, 2, 4, 6, 8, 10, 12, 14, 24, 34, 44, 54]


async def test_ten_jobs_take_twenty_edits_a_minute_together_and_each_its_share() -> None:
    jobs = await running(10)

    await jobs.work(IMAGES)

    begun, later = [at for at in jobs.edits() if not at], [at for at in jobs.edits() if at]
    assert len(begun) == 10
    assert max(sum(at <= other < at + MINUTE for other in later) for at in later) <= 20
    assert min(Counter(ts for _, ts, _ in jobs.workspace.edits).values()) >= 5


async def test_the_end_of_a_job_is_shown_at_once() -> None:
    jobs = await running(2)
    await jobs.work(10)

    await jobs.work(6, arriving=IMAGES)

    ended = [job.ended_at for job in jobs.company.copies.held.values() if job.ended_at]
    assert [jobs.began_at + timedelta(seconds=at) for at in jobs.edits("COPIED")] == ended
    assert len(ended) == 2
    assert jobs.company.ports.showing == set()


async def test_what_was_not_shown_for_the_others_is_shown_when_its_turn_comes() -> None:
    jobs = await running(1)
    await jobs.work(9)

    await jobs.work(6, arriving=0)

    assert jobs.edits()[-2:] == [14, 24]
    assert jobs.workspace.edits[-1][2].startswith("COPYING: 9 of 90")


async def test_answers_and_jobs_share_what_there_is() -> None:
    jobs = await running(1)
    answers = [Showing(jobs.company.ports, f"{CHANNEL}/{number}") for number in range(9)]

    await jobs.work(31)

    assert len(answers) == 9
    assert jobs.edits() == [0, 30, 60]


async def test_an_edit_that_slack_did_not_take_waits_for_its_turn_too() -> None:
    jobs = await running(1)
    await jobs.work(8)
    jobs.workspace.fail_next(*[Unreachable("Slack does not answer.")] * 2)

    await jobs.work(15)

    assert jobs.edits()[8:] == [24, 34, 44]
