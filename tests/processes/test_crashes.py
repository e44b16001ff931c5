"""The process dies at every external call of an execution; a new one ends it the same way, with one effect.

Each case has a simulated company, a Redis database and two processes of its own, so many run side by side. All of
them, two for each of more than seventy calls, take many minutes: EVERY_CRASH=1 runs them, else it is a fixed choice.
"""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import pytest

from simulator.local_redis import local_redis
from tests.processes.mortal_bot import Fate
from tests.processes.people import ask, decide
from tests.processes.premises import STANDBY, Premises, patient_link, premises

IS_EVERY = bool(os.environ.get("EVERY_CRASH"))
PARTS = 4
"""Tests that share the cases out among themselves, so that several workers may run them."""
SIDE_BY_SIDE = 4
ATTEMPTS = 3
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
@pytest.mark.timeout(3600 if IS_EVERY else 600)
@pytest.mark.parametrize("part", range(PARTS))
async def test_a_crash_at_any_call_ends_done_with_one_effect_and_a_whole_audit(
    many_databases: str, tmp_path: Path, part: int, record_property: Callable[[str, object], None]
) -> None:
    every = await _every(f"{many_databases}0", tmp_path) if IS_EVERY else _chosen()
    cases = sorted((case for case in every if _part(case) == part), key=str)
    turns = asyncio.Semaphore(SIDE_BY_SIDE)

    async def in_turn(number: int, case: Case) -> Life:
        async with turns:
            return await _run(case, f"{many_databases}{number}", tmp_path)

    async with asyncio.TaskGroup() as group:
        runs = [group.create_task(in_turn(number, case)) for number, case in enumerate(cases, start=1)]

    survived = [str(case) for run, case in zip(runs, cases, strict=True) if not run.result().was_killed]
    assert IS_EVERY or survived == []
    record_property("deaths", len(cases) - len(survived))


def _part(case: Case) -> int:
    """Assign a case to a test whatever other cases there are: no two executions make their reads in the same order."""
    return crc32(str(case).encode()) % PARTS


def _chosen() -> Iterator[Case]:
    """Return a fixed choice of cases; the calls that are not in it are reads, and die in memory."""
    for point in CHECKPOINTS.values():
        yield from (Case(*point, is_after) for is_after in (False, True))
    yield from (Case(*NOTE, is_after, is_unclear=True) for is_after in (False, True))
    yield from (Case(name, 1, is_after=True) for name in sorted(SMALL_EFFECTS))


async def _every(redis_url: str, directory: Path) -> Iterator[Case]:
    """Return a case before and after every call that an undisturbed execution makes."""
    calls = (await _run(Case(), redis_url, directory)).calls
    numbered = [(name, calls[: at + 1].count(name)) for at, name in enumerate(calls)]
    return (Case(*call, is_after) for call in numbered for is_after in (False, True))


async def _run(case: Case, redis_url: str, directory: Path) -> Life:
    """Run one case to its end and return the life of its first bot; what fails says which case it was.

    On a busy machine a bot may find its surroundings too slow and refuse before anything is written: then once more.
    """
    for attempt in range(ATTEMPTS):
        logs = directory / f"{case}, {attempt}"
        logs.mkdir()
        async with patient_link(redis_url) as link:
            await link.call("FLUSHDB")
        async with premises(redis_url, logs) as company:
            try:
                life = await _carry_out(company, case)
                if attempt + 1 < ATTEMPTS and _is_refused(company):
                    continue
                await _check(company)
            except (AssertionError, TimeoutError) as error:
                error.add_note(f"{case}\n{company.cards()}\n{await company.audit()}\n{company.everything_logged()}")
                raise
        break
    return life


def _is_refused(company: Premises) -> bool:
    return "STALE: nothing was changed" in company.card()["text"] and company.writes() == []


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
    async with company.bot(Fate(case.name, case.nth, case.is_after, journal)) as mortal:
        await ask(company)
        await decide(company, mortal)
    calls = journal.read_text().splitlines()
    if mortal.process.exitcode == 0:
        return Life(calls, was_killed=False)
    assert mortal.process.exitcode == -signal.SIGKILL
    async with company.bot() as successor:
        await decide(company, successor)
    assert successor.process.exitcode == 0
    return Life(calls, was_killed=True)
