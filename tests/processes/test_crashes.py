"""The process dies at every external call of an execution; a new one ends it the same way, with one effect.

Each case has a simulated company, a Redis database and two processes of its own, so many run side by side. All of
them, two for each of more than seventy calls, take many minutes: EVERY_CRASH=1 runs them, else it is a fixed choice.
"""

import asyncio
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from simulator.local_redis import local_redis
from tests.processes.forked import ask, decide, forked_bot
from tests.processes.mortal_bot import Fate
from tests.processes.premises import STANDBY, Premises, premises

SIDE_BY_SIDE = 8
MOVES = [("PENDING", "APPROVED"), ("APPROVED", "APPLYING"), ("APPLYING", "VERIFYING"), ("VERIFYING", "DONE")]
CHECKPOINTS = {
    "approve": ("operations.commit approve", 1),
    "claim, with the wait for replicas": ("operations.commit claimed", 1),
    "re-read of the claim": ("operations.get re-read", 1),
    "look at the record": ("zones.record", 1),
    "send": ("zones.apply", 1),
    "read-back": ("zones.record", 2),
    "finish": ("operations.commit read back", 1),
    "second read": ("zones.record", 3),
    "end": ("operations.commit second read-back", 1),
    "post": ("workspace.post", 1),
    "update": ("workspace.update", 1),
    "where the card stands": ("operations.save_card", 1),
}
"""Where an execution must survive a death, before and after the call."""
SMALL_EFFECTS = {
    "operations.claim_news",
    "operations.release_news",
    "operations.owe_words",
    "operations.save_words_told",
    "operations.commit observed",
    "workspace.direct",
}
"""What changes something outside as well, but decides nothing: a death after the first call of each is enough."""
NOTE = ("operations.commit progress", 1)
"""The commit that keeps an unclear outcome; only an execution with one comes there."""


@dataclass(frozen=True)
class Case:
    """When a bot dies: at the `nth` call of a name; without a name never."""

    name: str = ""
    nth: int = 0
    is_after: bool = False
    is_unclear: bool = False
    """Whether the answer to the write is lost, though it took effect."""

    def __str__(self) -> str:
        return f"{'after' if self.is_after else 'before'} call {self.nth} of {self.name or 'nothing'}"


@dataclass(frozen=True)
class Life:
    """The counted calls of the first bot, and whether fate ended it."""

    calls: list[str]
    was_killed: bool


@pytest.fixture
def many_databases() -> Iterator[str]:
    """Run a server with a database for each case; the URL ends where its number belongs."""
    with local_redis(appendonly="yes", appendfsync="always", databases="512") as url:
        yield url.removesuffix("0")


@pytest.mark.covers("F21")
@pytest.mark.timeout(3600 if os.environ.get("EVERY_CRASH") else 600)
async def test_a_crash_at_any_call_ends_done_with_one_effect_and_a_whole_audit(
    many_databases: str, tmp_path: Path
) -> None:
    undisturbed = (await _run(Case(), f"{many_databases}0", tmp_path)).calls
    cases = _chosen(undisturbed)
    cases += [Case(*NOTE, is_after, is_unclear=True) for is_after in (False, True)]
    turns = asyncio.Semaphore(SIDE_BY_SIDE)

    async def in_turn(number: int, case: Case) -> Life:
        async with turns:
            return await _run(case, f"{many_databases}{number}", tmp_path)

    async with asyncio.TaskGroup() as group:
        runs = [group.create_task(in_turn(number, case)) for number, case in enumerate(cases, start=1)]

    died = {
        (case.name, case.nth, case.is_after) for run, case in zip(runs, cases, strict=True) if run.result().was_killed
    }
    assert died >= {(*point, after) for point in (*CHECKPOINTS.values(), NOTE) for after in (False, True)}


def _chosen(calls: list[str]) -> list[Case]:
    """Return a case before and after every call, or a fixed choice; the other calls are reads, and die in memory."""
    numbered = [(name, calls[: at + 1].count(name)) for at, name in enumerate(calls)]
    is_every = bool(os.environ.get("EVERY_CRASH"))
    both = [call for call in numbered if is_every or call in CHECKPOINTS.values()]
    small = [] if is_every else [Case(name, 1, is_after=True) for name in sorted(SMALL_EFFECTS & set(calls))]
    return [Case(*call, is_after) for call in both for is_after in (False, True)] + small


async def _run(case: Case, redis_url: str, directory: Path) -> Life:
    """Run one case to its end and return the life of its first bot; what fails says which case it was."""
    logs = directory / str(case)
    logs.mkdir()
    async with premises(redis_url, logs) as company:
        try:
            life = await _carry_out(company, case)
            await _check(company)
        except (AssertionError, TimeoutError) as error:
            error.add_note(f"{case}\n{company.card()['text']}\n{await company.audit()}\n{company.everything_logged()}")
            raise
    return life


async def _check(company: Premises) -> None:
    audit = await company.audit()
    (live_card,) = [card for card in company.cards() if "out of use" not in card["text"]]

    assert [write["params"]["Value"] for write in company.writes()] == [STANDBY]
    assert company.holds() == STANDBY
    assert "DONE: pulls of vpc-bbbbb now go to hangzhou" in live_card["text"]
    assert [entry["seq"] for entry in audit] == [str(number + 1) for number in range(len(audit))]
    moves = [(entry["before"], entry["after"]) for entry in audit if "after" in entry]  # else it is no move
    assert [move for move in moves if move[0] != move[1]][1:] == MOVES
    await company.assert_no_secret_is_out()


async def _carry_out(company: Premises, case: Case) -> Life:
    """Let a bot die in an execution and another one end it; return the life of the first."""
    journal = company.logs / "journal"
    journal.touch()
    company.sim.faults.set("applied_but_timed_out", "zhangjiakou", case.is_unclear)
    async with forked_bot(company, Fate(case.name, case.nth, case.is_after, journal)) as mortal:
        await ask(company)
        await decide(company, mortal)
    calls = journal.read_text().splitlines()
    if mortal.process.exitcode == 0:
        return Life(calls, was_killed=False)
    assert mortal.process.exitcode == -signal.SIGKILL
    async with forked_bot(company, None) as successor:
        await decide(company, successor)
    assert successor.process.exitcode == 0
    return Life(calls, was_killed=True)
