"""Many people press at once, at two bots on one Redis: exactly one wins, and everybody is told who.

`CLICK_STORMS` and `VOTE_RACES` say how often; without them it is enough to notice a mistake and quick.
"""

import asyncio
import json
import multiprocessing
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.adapters.redis_keys import ASKED
from bot.adapters.redis_link import RedisLink
from bot.domain.operation import State, Verb
from simulator.editing import edit_instance
from simulator.slack.limits import Limits
from simulator.slack.model import User
from tests.builders import APPROVER as APPROVER_OF_RACES
from tests.builders import ON_CALL as ON_CALL_OF_RACES
from tests.processes.people import ask
from tests.processes.premises import Premises, premises
from tests.processes.racers import HEAD_START, TAG, Report, at_the_store, race
from tests.scenarios.company import OPS

STORMS = int(os.environ.get("CLICK_STORMS", "5"))
RACES = int(os.environ.get("VOTE_RACES", "50"))
CROWD = [f"U{number:02}CROWD" for number in range(50)]
SECONDS_A_ROUND = 60
NOT_COUNTED = re.compile("Nothing was recorded|No answer came in time|Redis did not answer in time")
"""What some of a crowd hear on a slow machine, where their turn does not come in time; they ask again."""
_FORKS = multiprocessing.get_context("forkserver")


@pytest.fixture
async def crowded(redis_url: str, tmp_path: Path) -> Any:
    """A company with fifty approvers."""
    async with premises(redis_url, tmp_path) as company:
        company.slack._site.limiter._limits = Limits(scale=100.0)  # fifty people at once are not Slack's subject here
        for user in CROWD:
            company.slack.workspace.users[user] = User(user, user.lower(), user)
            company.slack.workspace.channels[OPS].members.append(user)
        _admit(Path(company.environment["REGISTRY_BOT_CONFIG"]))
        yield company


def _admit(file: Path) -> None:
    """Write the crowd into the configuration, as approvers."""
    config = yaml.safe_load(file.read_text(encoding="utf-8"))
    config["people"] |= {user.lower(): {"slack": [user], "roles": ["approver"]} for user in CROWD}
    file.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")


@pytest.mark.timeout(60 + STORMS * SECONDS_A_ROUND)
async def test_of_fifty_approvals_at_once_one_wins_and_the_others_are_told_whose(crowded: Premises) -> None:
    async with crowded.bot(), crowded.bot():
        for _ in range(STORMS):
            await _storm(crowded)

    assert crowded.writes() == []
    assert [entry["event"] for entry in await crowded.audit()].count("approve") == STORMS
    await crowded.assert_no_secret_is_out()


async def _storm(company: Premises) -> None:
    """Have all of them press Approve; the standby is broken by then, so that the operation ends at once."""
    before = len(company.cards())
    await _forget_requests(company.store)
    await ask(company, before)
    card, operation_id = company.card(), company.operation_id()
    site = company.sim.world.sites["hangzhou"]
    edit_instance(company.sim.world, site, {"status": "STOPPED"})
    heard = {user: len(company.whispered(user)) for user in CROWD}

    await asyncio.gather(*(company.slack.click(user, OPS, card["ts"], "operation.approve") for user in CROWD))
    await company.until(lambda: all(len(company.whispered(user)) > heard[user] for user in CROWD))
    told = {user: company.whispered(user)[-1] for user in CROWD}

    (winner,) = {vote["user_id"] for vote in (await company.document(operation_id))["votes"]}
    assert [user for user, words in told.items() if "is approved" in words] in ([winner], []), told
    unaware = [user for user, words in told.items() if not ("is approved" in words or f"<@{winner}>" in words)]
    assert all(NOT_COUNTED.search(told[user]) for user in unaware), told
    for user in unaware:
        assert f"<@{winner}>" in await company.command(user, f"approve {operation_id}")
    await company.shows("STALE")
    edit_instance(company.sim.world, site, {"status": "RUNNING"})


@pytest.mark.covers("F36")
@pytest.mark.timeout(300 + RACES)
async def test_of_approve_and_cancel_in_the_same_millisecond_one_wins_and_the_other_is_told(redis_url: str) -> None:
    racers = [_FORKS.Process(target=race, args=(redis_url, verb, RACES)) for verb in (Verb.APPROVE, Verb.CANCEL)]
    for racer in racers:
        racer.start()
    try:
        async with at_the_store(redis_url) as (world, store, ports):
            for number in range(RACES):
                await _forget_requests(store.link)
                operation = await world.ask()
                start = (ports.clock.now() + HEAD_START).timestamp()
                await store.link.call("SET", f"{TAG}:{number}", json.dumps([operation.id, start]))
                approve, cancel = await _report(store, number, Verb.APPROVE), await _report(store, number, Verb.CANCEL)

                _one_won((await store.get(operation.id)).state, approve, cancel)
    finally:
        for racer in racers:
            racer.terminate()
            await asyncio.to_thread(racer.join)


async def _forget_requests(link: RedisLink) -> None:
    """Let on-call ask more often than people may in an hour."""
    for key in await link.call("KEYS", f"{ASKED}*"):
        await link.call("DEL", key)


async def _report(store: Any, number: int, verb: Verb) -> Report:
    while (said := await store.link.call("LPOP", f"{TAG}:{number}:{verb}")) is None:
        await asyncio.sleep(0.002)
    return Report(**json.loads(said))


def _one_won(ended: State, approve: Report, cancel: Report) -> None:
    """Hold that the end is the winner's and that the loser was told his name."""
    if cancel.is_counted:
        assert (ended, approve.sent) == (State.CANCELLED, 0)
        assert approve.is_counted or f"is already CANCELLED (cancel: <@{ON_CALL_OF_RACES}>" in approve.said
    else:
        assert (ended, approve.is_counted, approve.sent) == (State.DONE, True, 1)
        assert "is already" in cancel.said
        assert f"approve: <@{APPROVER_OF_RACES}>" in cancel.said
