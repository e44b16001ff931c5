"""The process dies at every external call of an execution; a new one ends it the same way, with one effect.

Each case has a simulated company, a Redis database and two processes of its own, so many run side by side. All of
them, two for each of more than fifty calls, take some minutes: EVERY_CRASH=1 runs them, else it is a fixed choice.
"""

import asyncio
import multiprocessing
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import aiohttp
import pytest

from simulator.local_redis import free_port, local_redis
from tests.processes.mortal_bot import Fate, live
from tests.processes.premises import STANDBY, Premises, premises
from tests.scenarios.company import APPROVER, ON_CALL, OPS, PATIENCE

SIDE_BY_SIDE = 12
MOVES = [("PENDING", "APPROVED"), ("APPROVED", "APPLYING"), ("APPLYING", "VERIFYING"), ("VERIFYING", "DONE")]
EFFECTS = {"operations.commit", "operations.save_card", "zones.apply", "workspace.post", "workspace.update"}
"""The calls that change something outside."""
DECISIVE = {"operations.commit", "zones.apply"}
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.processes.mortal_bot"])


@dataclass(frozen=True)
class Case:
    """When a bot dies: at the `nth` call of a name; without a name never."""

    name: str = ""
    nth: int = 0
    is_after: bool = False

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
@pytest.mark.timeout(600)
async def test_a_crash_at_any_call_ends_done_with_one_effect_and_a_whole_audit(
    many_databases: str, tmp_path: Path
) -> None:
    undisturbed = (await _run(Case(), f"{many_databases}0", tmp_path)).calls
    cases = [Case(name, nth, is_after) for name, nth in _chosen(undisturbed) for is_after in (False, True)]
    turns = asyncio.Semaphore(SIDE_BY_SIDE)

    async def in_turn(number: int, case: Case) -> Life:
        async with turns:
            return await _run(case, f"{many_databases}{number}", tmp_path)

    async with asyncio.TaskGroup() as group:
        runs = [group.create_task(in_turn(number, case)) for number, case in enumerate(cases, start=1)]

    died = {(case.name, case.is_after) for run, case in zip(runs, cases, strict=True) if run.result().was_killed}
    assert died >= {(name, is_after) for name in EFFECTS for is_after in (False, True)}


def _chosen(calls: list[str]) -> list[tuple[str, int]]:
    """Return all calls by name and number, or a fixed choice: every decision and write, and the first of each other."""
    numbered = [(name, calls[: at + 1].count(name)) for at, name in enumerate(calls)]
    if os.environ.get("EVERY_CRASH"):
        return numbered
    return [(name, nth) for name, nth in numbered if name in DECISIVE or nth == 1]


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
    moves = [(entry["before"], entry["after"]) for entry in audit]
    assert [move for move in moves if move[0] != move[1]][1:] == MOVES
    await company.assert_no_secret_is_out()


async def _carry_out(company: Premises, case: Case) -> Life:
    """Let a bot die in an execution and another one end it; return the life of the first."""
    journal = company.logs / "journal"
    journal.touch()
    async with _process(company, Fate(case.name, case.nth, case.is_after, journal)) as mortal:
        await _ask(company)
        await _decide(company, mortal)
    calls = journal.read_text().splitlines()
    if mortal.exitcode == 0:
        return Life(calls, was_killed=False)
    assert mortal.exitcode == -signal.SIGKILL
    async with _process(company, None) as successor:
        await _decide(company, successor)
    assert successor.exitcode == 0
    return Life(calls, was_killed=True)


async def _ask(company: Premises) -> None:
    """Ask for a failover, and on a busy machine, where the bot may find Redis too slow, ask again."""
    async with asyncio.timeout(2 * PATIENCE):
        while not company.cards():
            await company.slack.command(ON_CALL, OPS, "failover zhangjiakou")
            await asyncio.sleep(1)


async def _decide(company: Premises, bot: ForkServerProcess) -> None:
    """Approve, and once more if the vote was not counted, as the bot died or was too busy; wait for an end."""
    async with asyncio.timeout(2 * PATIENCE):
        while bot.is_alive() and (await company.document(company.operation_id()))["state"] == "PENDING":
            await company.slack.click(APPROVER, OPS, company.card()["ts"], "operation.approve")
        while bot.is_alive() and not await company.is_settled():
            await asyncio.sleep(0.1)


@asynccontextmanager
async def _process(company: Premises, fate: Fate | None) -> AsyncIterator[ForkServerProcess]:
    """Run a bot until the block ends; yields when it is ready."""
    port = str(free_port())
    ports = {"REGISTRY_BOT_HTTP_PORT": port, "REGISTRY_BOT_METRICS_PORT": "0"}
    process = _FORKS.Process(target=live, args=(company.environment | ports, company.log(), fate))
    process.start()
    try:
        await _ready(f"http://127.0.0.1:{port}/readyz")
        yield process
    finally:
        process.terminate()
        await _ended(process)


async def _ready(url: str) -> None:
    async with asyncio.timeout(PATIENCE), aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(url) as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)


async def _ended(process: ForkServerProcess) -> None:
    while process.is_alive():
        await asyncio.sleep(0.02)
