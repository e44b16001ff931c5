"""The process dies around the calls of a copy job that matter; a new one ends it, with one copy asked for.

Every other call is died at in memory. What a dead bot had taken for three minutes is given back here at once.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.adapters.redis_keys import POSTING
from simulator.local_redis import local_redis
from tests.processes.mortal_bot import Fate
from tests.processes.premises import Premises, premises
from tests.scenarios.company import ON_CALL, OPS, PATIENCE, Json

ASK = "sync platform/tools:1.1 from zhangjiakou to hangzhou"
POINTS = {
    "what is about to be sent is written down": ("copies.save", 4, True),
    "the copy is asked for": ("copier.begin", 1, True),
    "its task is written down": ("copies.save", 5, True),
    "the end is written down": ("copies.save", 6, True),
}
"""The call at which the first bot dies, counted from its start on, and whether after it took effect."""


@pytest.fixture
def databases() -> Iterator[str]:
    """Run a server with a database for each case; the URL ends where its number belongs."""
    with local_redis(appendonly="yes", appendfsync="always") as url:
        yield url.removesuffix("0")


@pytest.mark.timeout(300)
async def test_a_crash_of_the_process_ends_with_the_image_there_and_one_copy_asked_for(
    databases: str, tmp_path: Path
) -> None:
    async with asyncio.TaskGroup() as group:
        for number, point in enumerate(POINTS.values(), start=1):
            logs = tmp_path / str(number)
            logs.mkdir()
            group.create_task(_die_and_take_over(f"{databases}{number}", logs, *point))


async def _die_and_take_over(redis_url: str, logs: Path, name: str, nth: int, is_after: bool) -> None:
    journal = logs / "journal"
    journal.touch()
    async with premises(redis_url, logs) as company:
        try:
            async with company.bot(Fate(name, nth, is_after, journal, is_counting=True)) as mortal:
                await _offered(company)
                await company.slack.click(ON_CALL, OPS, company.card()["ts"], "copies.start")
                async with asyncio.timeout(PATIENCE):
                    while mortal.is_alive():
                        await asyncio.sleep(0.05)
            await _give_back(company)
            async with company.bot():
                await company.shows("COPIED: 1 of 1 image at hangzhou, seen by digest", patience=2 * PATIENCE)
                await company.until(lambda: any("COPIED" in said for said in company.thread(company.card())))
        except (AssertionError, TimeoutError) as error:
            error.add_note(f"{name} {nth}\n{company.cards()}\n{company.everything_logged()}")
            raise
        await _check(company)


async def _offered(company: Premises) -> None:
    """Ask until there is an offer: on a busy machine the bot may find Redis or a site too slow, and refuse."""
    async with asyncio.timeout(2 * PATIENCE):
        while not company.cards():
            await company.command(ON_CALL, ASK)
            await asyncio.sleep(1)


async def _give_back(company: Premises) -> None:
    for key in await company.stored("KEYS", f"{POSTING}copies/*"):
        await company.stored("DEL", key)


async def _check(company: Premises) -> None:
    asked: list[Json] = [call for call in company.sim.calls if call["action"] == "CreateRepoSyncTask"]
    audit = await company.audit()

    assert len(asked) == 1
    assert [entry["seq"] for entry in audit] == [str(number + 1) for number in range(len(audit))]
    assert [entry["event"] for entry in audit] == ["copies offered", "copies started", "copies ended"]
    await company.assert_no_secret_is_out()
