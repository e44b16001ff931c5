"""Messages that show how something goes: another bot ends those whose bot is gone, and no other."""

import asyncio
import random
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from bot import messages
from bot.errors import Refused, StoreUnavailable, Throttled, Unreachable
from bot.ports import Message, OpenBulletin, Ports
from bot.services import publishing
from bot.worker import ABANDONED_EVERY
from bot.worker.abandoned import TOO_OLD, end_abandoned
from tests.builders import CHANNEL, NOW
from tests.fake_bulletins import FakeBulletins
from tests.fakes import FakeClock, FakeWorkspace, some_ports
from tests.handlers.progress import READ_AFTER, Counted, Reading, asked
from tests.messages.reading import words_of
from tests.simulation.clock import SimClock
from tests.simulation.loop import SimLoop

INTERRUPTED = "INTERRUPTED: the bot that compared zhangjiakou with hangzhou stopped before the end"
AGAIN = "Ask again: `/registry replication from zhangjiakou to hangzhou`"


@dataclass
class Company:
    """Two bots in virtual time: the first answers, and the second looks whether the first goes on."""

    loop: SimLoop
    first: Ports
    second: Ports
    workspace: Counted
    bulletins: FakeBulletins

    def ask(self, text: str = "replication from zjk to hz") -> None:
        """Ask the first bot, and have the second look from then on."""
        self.process = self.loop.process("bot-1")
        self.loop.spawn(self.process, asked(self.first, text=text))
        self.loop.create_task(self._look())

    def wait(self, seconds: float) -> None:
        """Let so much time pass."""
        self.loop.run_until_complete(asyncio.sleep(seconds))

    def shown(self) -> str:
        """Return what the only message says."""
        (post,) = self.workspace.posts
        return post.message.text

    async def _look(self) -> None:
        while True:
            with suppress(StoreUnavailable):
                await end_abandoned(self.second, "bot-2")
            await asyncio.sleep(ABANDONED_EVERY.total_seconds())


@pytest.fixture
def company() -> Iterator[Company]:
    loop = SimLoop(random.Random(1))
    workspace, bulletins = Counted(loop), FakeBulletins()
    first = some_ports(clock=SimClock(loop), workspace=workspace, inventories=Reading(loop), bulletins=bulletins)
    yield Company(loop, first, replace(first, showing=set()), workspace, bulletins)
    loop.wind_up()


def test_a_message_whose_bot_was_killed_is_ended_by_another_with_what_to_ask_again(company: Company) -> None:
    company.ask()
    company.wait(100)
    before = company.shown()
    company.process.stop()
    company.wait(30)
    soon = company.shown()
    company.wait(30)

    assert before.startswith("UNKNOWN: zhangjiakou to hangzhou, hangzhou is being read")
    assert soon.startswith("UNKNOWN")
    assert company.shown() == INTERRUPTED
    assert AGAIN in str(company.workspace.posts[0].message.blocks)
    assert company.bulletins.held == {}


def test_a_message_whose_bot_lives_is_left_to_it_however_long_it_takes(company: Company) -> None:
    company.ask()

    company.wait(READ_AFTER + 60)

    assert INTERRUPTED not in [text for _, _, text in company.workspace.edits]
    assert company.shown().startswith("BEHIND")
    assert company.bulletins.held == {}
    assert company.first.showing == set()


@pytest.mark.parametrize(
    "question",
    [
        "replication from zhangjiakou to hangzhou domain cross-region.registry.io repo core/* deep",
        "replication from zhangjiakou to hangzhou repo */api*",
        "replication from hangzhou to zhangjiakou deep",
    ],
)
def test_the_question_is_kept_as_it_was_typed(company: Company, question: str) -> None:
    company.ask(question)
    company.wait(5)

    assert [bulletin.question for bulletin in company.bulletins.held.values()] == [question]


@pytest.mark.parametrize("outage", [309, 304.5], ids=["the bot is first then", "the other bot is first then"])
def test_without_redis_an_answer_goes_on_and_is_there_when_redis_is_back(company: Company, outage: float) -> None:
    company.ask()
    company.wait(100)
    company.bulletins.down = StoreUnavailable("Redis does not answer.")
    company.wait(outage)
    told = company.shown()
    company.bulletins.down = None
    company.wait(60)

    assert told.startswith("BEHIND")
    assert company.shown().partition(", as of")[0] == told.partition(", as of")[0]
    assert company.bulletins.held == {}


