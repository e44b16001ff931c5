"""Slack's API and the cloud behind lines that fail in every way at once: the operation ends once and is shown."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.processes.people import approve, ask
from tests.processes.premises import STANDBY, Premises, premises
from tests.proxy import Proxy, proxy_to
from tests.scenarios.company import APPROVER, OPS

LASTS = 2.0
Fault = Callable[[Proxy], Awaitable[None]]
WRITE, EDIT = b"UpdateZoneRecord", b"chat.update"


async def _refuse(line: Proxy) -> None:
    await line.refuse()


async def _swallow(line: Proxy) -> None:
    line.is_black_hole = True


async def _cut(line: Proxy) -> None:
    line.reset()
    line.resets_instead_of_reply = 3


async def _drip(line: Proxy) -> None:
    line.drip = 0.05


async def _delay(line: Proxy) -> None:
    line.delay = 0.5


async def _lose_replies(line: Proxy) -> None:
    line.lose_reply_to(WRITE)
    line.lose_reply_to(EDIT)


FAULTS: dict[str, Fault] = {
    "refuses": _refuse,
    "swallows": _swallow,
    "is cut": _cut,
    "drips": _drip,
    "is slow": _delay,
    "loses replies": _lose_replies,
}


async def _mend(line: Proxy) -> None:
    line.is_black_hole, line.drip, line.delay, line.resets_instead_of_reply = False, 0.0, 0.0, 0
    await line.stop()
    await line.start()


@pytest.mark.covers("F47")
async def test_lines_that_fail_between_approval_and_end_cost_time_and_nothing_else(
    many_databases: str, tmp_path: Path
) -> None:
    async with asyncio.TaskGroup() as group:
        for number, name in enumerate(FAULTS):
            logs = tmp_path / name
            logs.mkdir()
            group.create_task(_through(name, f"{many_databases}{number}", logs))


async def _through(name: str, redis_url: str, logs: Path) -> None:
    async with premises(redis_url, logs) as company:
        api = company.environment["REGISTRY_BOT_SLACK_API_URL"]
        async with (
            proxy_to(api) as slack,
            proxy_to(f"http://{company.environment['REGISTRY_BOT_ALIBABA_PVTZ_ENDPOINT']}") as cloud,
        ):
            behind = {
                "REGISTRY_BOT_SLACK_API_URL": f"http://{slack.address}{urlsplit(api).path}",
                "REGISTRY_BOT_ALIBABA_PVTZ_ENDPOINT": cloud.address,
            }
            async with company.bot(**behind):
                await _move(company, FAULTS[name], slack, cloud)
        _check(name, company)
        await company.assert_no_secret_is_out()


async def _move(company: Premises, fault: Fault, *lines: Proxy) -> None:
    """Approve while the lines fail, and mend them after a while."""
    await ask(company)
    await company.shown()
    for line in lines:
        await fault(line)
    outcome = await company.slack.click(APPROVER, OPS, company.card()["ts"], "operation.approve")
    assert outcome["status"] == "ok", outcome
    await asyncio.sleep(LASTS)
    for line in lines:
        await _mend(line)
    await approve(company)  # where the bot could not be sure of it in time
    await company.shows("DONE")


def _check(name: str, company: Premises) -> None:
    assert company.holds() == STANDBY, name
    assert len(company.writes()) == 1, name
    assert len(company.cards()) == 1, name
