"""Keys: fetched in a thread, kept until they expire, never shown."""

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from bot.adapters.alibaba.credentials import Credentials, Keys
from bot.errors import Unreachable

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)


class Source:
    """Gives the keys it was handed, one after another; an error among them is raised."""

    def __init__(self, *outcomes: Keys | Exception) -> None:
        self.outcomes: Iterator[Keys | Exception] = iter(outcomes)
        self.asked = 0
        self.thread: int | None = None

    def __call__(self) -> Keys:
        self.asked += 1
        self.thread = threading.get_ident()
        outcome = next(self.outcomes)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


class Time:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


async def test_keys_are_fetched_once_and_not_on_the_event_loop() -> None:
    source = Source(Keys("id", "secret"))
    credentials = Credentials("main", source, Time())

    found = await asyncio.gather(*(credentials.keys() for _ in range(10)))

    assert {keys.key_id for keys in found} == {"id"}
    assert source.asked == 1
    assert source.thread != threading.get_ident()


async def test_a_renewal_replaces_the_keys() -> None:
    credentials = Credentials("main", Source(Keys("old", "s"), Keys("new", "s")), Time())
    await credentials.keys()

    await credentials.renew()

    assert (await credentials.keys()).key_id == "new"


async def test_when_renewal_fails_the_old_keys_serve_until_they_expire() -> None:
    time = Time()
    failing = Source(Keys("old", "s", "token", LATER), RuntimeError("STS is down"), RuntimeError("STS is down"))
    credentials = Credentials("main", failing, time)
    await credentials.keys()
    await credentials.renew()
    time.now = LATER - timedelta(seconds=1)

    assert (await credentials.keys()).key_id == "old"

    time.now = LATER
    with pytest.raises(Unreachable, match="no valid Alibaba Cloud credentials for account 'main'"):
        await credentials.keys()


async def test_keys_without_an_expiry_are_kept_for_as_long_as_it_takes() -> None:
    time = Time()
    credentials = Credentials("main", Source(Keys("id", "s"), RuntimeError("down")), time)
    await credentials.keys()
    await credentials.renew()
    time.now = NOON + timedelta(days=30)

    assert (await credentials.keys()).key_id == "id"


async def test_expired_keys_are_renewed_by_the_next_call() -> None:
    time = Time()
    credentials = Credentials("main", Source(Keys("old", "s", "t", LATER), Keys("new", "s")), time)
    await credentials.keys()
    time.now = LATER

    assert (await credentials.keys()).key_id == "new"


async def test_what_a_source_complains_about_is_not_logged() -> None:
    credentials = Credentials("main", Source(RuntimeError('{"AccessKeySecret": "hunter2"}')), Time())

    with capture_logs() as logs, pytest.raises(Unreachable):
        await credentials.keys()

    assert logs[0]["event"] == "alibaba.credentials_not_renewed"
    assert "hunter2" not in json.dumps(logs)


async def test_a_call_that_gives_up_waiting_leaves_no_lock_behind() -> None:
    def slow() -> Keys:
        time.sleep(0.1)
        return Keys("id", "s")

    credentials = Credentials("main", slow, Time())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await credentials.keys()

    assert (await credentials.keys()).key_id == "id"


def test_keys_do_not_show_themselves() -> None:
    assert "hunter2" not in f"{Keys('id', 'hunter2', 'hunter2')!r}"


def test_the_environment_s_key_pair_is_found_and_a_role_can_be_assumed_with_it() -> None:
    code = """
from bot.adapters.alibaba.sdk import key_source
keys = key_source(None)()
key_source("acs:ram::1:role/registry-bot")
print(keys.key_id, keys.secret, keys.token)
"""
    given = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAIx", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "s"}

    seen = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | given, capture_output=True, text=True, check=True
    )

    assert seen.stdout.split() == ["LTAIx", "s", "None"]