def test_a_bot_that_was_held_up_goes_on_with_its_message_and_nobody_takes_it_away_again(company: Company) -> None:
    company.ask()
    company.wait(100)
    company.process.stop()
    company.wait(60)
    taken_over = company.shown()
    company.process.go_on()
    company.wait(READ_AFTER)

    assert taken_over == INTERRUPTED
    assert [text for _, _, text in company.workspace.edits].count(INTERRUPTED) == 1
    assert company.shown().startswith("BEHIND")
    assert company.bulletins.held == {}


def test_a_last_word_that_slack_did_not_take_is_said_once_slack_is_back_and_no_other(company: Company) -> None:
    company.ask()
    company.wait(READ_AFTER - 5)
    company.workspace.fail_next(*[Unreachable("Slack does not answer.")] * 20)
    company.wait(120)

    assert company.shown().startswith("BEHIND")
    assert company.bulletins.held == {}


def test_a_last_word_that_slack_did_not_take_from_a_bot_that_is_gone_is_made_up_for(company: Company) -> None:
    company.ask()
    company.wait(READ_AFTER - 5)
    company.workspace.fail_next(*[Unreachable("Slack does not answer.")] * 5)
    company.wait(10)
    company.process.stop()
    company.wait(80)

    assert company.shown() == INTERRUPTED
    assert company.bulletins.held == {}


def test_what_takes_too_long_says_so_with_what_is_known_by_then(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "LONGEST", timedelta(seconds=200))
    company.ask()
    company.wait(230)

    assert company.shown() == "NOT FINISHED: comparing zhangjiakou with hangzhou takes longer than 3 min 20 s"
    words = words_of(company.workspace.posts[0].message)
    assert "Known by then:\n*UNKNOWN: zhangjiakou to hangzhou" in words
    assert re.search(r"is being read, (19\d|20\d) of 1,200 calls done", words)
    assert company.bulletins.held == {}


OPEN = OpenBulletin(CHANNEL, "1793674800.000001", "zhangjiakou", "hangzhou", "replication repo *<x>*", NOW)


@dataclass
class Left:
    """One message whose bot is gone."""

    clock: FakeClock
    ports: Ports
    workspace: FakeWorkspace
    bulletins: FakeBulletins


@pytest.fixture
async def left() -> Left:
    clock, workspace, bulletins = FakeClock(), FakeWorkspace(), FakeBulletins()
    ports = some_ports(clock=clock, workspace=workspace, bulletins=bulletins)
    await workspace.post(CHANNEL, Message("UNKNOWN"))
    await bulletins.keep(OPEN)
    return Left(clock, ports, workspace, bulletins)


async def test_what_this_process_shows_itself_is_left_alone(left: Left) -> None:
    left.ports.showing.add(OPEN.name)

    await end_abandoned(left.ports, "bot-2")

    assert left.workspace.updates == 0
    assert left.bulletins.held


async def test_of_several_bots_one_ends_it(left: Left) -> None:
    left.workspace.fail_next(Throttled("Slow down."))

    for owner in ("bot-2", "bot-3"):
        await end_abandoned(left.ports, owner)
    first = left.workspace.updates
    await end_abandoned(left.ports, "bot-2")

    assert (first, left.workspace.updates) == (0, 1)
    assert left.bulletins.held == {}


async def test_where_slack_refuses_it_is_forgotten(left: Left) -> None:
    left.workspace.fail_next(Refused("It is gone.", code="message_not_found"))

    for _ in range(2):
        await end_abandoned(left.ports, "bot-2")

    assert left.workspace.updates == 0
    assert left.bulletins.held == {}


async def test_what_is_older_than_a_day_is_forgotten_as_it_stands(left: Left) -> None:
    left.clock.move(TOO_OLD + timedelta(seconds=1))

    await end_abandoned(left.ports, "bot-2")

    assert left.workspace.updates == 0
    assert left.bulletins.held == {}


def test_what_was_asked_is_shown_to_be_typed_again() -> None:
    assert "`/registry replication repo *&lt;x&gt;*`" in str(messages.interrupted(OPEN).blocks)
