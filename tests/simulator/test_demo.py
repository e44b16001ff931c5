"""The demonstration: what it starts, and that it ends all of it. The bot is played by a few lines of Python here."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from simulator import demo
from simulator.demo import BotProcess, Failed, bot_process, demonstrate

READY = """
import http.server, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/readyz" else 404)
        self.end_headers()
print(os.getpid(), os.environ["REGISTRY_BOT_REDIS_URL"], os.environ["REGISTRY_BOT_CONFIG"], flush=True)
http.server.HTTPServer(("127.0.0.1", int(os.environ["REGISTRY_BOT_HTTP_PORT"])), Handler).serve_forever()
"""
DYING = "import sys; print('The signing key is too short.', file=sys.stderr); sys.exit(2)"


def played(script: str) -> tuple[str, ...]:
    return (sys.executable, "-c", script)


class Stage:
    """A demonstration with what it said, and a way to act when it first says something."""

    def __init__(self, then: Callable[["Stage"], None]) -> None:
        self.stop = asyncio.Event()
        self.said = ""
        self.bot: list[str] = []
        self._then = then

    def say(self, text: str) -> None:
        self.said += text
        if "The bot logs to" in text:
            log = text.partition("The bot logs to ")[2].splitlines()[0]
            self.bot = Path(log).read_text().splitlines()[0].split()
            self._then(self)

    def run(self, script: str) -> Awaitable[None]:
        return demonstrate(self.stop, self.say, played(script))


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def accepts(url: str) -> bool:
    host, port = url.rpartition("@")[2].removeprefix("redis://").split("/")[0].split(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def exists(path: str) -> bool:
    return Path(path).exists()


async def test_the_page_is_named_when_the_bot_is_ready_and_stopping_ends_everything() -> None:
    alive: list[bool] = []

    def look_and_stop(stage: Stage) -> None:
        alive.extend([is_running(int(stage.bot[0])), accepts(stage.bot[1]), exists(stage.bot[2])])
        stage.stop.set()

    stage = Stage(look_and_stop)
    await stage.run(READY)

    assert alive == [True, True, True]
    assert "http://127.0.0.1:" in stage.said
    pid, redis, config = stage.bot
    assert [is_running(int(pid)), accepts(redis), exists(config)] == [False, False, False]


async def test_a_bot_that_cannot_start_is_quoted() -> None:
    stage = Stage(lambda _stage: None)

    with pytest.raises(Failed, match=r"exit code 2\. Its last lines:\n    The signing key is too short\."):
        await stage.run(DYING)


async def test_a_bot_that_dies_later_ends_the_demonstration() -> None:
    stage = Stage(lambda stage: os.kill(int(stage.bot[0]), signal.SIGKILL))

    with pytest.raises(Failed, match="exit code -9"):
        await stage.run(READY)

    assert not accepts(stage.bot[1])


async def test_a_bot_that_never_becomes_ready_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "READY_LIMIT_SECONDS", 0.3)

    with pytest.raises(Failed, match=r"not ready within .*\n    waiting for Slack"):
        await Stage(lambda _stage: None).run("print('waiting for Slack', flush=True); import time; time.sleep(60)")


async def test_stopping_while_the_bot_still_starts_ends_quietly() -> None:
    stage = Stage(lambda _stage: None)
    stage.stop.set()

    await stage.run("import time; time.sleep(60)")

    assert stage.said == ""


async def test_a_bot_that_ignores_its_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "BOT_STOP_SECONDS", 0.2)
    stubborn = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);" + READY

    async with bot_process(
        {"REGISTRY_BOT_REDIS_URL": "-", "REGISTRY_BOT_CONFIG": "-"}, tmp_path / "log", played(stubborn)
    ) as bot:
        await bot.become_ready()

    assert bot.process.returncode == -signal.SIGKILL


async def test_the_bot_does_not_see_settings_that_point_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGISTRY_BOT_SLACK_PROXY", "http://elsewhere.example")
    monkeypatch.setenv("ALIBABA_CLOUD_SECURITY_TOKEN", "elsewhere")
    show = "import os; print(sorted(name for name in os.environ if 'ALIBABA' in name or 'REGISTRY_BOT' in name))"

    async with bot_process({"REGISTRY_BOT_CONFIG": "here"}, tmp_path / "log", played(show)) as bot:
        await bot.process.wait()

    shown = ["REGISTRY_BOT_CONFIG", "REGISTRY_BOT_HTTP_PORT", "REGISTRY_BOT_METRICS_PORT"]
    assert bot.last_lines().strip() == str(shown)


async def test_a_port_that_is_taken_is_left_to_its_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setattr(demo, "HTTP_PORT", taken.getsockname()[1])

        async with bot_process({}, tmp_path / "log", played("")) as bot:
            assert not bot.http.endswith(f":{taken.getsockname()[1]}")


def test_a_bot_without_a_word_is_quoted_as_silent(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.touch()

    assert "said nothing" in BotProcess(None, log, "").last_lines()  # type: ignore[arg-type]
